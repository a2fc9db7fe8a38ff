//! The agent as a program: started on a unix socket, asked by a client that knows only bytes, and fed with nonsense.
#![expect(clippy::unwrap_used, reason = "what fails in a test's own helpers fails the test")]

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

const AGENT: &str = env!("CARGO_BIN_EXE_kata-artifacts-agent");
const PATIENCE: Duration = Duration::from_secs(20);

/// A serving agent, ended when dropped.
struct Serving {
    agent: Child,
    socket: PathBuf,
}

impl Serving {
    fn start(name: &str) -> Serving {
        let socket = std::env::temp_dir().join(format!("agent-{name}-{}.sock", std::process::id()));
        let _ = std::fs::remove_file(&socket);
        let address = format!("unix://{}", socket.display());
        let agent = command(&["--serve", &address]).stderr(Stdio::null()).spawn().unwrap();
        let serving = Serving { agent, socket };
        serving.connect();
        serving
    }

    fn connect(&self) -> UnixStream {
        let end = Instant::now() + PATIENCE;
        loop {
            match UnixStream::connect(&self.socket) {
                Ok(stream) => {
                    stream.set_read_timeout(Some(PATIENCE)).unwrap();
                    stream.set_write_timeout(Some(PATIENCE)).unwrap();
                    return stream;
                }
                Err(cause) => assert!(Instant::now() < end, "{cause}"),
            }
            std::thread::yield_now();
        }
    }

    /// Asks over a connection of its own and returns the whole response frame.
    fn ask(&self, service: &str, method: &str, payload: &[u8]) -> Vec<u8> {
        exchange(&mut self.connect(), &request(1, service, method, payload))
    }

    fn is_well(&mut self) -> bool {
        let answer = self.ask("grpc.Health", "Check", b"");
        answer.ends_with(b"\x0a\x00\x12\x02\x08\x01") && self.agent.try_wait().unwrap().is_none()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.agent.kill();
        let _ = self.agent.wait();
        let _ = std::fs::remove_file(&self.socket);
    }
}

#[expect(clippy::disallowed_methods, reason = "the test runs the agent; the agent runs nothing")]
fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(AGENT);
    command.args(arguments);
    command
}

fn run(arguments: &[&str]) -> Output {
    command(arguments).output().unwrap()
}

fn frame(length: u32, stream: u32, kind: u8, body: &[u8]) -> Vec<u8> {
    [&length.to_be_bytes()[..], &stream.to_be_bytes(), &[kind, 0], body].concat()
}

fn request(stream: u32, service: &str, method: &str, payload: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    for (tag, field) in [(0x0a, service.as_bytes()), (0x12, method.as_bytes()), (0x1a, payload)] {
        body.extend([tag, field.len() as u8]);
        body.extend(field);
    }
    frame(body.len() as u32, stream, 1, &body)
}

fn exchange(stream: &mut UnixStream, bytes: &[u8]) -> Vec<u8> {
    stream.write_all(bytes).unwrap();
    response(stream)
}

fn response(stream: &mut UnixStream) -> Vec<u8> {
    let mut answer = vec![0; 10];
    stream.read_exact(&mut answer).unwrap();
    let length = u32::from_be_bytes(answer[..4].try_into().unwrap());
    answer.resize(10 + length as usize, 0);
    stream.read_exact(&mut answer[10..]).unwrap();
    answer
}

/// The status code in a response that has one other than 0.
fn code(answer: &[u8]) -> u8 {
    assert_eq!((answer[8], answer[10], answer[12]), (2, 0x0a, 0x08), "{answer:?}");
    answer[13]
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[test]
fn check_is_answered_on_the_stream_that_asked() {
    let serving = Serving::start("check");
    let answer = exchange(&mut serving.connect(), &request(7, "grpc.Health", "Check", b""));
    assert_eq!(answer, frame(6, 7, 2, b"\x0a\x00\x12\x02\x08\x01"));
}

#[test]
fn version_and_guest_details_are_answered_over_one_connection() {
    let serving = Serving::start("version");
    let mut stream = serving.connect();
    let version = exchange(&mut stream, &request(1, "grpc.Health", "Version", b""));
    assert!(contains(&version, "0.0.1") && contains(&version, env!("CARGO_PKG_VERSION")));
    let details = exchange(&mut stream, &request(3, "grpc.AgentService", "GetGuestDetails", b"\x08\x01\x10\x01"));
    assert!(contains(&details, "kata-artifacts-probe"));
}

#[test]
fn several_requests_may_wait_in_one_connection() {
    let serving = Serving::start("pipeline");
    let mut stream = serving.connect();
    let requests: Vec<u8> = [1, 3, 5].iter().flat_map(|id| request(*id, "grpc.Health", "Check", b"")).collect();
    stream.write_all(&requests).unwrap();
    let streams: Vec<u8> = (0..3).map(|_| response(&mut stream)[7]).collect();
    assert_eq!(streams, [1, 3, 5]);
}

#[test]
fn unknown_services_and_methods_are_unimplemented() {
    let mut serving = Serving::start("unknown");
    assert_eq!(code(&serving.ask("grpc.AgentService", "CreateContainer", b"")), 12);
    assert_eq!(code(&serving.ask("grpc.Nonsense", "Check", b"")), 12);
    assert!(serving.is_well());
}

#[test]
fn an_oversized_body_is_refused_and_the_connection_goes_on() {
    let serving = Serving::start("oversized");
    let mut stream = serving.connect();
    let length = (4 << 20) + 1;
    assert_eq!(code(&exchange(&mut stream, &frame(length, 1, 1, &vec![0; length as usize]))), 8);
    let answer = exchange(&mut stream, &request(3, "grpc.Health", "Check", b""));
    assert_eq!(answer[13..], *b"\x02\x08\x01");
}

#[test]
fn bodies_that_are_no_request_are_refused() {
    let serving = Serving::start("garbage");
    let mut stream = serving.connect();
    assert_eq!(code(&exchange(&mut stream, &frame(3, 1, 1, b"\xff\xff\xff"))), 3);
    assert_eq!(code(&exchange(&mut stream, &frame(4, 2, 1, b"\x0a\x02ab"))), 3);
    let answer = exchange(&mut stream, &request(5, "grpc.Health", "Check", b""));
    assert_eq!(answer[7], 5);
}

#[test]
fn truncated_frames_and_foreign_kinds_do_not_end_the_agent() {
    let mut serving = Serving::start("truncated");
    let whole = request(1, "grpc.Health", "Check", b"");
    for length in 0..whole.len() {
        serving.connect().write_all(&whole[..length]).unwrap();
    }
    for claimed in [100, 4 << 20, u32::MAX] {
        serving.connect().write_all(&frame(claimed, 1, 1, b"few")).unwrap();
    }
    let mut stream = serving.connect();
    for kind in [0, 2, 3, 255] {
        stream.write_all(&frame(2, 1, kind, b"xy")).unwrap();
    }
    assert_eq!(exchange(&mut stream, &whole)[8], 2);
    assert!(serving.is_well());
}

#[test]
fn idle_connections_do_not_keep_others_out_for_ever() {
    let mut serving = Serving::start("idle");
    let idle: Vec<UnixStream> = (0..40).map(|_| serving.connect()).collect();
    drop(idle);
    let end = Instant::now() + PATIENCE;
    loop {
        let mut stream = serving.connect();
        let mut byte = [0];
        let asked = stream.write_all(&request(1, "grpc.Health", "Check", b""));
        if asked.is_ok() && matches!(stream.read(&mut byte), Ok(1)) {
            break;
        }
        assert!(Instant::now() < end, "the places were not given back");
    }
    assert!(serving.agent.try_wait().unwrap().is_none());
}

#[test]
fn a_signal_ends_a_developer_s_agent_in_order() {
    let mut serving = Serving::start("signal");
    let pid = nix::unistd::Pid::from_raw(serving.agent.id() as i32);
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
    assert_eq!(serving.agent.wait().unwrap().code(), Some(0));
}

#[test]
fn help_and_version_go_to_standard_output() {
    let help = run(&["--help"]);
    assert!(help.status.success() && contains(&help.stdout, "does not run containers"));
    assert_eq!(run(&["--version"]).stdout, format!("kata-artifacts-agent {}\n", env!("CARGO_PKG_VERSION")).as_bytes());
}

#[test]
fn the_report_is_one_line_of_json_with_its_schema() {
    let report = run(&["--report"]).stdout;
    assert_eq!(report.iter().filter(|byte| **byte == b'\n').count(), 1);
    let read: serde_json::Value = serde_json::from_slice(&report).unwrap();
    assert_eq!(read["schema"], "dev.kata-artifacts.report.v1");
    assert!(read["memory"]["total_kib"].as_u64().unwrap() > 0);
}

#[test]
fn a_developer_s_run_mounts_nothing() {
    let mounts = || std::fs::read_to_string("/proc/self/mounts").unwrap();
    let before = mounts();
    let refused = run(&[]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(contains(&refused.stderr, "not process 1"));
    run(&["--report"]);
    assert_eq!(mounts(), before);
}

#[test]
fn an_address_that_cannot_be_used_is_an_error_with_its_reason() {
    let missing = run(&["--serve", "unix:///nonexistent/agent.sock"]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(contains(&missing.stderr, "No such file or directory"));
    assert_eq!(run(&["--serve", "tcp://localhost:1"]).status.code(), Some(2));
}
