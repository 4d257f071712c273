//! Events: their topics and data in the JSON form, part by part.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::Value;
use stellar_xdr::{Limits, ReadXdr, ScVal};

use super::entry::XDR_DEPTH_MAX;
use super::json::tree;

/// What an event says, as far as it can be read.
pub(crate) struct EventBody {
    /// The first topic, if it is a symbol.
    pub(crate) name: Option<String>,
    pub(crate) topics: Value,
    pub(crate) data: Option<Value>,
    pub(crate) unreadable: Option<String>,
}

/// Reads topics and data from base64 XDR. What has no JSON form (XDR of a newer protocol, a string that is not UTF-8)
/// stays out, with the reason. The error is for what is not even base64.
pub(crate) fn event_body(topics: &[String], data: &str) -> Result<EventBody, String> {
    let mut unreadable = Vec::new();
    let mut read = |what: String, xdr: &str| -> Result<(Option<ScVal>, Option<Value>), String> {
        let bytes = BASE64.decode(xdr).map_err(|error| format!("the base64 of {what} is broken: {error}"))?;
        let value = match ScVal::from_xdr(&bytes, Limits { depth: XDR_DEPTH_MAX, len: bytes.len() }) {
            Ok(value) => value,
            Err(error) => {
                unreadable.push(format!("{what} is not XDR of protocol 30 or older: {error}"));
                return Ok((None, None));
            }
        };
        let json = tree(&value).map_err(|error| unreadable.push(format!("{what}: {error}"))).ok();
        Ok((Some(value), json))
    };
    let mut name = None;
    let mut shown = Vec::with_capacity(topics.len());
    for (index, topic) in topics.iter().enumerate() {
        let (value, json) = read(format!("topic {index}"), topic)?;
        if let (0, Some(ScVal::Symbol(_)), Some(Value::String(text))) = (index, &value, &json) {
            name = Some(text.clone());
        }
        shown.push(json.unwrap_or(Value::Null));
    }
    let (_, data) = read("the data".to_owned(), data)?;
    Ok(EventBody { name, topics: Value::Array(shown), data, unreadable: (!unreadable.is_empty()).then(|| unreadable.join("; ")) })
}
