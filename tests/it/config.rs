//! `config`: what a distribution's maintainer sees of a kernel that does for a guest, of one that does not, and of what
//! is no kernel at all. Where configurations are kept is tested with `kernel::extract`.

mod bad;
mod diff;
mod export;

use crate::world::{Told, World};

const HEADER: &str = "#\n# Automatically generated file; DO NOT EDIT.\n# Linux/x86 6.12.117 Kernel Configuration\n#\n";

const PROFILE: &str = "\
schema: 1
name: small
summary: Small.
features: features.yaml
fragments: {common: [fragments/small.conf]}
forbidden:
  - {symbol: DEVMEM, reason: No process in a guest reads physical memory., feature: safety}
";

const FEATURES: &str = "\
schema: 1
features:
  vsock: {title: Socket to the host, level: required, without: the runtime cannot reach the agent}
  boot: {title: Start, level: required, modules: false, without: the guest does not start}
  extra: {title: Extras, level: recommended, without: no comfort}
  safety: {title: Safety, level: required, without: no safety}
";

const FRAGMENT: &str = "\
# reason: The agent serves its API on a vsock.
# feature: vsock
CONFIG_VSOCKETS=y
CONFIG_VIRTIO_VSOCKETS=y

# reason: Processors.
# feature: boot
CONFIG_SMP=y
# accept: >=64
CONFIG_NR_CPUS=64

# reason: Comfort & more.
# feature: extra
CONFIG_NICE=y
";

/// A world with a profile, and a configuration that lacks some of it.
fn world() -> World {
    let world = World::new();
    world.write("kernel/profiles/small.yaml", PROFILE);
    world.write("kernel/features.yaml", FEATURES);
    world.write("kernel/fragments/small.conf", FRAGMENT);
    let config = "CONFIG_X86_64=y\nCONFIG_SMP=y\nCONFIG_NR_CPUS=8\nCONFIG_VSOCKETS=m\n# CONFIG_NICE is not set\nCONFIG_DEVMEM=y\n";
    world.write("lacking", format!("{HEADER}{config}"));
    let config = "CONFIG_X86_64=y\nCONFIG_SMP=y\nCONFIG_NR_CPUS=512\nCONFIG_VSOCKETS=m\nCONFIG_VIRTIO_VSOCKETS=m\n";
    world.write("good", format!("{HEADER}{config}"));
    world
}

fn check(world: &World, args: &[&str]) -> Told {
    let mut all = vec!["config", "check"];
    all.extend(args);
    if !args.contains(&"--profile") {
        all.extend(["--profile", "kernel/profiles/small.yaml"]);
    }
    world.run(&all)
}

#[test]
fn a_kernel_that_lacks_something_is_told_by_feature_with_what_it_costs() {
    let world = world();
    insta::assert_snapshot!(check(&world, &["lacking"]).ended(1), @r#"
    exit status: 1
    --- standard output
    lacking: Linux 6.12.117 for x86_64

    Socket to the host
      without it:  the runtime cannot reach the agent
      missing      VIRTIO_VSOCKETS
                   The agent serves its API on a vsock.
      a module     VSOCKETS

    Extras
      without it:  no comfort
      recommended  NICE
                   Comfort & more.

    Safety
      forbidden    DEVMEM
                   No process in a guest reads physical memory.

    other
      missing      NR_CPUS (is 8, wants 64 or >=64)

    An initrd for this kernel must hold these modules:
      vsock

    This kernel does not meet profile small: 1 options met, 1 as modules, 2 missing, 1 forbidden, 1 recommended and missing
    --- standard error
    "#);
    let told = check(&world, &["lacking", "--quiet"]).ended(1);
    assert_eq!((told.out, told.err), (String::new(), String::new()));
}

#[test]
fn a_kernel_that_does_says_what_its_initrd_must_hold() {
    let world = world();
    insta::assert_snapshot!(check(&world, &["good"]).done(), @r#"
    exit status: 0
    --- standard output
    good: Linux 6.12.117 for x86_64

    Socket to the host
      a module     VIRTIO_VSOCKETS, VSOCKETS

    Extras
      without it:  no comfort
      recommended  NICE
                   Comfort & more.

    An initrd for this kernel must hold these modules:
      vmw_vsock_virtio_transport vsock

    This kernel meets profile small: 3 options met, 2 as modules, 1 recommended and missing
    --- standard error
    "#);
}

#[test]
fn programs_are_told_every_requirement() {
    let world = world();
    let told = check(&world, &["lacking", "--json"]).ended(1).json();
    let kernel = &told["kernels"][0];
    assert_eq!(
        (&told["schema"], &told["satisfied"]),
        (&1.into(), &false.into())
    );
    assert_eq!(kernel["release"], "6.12.117");
    assert_eq!(kernel["architecture"], "x86_64");
    assert_eq!(
        kernel["counts"],
        serde_json::json!({"met": 1, "module": 1, "missing": 2, "forbidden": 1, "advised": 1})
    );
    assert_eq!(
        kernel["modules"],
        serde_json::json!({"required": ["vsock"], "recommended": []})
    );
    assert_eq!(kernel["requirements"].as_array().unwrap().len(), 6);
    let row = &kernel["requirements"][0];
    assert_eq!(row["symbol"], "VIRTIO_VSOCKETS");
    assert_eq!(row["state"], "missing");
    assert_eq!(row["cost"], "the runtime cannot reach the agent");
    assert_eq!(row["origin"], "fragments/small.conf:4");
}

#[test]
fn a_page_and_a_ci_are_told_as_they_read_it() {
    let world = world();
    let told = check(&world, &["lacking", "--markdown", "--junit", "kata.xml"]).ended(1);
    insta::assert_snapshot!(told.out, @r#"
    ## lacking: Linux 6.12.117 for x86_64

    This kernel does not meet profile small: 1 options met, 1 as modules, 2 missing, 1 forbidden, 1 recommended and missing

    | feature | option | state | why | without the feature |
    |---|---|---|---|---|
    | Socket to the host | `VIRTIO_VSOCKETS` | missing | The agent serves its API on a vsock. | the runtime cannot reach the agent |
    | Socket to the host | `VSOCKETS` | a module | The agent serves its API on a vsock. | the runtime cannot reach the agent |
    | Extras | `NICE` | recommended | Comfort & more. | no comfort |
    | Safety | `DEVMEM` | must be off | No process in a guest reads physical memory. | no safety |
    | other | `NR_CPUS` | missing: is 8, wants 64 or >=64 |  |  |

    Modules that an initrd must hold: `vsock`
    "#);
    insta::assert_snapshot!(world.read("kata.xml"), @r#"
    <?xml version="1.0" encoding="UTF-8"?>
    <testsuites name="kata-artifacts config check">
      <testsuite name="lacking: Linux 6.12.117 for x86_64" tests="6" failures="3" errors="0" skipped="1">
        <testcase classname="small.vsock" name="CONFIG_VIRTIO_VSOCKETS">
          <failure message="missing">The agent serves its API on a vsock. Without the feature: the runtime cannot reach the agent. (fragments/small.conf:4)</failure>
        </testcase>
        <testcase classname="small.vsock" name="CONFIG_VSOCKETS"/>
        <testcase classname="small.boot" name="CONFIG_SMP"/>
        <testcase classname="small.extra" name="CONFIG_NICE">
          <skipped message="recommended">Comfort &amp; more. Without the feature: no comfort. (fragments/small.conf:14)</skipped>
        </testcase>
        <testcase classname="small.safety" name="CONFIG_DEVMEM">
          <failure message="must be off">No process in a guest reads physical memory. Without the feature: no safety. (profiles/small.yaml:7)</failure>
        </testcase>
        <testcase classname="small.other" name="CONFIG_NR_CPUS">
          <failure message="missing (is 8, wants 64 or &gt;=64)"> (fragments/small.conf:10)</failure>
        </testcase>
      </testsuite>
    </testsuites>
    "#);
}

#[test]
fn every_kernel_of_a_directory_is_checked_and_one_can_be_chosen() {
    let world = world();
    world.write("boot/config-6.12.117", world.read("good"));
    let old = world.read("lacking").replace("6.12.117", "6.1.192");
    world.write("boot/config-6.1.192", old);
    let told = check(&world, &["boot"]).ended(1);
    assert!(
        told.out.contains("Linux 6.1.192 for x86_64") && told.out.contains("Linux 6.12.117"),
        "{told}"
    );
    let told = check(&world, &["boot", "--kernel-version", "6.12"]).done();
    assert!(!told.out.contains("6.1.192"), "{told}");
    let told = check(&world, &["boot", "--kernel-version", "6.6"]).ended(2);
    assert!(
        told.err.contains("this is Linux 6.1.192, not 6.6"),
        "{told}"
    );
}

#[test]
fn what_a_build_made_is_checked_in_its_layout() {
    let world = world();
    world.run(&["build", crate::world::MANIFEST]).done();
    let tiny = [
        "--profile",
        "kernel/profiles/tiny.yaml",
        "--arch",
        "x86_64",
        "--kernel-version",
        "6.12",
    ];
    for what in [
        "out/tiny/oci",
        "oci:out/tiny/oci",
        "oci:out/tiny/oci:6.12.117-default-kconfig",
    ] {
        let mut args = vec![what];
        args.extend(tiny);
        let told = check(&world, &args);
        assert!(
            told.out.contains("This kernel meets profile tiny"),
            "{what}: {told}"
        );
    }
    let told = check(&world, &["oci:out/tiny/oci:none"]).ended(2);
    assert!(
        told.err
            .contains("has no kernel's configuration under tag `none`"),
        "{told}"
    );
}

#[test]
fn the_profiles_that_the_program_carries_need_no_checkout() {
    let world = world();
    let told = check(&world, &["lacking", "--profile", "kata", "--quiet"]).ended(1);
    assert_eq!(told.err, "");
    let told = check(&world, &["lacking", "--profile", "kat"]).ended(2);
    assert!(
        told.err
            .contains("there is no profile `kat`: the program has "),
        "{told}"
    );
}
