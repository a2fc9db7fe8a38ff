//! `config diff`: what differs, and whether anybody asked for it.

use super::world;

#[test]
fn a_difference_says_whether_anybody_asked_for_it() {
    let world = world();
    world.write("mine.conf", "CONFIG_NICE=y\n");
    let diff = |args: &[&str]| {
        let mut all = vec!["config", "diff", "--profile", "kernel/profiles/small.yaml"];
        all.extend(args);
        world.run(&all)
    };
    let old = world.read("lacking").replace("6.12.117", "6.1.192")
        + "#\n# Menu\n#\nCONFIG_OLD=y\n# end of Menu\n";
    world.write("old", old);
    insta::assert_snapshot!(diff(&["old", "good"]).done(), @r#"
    exit status: 0
    --- standard output
    a  old: Linux 6.1.192 for x86_64
    b  good: Linux 6.12.117 for x86_64

    Safety
      DEVMEM                                   y -> (not there)      n asked for at profiles/small.yaml:7

    Socket to the host
      VIRTIO_VSOCKETS                          (not there) -> m      y asked for at fragments/small.conf:4

    other
      NR_CPUS                                  8 -> 512              64 asked for at fragments/small.conf:10

    Menu (nobody asks)
      OLD                                      y -> (not there)

    4 differences: 3 in what profile small or a fragment asks for, 1 in defaults and choices of others
    --- standard error
    "#);
    let told = diff(&["old", "good", "--json", "--fragment", "mine.conf"])
        .done()
        .json();
    assert_eq!(
        (&told["requested"], &told["defaults"]),
        (&3.into(), &1.into())
    );
    insta::assert_snapshot!(diff(&["profile:kernel/profiles/small.yaml", "lacking"]).done().out, @r#"
    a  profile small for Linux 6.12.117 on x86_64
    b  lacking: Linux 6.12.117 for x86_64

    Extras
      NICE                                     y -> n                y asked for at fragments/small.conf:14

    Safety
      DEVMEM                                   n -> y                n asked for at profiles/small.yaml:7

    Socket to the host
      VIRTIO_VSOCKETS                          y -> (not there)      y asked for at fragments/small.conf:4
      VSOCKETS                                 y -> m                y asked for at fragments/small.conf:3

    other
      NR_CPUS                                  64 -> 8               64 asked for at fragments/small.conf:10

    5 differences: 5 in what profile small or a fragment asks for, 0 in defaults and choices of others
    "#);
    world.write("mine.conf", "CONFIG_NICE\n");
    let told = diff(&["old", "good", "--fragment", "mine.conf"]).ended(2);
    assert!(
        told.err.contains("mine.conf:1") && told.err.contains("no value: write `CONFIG_NICE=y`"),
        "{told}"
    );
    let told = diff(&["profile:kata", "profile:kata@aarch64"]).ended(2);
    assert!(told.err.contains("nothing says for which kernel"), "{told}");
}
