//! JSON-RPC over HTTP: four methods, all of them reads.

mod client;
mod entries;
mod envelope;
pub(crate) mod field;
mod health;
mod http;
mod method;
mod network;
mod retry;
mod transaction;

pub(crate) use client::Rpc;
pub(crate) use entries::{Answered, Found};
pub(crate) use http::Http;
pub use method::Method;
pub(crate) use retry::{RETRIES_MAX, Retry, pause_before};
pub(crate) use transaction::canonical;
