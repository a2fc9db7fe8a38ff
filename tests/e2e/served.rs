//! Debian's registry, fetched, verified and unpacked by our own room for packages, and started on a loopback port.

use std::{
    fs::{self, File},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use kata_artifacts::{
    arch::Arch,
    cancel::Cancel,
    event::Silent,
    exec::{Shop, carry_out, execute},
    lock, manifest, plan,
    source::{
        Mirrors, Network,
        http::{Client, Patience, Proxy},
    },
    step::StepKey,
    store::Store,
};

use crate::world::World;

/// A running registry. It ends with the test.
pub(crate) struct Registry {
    pub(crate) host: String,
    child: Child,
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Brings Debian's registry and oras into the world's store; returns the tree that they are in.
pub(crate) fn tools(world: &World) -> PathBuf {
    let text = include_str!("registry.yaml");
    fs::write(world.path("registry.yaml"), text).unwrap();
    world.run(&["lock", "registry.yaml"]);
    let manifest = manifest::read(&world.path("registry.yaml")).unwrap();
    let path = world.path("registry.lock");
    let lock = lock::read(&path, &fs::read_to_string(&path).unwrap()).unwrap();
    let pinned = lock::pin(manifest, lock, Arch::host()).unwrap();
    let plan = plan::draft_vmm(&pinned, Arch::host()).unwrap();
    let mirrors = Mirrors::from_apt_directory(Path::new("/etc/apt"))
        .unwrap()
        .unwrap_or_default();
    let store = Store::open(&world.path("store")).unwrap();
    let client = Client::new(&Proxy::Environment, Patience::INTERNET).unwrap();
    let (network, cancel) = (Network::On(mirrors, client), Cancel::new());
    let shop = Shop {
        store: &store,
        network: &network,
        jobs: 2,
        cancel: &cancel,
        sink: &Silent,
        logs: world.path("logs"),
        host_path: String::new(),
    };
    let products = execute(&plan, &shop, &carry_out).unwrap();
    store.need_tree(StepKey(products["tree"].digest())).unwrap()
}

/// Returns a program of the tree, with the tree's own libraries: the host's may be older.
pub(crate) fn tool(tree: &Path, name: &str) -> Command {
    let mut command = Command::new(tree.join("usr/lib64/ld-linux-x86-64.so.2"));
    command
        .arg("--library-path")
        .arg(tree.join("usr/lib/x86_64-linux-gnu"));
    command.arg(tree.join("usr/bin").join(name));
    command
}

pub(crate) fn start(tree: &Path, room: &Path, htpasswd: Option<&Path>) -> Registry {
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let host = format!("127.0.0.1:{port}");
    let auth = htpasswd.map_or(String::new(), |file| {
        format!(
            "auth: {{htpasswd: {{realm: test, path: {}}}}}\n",
            file.display()
        )
    });
    let config = format!(
        "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {}}}}}\nhttp: {{addr: {host}}}\n{auth}",
        room.join("data").display()
    );
    fs::create_dir_all(room).unwrap();
    fs::write(room.join("config.yml"), config).unwrap();
    let child = tool(tree, "docker-registry")
        .args(["serve", &room.join("config.yml").display().to_string()])
        .stdout(Stdio::null())
        .stderr(File::create(room.join("log")).unwrap())
        .spawn()
        .unwrap();
    let registry = Registry { host, child };
    let deadline = Instant::now() + Duration::from_secs(60);
    while TcpStream::connect(&registry.host).is_err() {
        assert!(Instant::now() < deadline, "the registry does not answer");
        thread::sleep(Duration::from_millis(50));
    }
    registry
}
