//! Starts as Kata's agent starts as process 1, and does nothing else: the same steps, the same order, and the same ones
//! fatal. An initrd and a kernel in which this serves are ones in which Kata's agent starts.
//!
//! Kata's binary cannot be part of a hermetic test; this stands in for it. It is written from what Kata's sources do
//! (src/agent: main.rs, mount.rs, config.rs, sandbox.rs, rpc.rs as of late 2026) on the same crates: tokio, nix, ttrpc.
//! Not here: policy, init data, confidential components, debug console, and everything after the first request.

use std::error::Error;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use async_trait::async_trait;
use kata_artifacts_interop::agent::{
    AgentDetails, CreateSandboxRequest, Empty, GuestDetailsRequest, GuestDetailsResponse,
};
use kata_artifacts_interop::health::health_check_response::ServingStatus;
use kata_artifacts_interop::health::{CheckRequest, HealthCheckResponse, VersionCheckResponse};
use kata_artifacts_interop::{agent_ttrpc, health_ttrpc};
use nix::mount::{mount, MsFlags};
use nix::sys::reboot::{reboot, RebootMode};
use nix::sys::socket::{bind, socket, AddressFamily, NetlinkAddr, SockFlag, SockProtocol, SockType};
use tokio::signal::unix::{signal, SignalKind};
use ttrpc::asynchronous::{Server, TtrpcContext};

type Fallible<T> = Result<T, Box<dyn Error>>;

/// What the kernel command line asks for.
struct Config {
    unified: bool,
    server: String,
    end: bool,
}

fn main() -> ExitCode {
    // Kata's agent parses its arguments strictly. An unknown word on the kernel command line ends it here.
    if let Some(unknown) = std::env::args().nth(1) {
        eprintln!("standin: error: unexpected argument `{unknown}` found");
        return ExitCode::from(2);
    }
    if std::process::id() != 1 {
        eprintln!("standin: error: this stands in for process 1 only");
        return ExitCode::from(2);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let ended = runtime.map_err(Into::into).and_then(|runtime| runtime.block_on(start()));
    if let Err(cause) = ended {
        println!("standin: fatal: {cause}");
    }
    nix::unistd::sync();
    let Err(_) = reboot(RebootMode::RB_POWER_OFF);
    ExitCode::FAILURE
}

async fn start() -> Fallible<()> {
    let quiet = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    mount_at("proc", "proc", "/proc", quiet, "")?;
    mount_at("sysfs", "sysfs", "/sys", quiet, "")?;
    if let Err(cause) = mount_at("devtmpfs", "dev", "/dev", MsFlags::MS_NOSUID, "") {
        println!("standin: {cause}, which Kata's agent survives");
    }
    mount_at("tmpfs", "tmpfs", "/dev/shm", MsFlags::MS_NOSUID | MsFlags::MS_NODEV, "")?;
    mount_at("devpts", "devpts", "/dev/pts", MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC, "")?;
    mount_at("tmpfs", "tmpfs", "/run", MsFlags::MS_NOSUID | MsFlags::MS_NODEV, "")?;
    let config = Config::parse(&fs::read_to_string("/proc/cmdline")?);
    mount_control_groups(config.unified)?;
    fs::remove_file("/dev/ptmx").map_err(|cause| format!("cannot remove /dev/ptmx: {cause}"))?;
    symlink("/dev/pts/ptmx", "/dev/ptmx")?;
    nix::unistd::setsid()?;
    let name = fs::read_to_string("/etc/hostname").unwrap_or_else(|_| "localhost".to_owned());
    if nix::unistd::sethostname(name.split(' ').next().unwrap_or_default().trim()).is_err() {
        println!("standin: failed to set hostname");
    }
    root_is_mounted(&fs::read_to_string("/proc/self/mountstats")?)?;
    route_socket()?;
    if !Path::new("/sys/class/net/lo").exists() {
        return Err("there is no interface lo".into());
    }
    let mut children = signal(SignalKind::child())?;
    listen_for_devices();
    let mut server = Server::new()
        .bind(&config.server)?
        .register_service(health_ttrpc::create_health(Arc::new(Answers)))
        .register_service(agent_ttrpc::create_agent_service(Arc::new(Answers)));
    server.start().await?;
    println!("standin: serving on {}", config.server);
    if config.end {
        return Ok(());
    }
    loop {
        children.recv().await;
    }
}

impl Config {
    fn parse(cmdline: &str) -> Config {
        let mut config = Config { unified: false, server: "vsock://-1:1024".to_owned(), end: false };
        for (name, value) in cmdline.split_ascii_whitespace().filter_map(|word| word.split_once('=')) {
            match name {
                "systemd.unified_cgroup_hierarchy" => config.unified |= value == "1" || value == "true",
                "cgroup_no_v1" => config.unified |= value == "all",
                "agent.server_addr" => config.server = value.to_owned(),
                "kata_artifacts.poweroff" => config.end = value == "ready",
                _ => {}
            }
        }
        config
    }
}

/// Fatal when the directory cannot be made or the mount fails; a file system of the kind that is there is enough.
fn mount_at(kind: &str, source: &str, target: &str, flags: MsFlags, options: &str) -> Fallible<()> {
    fs::create_dir_all(target).map_err(|cause| format!("could not create directory {target}: {cause}"))?;
    let table = fs::read_to_string("/proc/mounts").unwrap_or_default();
    let there = format!(" {target} {kind} ");
    if table.lines().any(|line| line.contains(&there)) {
        return Ok(());
    }
    mount(Some(source), target, Some(kind), flags, Some(options))
        .map_err(|cause| format!("failed to mount {source} to {target}: {cause}").into())
}

fn mount_control_groups(unified: bool) -> Fallible<()> {
    let quiet = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    let flags = quiet | MsFlags::MS_RELATIME;
    if unified {
        return mount_at("cgroup2", "cgroup2", "/sys/fs/cgroup", flags, "nsdelegate");
    }
    let table = fs::read_to_string("/proc/cgroups")?;
    let enabled = |line: &&str| !line.starts_with('#') && line.ends_with("\t1");
    let known: Vec<&str> = table.lines().filter(enabled).filter_map(|line| line.split('\t').next()).collect();
    if known.contains(&"devices") {
        mount_at("tmpfs", "tmpfs", "/sys/fs/cgroup", quiet, "mode=755")?;
        for controller in known.iter().filter(|name| **name != "misc") {
            mount_at("cgroup", "cgroup", &format!("/sys/fs/cgroup/{controller}"), flags, controller)?;
        }
    }
    let hierarchy = "/sys/fs/cgroup/memory/memory.use_hierarchy";
    fs::write(hierarchy, "1").map_err(|cause| format!("cannot write {hierarchy}: {cause}").into())
}

fn root_is_mounted(mountstats: &str) -> Fallible<()> {
    let found =
        mountstats.lines().any(|line| line.starts_with("device ") && line.contains(" mounted on / with fstype "));
    found.then_some(()).ok_or_else(|| "failed to find FS type for mount point /".into())
}

fn route_socket() -> Fallible<()> {
    let route = SockProtocol::NetlinkRoute;
    socket(AddressFamily::Netlink, SockType::Raw, SockFlag::SOCK_CLOEXEC, route)?;
    Ok(())
}

/// Kata's agent goes on without.
fn listen_for_devices() {
    use std::os::fd::AsRawFd;
    let events = SockProtocol::NetlinkKObjectUEvent;
    let listening = socket(AddressFamily::Netlink, SockType::Datagram, SockFlag::SOCK_CLOEXEC, events)
        .and_then(|socket| bind(socket.as_raw_fd(), &NetlinkAddr::new(0, 1)));
    if let Err(cause) = listening {
        println!("standin: cannot listen for device events: {cause}");
    }
}

/// The first answers that a runtime wants.
struct Answers;

#[async_trait]
impl health_ttrpc::Health for Answers {
    async fn check(&self, _: &TtrpcContext, _: CheckRequest) -> ttrpc::Result<HealthCheckResponse> {
        Ok(HealthCheckResponse { status: ServingStatus::SERVING.into(), ..Default::default() })
    }

    async fn version(&self, _: &TtrpcContext, _: CheckRequest) -> ttrpc::Result<VersionCheckResponse> {
        let agent_version = concat!("standin-", env!("CARGO_PKG_VERSION")).to_owned();
        Ok(VersionCheckResponse { grpc_version: "0.0.1".to_owned(), agent_version, ..Default::default() })
    }
}

#[async_trait]
impl agent_ttrpc::AgentService for Answers {
    async fn get_guest_details(&self, _: &TtrpcContext, _: GuestDetailsRequest) -> ttrpc::Result<GuestDetailsResponse> {
        let details = AgentDetails { init_daemon: true, ..Default::default() };
        Ok(GuestDetailsResponse { agent_details: Some(details).into(), ..Default::default() })
    }

    async fn create_sandbox(&self, _: &TtrpcContext, _: CreateSandboxRequest) -> ttrpc::Result<Empty> {
        let refused = ttrpc::get_status(ttrpc::Code::UNIMPLEMENTED, "a stand-in has no sandboxes");
        Err(ttrpc::Error::RpcStatus(refused))
    }
}
