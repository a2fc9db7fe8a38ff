//! Control groups: which version is mounted and which controllers it offers.

use crate::mounts;
use crate::probe::System;
use crate::report::ControlGroups;

/// Looks at `/sys/fs/cgroup`.
pub(crate) fn find(system: &System) -> ControlGroups {
    let unified = "sys/fs/cgroup/cgroup.controllers";
    let (version, mut controllers): (u8, Vec<String>) = if system.has(unified) {
        (2, system.text(unified).split_ascii_whitespace().map(str::to_owned).collect())
    } else {
        // A mount that failed leaves its empty directory behind.
        let mounted = |name: &String| system.has(&format!("sys/fs/cgroup/{name}/cgroup.procs"));
        let known = mounts::legacy_controllers(&system.text("proc/cgroups"));
        let controllers: Vec<String> = known.into_iter().filter(mounted).collect();
        (u8::from(!controllers.is_empty()), controllers)
    };
    controllers.sort();
    ControlGroups { version, controllers }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::system::made_up::MadeUp;

    const PROC: (&str, &str) = ("proc/cgroups", "#subsys_name\thierarchy\tnum\tenabled\npids\t1\t1\t1\ncpu\t2\t1\t1\n");

    fn check(files: &[(&str, &str)], version: u8, controllers: &[&str]) {
        let found = find(&MadeUp::new(files).0);
        assert_eq!(
            (found.version, found.controllers),
            (version, controllers.iter().map(|name| name.to_string()).collect())
        );
    }

    #[test]
    fn version_2_names_its_controllers_in_one_file() {
        check(&[("sys/fs/cgroup/cgroup.controllers", "memory cpu\n"), PROC], 2, &["cpu", "memory"]);
    }

    #[test]
    fn version_2_without_controllers_is_still_version_2() {
        check(&[("sys/fs/cgroup/cgroup.controllers", "\n")], 2, &[]);
    }

    #[test]
    fn version_1_counts_what_is_mounted() {
        check(&[PROC, ("sys/fs/cgroup/pids/cgroup.procs", ""), ("sys/fs/cgroup/cpu/x", "")], 1, &["pids"]);
    }

    #[test]
    fn nothing_mounted_is_version_0() {
        check(&[PROC], 0, &[]);
        check(&[], 0, &[]);
    }
}
