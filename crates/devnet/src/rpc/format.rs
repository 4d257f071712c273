//! `xdrFormat`: whether XDR travels as base64 or as JSON.

use crate::rpc::protocol::RpcError;
use crate::xdr;
use serde::Serialize;
use serde_json::{Map, Value};
use stellar_xdr::ReadXdr;

/// How an answer carries XDR.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Base64,
    Json,
}

// === impl Format ===

impl Format {
    /// Reads the `xdrFormat` parameter.
    pub(crate) fn parse(text: Option<&str>) -> Result<Self, RpcError> {
        match text {
            None | Some("" | "base64") => Ok(Self::Base64),
            Some("json") => Ok(Self::Json),
            Some(other) => Err(RpcError::invalid_params(format!("expected base64 or json, got {other}"))),
        }
    }

    /// Puts XDR bytes of type `T` into an answer: under `names.0` as base64, or
    /// under `names.1` as JSON.
    pub(crate) fn put<T: ReadXdr + Serialize>(
        self,
        answer: &mut Map<String, Value>,
        names: (&str, &str),
        bytes: &[u8],
    ) -> Result<(), RpcError> {
        let (name, value) = match self {
            Self::Base64 => (names.0, Value::String(xdr::base64(bytes))),
            Self::Json => (names.1, json_of::<T>(bytes)?),
        };
        answer.insert(name.to_owned(), value);
        Ok(())
    }
}

/// The JSON of XDR bytes.
pub(crate) fn json_of<T: ReadXdr + Serialize>(bytes: &[u8]) -> Result<Value, RpcError> {
    let value: T = xdr::read(bytes)?;
    serde_json::to_value(value).map_err(|error| RpcError::internal(error.to_string()))
}
