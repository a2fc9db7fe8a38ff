//! `config export`: the reference in the forms of others.

use super::{HEADER, check, world};

#[test]
fn the_reference_is_exported_in_the_forms_of_others_and_reads_back() {
    let world = world();
    let export = |args: &[&str]| {
        let mut all = vec![
            "config",
            "export",
            "--profile",
            "kernel/profiles/small.yaml",
        ];
        all.extend(args);
        world.run(&all)
    };
    let for_6_12 = ["--arch", "x86_64", "--kernel-version", "6.12"];
    let export_6_12 = |args: &[&str]| {
        let text = export(&[&for_6_12[..], args].concat()).done().out;
        text.replace(env!("CARGO_PKG_VERSION"), "[VERSION]")
    };
    insta::assert_snapshot!(export_6_12(&[]), @r#"
    # What a guest kernel of Kata Containers needs: profile small, Linux 6.12.0, x86_64.
    # Written by kata-artifacts [VERSION].

    # reason: The agent serves its API on a vsock.
    # feature: vsock
    # Without it: the runtime cannot reach the agent.
    CONFIG_VIRTIO_VSOCKETS=y
    CONFIG_VSOCKETS=y

    # reason: Processors.
    # feature: boot
    # Without it: the guest does not start.
    CONFIG_SMP=y

    # reason: Comfort & more.
    # feature: extra
    # level: recommended
    # Without it: no comfort.
    CONFIG_NICE=y

    # reason: No process in a guest reads physical memory.
    # feature: safety
    # CONFIG_DEVMEM is not set

    # feature: other
    CONFIG_NR_CPUS=64
    "#);
    insta::assert_snapshot!(export_6_12(&["--for", "debian", "--modules"]), @r#"
    ## What a guest kernel of Kata Containers needs: profile small, Linux 6.12.0, x86_64.
    ## Written by kata-artifacts [VERSION].
    ## For debian/config/amd64/config of the source package linux, or a flavour's config beside it.

    ## reason: The agent serves its API on a vsock.
    ## feature: vsock
    ## Without it: the runtime cannot reach the agent.
    CONFIG_VIRTIO_VSOCKETS=m
    CONFIG_VSOCKETS=m

    ## reason: Processors.
    ## feature: boot
    ## Without it: the guest does not start.
    CONFIG_SMP=y

    ## reason: Comfort & more.
    ## feature: extra
    ## level: recommended
    ## Without it: no comfort.
    CONFIG_NICE=y

    ## reason: No process in a guest reads physical memory.
    ## feature: safety
    # CONFIG_DEVMEM is not set

    ## feature: other
    CONFIG_NR_CPUS=64
    "#);
    insta::assert_snapshot!(export_6_12(&["--format", "nix", "--modules"]), @r#"
    # What a guest kernel of Kata Containers needs: profile small, Linux 6.12.0, x86_64.
    # Written by kata-artifacts [VERSION].
    { lib, ... }:
    {
      boot.kernelPatches = [
        {
          name = "small-x86_64";
          patch = null;
          structuredExtraConfig = with lib.kernel; {
            # reason: The agent serves its API on a vsock.
            # feature: vsock
            # Without it: the runtime cannot reach the agent.
            VIRTIO_VSOCKETS = module;
            VSOCKETS = module;

            # reason: Processors.
            # feature: boot
            # Without it: the guest does not start.
            SMP = yes;

            # reason: Comfort & more.
            # feature: extra
            # level: recommended
            # Without it: no comfort.
            NICE = yes;

            # reason: No process in a guest reads physical memory.
            # feature: safety
            DEVMEM = no;

            # feature: other
            NR_CPUS = freeform "64";
          };
        }
      ];
    }
    "#);
    for (whose, place) in [("fedora", "kernel-local"), ("suse", "config/x86_64/FLAVOR")] {
        let text = export_6_12(&["--for", whose]);
        assert!(text.contains(place), "{text}");
        assert!(
            !text.contains("CONFIG_MMU="),
            "SUSE's scripts take that for a whole configuration"
        );
    }
    let json: serde_json::Value =
        serde_json::from_str(&export_6_12(&["--format", "json"])).unwrap();
    assert_eq!(json["requirements"].as_array().unwrap().len(), 6);
    let full = export(&["--format", "full", "--from", "good"]).done().out;
    assert_eq!(full, world.read("good"));
    // What was exported satisfies what it was exported from.
    let text = format!("{HEADER}CONFIG_X86_64=y\n{}", export_6_12(&["--modules"]));
    world.write("adopted", text);
    check(&world, &["adopted"]).done();
    for (args, told) in [
        (&["--arch", "x86_64"][..], "nothing says for which kernel"),
        (&["--format", "full"], "none is named"),
        (
            &["--format", "nix", "--for", "suse"],
            "`--for` says nothing about this format",
        ),
        (
            &["--arch", "x86_64", "--kernel-version", "new"],
            "`new` is not a kernel version",
        ),
    ] {
        let ended = export(args).ended(2);
        assert!(ended.err.contains(told), "{ended}");
    }
}
