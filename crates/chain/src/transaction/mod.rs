//! Transactions as XDR: on which terms one is taken, what came of it, and what it did. Pure.

mod account;
mod effects;
mod envelope;
mod result;

pub use account::account_seen;
pub use effects::{ContractEventSeen, Effects};
pub use envelope::{EnvelopeError, TransactionFacts, transaction_facts};

pub(crate) use effects::RecordedEffects;
pub(crate) use result::{Outcome, outcome};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use stellar_xdr::{Limits, ReadXdr};

/// How deep XDR may nest: the host's own limit (`DEFAULT_XDR_RW_LIMITS` in soroban-env-host).
const XDR_DEPTH_MAX: u32 = 500;

/// Decodes XDR in base64. The error says what does not fit.
fn from_base64<T: ReadXdr>(text: &str) -> Result<T, String> {
    let bytes = BASE64.decode(text).map_err(|error| format!("its base64 is broken: {error}"))?;
    T::from_xdr(&bytes, Limits { depth: XDR_DEPTH_MAX, len: bytes.len() })
        .map_err(|error| format!("it is not XDR of protocol 30 or older: {error}"))
}
