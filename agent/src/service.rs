//! Kata's API, as far as a guest without containers has answers: which call gets which reply. Pure apart from two files
//! in sysfs; reads and writes no socket.

use prost::Message;

use crate::frame::{Body, Frame, Kind, LARGEST_BODY};
use crate::message::{
    AgentDetails, CheckRequest, GuestDetailsRequest, GuestDetailsResponse, HealthCheckResponse, Request, Response,
    ServingStatus, Status, VersionCheckResponse,
};
use crate::probe::System;

/// The version of its API that Kata's agent answers.
const API_VERSION: &str = "0.0.1";

/// gRPC's status codes, as far as they are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
enum Code {
    Ok = 0,
    InvalidArgument = 3,
    ResourceExhausted = 8,
    Unimplemented = 12,
}

/// What the answers are about.
#[derive(Clone, Debug)]
pub(crate) struct Guest {
    /// Where to look.
    pub(crate) system: System,
    /// Whether this agent is process 1.
    pub(crate) init: bool,
}

/// Returns the body of the response to a frame, or None when a frame asks for none.
pub(crate) fn answer(guest: &Guest, frame: &Frame) -> Option<Vec<u8>> {
    if frame.kind != Kind::Request {
        return None;
    }
    let reply = match &frame.body {
        Body::TooLarge(length) => Err((
            Code::ResourceExhausted,
            format!("message length {length} exceeds the maximum of {LARGEST_BODY} bytes"),
        )),
        Body::Whole(_) if frame.stream % 2 == 0 => {
            Err((Code::InvalidArgument, format!("stream id {} of a client must be odd", frame.stream)))
        }
        Body::Whole(body) => decode::<Request>(body).and_then(|request| dispatch(guest, &request)),
    };
    let (code, message, payload) = match reply {
        Ok(payload) => (Code::Ok, String::new(), payload),
        Err((code, message)) => (code, message, Vec::new()),
    };
    let status = Some(Status { code: code as i32, message });
    Some(Response { status, payload }.encode_to_vec())
}

type Reply = Result<Vec<u8>, (Code, String)>;

fn dispatch(guest: &Guest, request: &Request) -> Reply {
    match (request.service.as_str(), request.method.as_str()) {
        ("grpc.Health", "Check") => {
            decode::<CheckRequest>(&request.payload)?;
            Ok(HealthCheckResponse { status: ServingStatus::Serving.into() }.encode_to_vec())
        }
        ("grpc.Health", "Version") => {
            decode::<CheckRequest>(&request.payload)?;
            Ok(version().encode_to_vec())
        }
        ("grpc.AgentService", "GetGuestDetails") => {
            let asked = decode::<GuestDetailsRequest>(&request.payload)?;
            Ok(guest_details(guest, &asked).encode_to_vec())
        }
        (service, method) => Err((
            Code::Unimplemented,
            format!("/{service}/{method} is not implemented: this agent proves a guest, it does not run containers"),
        )),
    }
}

fn decode<M: Message + Default>(bytes: &[u8]) -> Result<M, (Code, String)> {
    M::decode(bytes).map_err(|cause| (Code::InvalidArgument, cause.to_string()))
}

fn version() -> VersionCheckResponse {
    VersionCheckResponse { grpc_version: API_VERSION.to_owned(), agent_version: crate::VERSION.to_owned() }
}

fn guest_details(guest: &Guest, asked: &GuestDetailsRequest) -> GuestDetailsResponse {
    let block_size = asked.mem_block_size.then(|| guest.system.memory_block_bytes()).flatten();
    GuestDetailsResponse {
        mem_block_size_bytes: block_size.unwrap_or(0),
        agent_details: Some(AgentDetails {
            version: crate::VERSION.to_owned(),
            init_daemon: guest.init,
            // It handles no device and no storage, and confines nothing: there are no containers.
            device_handlers: Vec::new(),
            storage_handlers: Vec::new(),
            supports_seccomp: false,
            extra_features: vec!["kata-artifacts-probe".to_owned()],
        }),
        support_mem_hotplug_probe: asked.mem_hotplug_probe && guest.system.memory_probe(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guest() -> Guest {
        Guest { system: System::at("/nonexistent"), init: true }
    }

    fn ask(service: &str, method: &str, payload: Vec<u8>) -> Response {
        let body = Request { service: service.into(), method: method.into(), payload }.encode_to_vec();
        reply(&Frame { stream: 1, kind: Kind::Request, body: Body::Whole(body) })
    }

    fn reply(frame: &Frame) -> Response {
        Response::decode(&answer(&guest(), frame).unwrap()[..]).unwrap()
    }

    fn code(response: &Response) -> i32 {
        response.status.as_ref().unwrap().code
    }

    #[test]
    fn check_says_serving() {
        let response = ask("grpc.Health", "Check", vec![]);
        assert_eq!(code(&response), 0);
        assert_eq!(HealthCheckResponse::decode(&response.payload[..]).unwrap().status(), ServingStatus::Serving);
    }

    #[test]
    fn version_names_the_api_and_the_agent() {
        let response = ask("grpc.Health", "Version", vec![]);
        let version = VersionCheckResponse::decode(&response.payload[..]).unwrap();
        assert_eq!((version.grpc_version.as_str(), version.agent_version.as_str()), ("0.0.1", crate::VERSION));
    }

    #[test]
    fn guest_details_tell_that_nothing_is_handled() {
        let response = ask("grpc.AgentService", "GetGuestDetails", vec![0x08, 1, 0x10, 1]);
        let details = GuestDetailsResponse::decode(&response.payload[..]).unwrap();
        assert_eq!((details.mem_block_size_bytes, details.support_mem_hotplug_probe), (0, false));
        let agent = details.agent_details.unwrap();
        assert!(agent.init_daemon && agent.storage_handlers.is_empty() && !agent.supports_seccomp);
    }

    #[test]
    fn calls_that_would_run_containers_are_unimplemented() {
        for (service, method) in
            [("grpc.AgentService", "CreateContainer"), ("grpc.Health", "Watch"), ("x", "y"), ("", "")]
        {
            let response = ask(service, method, vec![]);
            assert_eq!(code(&response), 12);
            assert!(response.status.unwrap().message.contains(&format!("/{service}/{method}")));
        }
    }

    #[test]
    fn bytes_that_are_no_request_are_an_invalid_argument() {
        let frame = Frame { stream: 1, kind: Kind::Request, body: Body::Whole(vec![0xff; 20]) };
        assert_eq!(code(&reply(&frame)), 3);
        assert_eq!(code(&ask("grpc.Health", "Check", vec![0x0a, 0x05, b'x'])), 3);
    }

    #[test]
    fn even_streams_and_oversized_bodies_are_refused() {
        assert_eq!(code(&reply(&Frame { stream: 2, kind: Kind::Request, body: Body::Whole(vec![]) })), 3);
        assert_eq!(code(&reply(&Frame { stream: 1, kind: Kind::Request, body: Body::TooLarge(u32::MAX) })), 8);
    }

    #[test]
    fn frames_that_ask_nothing_get_no_answer() {
        for kind in [Kind::Response, Kind::Other(3), Kind::Other(0)] {
            assert_eq!(answer(&guest(), &Frame { stream: 1, kind, body: Body::Whole(vec![]) }), None);
        }
    }
}
