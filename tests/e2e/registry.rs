//! A real registry, out of Debian's packages by our own room for them, on a loopback port: what we push, other people's
//! clients pull byte for byte, and what they push, we pull.

use std::{
    fs::{self, File},
    path::Path,
    process::{Command, Stdio},
};

use kata_artifacts::digest::Digest;

use crate::{
    interop::small_layout,
    served::{start, tool, tools},
    world::{Printed, World, succeed},
};

/// The user `test` and the password `U*U`: a test vector of bcrypt.
const HTPASSWD: &str = "test:$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW\n";

fn skopeo(args: &[&str]) -> Printed {
    succeed(Command::new("skopeo").args(args))
}

/// Tells whether a program is there. Debian has not packaged every client in every release.
fn has(program: &str) -> bool {
    let found = Command::new(program).arg("--version").output().is_ok();
    if !found {
        println!("not compared with {program}: it is not installed");
    }
    found
}

fn same_files(one: &Path, two: &Path) -> usize {
    let names = |dir: &Path| {
        let entries = fs::read_dir(dir).unwrap().map(|it| it.unwrap().file_name());
        let mut names: Vec<_> = entries.collect();
        names.sort();
        names
    };
    assert_eq!(names(one), names(two));
    for name in names(one) {
        let digest = |dir: &Path| Digest::of_file(&dir.join(&name)).unwrap();
        assert_eq!(digest(one), digest(two), "{name:?}");
    }
    names(one).len()
}

#[test]
fn others_pull_what_we_push_and_we_pull_what_they_push() {
    if !crate::wanted() {
        return;
    }
    let world = World::on_an_empty_store();
    let tree = tools(&world);
    let registry = start(&tree, &world.path("registry"), None);
    fs::create_dir(world.path("built")).unwrap();
    let layout = format!("oci:{}", small_layout(&world.path("built")).display());
    let kata = format!("{}/team/kata", registry.host);

    let pushed = world.run(&["push", &layout, &kata, "--json"]).json();
    let artifacts = pushed["artifacts"].as_array().unwrap();
    assert_eq!(artifacts.len(), 8);
    let again = world.run(&["push", &layout, &kata]);
    assert!(
        again.out.contains("0 blobs sent (0 B), 0 mounted"),
        "{}",
        again.out
    );
    for artifact in artifacts {
        let tag = artifact["tags"][0].as_str().unwrap();
        let docker = format!("docker://{kata}:{tag}");
        let raw = skopeo(&["inspect", "--raw", "--tls-verify=false", &docker]).out;
        assert_eq!(Digest::of(raw.as_bytes()).to_string(), artifact["digest"]);
    }

    let tag = artifacts[0]["tags"][0].as_str().unwrap().to_owned();
    let reference = format!("{kata}:{tag}");
    world.run(&["pull", &reference, "--output", "ours"]);
    let count = same_files(&world.path("ours"), &{
        world.run(&["extract", &layout, "--output", "built/files"]);
        world.path("built/files")
    });
    println!("{count} files are equal");

    // Theirs, from a copy that skopeo made of ours: its manifest keeps its bytes.
    let copy = format!("oci:{}:x", world.path("theirs").display());
    let platform = ["--override-os", "linux", "--override-arch", "amd64"];
    let docker = format!("docker://{reference}");
    skopeo(
        &[
            &platform[..],
            &[
                "copy",
                "--preserve-digests",
                "--src-tls-verify=false",
                &docker,
                &copy,
            ],
        ]
        .concat(),
    );
    let back = format!("docker://{}/skopeo/kata:x", registry.host);
    skopeo(&[
        "copy",
        "--preserve-digests",
        "--dest-tls-verify=false",
        &copy,
        &back,
    ]);
    let theirs = format!("{}/skopeo/kata:x", registry.host);
    world.run(&["pull", &theirs, "--output", "from-skopeo"]);
    same_files(&world.path("ours"), &world.path("from-skopeo"));
    let ours = world
        .run(&["resolve", &reference, "--platform", "amd64"])
        .out;
    assert_eq!(world.run(&["resolve", &theirs]).out, ours);

    exchange_with_oras(&world, &tree, &registry.host, &reference);
    if has("crane") {
        let raw = succeed(Command::new("crane").args(["manifest", "--insecure", &reference])).out;
        assert_eq!(
            Digest::of(raw.as_bytes()).to_string(),
            artifacts[0]["digest"]
        );
    }

    // Referrers, on a registry that has no API for them.
    fs::write(world.path("sbom.json"), "{}").unwrap();
    world.run(&[
        "attach",
        &reference,
        "sbom.json",
        "--type",
        "application/spdx+json",
    ]);
    let copied = world.run(&[
        "copy",
        &reference,
        &format!("{}/copy/kata:x", registry.host),
        "--recursive",
        "--json",
    ]);
    let copied = copied.json();
    assert_eq!(copied["artifacts"][0]["referrers"], 1);
    assert_eq!(copied["artifacts"][0]["bytes"], 0);
    let tree = world
        .run(&[
            "inspect",
            &format!("{}/copy/kata:x", registry.host),
            "--tree",
        ])
        .out;
    assert!(tree.contains("refers: application/spdx+json"), "{tree}");

    // The plain-image form, through skopeo and umoci.
    let image = format!("{}/team/image:x", registry.host);
    world.run(&["push", &layout, &image, "--form", "image"]);
    let copy = format!("oci:{}:x", world.path("image").display());
    let docker = format!("docker://{image}");
    skopeo(
        &[
            &platform[..],
            &["copy", "--src-tls-verify=false", &docker, &copy],
        ]
        .concat(),
    );
    let bundle = world.path("bundle");
    let source = format!("{}:x", world.path("image").display());
    succeed(
        Command::new("umoci")
            .args(["unpack", "--rootless", "--image", &source])
            .arg(&bundle),
    );
    world.run(&["pull", &image, "--form", "image", "--output", "tree"]);
    same_files(&world.path("tree/boot"), &bundle.join("rootfs/boot"));
    let vmlinux = |path: &str| Digest::of_file(&world.path(path)).unwrap();
    assert_eq!(
        vmlinux("tree/boot/vmlinux"),
        vmlinux("ours/vmlinux.container")
    );
}

#[test]
fn a_registry_that_wants_a_password_gets_it_from_where_others_keep_it() {
    if !crate::wanted() {
        return;
    }
    let world = World::on_an_empty_store();
    let tree = tools(&world);
    fs::write(world.path("htpasswd"), HTPASSWD).unwrap();
    let registry = start(
        &tree,
        &world.path("registry"),
        Some(&world.path("htpasswd")),
    );
    fs::create_dir(world.path("built")).unwrap();
    let layout = format!("oci:{}", small_layout(&world.path("built")).display());
    let kata = format!("{}/kata", registry.host);
    let auth = world.path("auth.json").display().to_string();
    let login = |password: &str| {
        fs::write(world.path("password"), password).unwrap();
        let mut login = world.program(&[
            "login",
            &registry.host,
            "--username",
            "test",
            "--authfile",
            &auth,
        ]);
        login
            .stdin(File::open(world.path("password")).unwrap())
            .output()
            .unwrap()
    };
    let refused = login("wrong");
    assert!(!refused.status.success());
    assert!(!Path::new(&auth).exists());
    let refused = world
        .program(&["push", &layout, &kata, "--authfile", &auth])
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&refused.stderr);
    assert!(
        told.contains("registry::unauthorized") && !told.contains("U*U"),
        "{told}"
    );
    assert!(login("U*U").status.success());
    world.run(&["push", &layout, &kata, "--authfile", &auth]);
    let tag = world
        .run(&["ls", &kata, "--authfile", &auth])
        .out
        .lines()
        .next()
        .unwrap()
        .to_owned();
    // skopeo reads the same file.
    let docker = format!("docker://{kata}:{tag}");
    let raw = skopeo(&[
        "inspect",
        "--raw",
        "--tls-verify=false",
        "--authfile",
        &auth,
        &docker,
    ])
    .out;
    let ours = world
        .run(&["resolve", &format!("{kata}:{tag}"), "--authfile", &auth])
        .out;
    assert_eq!(Digest::of(raw.as_bytes()).to_string(), ours.trim());
}

#[test]
fn a_pull_that_is_killed_goes_on_where_it_was() {
    if !crate::wanted() {
        return;
    }
    let world = World::on_an_empty_store();
    let tree = tools(&world);
    let registry = start(&tree, &world.path("registry"), None);
    fs::create_dir(world.path("built")).unwrap();
    let layout = format!("oci:{}", small_layout(&world.path("built")).display());
    let large: Vec<u8> = (0..64u32 << 20)
        .map(|it| (it.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    fs::write(world.path("large"), &large).unwrap();
    let attached = world
        .run(&["attach", &layout, "large", "--type", "application/x-large"])
        .out;
    let digest = attached.trim().rsplit('@').next().unwrap().to_owned();
    let kata = format!("{}/kata:large", registry.host);
    world.run(&["push", &format!("{layout}@{digest}"), &kata]);
    // What a push left in the store would make the pull too easy.
    let blob = Digest::of(&large).hex();
    fs::remove_file(
        world
            .path("store/v1/blobs/sha256")
            .join(&blob[..2])
            .join(&blob),
    )
    .unwrap();
    let partial = world.path("store/v1/partial").join(&blob);
    let arrived = || fs::metadata(&partial).map_or(0, |it| it.len());
    let mut kills = 0;
    let mut before = 0;
    while kills < 5 {
        let mut pull = world.program(&["pull", &kata, "--output", "out", "--progress", "none"]);
        let mut child = pull.stdout(Stdio::null()).spawn().unwrap();
        let target = before + (8 << 20);
        let killed = loop {
            if child.try_wait().unwrap().is_some() {
                break false;
            }
            if arrived() >= target {
                child.kill().unwrap();
                child.wait().unwrap();
                break true;
            }
        };
        if !killed {
            break;
        }
        kills += 1;
        // Nothing half-written is seen, and nothing that came is lost.
        assert!(!world.path("out/large").exists());
        assert!(arrived() >= before, "{} < {before}", arrived());
        before = arrived();
    }
    world.run(&["pull", &kata, "--output", "out"]);
    assert_eq!(fs::read(world.path("out/large")).unwrap(), large);
    println!("killed {kills} times, the last with {before} bytes there");
}

/// Pulls with oras what we pushed to `reference`, and pulls what oras pushed.
fn exchange_with_oras(world: &World, tree: &Path, host: &str, reference: &str) {
    let out = world.path("from-oras");
    let output = out.display().to_string();
    succeed(tool(tree, "oras").args([
        "pull",
        "--plain-http",
        reference,
        "--platform",
        "linux/amd64",
        "-o",
        &output,
    ]));
    same_files(&world.path("ours"), &out);
    fs::write(world.path("hello"), "hello").unwrap();
    let pushed = format!("{host}/oras/kata:x");
    succeed(tool(tree, "oras").current_dir(world.path("")).args([
        "push",
        "--plain-http",
        &pushed,
        "hello:text/plain",
    ]));
    world.run(&["pull", &pushed, "--output", "hello-there"]);
    assert_eq!(fs::read(world.path("hello-there/hello")).unwrap(), b"hello");
}
