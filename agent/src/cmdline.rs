//! The kernel command line: what it asks of this agent. Knows Kata's parameters and our own; decides nothing else.

use crate::address;
use crate::console::Level;

/// What the kernel command line asks for. Parameters that Kata's agent has and this one does not need are ignored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wishes {
    /// `agent.server_addr=`, as written.
    pub(crate) server: String,
    /// `agent.log=`.
    pub(crate) log: Level,
    /// `systemd.unified_cgroup_hierarchy=` and `cgroup_no_v1=`.
    pub(crate) hierarchy: Hierarchy,
    /// `kata_artifacts.poweroff=`.
    pub(crate) end: End,
    /// `kata_artifacts.fail=`.
    pub(crate) fault: Option<Fault>,
    /// What was written and not understood, for the console.
    pub(crate) complaints: Vec<String>,
}

/// Which control group file systems to mount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hierarchy {
    /// Version 2.
    Unified,
    /// Version 1, one mount for each controller.
    Legacy,
}

/// When the guest ends by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// When it is told to.
    OnRequest,
    /// As soon as the report is out.
    Ready,
}

/// A fault that a test of the host side asked for, after the report is out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The agent panics.
    Panic,
    /// Process 1 exits, so that the kernel panics.
    Exit,
    /// No report, no answer, no end.
    Hang,
}

impl Wishes {
    /// Reads the text of `/proc/cmdline`. Never fails: what is not understood is a complaint and the default stays.
    pub(crate) fn parse(cmdline: &str) -> Wishes {
        let mut wishes = Wishes {
            server: address::DEFAULT.to_owned(),
            log: Level::Info,
            hierarchy: Hierarchy::Unified,
            end: End::OnRequest,
            fault: None,
            complaints: Vec::new(),
        };
        let mut unified = true;
        let mut no_version_1 = false;
        for word in cmdline.split_ascii_whitespace() {
            let Some((name, value)) = word.split_once('=') else { continue };
            let understood = match name {
                "agent.server_addr" => set(&mut wishes.server, Some(value.to_owned())),
                "agent.log" => set(&mut wishes.log, Level::named(value)),
                "systemd.unified_cgroup_hierarchy" => set(&mut unified, Some(truth(value))),
                "cgroup_no_v1" => set(&mut no_version_1, Some(value == "all")),
                "kata_artifacts.poweroff" => set(&mut wishes.end, end(value)),
                "kata_artifacts.fail" => set(&mut wishes.fault, fault(value).map(Some)),
                _ => true,
            };
            if !understood {
                wishes.complaints.push(word.to_owned());
            }
        }
        if !unified && !no_version_1 {
            wishes.hierarchy = Hierarchy::Legacy;
        }
        wishes
    }
}

fn set<T>(place: &mut T, value: Option<T>) -> bool {
    value.map(|value| *place = value).is_some()
}

/// Kata's reading of a truth value: `true`, or a number other than 0.
fn truth(value: &str) -> bool {
    value == "true" || value.parse::<u64>().is_ok_and(|number| number != 0)
}

fn end(value: &str) -> Option<End> {
    match value {
        "ready" => Some(End::Ready),
        "request" => Some(End::OnRequest),
        _ => None,
    }
}

fn fault(value: &str) -> Option<Fault> {
    match value {
        "panic" => Some(Fault::Panic),
        "exit" => Some(Fault::Exit),
        "hang" => Some(Fault::Hang),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_command_line_asks_for_the_defaults() {
        let wishes = Wishes::parse("");
        assert_eq!(wishes.server, "vsock://-1:1024");
        assert_eq!(wishes.log, Level::Info);
        assert_eq!(wishes.hierarchy, Hierarchy::Unified);
        assert_eq!(wishes.end, End::OnRequest);
        assert_eq!(wishes.fault, None);
    }

    #[test]
    fn a_runtime_s_command_line_is_understood() {
        let wishes = Wishes::parse(
            "tsc=reliable console=hvc0 cgroup_no_v1=all systemd.unified_cgroup_hierarchy=1 agent.log=debug \
             agent.log_vport=1025 agent.server_addr=vsock://3:99 kata_artifacts.poweroff=ready\n",
        );
        assert_eq!(wishes.server, "vsock://3:99");
        assert_eq!(wishes.log, Level::Debug);
        assert_eq!(wishes.end, End::Ready);
        assert_eq!(wishes.complaints, Vec::<String>::new());
    }

    #[test]
    fn version_1_control_groups_come_only_when_asked_for_and_not_forbidden() {
        for (cmdline, hierarchy) in [
            ("systemd.unified_cgroup_hierarchy=0", Hierarchy::Legacy),
            ("systemd.unified_cgroup_hierarchy=false", Hierarchy::Legacy),
            ("systemd.unified_cgroup_hierarchy=0 cgroup_no_v1=all", Hierarchy::Unified),
            ("systemd.unified_cgroup_hierarchy=true", Hierarchy::Unified),
            ("cgroup_no_v1=memory", Hierarchy::Unified),
        ] {
            assert_eq!(Wishes::parse(cmdline).hierarchy, hierarchy, "{cmdline}");
        }
    }

    #[test]
    fn what_is_not_understood_is_named_and_changes_nothing() {
        let wishes = Wishes::parse("agent.log=loud kata_artifacts.poweroff=soon kata_artifacts.fail=badly");
        assert_eq!(wishes.complaints, ["agent.log=loud", "kata_artifacts.poweroff=soon", "kata_artifacts.fail=badly"]);
        assert_eq!((wishes.log, wishes.end, wishes.fault), (Level::Info, End::OnRequest, None));
    }

    #[test]
    fn the_last_value_wins() {
        assert_eq!(Wishes::parse("agent.server_addr=a agent.server_addr=b=c").server, "b=c");
    }
}
