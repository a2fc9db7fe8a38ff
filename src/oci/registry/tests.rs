//! Tests of the client: who sees credentials, what is asked again, how uploads go on.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::json;

use super::{
    desk::Desk,
    liar::{Liar, Reply, Seen},
    *,
};
use crate::{
    digest::Digest,
    oci::{
        document::Descriptor,
        reference::{Name, Reference},
    },
};

pub(super) const SECRET: &str = "hunter2";

pub(super) fn repository<'a>(desk: &'a Desk, liar: &Liar) -> Repository<'a> {
    let Reference::Registry(remote) = liar.reference("kata") else {
        unreachable!("it is one");
    };
    Repository::new(&remote, &desk.settings, desk.bearings()).unwrap()
}

fn tag() -> Name {
    Name::Tag("t".to_owned())
}

pub(super) fn basic() -> String {
    credentials::basic("me", SECRET)
}

pub(super) fn authorization(seen: &Seen) -> &str {
    seen.headers.get("authorization").map_or("", String::as_str)
}

pub(super) fn challenge(text: &str) -> Reply {
    Reply::new(401, "").with("WWW-Authenticate", text)
}

/// Asserts that no secret is in what the user could see.
#[track_caller]
pub(super) fn tells_no_secret(desk: &Desk, error: &RegistryError) {
    let told = desk.told.0.lock().unwrap().join("\n");
    let error = format!(
        "{error} {error:?} {:?}",
        miette::Diagnostic::help(error).map(|it| it.to_string())
    );
    for secret in [
        SECRET,
        &basic()["Basic ".len()..],
        "token-1",
        "s=secret",
        "X-Sig",
    ] {
        assert!(!error.contains(secret), "{error}");
        assert!(!told.contains(secret), "{told}");
    }
}

#[test]
fn a_password_is_shown_when_the_registry_asks_for_it_and_not_before() {
    let liar = Liar::start(|seen, _| {
        (authorization(seen) != basic()).then(|| challenge("Basic realm=\"r\""))
    });
    liar.artifact("t", &[]);
    let mut desk = Desk::new();
    desk.login(&liar.host, "me", SECRET);
    let kata = repository(&desk, &liar);
    kata.document(&tag()).unwrap();
    kata.document(&tag()).unwrap();
    let sent: Vec<String> = liar
        .seen()
        .iter()
        .map(|it| authorization(it).to_owned())
        .collect();
    assert_eq!(sent, ["".to_owned(), basic(), basic()]);
}

#[test]
fn a_wrong_password_is_told_without_it() {
    let liar = Liar::start(|seen, _| {
        let echo = authorization(seen).to_owned();
        let body = json!({"errors": [{"code": echo, "message": echo}]}).to_string();
        Some(Reply::new(401, body).with("WWW-Authenticate", "Basic realm=\"r\""))
    });
    let mut desk = Desk::new();
    let error = repository(&desk, &liar).document(&tag()).unwrap_err();
    assert!(matches!(
        error,
        RegistryError::Unauthorized { known: false, .. }
    ));
    desk.login(&liar.host, "me", SECRET);
    let error = repository(&desk, &liar).document(&tag()).unwrap_err();
    assert!(matches!(
        error,
        RegistryError::Unauthorized { known: true, .. }
    ));
    tells_no_secret(&desk, &error);
    let echo = Liar::start(|seen, _| {
        let body = json!({"errors": [{"code": "X", "message": authorization(seen)}]});
        let is_known = authorization(seen) == basic();
        Some(if is_known {
            Reply::new(400, body.to_string())
        } else {
            challenge("Basic realm=r")
        })
    });
    desk.login(&echo.host, "me", SECRET);
    let error = repository(&desk, &echo).document(&tag()).unwrap_err();
    assert!(
        matches!(error, RegistryError::Refused { status: 400, .. }),
        "{error}"
    );
    tells_no_secret(&desk, &error);
}

/// A registry that wants tokens of a server beside it. Returns both; the token server counts its tokens.
fn with_tokens(scope_checked: bool) -> (Liar, Arc<Liar>) {
    let count = AtomicUsize::new(0);
    let realm = Arc::new(Liar::start(move |seen, _| {
        let number = count.fetch_add(1, Ordering::SeqCst) + 1;
        assert!(!scope_checked || seen.query.contains("scope=repository:kata:pull"));
        Some(Reply::new(
            200,
            json!({"token": format!("token-{number}")}).to_string(),
        ))
    }));
    let host = realm.host.clone();
    let valid = Mutex::new("token-1".to_owned());
    let liar = Liar::start(move |seen, number| {
        let mut valid = valid.lock().unwrap();
        // The first token runs out after two requests with it.
        if number == 3 {
            *valid = "token-2".to_owned();
        }
        (authorization(seen) != format!("Bearer {valid}")).then(|| {
            challenge(&format!(
                "Bearer realm=\"http://{host}/token\",service=\"s\",scope=\"repository:kata:pull\""
            ))
        })
    });
    (liar, realm)
}

#[test]
fn a_token_is_fetched_once_used_again_and_refreshed_when_it_has_run_out() {
    let (liar, realm) = with_tokens(true);
    liar.artifact("t", &[]);
    let mut desk = Desk::new();
    desk.login(&liar.host, "me", SECRET);
    let kata = repository(&desk, &liar);
    for _ in 0..3 {
        kata.document(&tag()).unwrap();
    }
    let tokens = realm.seen();
    assert_eq!(tokens.len(), 2);
    assert!(tokens.iter().all(|it| authorization(it) == basic()));
    assert!(
        liar.seen()
            .iter()
            .all(|it| !authorization(it).contains("Basic"))
    );
}

#[test]
fn without_a_password_a_token_is_asked_for_all_the_same() {
    let (liar, realm) = with_tokens(true);
    liar.artifact("t", &[]);
    let desk = Desk::new();
    repository(&desk, &liar).document(&tag()).unwrap();
    assert_eq!(authorization(&realm.seen()[0]), "");
}

#[test]
fn a_password_is_not_shown_to_another_realm() {
    let thief = Liar::honest();
    let port = thief.host.rsplit(':').next().unwrap().to_owned();
    let realm = format!("Bearer realm=\"http://localhost:{port}/token\"");
    let liar = Liar::start(move |_, _| Some(challenge(&realm)));
    let mut desk = Desk::new();
    desk.login(&liar.host, "me", SECRET);
    let error = repository(&desk, &liar).document(&tag()).unwrap_err();
    assert!(matches!(error, RegistryError::Realm { .. }), "{error}");
    tells_no_secret(&desk, &error);
    assert_eq!(thief.seen().len(), 0);
    desk.settings.token_hosts = vec!["localhost".to_owned()];
    let _ = repository(&desk, &liar).document(&tag());
    assert_eq!(thief.seen().len(), 1);
}

#[test]
fn a_token_of_a_token_server_that_redirects_takes_no_password_along() {
    let thief = Liar::honest();
    let to = format!("http://{}/token", thief.host);
    let liar = Liar::start(move |seen, _| {
        Some(if seen.path == "/token" {
            Reply::new(302, "").with("Location", &*to)
        } else {
            challenge(&format!(
                "Bearer realm=\"http://{}/token\"",
                seen.headers["host"]
            ))
        })
    });
    let mut desk = Desk::new();
    desk.login(&liar.host, "me", SECRET);
    let error = repository(&desk, &liar).document(&tag()).unwrap_err();
    tells_no_secret(&desk, &error);
    assert_eq!(thief.seen().len(), 1);
    assert_eq!(authorization(&thief.seen()[0]), "");
}

#[test]
fn a_redirect_to_another_host_is_followed_without_credentials() {
    let store = Arc::new(Liar::honest());
    let bytes = b"the kernel";
    let blob = store.blob(bytes, "a/b");
    let target = Arc::clone(&store);
    let liar = Liar::start(move |seen, _| {
        if authorization(seen) != basic() {
            return Some(challenge("Basic realm=r"));
        }
        let to = format!("http://{}{}?X-Sig=1", target.host, seen.path);
        seen.is("GET", "/blobs/")
            .then(|| Reply::new(307, "").with("Location", to))
    });
    let mut desk = Desk::new();
    desk.login(&liar.host, "me", SECRET);
    let blob: Descriptor = serde_json::from_value(blob).unwrap();
    repository(&desk, &liar).fetch(&blob, "it").unwrap();
    assert_eq!(desk.store.read(blob.digest).unwrap(), bytes);
    assert_eq!(authorization(&store.seen()[0]), "");
}

#[test]
fn a_redirect_that_leads_inside_or_to_another_kind_of_url_is_refused() {
    for (to, why) in [
        (
            "http://169.254.169.254/latest/meta-data?X-Sig=1",
            "private network",
        ),
        ("http://10.0.0.1/x", "private network"),
        ("http://[fe80::1]/x", "private network"),
        ("file:///etc/passwd", "neither https nor http"),
        ("http://me:hunter2@127.0.0.1/x", "credentials in it"),
    ] {
        let liar = Liar::start(move |_, _| Some(Reply::new(307, "").with("Location", to)));
        let desk = Desk::new();
        let error = repository(&desk, &liar).document(&tag()).unwrap_err();
        assert!(matches!(error, RegistryError::Redirect { .. }), "{error:?}");
        assert!(error.to_string().contains(why), "{error}");
        // It is asked once: an attack is no bad luck.
        assert_eq!(liar.seen().len(), 1);
    }
    let circle =
        Liar::start(|seen, _| Some(Reply::new(302, "").with("Location", seen.path.clone())));
    let desk = Desk::new();
    let error = repository(&desk, &circle).document(&tag()).unwrap_err();
    assert!(error.to_string().contains("circles"), "{error}");
}

#[test]
fn a_busy_registry_is_asked_again_and_told_of() {
    let liar = Liar::start(|_, number| match number {
        0 => Some(Reply::new(429, "").with("Retry-After", "0")),
        1 => Some(Reply::new(503, "")),
        _ => None,
    });
    liar.artifact("t", &[]);
    let desk = Desk::new();
    repository(&desk, &liar).document(&tag()).unwrap();
    assert_eq!(liar.seen().len(), 3);
    let down = Liar::start(|_, _| Some(Reply::new(503, "")));
    let error = repository(&desk, &down).document(&tag()).unwrap_err();
    assert!(
        error.to_string().ends_with("answered with HTTP 503"),
        "{error}"
    );
    assert_eq!(down.seen().len(), 3);
}

#[test]
fn a_wait_that_the_registry_asks_for_is_told_and_ends_when_the_work_is_stopped() {
    let desk = Arc::new(Desk::new());
    let stopping = Arc::clone(&desk);
    let liar = Liar::start(move |_, _| {
        let stopping = Arc::clone(&stopping);
        std::thread::spawn(move || {
            // Until the user was told.
            while stopping.told.0.lock().unwrap().is_empty() {
                std::thread::yield_now();
            }
            stopping.cancel.raise();
        });
        Some(
            Reply::new(429, "")
                .with("Date", "Wed, 21 Oct 2015 07:28:00 GMT")
                .with("Retry-After", "Wed, 21 Oct 2015 07:29:00 GMT"),
        )
    });
    let error = repository(&desk, &liar).document(&tag()).unwrap_err();
    assert!(matches!(error, RegistryError::Interrupted(_)), "{error:?}");
    let told = desk.told.0.lock().unwrap().join("");
    assert!(
        told.contains("answered with HTTP 429: waiting ") && told.contains(" s as it asks"),
        "{told}"
    );
    let greedy = Liar::start(|_, _| Some(Reply::new(429, "").with("Retry-After", "86400")));
    let desk = Desk::new();
    let error = repository(&desk, &greedy).document(&tag()).unwrap_err();
    assert!(
        error.to_string().contains("asks to wait 86400 s"),
        "{error}"
    );
    assert_eq!(greedy.seen().len(), 1);
}

#[test]
fn lists_are_read_page_after_page_and_in_the_registry_only() {
    let liar = Liar::start(|seen, _| {
        let page = |tags: &[&str], next: &str| {
            let reply = Reply::new(200, json!({"name": "kata", "tags": tags}).to_string());
            Some(reply.with("Link", format!("<{next}>; rel=\"next\"")))
        };
        match seen.query.as_str() {
            "n=1000" => page(&["a", "b"], "/v2/kata/tags/list?n=1000&last=b"),
            "n=1000&last=b" => page(
                &["c", "\u{1b}[31m"],
                "http://other.example/v2/kata/tags/list",
            ),
            _ => None,
        }
    });
    let desk = Desk::new();
    assert_eq!(repository(&desk, &liar).tags().unwrap(), ["a", "b", "c"]);
}

#[test]
fn a_registry_that_stores_something_else_is_found_out() {
    let liar = Liar::honest();
    liar.artifact("t", &[]);
    let desk = Desk::new();
    let document = repository(&desk, &liar).document(&tag()).unwrap();
    let other = Liar::start(|seen, _| {
        let digest = Digest::of(b"other").to_string();
        (seen.method == "PUT").then(|| Reply::new(201, "").with("Docker-Content-Digest", digest))
    });
    let error = repository(&desk, &other)
        .put_document(&document, &tag())
        .unwrap_err();
    assert!(matches!(error, RegistryError::Untrue { .. }), "{error}");
}

#[test]
fn nobody_there_is_told_with_what_may_help() {
    let mut desk = Desk::new();
    desk.settings.patience.connect = Duration::from_secs(2);
    let Ok(Reference::Registry(remote)) = "127.0.0.1:1/kata".parse() else {
        unreachable!("it is one");
    };
    let nowhere = Repository::new(&remote, &desk.settings, desk.bearings()).unwrap();
    let error = nowhere.document(&tag()).unwrap_err();
    assert!(
        matches!(error, RegistryError::Unreachable { .. }),
        "{error}"
    );
}
