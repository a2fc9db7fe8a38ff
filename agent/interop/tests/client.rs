//! The embedded agent, asked by the client of the ttrpc crate: the one whose server Kata's own agent is.

use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use kata_artifacts_interop::agent::{CreateSandboxRequest, GuestDetailsRequest};
use kata_artifacts_interop::agent_ttrpc::AgentServiceClient;
use kata_artifacts_interop::health::health_check_response::ServingStatus;
use kata_artifacts_interop::health::CheckRequest;
use kata_artifacts_interop::health_ttrpc::HealthClient;
use ttrpc::{Client, Code};

struct Serving {
    agent: Child,
    socket: PathBuf,
}

impl Serving {
    fn start(name: &str) -> Serving {
        let socket = std::env::temp_dir().join(format!("interop-{name}-{}.sock", std::process::id()));
        let _ = std::fs::remove_file(&socket);
        let address = format!("unix://{}", socket.display());
        let agent = Command::new(build()).args(["--serve", &address]).spawn().unwrap();
        Serving { agent, socket }
    }

    fn client(&self) -> Client {
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            match Client::connect(&format!("unix://{}", self.socket.display())) {
                Ok(client) => return client,
                Err(cause) => assert!(Instant::now() < end, "{cause}"),
            }
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.agent.kill();
        let _ = self.agent.wait();
        let _ = std::fs::remove_file(&self.socket);
    }
}

/// Builds the agent, which is another crate with another lock, and returns its path.
fn build() -> PathBuf {
    let agent = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("agent");
    let mut cargo = Command::new(env!("CARGO"));
    let built = cargo.current_dir(agent).args(["build", "--quiet", "--locked", "--target-dir"]).arg(&target).status();
    assert!(built.unwrap().success());
    target.join("debug/kata-artifacts-agent")
}

fn context() -> ttrpc::context::Context {
    ttrpc::context::with_duration(Duration::from_secs(20))
}

#[test]
fn check_and_version_are_understood() {
    let serving = Serving::start("health");
    let health = HealthClient::new(serving.client());
    let checked = health.check(context(), &CheckRequest::new()).unwrap();
    assert_eq!(checked.status.enum_value(), Ok(ServingStatus::SERVING));
    let version = health.version(context(), &CheckRequest::new()).unwrap();
    assert_eq!(version.grpc_version, "0.0.1");
    assert!(!version.agent_version.is_empty());
}

#[test]
fn metadata_and_timeouts_are_accepted() {
    let serving = Serving::start("metadata");
    let health = HealthClient::new(serving.client());
    let mut context = context();
    context.add("traceparent".to_owned(), "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned());
    assert!(health.check(context, &CheckRequest::new()).is_ok());
}

#[test]
fn guest_details_are_understood() {
    let serving = Serving::start("details");
    let agent = AgentServiceClient::new(serving.client());
    let asked = GuestDetailsRequest { mem_block_size: true, mem_hotplug_probe: true, ..Default::default() };
    let details = agent.get_guest_details(context(), &asked).unwrap();
    assert!(!details.agent_details.init_daemon);
    assert_eq!(details.agent_details.extra_features, ["kata-artifacts-probe"]);
}

#[test]
fn a_call_that_is_not_answered_is_unimplemented_to_the_client() {
    let serving = Serving::start("refused");
    let agent = AgentServiceClient::new(serving.client());
    match agent.create_sandbox(context(), &CreateSandboxRequest::new()) {
        Err(ttrpc::Error::RpcStatus(status)) => {
            assert_eq!(status.code(), Code::UNIMPLEMENTED);
            assert!(status.message().contains("/grpc.AgentService/CreateSandbox"), "{status:?}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn many_clients_ask_at_once() {
    let serving = Serving::start("many");
    let client = serving.client();
    std::thread::scope(|scope| {
        for _ in 0..16 {
            let health = HealthClient::new(client.clone());
            scope.spawn(move || {
                for _ in 0..50 {
                    health.check(context(), &CheckRequest::new()).unwrap();
                }
            });
        }
    });
}
