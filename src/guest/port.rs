//! The port on which the agent reports: a socket that the monitor connects to a virtio-serial port of the guest.

use std::{
    io::{self, Read, Write},
    os::{
        fd::AsFd,
        unix::net::{UnixListener, UnixStream},
    },
    path::Path,
    sync::{Mutex, PoisonError},
};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::report::LONGEST;
use crate::cancel::Cancel;

/// The socket's name in its directory.
pub(super) const SOCKET: &str = "report";
/// Milliseconds after which a stopped boot is noticed.
const TICK: u16 = 50;

/// A socket that waits for the monitor.
pub(super) struct Port {
    listener: UnixListener,
    stream: Mutex<Option<UnixStream>>,
}

impl Port {
    /// Listens in a directory.
    pub(super) fn listen(directory: &Path) -> io::Result<Self> {
        let listener = UnixListener::bind(directory.join(SOCKET))?;
        let stream = Mutex::new(None);
        Ok(Self { listener, stream })
    }

    /// Waits for one line and returns it, without its end; more than a report's length is cut. `None` when nothing was
    /// said before `stop` was raised or the monitor ended.
    pub(super) fn receive(&self, stop: &Cancel) -> Option<Vec<u8>> {
        wait(&self.listener, stop)?;
        let (mut stream, _) = self.listener.accept().ok()?;
        *self.stream.lock().unwrap_or_else(PoisonError::into_inner) = stream.try_clone().ok();
        let mut said = Vec::new();
        let mut piece = [0; 4096];
        while said.len() <= LONGEST {
            wait(&stream, stop)?;
            match stream.read(&mut piece) {
                Ok(0) | Err(_) => break,
                Ok(read) => said.extend_from_slice(&piece[..read]),
            }
            if let Some(end) = said.iter().position(|byte| *byte == b'\n') {
                said.truncate(end);
                return Some(said);
            }
        }
        (!said.is_empty()).then_some(said)
    }

    /// Asks the agent to end the guest. An agent that does not listen is ended by force later.
    pub(super) fn power_off(&self) {
        if let Some(stream) = &mut *self.stream.lock().unwrap_or_else(PoisonError::into_inner) {
            let _ = stream.write_all(b"poweroff\n");
        }
    }
}

/// Waits until there is something to take; `None` when `stop` was raised and there is still nothing.
fn wait(source: &impl AsFd, stop: &Cancel) -> Option<()> {
    loop {
        // Asked before looking, so that what was there when it was raised is still taken.
        let stopped = stop.is_raised();
        let mut sources = [PollFd::new(source.as_fd(), PollFlags::POLLIN)];
        match poll(&mut sources, PollTimeout::from(TICK)) {
            Ok(0) if stopped => return None,
            Ok(0) | Err(nix::errno::Errno::EINTR) => {}
            Ok(_) => return Some(()),
            Err(_) => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};

    use super::*;

    fn received(say: impl FnOnce(UnixStream) + Send) -> Option<Vec<u8>> {
        let directory = tempfile::tempdir().unwrap();
        let port = Port::listen(directory.path()).unwrap();
        let path = directory.path().join(SOCKET);
        std::thread::scope(|scope| {
            scope.spawn(|| say(UnixStream::connect(path).unwrap()));
            let received = port.receive(&Cancel::new());
            // A guest that goes on writing fails from here on.
            drop(port);
            received
        })
    }

    #[test]
    fn a_report_is_one_line_even_when_it_comes_in_pieces() {
        let received = received(|mut guest| {
            guest.write_all(b"{\"a\":").unwrap();
            guest.write_all(b"1}\nmore").unwrap();
        });
        assert_eq!(received.unwrap(), b"{\"a\":1}");
    }

    #[test]
    fn a_report_without_end_is_cut() {
        let received = received(|mut guest| while guest.write_all(&[b'x'; 4096]).is_ok() {});
        assert!((LONGEST..LONGEST + 5000).contains(&received.unwrap().len()));
    }

    #[test]
    fn a_guest_that_says_nothing_has_no_report() {
        assert_eq!(received(drop), None);
        let directory = tempfile::tempdir().unwrap();
        let port = Port::listen(directory.path()).unwrap();
        let stop = Cancel::new();
        stop.raise();
        assert_eq!(port.receive(&stop), None);
    }

    #[test]
    fn what_was_said_before_the_stop_is_received() {
        let directory = tempfile::tempdir().unwrap();
        let port = Port::listen(directory.path()).unwrap();
        let mut guest = UnixStream::connect(directory.path().join(SOCKET)).unwrap();
        guest.write_all(b"{}\n").unwrap();
        let stop = Cancel::new();
        stop.raise();
        assert_eq!(port.receive(&stop).unwrap(), b"{}");
        port.power_off();
        let mut line = String::new();
        BufReader::new(guest).read_line(&mut line).unwrap();
        assert_eq!(line, "poweroff\n");
    }
}
