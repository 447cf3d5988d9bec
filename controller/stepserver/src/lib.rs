//! Calls step servers: steps and policies in any language, over gRPC (`proto/xos/steps/v1/steps.proto`).
//!
//! [`Servers`] holds one connection to each server, which all its steps share. A [`Server`] connects when it is first
//! needed, asks the server's health and what it has, and watches its health from then on. [`Server::call`] makes a call
//! of a step: it answers what the server asks of the models meanwhile, and says how the call ended.

mod access;
mod address;
mod call;
mod connection;
mod convert;
mod described;
mod exchange;
mod outcome;
mod permits;
mod server;

pub use address::{Address, AddressError, Target, Tls};
pub use call::{Call, Method, Subject};
pub use described::{Kind, Mismatch, Wanted};
pub use server::{Server, Servers};

/// The messages, and the service for step servers in Rust, made from the .proto file.
#[allow(
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::pedantic,
    clippy::use_self,
    clippy::unwrap_used,
    clippy::explicit_iter_loop,
    reason = "it is generated"
)]
pub mod v1 {
    tonic::include_proto!("xos.steps.v1");
}

/// The longest message that is sent or read, in bytes.
pub const LONGEST: usize = 32 << 20;
