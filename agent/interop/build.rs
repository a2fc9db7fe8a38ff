//! Generates clients and servers from the agent's own `proto/`, so that a mistake there or in `src/message.rs` shows.

use std::path::PathBuf;

use ttrpc_codegen::{Codegen, Customize, ProtobufCustomize};

fn main() {
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let protos = ["../proto/health.proto", "../proto/agent.proto"];
    Codegen::new()
        .out_dir(&out)
        .inputs(protos)
        .include("../proto")
        .rust_protobuf()
        .rust_protobuf_customize(ProtobufCustomize::default().gen_mod_rs(false))
        // As in Kata: the agent's side is asynchronous. The client is not, to keep tests plain.
        .customize(Customize { async_server: true, ..Customize::default() })
        .run()
        .expect("the protocol files are valid");
    let modules = ["health", "health_ttrpc", "agent", "agent_ttrpc"].map(|name| format!("pub mod {name};\n"));
    std::fs::write(out.join("mod.rs"), modules.concat()).expect("OUT_DIR is writable");
    println!("cargo:rerun-if-changed=../proto");
}
