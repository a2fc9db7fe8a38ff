//! Devices as the kernel lists them in sysfs.

use crate::probe::System;
use crate::report::{Block, Devices, Net, Virtio};

/// Sizes of disks are told in sectors of this many bytes, whatever the disk's own are.
const SECTOR: u64 = 512;

/// The virtio device id of vsock.
const VSOCK: u32 = 19;

/// Lists the devices.
pub(crate) fn find(system: &System) -> Devices {
    let virtio = virtio(system);
    let vsock = virtio.iter().any(|device| device.id == VSOCK && device.driver.is_some());
    Devices { vsock, virtio, block: block(system), net: net(system), ports: ports(system) }
}

fn virtio(system: &System) -> Vec<Virtio> {
    let bus = "sys/bus/virtio/devices";
    let device = |name: String| {
        let id = number(system.text(&format!("{bus}/{name}/device")).trim())?;
        let driver = system.link_name(&format!("{bus}/{name}/driver"));
        Some(Virtio { name, kind: kind(id), id, driver })
    };
    system.names(bus).into_iter().filter_map(device).collect()
}

fn block(system: &System) -> Vec<Block> {
    let disk = |name: String| {
        let sectors: u64 = system.text(&format!("sys/block/{name}/size")).trim().parse().ok()?;
        // Every kernel with RAM disks has sixteen, and unused loop devices have no size: neither tells of this machine.
        (sectors > 0 && !name.starts_with("ram")).then(|| Block { name, size_bytes: sectors.saturating_mul(SECTOR) })
    };
    system.names("sys/block").into_iter().filter_map(disk).collect()
}

fn net(system: &System) -> Vec<Net> {
    let interface = |name: String| {
        let address = system.text(&format!("sys/class/net/{name}/address")).trim().to_owned();
        Net { name, address }
    };
    system.names("sys/class/net").into_iter().map(interface).collect()
}

fn ports(system: &System) -> Vec<String> {
    let class = "sys/class/virtio-ports";
    let name = |port: String| system.text(&format!("{class}/{port}/name")).trim().to_owned();
    let mut names: Vec<String> = system.names(class).into_iter().map(name).filter(|name| !name.is_empty()).collect();
    names.sort();
    names
}

/// Reads `0x0013`, as sysfs writes device ids.
fn number(text: &str) -> Option<u32> {
    u32::from_str_radix(text.strip_prefix("0x")?, 16).ok()
}

/// A device id's name, after the virtio specification 1.3, section 5.
fn kind(id: u32) -> String {
    let name = match id {
        1 => "net",
        2 => "block",
        3 => "console",
        4 => "rng",
        5 => "balloon",
        8 => "scsi",
        9 => "9p",
        16 => "gpu",
        18 => "input",
        VSOCK => "vsock",
        20 => "crypto",
        23 => "iommu",
        24 => "mem",
        25 => "sound",
        26 => "fs",
        27 => "pmem",
        _ => return format!("id-{id}"),
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::system::made_up::MadeUp;

    #[test]
    fn virtio_devices_are_named_by_their_id_and_driver() {
        let made_up = MadeUp::new(&[
            ("sys/bus/virtio/devices/virtio0/device", "0x0003\n"),
            ("sys/bus/virtio/devices/virtio0/driver", "-> ../../drivers/virtio_console"),
            ("sys/bus/virtio/devices/virtio1/device", "0x0013\n"),
            ("sys/bus/virtio/devices/virtio2/device", "0x00ff\n"),
            ("sys/bus/virtio/devices/virtio3/device", "gone\n"),
        ]);
        let devices = find(&made_up.0);
        let kinds: Vec<(&str, Option<&str>)> =
            devices.virtio.iter().map(|device| (device.kind.as_str(), device.driver.as_deref())).collect();
        assert_eq!(kinds, [("console", Some("virtio_console")), ("vsock", None), ("id-255", None)]);
        assert!(!devices.vsock, "a vsock device without a driver carries nothing");
    }

    #[test]
    fn a_vsock_device_with_a_driver_carries_vsock() {
        let made_up = MadeUp::new(&[
            ("sys/bus/virtio/devices/virtio1/device", "0x0013\n"),
            ("sys/bus/virtio/devices/virtio1/driver", "-> x/vmw_vsock_virtio_transport"),
        ]);
        assert!(find(&made_up.0).vsock);
    }

    #[test]
    fn disks_that_every_kernel_has_are_left_out_and_sizes_are_bytes() {
        let made_up = MadeUp::new(&[
            ("sys/block/loop0/size", "0\n"),
            ("sys/block/ram0/size", "8192\n"),
            ("sys/block/vda/size", "2048\n"),
        ]);
        assert_eq!(find(&made_up.0).block, [Block { name: "vda".into(), size_bytes: 1 << 20 }]);
    }

    #[test]
    fn interfaces_and_named_ports_are_listed() {
        let made_up = MadeUp::new(&[
            ("sys/class/net/eth0/address", "52:54:00:12:34:56\n"),
            ("sys/class/virtio-ports/vport0p0/dev", "1:2"),
            ("sys/class/virtio-ports/vport0p1/name", "dev.kata-artifacts.report\n"),
        ]);
        let devices = find(&made_up.0);
        assert_eq!(devices.net, [Net { name: "eth0".into(), address: "52:54:00:12:34:56".into() }]);
        assert_eq!(devices.ports, ["dev.kata-artifacts.report"]);
    }
}
