//! The agent as process 1: what happens at the start of a guest, in order.

use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use crate::address::Address;
use crate::cmdline::{End, Fault, Wishes};
use crate::console::{Console, Level};
use crate::mounts::{self, Outcome, State};
use crate::port::{self, Port};
use crate::probe::{self, System};
use crate::report::{self, Listening, Report};
use crate::service::Guest;
use crate::{device_links, loopback, reap, server, stop};

/// Where Kata's agent looks for programs, with its spelling.
const PATH: &str = "/bin:/sbin/:/usr/bin/:/usr/sbin/";
/// How long the kernel may take to learn the report port's name from the host.
const PORT_PATIENCE: Duration = Duration::from_secs(1);
/// A port takes bytes before the host has read them and cannot say when it has. Ending the guest waits this long.
const PORT_SETTLES: Duration = Duration::from_millis(50);

/// Starts the guest and keeps it going until it is told to end. Returns only where a test asked for that fault.
pub(crate) fn run() -> ExitCode {
    let started = probe::uptime();
    stop::on_panic();

    let mut outcomes = mounts::mount_all(&mounts::base());
    let wishes = Wishes::parse(&text("/proc/cmdline"));
    let console = Console::of_guest(wishes.log);
    console.info(format!(
        "{} {} is process 1; it proves a guest, it does not run containers",
        crate::NAME,
        crate::VERSION
    ));
    outcomes.extend(mounts::mount_all(&mounts::control_groups(wishes.hierarchy, &text("/proc/cgroups"))));
    tell_mounts(&outcomes, &console);
    for complaint in &wishes.complaints {
        console.warn(format!("ignored `{complaint}` of the kernel command line"));
    }
    settle(&console);

    let signals = match reap::hold_signals() {
        Ok(signals) => signals,
        Err(cause) => panic!("cannot hold back signals: {cause}"),
    };
    let system = System::of_guest();
    let server = serve(&wishes.server, &system, &console);
    let ready = probe::uptime();
    console.info(format!("ready after {ready:.3} s"));
    if wishes.fault == Some(Fault::Hang) {
        hang(&console);
    }

    let mut port = open_port(&system, &console);
    let report = probe::report(&system, started, ready, server, outcomes);
    tell_missing(&report, &console);
    deliver(&report, port.as_mut(), &console);
    match wishes.fault {
        Some(Fault::Panic) => panic!("the kernel command line asked for a panic"),
        Some(Fault::Exit) => return ExitCode::FAILURE,
        Some(Fault::Hang) | None => {}
    }
    if wishes.end == End::Ready {
        if port.is_some() {
            thread::sleep(PORT_SETTLES);
        }
        stop::end(&console, "the kernel command line asked for it");
    }
    if let Some(port) = port {
        let listener = console.clone();
        thread::spawn(move || obey(port, &listener));
    }
    match reap::until_told_to_stop(&signals, &console) {
        Ok(signal) => stop::end(&console, &format!("received {signal}")),
        Err(cause) => panic!("cannot wait for signals: {cause}"),
    }
}

fn text(path: &str) -> String {
    String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned()
}

fn tell_mounts(outcomes: &[Outcome], console: &Console) {
    for outcome in outcomes {
        let target = &outcome.target;
        match &outcome.state {
            State::Mounted => console.info(format!("mounted {target}")),
            State::Present => console.info(format!("found {target} mounted")),
            State::Failed { error } => {
                console.say(Level::Error, format!("cannot mount {} at {target}: {error}", outcome.kind));
            }
        }
    }
}

/// Links, session, search path, host name and loopback: nothing that a guest cannot be proved without.
fn settle(console: &Console) {
    for complaint in device_links::make(Path::new("/dev")) {
        console.warn(complaint);
    }
    // No controlling terminal is taken: an interrupt typed on the console must not reach process 1.
    if let Err(cause) = nix::unistd::setsid() {
        console.say(Level::Debug, format!("no new session: {cause}"));
    }
    std::env::set_var("PATH", PATH);
    if let Err(cause) = nix::unistd::sethostname(host_name(&text("/etc/hostname"))) {
        console.warn(format!("cannot set the host name: {cause}"));
    }
    match loopback::up() {
        Ok(()) => console.info("brought lo up"),
        Err(cause) => console.warn(format!("cannot bring lo up: {cause}")),
    }
}

/// The first word of `/etc/hostname`, or `localhost`.
fn host_name(text: &str) -> &str {
    text.split_ascii_whitespace().next().unwrap_or("localhost")
}

fn serve(address: &str, system: &System, console: &Console) -> Listening {
    let guest = Guest { system: system.clone(), init: true };
    let started = match address.parse::<Address>() {
        Ok(parsed) => server::start(&parsed, guest, console).map_err(|cause| cause.to_string()),
        Err(invalid) => Err(invalid.to_string()),
    };
    match &started {
        Ok(()) => console.info(format!("serving on {address}")),
        Err(error) => console.say(Level::Error, format!("cannot serve on {address}: {error}")),
    }
    Listening { address: address.to_owned(), listening: started.is_ok(), error: started.err() }
}

fn open_port(system: &System, console: &Console) -> Option<Port> {
    let patience = if system.has_virtio_console() { PORT_PATIENCE } else { Duration::ZERO };
    let path = port::wait_for(&system.path("sys"), &system.path("dev"), patience)?;
    let opened = Port::open(&path);
    opened.map_err(|cause| console.warn(format!("cannot open {}: {cause}", path.display()))).ok()
}

fn tell_missing(report: &Report, console: &Console) {
    for missing in &report.missing {
        console.say(Level::Debug, format!("missing {}: {}", missing.name, missing.reason));
    }
    let names: Vec<&str> = report.missing.iter().map(|missing| missing.name).collect();
    if !names.is_empty() {
        console.warn(format!("missing, as the report explains: {}", names.join(" ")));
    }
}

/// Writes the report to the port, or else to the console.
fn deliver(report: &Report, port: Option<&mut Port>, console: &Console) {
    let line = report.to_line();
    match port.map(|port| port.send(line.as_bytes())) {
        Some(Ok(())) => console.info(format!("sent the report to {}", port::NAME)),
        Some(Err(cause)) => {
            console.warn(format!("cannot send the report to {}: {cause}", port::NAME));
            report::to_console(&line, console);
        }
        None => report::to_console(&line, console),
    }
}

/// Does what the host says on the port.
fn obey(mut port: Port, console: &Console) {
    loop {
        match port.next_line() {
            Ok(line) if line == "poweroff" => stop::end(console, "the host asked for it"),
            Ok(line) => console.warn(format!("ignored `{}` from the host", line.escape_default())),
            Err(cause) => return console.warn(format!("cannot read from {}: {cause}", port::NAME)),
        }
    }
}

fn hang(console: &Console) -> ! {
    console.warn("hanging, because the kernel command line asked for it");
    loop {
        thread::park();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_name_is_the_first_word_or_localhost() {
        assert_eq!(host_name("guest one\n"), "guest");
        assert_eq!(host_name("guest\n"), "guest");
        assert_eq!(host_name(""), "localhost");
        assert_eq!(host_name(" \n"), "localhost");
    }
}
