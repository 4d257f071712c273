use std::collections::BTreeMap;

use serde_json::Value as Json;
use stellar_xdr::ScVal;

use super::error::{DecodeError, shortened};
use super::integer;
use super::text::{text, type_name, utf8};

/// Any value as JSON text, object keys sorted. Integers are strings, so that no reader rounds them; bytes are
/// lower-case hex; a map's keys are their text form.
pub(crate) fn json(value: &ScVal) -> Result<String, DecodeError> {
    tree(value).map(|tree| tree.to_string())
}

/// The same as a tree.
pub(super) fn tree(value: &ScVal) -> Result<Json, DecodeError> {
    if let Some(digits) = integer::text(value) {
        return Ok(Json::String(digits));
    }
    match value {
        ScVal::Void => Ok(Json::Null),
        ScVal::Bool(value) => Ok(Json::Bool(*value)),
        ScVal::Symbol(symbol) => utf8(symbol.as_slice()).map(Json::String),
        ScVal::String(string) => utf8(string.as_slice()).map(Json::String),
        ScVal::Bytes(bytes) => Ok(Json::String(hex::encode(bytes.as_slice()))),
        ScVal::Address(address) => Ok(Json::String(address.to_string())),
        ScVal::Vec(parts) => parts.iter().flat_map(|parts| parts.iter()).map(tree).collect::<Result<Vec<_>, _>>().map(Json::Array),
        ScVal::Map(entries) => {
            let mut object = BTreeMap::new();
            for entry in entries.iter().flat_map(|entries| entries.iter()) {
                let name = key(&entry.key)?;
                if object.insert(name.clone(), tree(&entry.val)?).is_some() {
                    let what = format!("a map has two keys that both read `{}` in JSON", shortened(&name));
                    return Err(DecodeError::Unholdable { what });
                }
            }
            Ok(Json::Object(object.into_iter().collect()))
        }
        other => Err(DecodeError::Type { found: type_name(other), wanted: "jsonb" }),
    }
}

/// A map's key: its text, or for a compound one its JSON. An enum variant with fields is compound: its name alone would
/// not tell two of them apart.
fn key(value: &ScVal) -> Result<String, DecodeError> {
    match value {
        ScVal::Vec(Some(parts)) if parts.len() == 1 && matches!(parts[0], ScVal::Symbol(_)) => text(&parts[0]),
        ScVal::Vec(_) | ScVal::Map(_) | ScVal::Void => return json(value),
        scalar => text(scalar),
    }
    .map(Option::unwrap_or_default)
}
