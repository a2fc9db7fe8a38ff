//! The report: its shape and its one line of JSON. Version 1 of a format that the host tool reads; a change of meaning
//! needs a new [`SCHEMA`], a new key does not.

use std::fs;
use std::io;

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, Serializer};

use crate::console::Console;
use crate::mounts::Outcome;

/// Names this format in every report.
pub(crate) const SCHEMA: &str = "dev.kata-artifacts.report.v1";

/// What precedes the report on a console: part of the interface with the host.
const MARK: &str = "KATA-ARTIFACTS-REPORT ";

/// What this guest is and what it lacks.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) schema: &'static str,
    pub(crate) agent: Agent,
    pub(crate) kernel: Kernel,
    pub(crate) uptime: Uptime,
    pub(crate) memory: Memory,
    pub(crate) cpus: Cpus,
    pub(crate) server: Listening,
    pub(crate) mounts: Vec<Outcome>,
    pub(crate) cgroup: ControlGroups,
    pub(crate) devices: Devices,
    /// Names of features that are there, sorted.
    pub(crate) present: Vec<&'static str>,
    /// Features that are not there, sorted by name. Whether that matters is for the host to say.
    pub(crate) missing: Vec<Missing>,
}

/// Who writes the report.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Agent {
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
}

/// The kernel as it names itself.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Kernel {
    pub(crate) release: String,
    pub(crate) version: String,
    pub(crate) machine: String,
    pub(crate) cmdline: String,
}

/// Seconds since the kernel started, to the millisecond.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Uptime {
    /// When the agent began.
    pub(crate) started: f64,
    /// When all was mounted and the server listened.
    pub(crate) ready: f64,
}

/// Memory in KiB, as the kernel counts it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Memory {
    pub(crate) total_kib: u64,
    pub(crate) available_kib: u64,
}

/// Numbers of processors.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Cpus {
    pub(crate) online: u64,
    pub(crate) possible: u64,
}

/// The state of Kata's API.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Listening {
    pub(crate) address: String,
    pub(crate) listening: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
}

/// The control groups at `/sys/fs/cgroup`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct ControlGroups {
    /// 2, 1, or 0 for none.
    pub(crate) version: u8,
    /// Controller names, sorted.
    pub(crate) controllers: Vec<String>,
}

/// What the kernel found. Each list is sorted by name.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Devices {
    pub(crate) virtio: Vec<Virtio>,
    pub(crate) block: Vec<Block>,
    pub(crate) net: Vec<Net>,
    /// Names of virtio-serial ports.
    pub(crate) ports: Vec<String>,
    /// Whether there is a device that carries vsock.
    pub(crate) vsock: bool,
}

/// A device on the virtio bus.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Virtio {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) id: u32,
    /// None while no driver is bound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) driver: Option<String>,
}

/// A disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Block {
    pub(crate) name: String,
    pub(crate) size_bytes: u64,
}

/// A network interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Net {
    pub(crate) name: String,
    pub(crate) address: String,
}

/// A feature that is not there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Missing {
    pub(crate) name: &'static str,
    pub(crate) reason: String,
}

impl Report {
    /// Returns one line of JSON with its line break, in ASCII: a serial line may not carry more.
    pub(crate) fn to_line(&self) -> String {
        let mut line = Vec::new();
        let written = self.serialize(&mut Serializer::with_formatter(&mut line, Ascii));
        written.expect("a report has no map keys, and memory takes every byte");
        line.push(b'\n');
        String::from_utf8(line).expect("the formatter writes ASCII")
    }
}

/// Writes a report's line to the console behind its mark.
pub(crate) fn to_console(line: &str, console: &Console) {
    // A message of the kernel in the middle would spoil the line. The console's level is the first of four numbers.
    let levels = fs::read_to_string("/proc/sys/kernel/printk");
    let _ = fs::write("/proc/sys/kernel/printk", "1");
    console.line(&format!("{MARK}{}", line.trim_end()));
    console.drain();
    if let Ok(levels) = levels {
        let _ = fs::write("/proc/sys/kernel/printk", levels);
    }
}

/// Compact JSON with everything beyond ASCII escaped.
struct Ascii;

impl Formatter for Ascii {
    fn write_string_fragment<W: ?Sized + io::Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        if fragment.is_ascii() {
            return CompactFormatter.write_string_fragment(writer, fragment);
        }
        for character in fragment.chars() {
            if character.is_ascii() {
                writer.write_all(&[character as u8])?;
                continue;
            }
            for unit in character.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mounts::State;

    pub(crate) fn example() -> Report {
        Report {
            schema: SCHEMA,
            agent: Agent { name: "agent", version: "1.2.3" },
            kernel: Kernel {
                release: "6.12.0".into(),
                version: "1 SMP".into(),
                machine: "riscv64".into(),
                cmdline: "console=hvc0 näme=\"\u{1f980}\"".into(),
            },
            uptime: Uptime { started: 0.25, ready: 0.5 },
            memory: Memory { total_kib: 2, available_kib: 1 },
            cpus: Cpus { online: 1, possible: 2 },
            server: Listening { address: "vsock://-1:1024".into(), listening: false, error: Some("no".into()) },
            mounts: vec![Outcome { target: "/proc".into(), kind: "proc", state: State::Mounted }],
            cgroup: ControlGroups { version: 2, controllers: vec!["cpu".into()] },
            devices: Devices {
                virtio: vec![Virtio { name: "virtio0".into(), kind: "console".into(), id: 3, driver: None }],
                block: vec![Block { name: "vda".into(), size_bytes: 512 }],
                net: vec![Net { name: "lo".into(), address: "00:00:00:00:00:00".into() }],
                ports: vec!["p".into()],
                vsock: false,
            },
            present: vec!["cgroup2"],
            missing: vec![Missing { name: "vsock", reason: "why".into() }],
        }
    }

    // A pin of format version 1: when this fails, the host tool can no longer read the report.
    #[test]
    fn version_1_of_the_report_keeps_its_form() {
        assert_eq!(
            example().to_line(),
            concat!(
                r#"{"schema":"dev.kata-artifacts.report.v1","agent":{"name":"agent","version":"1.2.3"},"#,
                r#""kernel":{"release":"6.12.0","version":"1 SMP","machine":"riscv64","#,
                r#""cmdline":"console=hvc0 n\u00e4me=\"\ud83e\udd80\""},"uptime":{"started":0.25,"ready":0.5},"#,
                r#""memory":{"total_kib":2,"available_kib":1},"cpus":{"online":1,"possible":2},"#,
                r#""server":{"address":"vsock://-1:1024","listening":false,"error":"no"},"#,
                r#""mounts":[{"target":"/proc","kind":"proc","state":"mounted"}],"#,
                r#""cgroup":{"version":2,"controllers":["cpu"]},"#,
                r#""devices":{"virtio":[{"name":"virtio0","kind":"console","id":3}],"#,
                r#""block":[{"name":"vda","size_bytes":512}],"net":[{"name":"lo","address":"00:00:00:00:00:00"}],"#,
                r#""ports":["p"],"vsock":false},"present":["cgroup2"],"#,
                r#""missing":[{"name":"vsock","reason":"why"}]}"#,
                "\n"
            )
        );
    }

    #[test]
    fn the_line_is_ascii_and_reads_back_as_what_it_was() {
        let line = example().to_line();
        assert!(line.is_ascii());
        let read: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(read["kernel"]["cmdline"], "console=hvc0 näme=\"\u{1f980}\"");
    }
}
