//! The protobuf messages on the wire: ttrpc's envelope and the few of Kata's that are answered. `proto/` is their
//! source; field numbers and types are a foreign format and must not change. Fields that are not listed are skipped.

use prost::Message;

/// ttrpc's request envelope.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Request {
    #[prost(string, tag = "1")]
    pub(crate) service: String,
    #[prost(string, tag = "2")]
    pub(crate) method: String,
    #[prost(bytes = "vec", tag = "3")]
    pub(crate) payload: Vec<u8>,
}

/// ttrpc's response envelope.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Response {
    #[prost(message, optional, tag = "1")]
    pub(crate) status: Option<Status>,
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) payload: Vec<u8>,
}

/// `google.rpc.Status`, without details.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Status {
    #[prost(int32, tag = "1")]
    pub(crate) code: i32,
    #[prost(string, tag = "2")]
    pub(crate) message: String,
}

/// `grpc.CheckRequest`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct CheckRequest {
    #[prost(string, tag = "1")]
    pub(crate) service: String,
}

/// `grpc.HealthCheckResponse`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct HealthCheckResponse {
    #[prost(enumeration = "ServingStatus", tag = "1")]
    pub(crate) status: i32,
}

/// `grpc.HealthCheckResponse.ServingStatus`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
#[repr(i32)]
pub(crate) enum ServingStatus {
    Unknown = 0,
    Serving = 1,
    NotServing = 2,
}

/// `grpc.VersionCheckResponse`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct VersionCheckResponse {
    #[prost(string, tag = "1")]
    pub(crate) grpc_version: String,
    #[prost(string, tag = "2")]
    pub(crate) agent_version: String,
}

/// `grpc.GuestDetailsRequest`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct GuestDetailsRequest {
    #[prost(bool, tag = "1")]
    pub(crate) mem_block_size: bool,
    #[prost(bool, tag = "2")]
    pub(crate) mem_hotplug_probe: bool,
}

/// `grpc.GuestDetailsResponse`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct GuestDetailsResponse {
    #[prost(uint64, tag = "1")]
    pub(crate) mem_block_size_bytes: u64,
    #[prost(message, optional, tag = "2")]
    pub(crate) agent_details: Option<AgentDetails>,
    #[prost(bool, tag = "3")]
    pub(crate) support_mem_hotplug_probe: bool,
}

/// `grpc.AgentDetails`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct AgentDetails {
    #[prost(string, tag = "1")]
    pub(crate) version: String,
    #[prost(bool, tag = "2")]
    pub(crate) init_daemon: bool,
    #[prost(string, repeated, tag = "3")]
    pub(crate) device_handlers: Vec<String>,
    #[prost(string, repeated, tag = "4")]
    pub(crate) storage_handlers: Vec<String>,
    #[prost(bool, tag = "5")]
    pub(crate) supports_seccomp: bool,
    #[prost(string, repeated, tag = "6")]
    pub(crate) extra_features: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_request_has_the_bytes_that_any_ttrpc_client_sends() {
        let request = Request { service: "grpc.Health".into(), method: "Check".into(), payload: vec![] };
        assert_eq!(request.encode_to_vec(), b"\x0a\x0bgrpc.Health\x12\x05Check");
    }

    #[test]
    fn timeout_and_metadata_are_skipped() {
        let wire = b"\x0a\x01s\x12\x01m\x20\x80\x94\xeb\xdc\x03\x2a\x06\x0a\x01k\x12\x01v";
        assert_eq!(Request::decode(&wire[..]).unwrap().method, "m");
    }

    #[test]
    fn a_serving_answer_is_two_bytes() {
        let answer = HealthCheckResponse { status: ServingStatus::Serving.into() };
        assert_eq!(answer.encode_to_vec(), [0x08, 0x01]);
    }
}
