//! Tests of `credentials`: the files and helpers that other tools leave.

use tempfile::TempDir;

use super::*;

struct Room {
    dir: TempDir,
}

impl Room {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self { dir }
    }

    fn file(&self, name: &str, content: &Value) -> PathBuf {
        let path = self.dir.path().join(name);
        fs::write(&path, content.to_string()).unwrap();
        path
    }

    fn helper(&self, name: &str, script: &str) {
        let path = self.dir.path().join(format!("docker-credential-{name}"));
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn keyring(&self, files: &[&str]) -> Keyring {
        Keyring {
            files: files
                .iter()
                .map(|name| self.dir.path().join(name))
                .collect(),
            path: format!("{}:/usr/bin:/bin", self.dir.path().display()),
        }
    }
}

fn password(user: &str, password: &str) -> Option<Credential> {
    Some(Credential::Password {
        user: user.to_owned(),
        password: password.to_owned(),
    })
}

fn auth(pair: &str) -> Value {
    json!({"auth": BASE64.encode(pair)})
}

#[test]
fn the_longest_name_that_a_repository_lies_below_wins() {
    let room = Room::new();
    let auths = json!({"auths": {
        "r.example": auth("host:a"), "r.example/team": auth("team:b"), "r.example/team/one": auth("one:c:d"),
        "https://old.example/v1/": auth("old:e"),
    }});
    room.file("auth.json", &auths);
    let keyring = room.keyring(&["missing.json", "auth.json"]);
    let find = |host, repository| keyring.find(host, repository).unwrap();
    assert_eq!(find("r.example", "other"), password("host", "a"));
    assert_eq!(find("r.example", "team/two"), password("team", "b"));
    assert_eq!(find("r.example", "team/one"), password("one", "c:d"));
    assert_eq!(find("old.example", "x"), password("old", "e"));
    assert_eq!(find("r.example:5000", "x"), None);
    assert_eq!(find("example", "x"), None);
}

#[test]
fn the_first_file_that_has_one_wins_and_an_empty_entry_is_none() {
    let room = Room::new();
    room.file("first.json", &json!({"auths": {"r.example": {}}}));
    let second = json!({"auths": {"r.example": {"identitytoken": "refresh"}}});
    room.file("second.json", &second);
    let found = room
        .keyring(&["first.json", "second.json"])
        .find("r.example", "a");
    assert_eq!(
        found.unwrap(),
        Some(Credential::Identity("refresh".to_owned()))
    );
}

#[test]
fn a_helper_is_asked_for_the_registry_on_its_standard_input() {
    let room = Room::new();
    room.helper(
        "one",
        r#"[ "$1" = get ] && host=$(cat) && echo "{\"ServerURL\":\"$host\",\"Username\":\"<token>\",\"Secret\":\"of $host\"}""#,
    );
    room.helper(
        "none",
        "echo credentials not found in native keychain; exit 1",
    );
    room.helper("broken", "echo no keychain; exit 1");
    let file = json!({
        "credHelpers": {"a.example": "one", "b.example": "broken", "c.example": "../one"}, "credsStore": "none",
    });
    room.file("config.json", &file);
    let keyring = room.keyring(&["config.json"]);
    let found = keyring.find("a.example", "x").unwrap();
    assert_eq!(found, Some(Credential::Identity("of a.example".to_owned())));
    assert_eq!(keyring.find("d.example", "x").unwrap(), None);
    let error = keyring.find("b.example", "x").unwrap_err().to_string();
    assert_eq!(
        error,
        "the credential helper `docker-credential-broken` failed: no keychain"
    );
    assert!(keyring.find("c.example", "x").is_err());
}

#[test]
fn what_is_stored_is_found_and_forgotten_and_the_rest_of_the_file_stays() {
    let room = Room::new();
    let path = room.file(
        "config.json",
        &json!({"auths": {"o.example": auth("o:o")}, "psFormat": "x"}),
    );
    let keyring = room.keyring(&["config.json"]);
    keyring.store("r.example", "me", "pass:word").unwrap();
    assert_eq!(
        keyring.find("r.example", "x").unwrap(),
        password("me", "pass:word")
    );
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(
        keyring.forget("r.example").unwrap(),
        [path.display().to_string()]
    );
    assert_eq!(keyring.find("r.example", "x").unwrap(), None);
    assert_eq!(keyring.forget("r.example").unwrap(), Vec::<String>::new());
    let left: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    assert_eq!(
        left,
        json!({"auths": {"o.example": auth("o:o")}, "psFormat": "x"})
    );
}

#[test]
fn a_store_that_the_file_names_gets_the_password_on_its_standard_input() {
    let room = Room::new();
    room.helper(
        "kept",
        r#"[ "$1" = store ] && cat > "$(dirname "$0")/stored""#,
    );
    room.file("config.json", &json!({"credsStore": "kept"}));
    let told = room
        .keyring(&["config.json"])
        .store("r.example", "me", "secret");
    assert_eq!(told.unwrap(), "docker-credential-kept");
    let stored = fs::read_to_string(room.dir.path().join("stored")).unwrap();
    let stored: Value = serde_json::from_str(&stored).unwrap();
    assert_eq!(
        stored,
        json!({"ServerURL": "r.example", "Username": "me", "Secret": "secret"})
    );
}

#[test]
fn an_error_about_credentials_tells_none() {
    let room = Room::new();
    room.file(
        "auth.json",
        &json!({"auths": {"r.example": {"auth": "c2VjcmV0"}}}),
    );
    let error = room
        .keyring(&["auth.json"])
        .find("r.example", "a")
        .unwrap_err();
    let told = format!("{error} {error:?}");
    assert!(
        !told.contains("c2VjcmV0") && !told.contains("secret"),
        "{told}"
    );
    fs::write(
        room.dir.path().join("bad.json"),
        r#"{"auths": {"r.example": "hunter2"#,
    )
    .unwrap();
    let error = room
        .keyring(&["bad.json"])
        .find("r.example", "a")
        .unwrap_err();
    assert!(!format!("{error} {error:?}").contains("hunter2"));
    let secret = Credential::Identity("hunter2".to_owned());
    assert_eq!(format!("{secret:?}"), "Credential(…)");
}
