//! Fetching from servers that behave well, badly and not at all.

use std::{
    fs,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use super::*;
use crate::source::{
    http::{Patience, Proxy},
    server::{Reply, Server},
};

const QUICK: Patience = Patience {
    connect: Duration::from_secs(5),
    stall: Duration::from_millis(200),
    rounds: 2,
    pause: Duration::ZERO,
    longest_pause: Duration::ZERO,
    most: 1 << 20,
};

struct World {
    _dir: tempfile::TempDir,
    store: Store,
    cancel: Cancel,
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let cancel = Cancel::new();
        Self {
            _dir: dir,
            store,
            cancel,
        }
    }

    fn fetch_patiently(
        &self,
        patience: Patience,
        bytes: &[u8],
        size: Option<u64>,
        urls: &[String],
    ) -> Result<(), FetchError> {
        let want = Want {
            digest: Digest::of(bytes),
            size,
            urls: urls.to_vec(),
            what: "thing".into(),
        };
        let client = Client::new(&Proxy::Direct, patience).unwrap();
        let result = client.fetch(&self.store, &want, &|_, _| {}, &self.cancel);
        if result.is_ok() {
            assert_eq!(self.store.read(want.digest).unwrap(), bytes);
            assert!(!self.partial(bytes).exists());
        }
        result
    }

    fn fetch(&self, bytes: &[u8], urls: &[String]) -> Result<(), FetchError> {
        self.fetch_patiently(QUICK, bytes, Some(bytes.len() as u64), urls)
    }

    fn partial(&self, bytes: &[u8]) -> std::path::PathBuf {
        self.store.partial(Digest::of(bytes))
    }
}

fn whys(result: Result<(), FetchError>) -> Vec<Why> {
    match result {
        Err(FetchError::Nowhere { tried, .. }) => tried.into_iter().map(|it| it.why).collect(),
        other => panic!("{other:?}"),
    }
}

fn part(from: usize, bytes: &[u8]) -> Reply {
    let (last, total) = (bytes.len() - 1, bytes.len());
    let rest = &bytes[from..];
    let length = rest.len();
    let head = format!(
        "HTTP/1.1 206 Partial Content\nContent-Length: {length}\nContent-Range: bytes {from}-{last}/{total}\n"
    );
    Reply::Whole(head, rest.to_vec())
}

/// A promise of all bytes, of which only the first `sent` come.
fn cut(bytes: &[u8], sent: usize, headers: &str) -> Reply {
    let length = bytes.len();
    let head = format!("HTTP/1.1 200 OK\nContent-Length: {length}\n{headers}");
    Reply::Whole(head, bytes[..sent].to_vec())
}

#[test]
fn a_blob_that_is_there_is_not_asked_for_again() {
    let world = World::new();
    let server = Server::start(|_, _| Reply::ok(b"kata"));
    world.fetch(b"kata", &[server.url("a")]).unwrap();
    world.fetch(b"kata", &[server.url("a")]).unwrap();
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn the_next_mirror_serves_what_the_first_one_does_not_have() {
    let world = World::new();
    let gone = Server::start(|_, _| Reply::status("404 Not Found"));
    let server = Server::start(|_, _| Reply::ok(b"kata"));
    world
        .fetch(b"kata", &[gone.url("a"), server.url("a")])
        .unwrap();
    assert_eq!(gone.requests().len(), 1);
}

#[test]
fn a_server_that_stumbles_is_asked_again_and_one_that_has_nothing_is_not() {
    let world = World::new();
    let gone = Server::start(|_, _| Reply::status("404 Not Found"));
    let server = Server::start(|number, _| match number {
        0 => Reply::status("503 Service Unavailable"),
        _ => Reply::ok(b"kata"),
    });
    world
        .fetch(b"kata", &[gone.url("a"), server.url("a")])
        .unwrap();
    assert_eq!((gone.requests().len(), server.requests().len()), (1, 2));
}

#[test]
fn when_all_fail_every_url_is_named_with_its_reason() {
    let world = World::new();
    let gone = Server::start(|_, _| Reply::status("404 Not Found"));
    let broken = Server::start(|_, _| Reply::status("500 Oops"));
    let error = world
        .fetch(b"kata", &[gone.url("a"), broken.url("b")])
        .unwrap_err();
    let text = error.to_string();
    for part in [&gone.url("a"), &broken.url("b"), "HTTP 404", "HTTP 500"] {
        assert!(text.contains(part), "{text}");
    }
    assert_eq!(broken.requests().len(), 2);
    assert!(!error.is_gone());
    let error = world.fetch(b"kata", &[gone.url("a")]).unwrap_err();
    assert!(error.is_gone());
    assert!(!world.partial(b"kata").exists());
}

#[test]
fn a_truncated_body_is_gone_on_with_where_it_stopped() {
    let bytes: Vec<u8> = (0..200_000_u32).map(|n| (n % 251) as u8).collect();
    let (world, content) = (World::new(), bytes.clone());
    let server = Server::start(move |number, _| match number {
        0 => cut(&content, 70_000, "ETag: \"one\"\n"),
        _ => part(70_000, &content),
    });
    world.fetch(&bytes, &[server.url("a")]).unwrap();
    let second = &server.requests()[1];
    assert!(second.contains("range: bytes=70000-"), "{second}");
    assert!(second.contains("if-range: \"one\""), "{second}");
}

#[test]
fn what_another_process_left_is_hashed_and_gone_on_with() {
    let bytes = b"first part, second part".to_vec();
    let (world, content) = (World::new(), bytes.clone());
    fs::write(world.partial(&bytes), &bytes[..10]).unwrap();
    let server = Server::start(move |_, _| part(10, &content));
    world.fetch(&bytes, &[server.url("a")]).unwrap();
    assert!(server.requests()[0].contains("range: bytes=10-"));
}

#[test]
fn a_partial_that_is_whole_already_needs_no_server() {
    let world = World::new();
    fs::write(world.partial(b"kata"), b"kata").unwrap();
    world.fetch(b"kata", &[]).unwrap();
}

#[test]
fn a_whole_partial_of_unknown_size_is_settled_by_416() {
    let world = World::new();
    fs::write(world.partial(b"kata"), b"kata").unwrap();
    let server = Server::start(|_, _| Reply::status("416 Range Not Satisfiable"));
    world
        .fetch_patiently(QUICK, b"kata", None, &[server.url("a")])
        .unwrap();
}

#[test]
fn a_server_that_ignores_ranges_is_taken_from_the_start() {
    let world = World::new();
    fs::write(world.partial(b"kata"), b"ka").unwrap();
    let server = Server::start(|_, _| Reply::ok(b"kata"));
    world.fetch(b"kata", &[server.url("a")]).unwrap();
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_range_that_was_not_asked_for_is_not_used() {
    for range in [
        "bytes 1-3/4",
        "bytes 2-3/9",
        "bytes 2-2/4",
        "bytes */4",
        "x",
    ] {
        let world = World::new();
        fs::write(world.partial(b"kata"), b"ka").unwrap();
        let server = Server::start(move |number, _| match number {
            0 => Reply::Whole(
                format!("HTTP/1.1 206 Partial Content\nContent-Range: {range}\n"),
                b"ta".to_vec(),
            ),
            _ => Reply::ok(b"kata"),
        });
        world.fetch(b"kata", &[server.url("a")]).unwrap();
        let requests = server.requests();
        assert_eq!(requests.len(), 2, "{range}");
        assert!(!requests[1].contains("range:"), "{range}");
    }
}

#[test]
fn a_part_of_other_bytes_is_dropped_and_everything_fetched_anew() {
    let world = World::new();
    fs::write(world.partial(b"kata"), b"XX").unwrap();
    let server = Server::start(|number, _| match number {
        0 => part(2, b"kata"),
        _ => Reply::ok(b"kata"),
    });
    world.fetch(b"kata", &[server.url("a")]).unwrap();
    assert!(!server.requests()[1].contains("range:"));
}

#[test]
fn wrong_bytes_name_both_digests_and_leave_nothing() {
    let world = World::new();
    let server = Server::start(|_, _| Reply::ok(b"KATA"));
    let error = world.fetch(b"kata", &[server.url("a")]).unwrap_err();
    let text = error.to_string();
    for digest in [Digest::of(b"kata"), Digest::of(b"KATA")] {
        assert!(text.contains(&digest.to_string()), "{text}");
    }
    assert!(!world.partial(b"kata").exists());
    assert_eq!(server.requests().len(), 1);
    assert!(world.store.blob(Digest::of(b"KATA")).is_none());
}

#[test]
fn a_login_page_is_refused_by_its_size_and_named_by_its_type() {
    let world = World::new();
    let server = Server::start(|_, _| {
        let page = b"<html>please log in</html>".to_vec();
        let length = page.len();
        let head = format!("HTTP/1.1 200 OK\nContent-Type: text/html\nContent-Length: {length}\n");
        Reply::Whole(head, page)
    });
    let why = whys(world.fetch(b"kata", &[server.url("a")]));
    assert_eq!(
        why[0].to_string(),
        "served 26 bytes of type text/html, expected 4"
    );
    let why = whys(world.fetch_patiently(QUICK, b"kata", None, &[server.url("a")]));
    assert!(
        why[0]
            .to_string()
            .starts_with("the bytes of type text/html")
    );
}

#[test]
fn an_endless_body_is_cut_off_whether_the_size_is_known_or_not() {
    for size in [Some(4), None] {
        let world = World::new();
        let server =
            Server::start(|_, _| Reply::Endless("HTTP/1.1 200 OK\n".into(), vec![0; 64 * 1024]));
        let why = whys(world.fetch_patiently(QUICK, b"kata", size, &[server.url("a")]));
        assert!(matches!(why[0], Why::TooLong { .. }), "{why:?}");
        assert!(!world.partial(b"kata").exists());
    }
}

#[test]
fn a_server_that_falls_silent_is_given_up_and_what_it_sent_is_kept() {
    let world = World::new();
    let silent = Server::start(|_, _| {
        Reply::Hang(
            "HTTP/1.1 200 OK\nContent-Length: 4\n".into(),
            b"ka".to_vec(),
        )
    });
    let mute = Server::start(|_, _| Reply::Hang(String::new(), Vec::new()));
    let server = Server::start(|_, _| part(2, b"kata"));
    let urls = [mute.url("a"), silent.url("a"), server.url("a")];
    world.fetch(b"kata", &urls).unwrap();
    assert!(server.requests()[0].contains("range: bytes=2-"));
}

#[test]
fn a_raised_flag_stops_a_fetch_from_a_silent_server_within_a_second() {
    let world = World::new();
    let silent = Server::start(|_, _| Reply::Hang("HTTP/1.1 200 OK\n".into(), b"ka".to_vec()));
    let patience = Patience {
        stall: Duration::from_secs(60),
        ..QUICK
    };
    let url = [silent.url("a")];
    let began = thread::scope(|scope| {
        let fetching = scope.spawn(|| world.fetch_patiently(patience, b"kata", Some(4), &url));
        while silent.requests().is_empty() {
            thread::yield_now();
        }
        let began = Instant::now();
        world.cancel.raise();
        let result = fetching.join().unwrap();
        assert!(
            matches!(result, Err(FetchError::Interrupted(_))),
            "{result:?}"
        );
        began
    });
    assert!(began.elapsed() < Duration::from_secs(1));
}

#[test]
fn two_processes_fetch_a_blob_once() {
    let world = World::new();
    let server = Server::start(|_, _| Reply::ok(&[7; 300_000]));
    let urls = [server.url("a")];
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| world.fetch(&[7; 300_000], &urls).unwrap());
        }
    });
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn files_are_mirrors_too() {
    let world = World::new();
    let file = world.store.root().join("mirrored");
    fs::write(&file, b"kata").unwrap();
    fs::write(world.partial(b"kata"), b"ka").unwrap();
    let url = |path: &Path| format!("file://{}", path.display());
    world
        .fetch(b"kata", &[url(&file.with_extension("gone")), url(&file)])
        .unwrap();
}

#[test]
fn a_small_file_is_returned_with_its_url_and_a_large_one_is_refused() {
    let world = World::new();
    let client = Client::new(&Proxy::Direct, QUICK).unwrap();
    let server = Server::start(|_, _| Reply::ok(b"signed"));
    let urls = [server.url("InRelease")];
    let (bytes, url) = client
        .get_small("release", &urls, 6, &world.cancel)
        .unwrap();
    assert_eq!((bytes.as_slice(), &url), (&b"signed"[..], &urls[0]));
    let why = whys(
        client
            .get_small("release", &urls, 5, &world.cancel)
            .map(drop),
    );
    assert!(matches!(why[0], Why::TooLong { limit: 5, .. }));
}
