//! Everyone's reads, in as few calls as the server's limit allows.
//!
//! Callers hand their keys to one task, in groups that one response has to answer. It sorts them by contract, so that
//! a contract's instance (the sentinel that tells an absent entry from a wrong contract) is paid for once a call, and
//! sends a call when it is full. A call that is not full waits for company as long as there is reason to expect some,
//! and never for long: see `task`.

mod call;
mod groups;
mod handle;
mod intent;
mod key;
mod pending;
mod task;

pub(crate) use handle::Batch;
pub use intent::Intent;
use intent::Intents;
use key::asked_keys;
pub(crate) use key::{AskedKey, Key};
