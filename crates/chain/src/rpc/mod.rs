//! JSON-RPC over HTTP: four methods, all of them reads.

mod client;
mod entries;
mod envelope;
mod field;
mod health;
mod http;
mod method;
mod network;
mod retry;
mod transaction;

pub(crate) use client::Rpc;
pub(crate) use entries::{Answered, Found};
pub use method::Method;
pub(crate) use retry::{RETRIES_MAX, Retry, pause_before};
