//! The agent as an ordinary program, for developers and tests. It mounts nothing and powers nothing off.

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use crate::address::Address;
use crate::console::Console;
use crate::probe::System;
use crate::service::Guest;
use crate::{probe, reap, server};

const HELP: &str = "\
Prove a Kata guest: boot as init, answer Kata's health calls, report what the kernel offers.
It does not run containers; a guest that shall do so needs Kata's own agent.

As process 1 it mounts, serves and reports by itself, and the kernel command line configures it.
Otherwise it mounts nothing:

Usage: kata-artifacts-agent [OPTION]

      --serve <ADDRESS>  Serve until SIGTERM on unix://<path> or vsock://<cid>:<port>
      --report           Print the report on this system, one line of JSON
      --version          Print the version
      --help             Print this help

Kernel command line:
  agent.server_addr=<ADDRESS>           where to serve (vsock://-1:1024)
  agent.log=<LEVEL>                     error, warn, info, debug (info)
  systemd.unified_cgroup_hierarchy=0    mount control groups version 1, not 2
  kata_artifacts.poweroff=ready         end the guest once the report is out
  kata_artifacts.fail=panic|exit|hang   fail on purpose, to test what watches the guest
";

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
enum Request {
    Serve(Address),
    Report,
    Version,
    Help,
}

/// Does what the arguments ask. Exit codes: 0 done, 1 failed, 2 unusable arguments.
pub(crate) fn run(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<String> = arguments.map(|argument| argument.to_string_lossy().into_owned()).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let console = Console::of_developer();
    match parse(&arguments) {
        Ok(Request::Serve(address)) => serve(&address, &console),
        Ok(Request::Report) => print(&probe::of_developer(&System::of_guest()).to_line()),
        Ok(Request::Version) => print(&format!("{} {}\n", crate::NAME, crate::VERSION)),
        Ok(Request::Help) => print(HELP),
        Err(complaint) => {
            console.line(&format!("error: {complaint}\n\nTry --help."));
            ExitCode::from(2)
        }
    }
}

fn parse(arguments: &[&str]) -> Result<Request, String> {
    match arguments {
        ["--serve", address] => address.parse().map(Request::Serve).map_err(|invalid| format!("{invalid}")),
        ["--serve"] => Err("`--serve` needs an address".to_owned()),
        ["--report"] => Ok(Request::Report),
        ["--version" | "-V"] => Ok(Request::Version),
        ["--help" | "-h"] => Ok(Request::Help),
        [] => Err("this is not process 1, and no option says what else to do".to_owned()),
        [first, ..] => Err(format!("unexpected `{first}`")),
    }
}

fn serve(address: &Address, console: &Console) -> ExitCode {
    let guest = Guest { system: System::of_guest(), init: false };
    let served = reap::hold_signals().map_err(std::io::Error::from).and_then(|signals| {
        server::start(address, guest, console)?;
        console.info("serving");
        Ok(reap::until_told_to_stop(&signals, console)?)
    });
    match served {
        Ok(signal) => {
            console.info(format!("stopped by {signal}"));
            ExitCode::SUCCESS
        }
        Err(cause) => {
            console.line(&format!("error: cannot serve: {cause}"));
            ExitCode::FAILURE
        }
    }
}

fn print(text: &str) -> ExitCode {
    match std::io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_understood() {
        let address = Address::Unix("/x".into());
        assert_eq!(parse(&["--serve", "unix:///x"]), Ok(Request::Serve(address)));
        assert_eq!(parse(&["--version"]), Ok(Request::Version));
        assert_eq!(parse(&["--report"]), Ok(Request::Report));
    }

    #[test]
    fn what_is_not_understood_is_named() {
        assert!(parse(&["--serve", "x"]).unwrap_err().contains("`x`"));
        assert!(parse(&["single", "--version"]).unwrap_err().contains("`single`"));
        assert!(parse(&[]).is_err());
    }

    #[test]
    fn help_says_what_it_is_not() {
        assert!(HELP.contains("does not run containers"));
    }
}
