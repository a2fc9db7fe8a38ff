//! The names of what a guest's agent looks for, which `test.require` may hold. How each shows in a guest, and what it
//! serves, is the agent's to know: `agent/src/probe/features.rs`, which a test compares with this list.

/// Every name, sorted.
pub const FEATURES: [&str; 36] = [
    "bpf",
    "cgroup2",
    "cgroup2-cpu",
    "cgroup2-cpuset",
    "cgroup2-hugetlb",
    "cgroup2-io",
    "cgroup2-memory",
    "cgroup2-pids",
    "cpu-hotplug",
    "device-mapper",
    "dm-verity",
    "driver-virtio-balloon",
    "driver-virtio-blk",
    "driver-virtio-console",
    "driver-virtio-fs",
    "driver-virtio-net",
    "driver-virtio-vsock",
    "fs-erofs",
    "fs-ext4",
    "fs-hugetlbfs",
    "fs-overlay",
    "fs-tmpfs",
    "fs-virtiofs",
    "fs-xfs",
    "memory-hotplug",
    "namespace-cgroup",
    "namespace-ipc",
    "namespace-mnt",
    "namespace-net",
    "namespace-pid",
    "namespace-user",
    "namespace-uts",
    "netfilter",
    "seccomp",
    "seccomp-filter",
    "vsock",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_are_those_that_the_agent_reports() {
        let agent = include_str!("../../agent/src/probe/features.rs");
        let (_, list) = agent.split_once("const FEATURES").unwrap();
        let names: Vec<&str> = list
            .lines()
            .take_while(|line| *line != "];")
            .filter_map(|line| line.strip_prefix("    (\"")?.split('"').next())
            .collect();
        assert_eq!(names, FEATURES);
    }
}
