//! XDR to bytes and text and back, in the forms that this crate needs.

use base64::{Engine, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};
use stellar_xdr::{Limits, ReadXdr, WriteXdr};

/// Deepest nesting that is read: what the network itself allows.
const MAX_DEPTH: u32 = 500;

/// The XDR bytes of a value that was built here.
///
/// Only sizes past 4 GiB or depths past any entry of a ledger fail, so that a
/// failure is an empty byte string, which no reader accepts.
pub(crate) fn bytes(value: &impl WriteXdr) -> Vec<u8> {
    value.to_xdr(Limits::none()).unwrap_or_default()
}

/// Reads a value that must fill all of `bytes`.
pub(crate) fn read<T: ReadXdr>(bytes: &[u8]) -> Result<T, stellar_xdr::Error> {
    T::from_xdr(bytes, Limits { depth: MAX_DEPTH, len: bytes.len() })
}

/// Base64 of bytes.
pub(crate) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Base64 of a value's XDR.
pub(crate) fn to_base64(value: &impl WriteXdr) -> String {
    base64(&bytes(value))
}

/// Bytes of a base64 text.
pub(crate) fn from_base64(text: &str) -> Result<Vec<u8>, base64::DecodeError> {
    STANDARD.decode(text)
}

/// SHA-256.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}
