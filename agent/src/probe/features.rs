//! What a Kata guest uses of its kernel: a closed list of features, each with how its presence shows and why it is
//! wanted. Says what is there; whether a lack matters is for the host, which knows the kernel's profile.

use nix::sys::socket::{socket, AddressFamily, SockFlag, SockType};

use crate::probe::System;
use crate::report::{ControlGroups, Missing};

/// How a feature shows.
#[derive(Clone, Copy)]
enum Sign {
    /// A control group file system of version 2.
    Unified,
    /// A controller of version 2.
    Controller(&'static str),
    /// A line of `/proc/filesystems`.
    FileSystem(&'static str),
    /// A driver on the virtio bus, whether or not it has a device.
    Driver(&'static str),
    /// A file or directory.
    File(&'static str),
    /// A line of `/proc/self/status`.
    Status(&'static str),
    /// A socket of this family can be made.
    Vsock,
}

/// A feature's name, sign, and what needs it.
type Feature = (&'static str, Sign, &'static str);

/// The features, sorted by name. Names are part of the report's format: new ones may come, none changes its meaning.
const FEATURES: &[Feature] = &[
    ("bpf", Sign::File("sys/fs/bpf"), "device rules of version 2 control groups"),
    ("cgroup2", Sign::Unified, "containers' resource limits"),
    ("cgroup2-cpu", Sign::Controller("cpu"), "CPU shares and quotas"),
    ("cgroup2-cpuset", Sign::Controller("cpuset"), "CPU pinning"),
    ("cgroup2-hugetlb", Sign::Controller("hugetlb"), "limits on huge pages"),
    ("cgroup2-io", Sign::Controller("io"), "I/O weights and limits"),
    ("cgroup2-memory", Sign::Controller("memory"), "memory limits"),
    ("cgroup2-pids", Sign::Controller("pids"), "limits on processes"),
    ("cpu-hotplug", Sign::File("sys/devices/system/cpu/hotplug"), "adding CPUs to a running sandbox"),
    ("device-mapper", Sign::File("sys/class/misc/device-mapper"), "verified root file systems"),
    ("dm-verity", Sign::File("sys/module/dm_verity"), "verified root file systems"),
    ("driver-virtio-balloon", Sign::Driver("virtio_balloon"), "giving memory back to the host"),
    ("driver-virtio-blk", Sign::Driver("virtio_blk"), "block devices"),
    ("driver-virtio-console", Sign::Driver("virtio_console"), "the console and this report's port"),
    ("driver-virtio-fs", Sign::Driver("virtiofs"), "sharing files with the host"),
    ("driver-virtio-net", Sign::Driver("virtio_net"), "networking"),
    ("driver-virtio-vsock", Sign::Driver("vmw_vsock_virtio_transport"), "the runtime's connection to the agent"),
    ("fs-erofs", Sign::FileSystem("erofs"), "image root file systems and layers"),
    ("fs-ext4", Sign::FileSystem("ext4"), "image root file systems and volumes"),
    ("fs-hugetlbfs", Sign::FileSystem("hugetlbfs"), "huge pages for containers"),
    ("fs-overlay", Sign::FileSystem("overlay"), "container root file systems made in the guest"),
    ("fs-tmpfs", Sign::FileSystem("tmpfs"), "/run, /dev/shm and memory volumes"),
    ("fs-virtiofs", Sign::FileSystem("virtiofs"), "sharing files with the host"),
    ("fs-xfs", Sign::FileSystem("xfs"), "image root file systems and volumes"),
    ("memory-hotplug", Sign::File("sys/devices/system/memory/block_size_bytes"), "adding memory to a running sandbox"),
    ("namespace-cgroup", Sign::File("proc/self/ns/cgroup"), "containers' namespaces"),
    ("namespace-ipc", Sign::File("proc/self/ns/ipc"), "containers' namespaces"),
    ("namespace-mnt", Sign::File("proc/self/ns/mnt"), "containers' namespaces"),
    ("namespace-net", Sign::File("proc/self/ns/net"), "containers' namespaces"),
    ("namespace-pid", Sign::File("proc/self/ns/pid"), "containers' namespaces"),
    ("namespace-user", Sign::File("proc/self/ns/user"), "containers' namespaces"),
    ("namespace-uts", Sign::File("proc/self/ns/uts"), "containers' namespaces"),
    ("netfilter", Sign::File("proc/net/netfilter"), "packet filters of containers and service meshes"),
    ("seccomp", Sign::Status("Seccomp"), "system call filters"),
    ("seccomp-filter", Sign::File("proc/sys/kernel/seccomp/actions_avail"), "system call filters"),
    ("vsock", Sign::Vsock, "the runtime's connection to the agent"),
];

/// Sorts the features into present and missing, both by name.
pub(crate) fn find(system: &System, cgroup: &ControlGroups) -> (Vec<&'static str>, Vec<Missing>) {
    let file_systems = file_systems(&system.text("proc/filesystems"));
    let mut present = Vec::new();
    let mut missing = Vec::new();
    for &(name, sign, purpose) in FEATURES {
        let lack = match sign {
            Sign::Unified => (cgroup.version != 2).then(|| "no version 2 control groups are mounted".to_owned()),
            Sign::Controller(controller) => lacking_controller(cgroup, controller),
            Sign::FileSystem(kind) => (!file_systems.iter().any(|known| known == kind))
                .then(|| format!("/proc/filesystems does not list {kind}")),
            Sign::Driver(driver) => (!system.has(&format!("sys/bus/virtio/drivers/{driver}")))
                .then(|| format!("the virtio bus has no driver {driver}")),
            Sign::File(path) => (!system.has(path)).then(|| format!("there is no /{path}")),
            Sign::Status(field) => lacking_field(&system.text("proc/self/status"), field)
                .then(|| format!("/proc/self/status has no {field}")),
            Sign::Vsock => lacking_vsock(system),
        };
        match lack {
            None => present.push(name),
            Some(lack) => missing.push(Missing { name, reason: format!("{lack}; it serves {purpose}") }),
        }
    }
    (present, missing)
}

fn lacking_controller(cgroup: &ControlGroups, controller: &str) -> Option<String> {
    let there = cgroup.version == 2 && cgroup.controllers.iter().any(|known| known == controller);
    (!there).then(|| format!("cgroup.controllers does not list {controller}"))
}

fn lacking_field(status: &str, field: &str) -> bool {
    !status.lines().any(|line| line.strip_prefix(field).is_some_and(|rest| rest.starts_with(':')))
}

fn lacking_vsock(system: &System) -> Option<String> {
    if !system.is_live() {
        return Some("the kernel cannot be asked".to_owned());
    }
    let made = socket(AddressFamily::Vsock, SockType::Stream, SockFlag::SOCK_CLOEXEC, None);
    made.err().map(|cause| format!("the kernel makes no vsock socket: {}", cause.desc()))
}

/// The names in `/proc/filesystems`: the last field of each line.
fn file_systems(text: &str) -> Vec<String> {
    text.lines().filter_map(|line| line.split_ascii_whitespace().last()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::control_groups;
    use crate::probe::system::made_up::MadeUp;

    fn present(files: &[(&str, &str)]) -> Vec<&'static str> {
        let made_up = MadeUp::new(files);
        find(&made_up.0, &control_groups::find(&made_up.0)).0
    }

    #[test]
    fn names_are_sorted_and_unique() {
        assert!(FEATURES.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }

    #[test]
    fn nothing_is_present_on_an_empty_system() {
        assert_eq!(present(&[]), Vec::<&str>::new());
    }

    #[test]
    fn version_2_controllers_show() {
        let found = present(&[("sys/fs/cgroup/cgroup.controllers", "cpuset cpu pids\n")]);
        assert_eq!(found, ["cgroup2", "cgroup2-cpu", "cgroup2-cpuset", "cgroup2-pids"]);
    }

    #[test]
    fn version_1_controllers_do_not_count_as_version_2() {
        let cgroups = "#subsys_name\thierarchy\tnum\tenabled\ncpu\t1\t1\t1\n";
        assert_eq!(present(&[("proc/cgroups", cgroups), ("sys/fs/cgroup/cpu/cgroup.procs", "")]), Vec::<&str>::new());
    }

    #[test]
    fn file_systems_drivers_and_files_show() {
        let found = present(&[
            ("proc/filesystems", "nodev\ttmpfs\n\text4\nnodev\tvirtiofs\n"),
            ("proc/self/status", "Name:\tx\nSeccomp:\t0\n"),
            ("proc/self/ns/net", ""),
            ("sys/bus/virtio/drivers/virtiofs/bind", ""),
        ]);
        assert_eq!(found, ["driver-virtio-fs", "fs-ext4", "fs-tmpfs", "fs-virtiofs", "namespace-net", "seccomp"]);
    }

    #[test]
    fn what_is_missing_says_why_and_for_what() {
        let made_up = MadeUp::new(&[("proc/self/status", "Seccomp_filters:\t0\n")]);
        let (_, missing) = find(&made_up.0, &control_groups::find(&made_up.0));
        let seccomp = missing.iter().find(|missing| missing.name == "seccomp").unwrap();
        assert_eq!(seccomp.reason, "/proc/self/status has no Seccomp; it serves system call filters");
    }
}
