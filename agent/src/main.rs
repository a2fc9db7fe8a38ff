//! The embedded guest agent: boots as init in a Kata guest, answers Kata's health calls and reports what it found.
//!
//! It proves a guest. It does not run containers, and every call that would is refused.
//!
//! Reading order: `boot` is what happens as process 1, in order; `cli` is everything else. What they use:
//! `cmdline` (what the kernel command line asks for), `mounts`, `device_links`, `loopback` (the start of a guest),
//! `address`, `frame`, `message`, `service`, `server` (Kata's API), `probe` and `report` (what the guest is),
//! `port` and `console` (where the report goes), `reap` and `stop` (how it goes on and how it ends).
//!
//! Invariants: process 1 never returns and never panics without a line on the console; a guest that lacks something
//! is reported, not refused; the report is written exactly once; no code here runs another program.

mod address;
mod boot;
mod cli;
mod cmdline;
mod console;
mod device_links;
mod frame;
mod loopback;
mod message;
mod mounts;
mod port;
mod probe;
mod reap;
mod report;
mod server;
mod service;
mod stop;

use std::process::ExitCode;

/// The name in the report, in `--version` and on the console.
const NAME: &str = env!("CARGO_PKG_NAME");
/// The version in the report and in Kata's `Version` answer.
const VERSION: &str = env!("CARGO_PKG_VERSION");

fn main() -> ExitCode {
    // Process 1 ignores its arguments: the kernel hands it every bare word of its command line that it does not know.
    if std::process::id() == 1 {
        boot::run()
    } else {
        cli::run(std::env::args_os().skip(1))
    }
}
