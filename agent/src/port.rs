//! The report's virtio-serial port: finding it without udev, writing the report, reading commands.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use nix::fcntl::OFlag;
use nix::poll::{poll, PollFd, PollFlags, PollTimeout};

/// The port's name: part of the interface with the host.
pub(crate) const NAME: &str = "dev.kata-artifacts.report";

/// How long the host may take to open its end.
const HOST_PATIENCE: Duration = Duration::from_secs(5);
/// How often to look for what the kernel does not announce.
const LOOK_AGAIN: Duration = Duration::from_millis(10);
/// A command is a word; a longer line is no command.
const LONGEST_COMMAND: usize = 64;

/// The port, open. There can be only one: the kernel refuses a second opening.
pub(crate) struct Port(File);

/// Finds the port's device file. `sys` and `dev` are the guest's `/sys` and `/dev`.
pub(crate) fn find(sys: &Path, dev: &Path) -> Option<PathBuf> {
    let ports = fs::read_dir(sys.join("class/virtio-ports")).ok()?;
    ports.flatten().find_map(|port| {
        let name = fs::read_to_string(port.path().join("name")).ok()?;
        (name.trim_end() == NAME).then(|| dev.join(port.file_name()))
    })
}

/// [`find`], again and again for so long: the kernel learns a port's name from the host some time after its device.
pub(crate) fn wait_for(sys: &Path, dev: &Path, patience: Duration) -> Option<PathBuf> {
    let end = Instant::now() + patience;
    loop {
        let found = find(sys, dev).filter(|path| path.exists());
        if found.is_some() || Instant::now() >= end {
            return found;
        }
        thread::sleep(LOOK_AGAIN);
    }
}

impl Port {
    /// Opens the port.
    pub(crate) fn open(path: &Path) -> io::Result<Port> {
        // Without O_NONBLOCK a write waits for the host for ever.
        let file = OpenOptions::new().read(true).write(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(path)?;
        Ok(Port(file))
    }

    /// Writes everything, or fails when the host does not take it in time.
    pub(crate) fn send(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        let end = Instant::now() + HOST_PATIENCE;
        while !bytes.is_empty() {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(io::ErrorKind::TimedOut.into());
            }
            match self.0.write(bytes) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(length) => bytes = &bytes[length..],
                Err(cause) if is_passing(&cause) => self.wait(PollFlags::POLLOUT, left)?,
                Err(cause) => return Err(cause),
            }
        }
        Ok(())
    }

    /// Waits for the next line from the host. Lines that are too long to be a command come out empty.
    pub(crate) fn next_line(&mut self) -> io::Result<String> {
        let mut line = Vec::new();
        let mut byte = [0];
        loop {
            match self.0.read(&mut byte) {
                Ok(0) => thread::sleep(LOOK_AGAIN * 20),
                Ok(_) if byte == *b"\n" => return Ok(command(&line)),
                Ok(_) if line.len() <= LONGEST_COMMAND => line.extend(byte),
                Ok(_) => {}
                Err(cause) if is_passing(&cause) => self.wait(PollFlags::POLLIN, HOST_PATIENCE)?,
                Err(cause) => return Err(cause),
            }
        }
    }

    fn wait(&self, events: PollFlags, patience: Duration) -> io::Result<()> {
        let mut polled = [PollFd::new(self.0.as_fd(), events)];
        let timeout = PollTimeout::try_from(patience).unwrap_or(PollTimeout::MAX);
        match poll(&mut polled, timeout) {
            Ok(_) | Err(nix::errno::Errno::EINTR) => {}
            Err(cause) => return Err(cause.into()),
        }
        // A port whose other end is closed is ready at once and for ever.
        if polled[0].revents().is_some_and(|found| found.contains(PollFlags::POLLHUP)) {
            thread::sleep(LOOK_AGAIN);
        }
        Ok(())
    }
}

fn is_passing(cause: &io::Error) -> bool {
    matches!(cause.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

fn command(line: &[u8]) -> String {
    if line.len() > LONGEST_COMMAND {
        return String::new();
    }
    String::from_utf8_lossy(line).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_is_found_by_its_name_not_its_number() {
        let root = std::env::temp_dir().join(format!("agent-ports-{}", std::process::id()));
        for (port, name) in [("vport0p1", "other\n"), ("vport1p2", "dev.kata-artifacts.report\n")] {
            let directory = root.join("class/virtio-ports").join(port);
            fs::create_dir_all(&directory).unwrap();
            fs::write(directory.join("name"), name).unwrap();
        }
        fs::create_dir_all(root.join("class/virtio-ports/vport2p0")).unwrap();
        assert_eq!(find(&root, Path::new("/dev")), Some("/dev/vport1p2".into()));
        fs::remove_dir_all(root).unwrap();
    }

    #[test]
    fn without_ports_nothing_is_found() {
        assert_eq!(wait_for(Path::new("/nonexistent"), Path::new("/dev"), Duration::ZERO), None);
    }

    #[test]
    fn commands_are_short_lines() {
        assert_eq!(command(b" poweroff\r"), "poweroff");
        assert_eq!(command(&[b'x'; 100]), "");
        assert_eq!(command(b"\xff"), "\u{fffd}");
    }
}
