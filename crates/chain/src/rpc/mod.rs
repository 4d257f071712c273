//! JSON-RPC over HTTP: a closed list of methods, all of them reads.

mod allowance;
mod client;
mod entries;
mod envelope;
mod events;
pub(crate) mod field;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod health;
mod http;
mod method;
mod network;
mod rate;
mod retry;
mod simulate;
mod transaction;

pub(crate) use client::Rpc;
pub(crate) use entries::{Answered, Found};
pub use events::{CONTRACTS_PER_CALL_MAX, EVENTS_PER_PAGE_MAX, EventPage, EventsFrom};
pub(crate) use http::Http;
pub use method::Method;
pub(crate) use rate::CallRate;
pub(crate) use retry::{RETRIES_MAX, Retry, pause_before};
pub(crate) use transaction::canonical;
