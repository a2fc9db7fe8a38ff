//! The listening side: sockets and threads around [`service`]. A connection that misbehaves is closed; nothing that a
//! peer sends ends the agent.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use vsock::VsockListener;

use crate::address::Address;
use crate::console::{Console, Level};
use crate::frame::{self, Kind};
use crate::service::{self, Guest};

/// Connections served at once. A runtime holds one or two; more than this is a mistake or an attack.
const MOST_CONNECTIONS: usize = 32;
/// Bytes of stack for a connection's thread: its buffers are on the heap.
const STACK: usize = 256 * 1024;
/// How long to wait when accepting fails, which is a lack of memory or descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Listens, and serves in threads of its own. Returns once connections are accepted.
pub(crate) fn start(address: &Address, guest: Guest, console: &Console) -> io::Result<()> {
    let (guest, console) = (Arc::new(guest), console.clone());
    match address {
        Address::Vsock { cid, port } => {
            let listener = VsockListener::bind_with_cid_port(*cid, *port)?;
            let accept = move || listener.accept().map(|(stream, _)| stream);
            spawn("accept", move || accept_all(accept, &guest, &console))
        }
        Address::Unix(path) => {
            let listener = UnixListener::bind(path)?;
            let accept = move || listener.accept().map(|(stream, _)| stream);
            spawn("accept", move || accept_all(accept, &guest, &console))
        }
    }
}

fn accept_all<S>(accept: impl Fn() -> io::Result<S>, guest: &Arc<Guest>, console: &Console)
where
    S: Read + Write + Send + 'static,
{
    let open = Arc::new(AtomicUsize::new(0));
    loop {
        match accept() {
            Ok(stream) => serve(stream, guest, console, &open),
            Err(cause) => {
                console.warn(format!("cannot accept a connection: {cause}"));
                thread::sleep(ACCEPT_PAUSE);
            }
        }
    }
}

fn serve<S>(mut stream: S, guest: &Arc<Guest>, console: &Console, open: &Arc<AtomicUsize>)
where
    S: Read + Write + Send + 'static,
{
    // Dropping the stream closes it.
    let Some(place) = Place::take(open) else {
        return console.warn(format!("refused a connection: {MOST_CONNECTIONS} are open"));
    };
    let (guest, talker) = (guest.clone(), console.clone());
    let started = spawn("connection", move || {
        if let Err(cause) = converse(&mut stream, &guest) {
            talker.say(Level::Debug, format!("closed a connection: {cause}"));
        }
        drop(place);
    });
    if let Err(cause) = started {
        console.warn(format!("cannot serve a connection: {cause}"));
    }
}

fn converse(stream: &mut (impl Read + Write), guest: &Guest) -> io::Result<()> {
    while let Some(frame) = frame::read(stream)? {
        if let Some(body) = service::answer(guest, &frame) {
            frame::write(stream, frame.stream, Kind::Response, &body)?;
        }
    }
    Ok(())
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name(name.to_owned()).stack_size(STACK).spawn(work).map(drop)
}

/// One of the connections that may be open, given back when dropped.
struct Place(Arc<AtomicUsize>);

impl Place {
    fn take(open: &Arc<AtomicUsize>) -> Option<Place> {
        let place = Place(open.clone());
        (open.fetch_add(1, Ordering::Relaxed) < MOST_CONNECTIONS).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_given_back_also_when_refused() {
        let open = Arc::new(AtomicUsize::new(0));
        let places: Vec<Place> = (0..MOST_CONNECTIONS).filter_map(|_| Place::take(&open)).collect();
        assert_eq!(places.len(), MOST_CONNECTIONS);
        assert!(Place::take(&open).is_none());
        drop(places);
        assert_eq!(open.load(Ordering::Relaxed), 0);
    }
}
