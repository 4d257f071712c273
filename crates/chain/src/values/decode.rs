use stellar_xdr::ScVal;
use trueup_spec::{AlsoEntry, Carrier, Path, Value};

use super::error::DecodeError;
use super::path::{missing_at, select};
use super::text::{text, type_name};
use super::{integer, json, time};

/// Reads one value of an entry as text that Postgres casts to the carrier without loss: `123.4500000`, `true`, `\x00ff`,
/// `1970-01-01T00:00:00Z`, JSON. None for void (an `Option` that is `None`), and for a missing part if it is optional.
///
/// # Errors
/// A part of the path is missing and not optional, the value is not of a type that the carrier takes, or Postgres
/// cannot hold it.
pub fn decode(value: &ScVal, path: &Path, carrier: Carrier, decimals: u32, optional: bool) -> Result<Option<String>, DecodeError> {
    match select(value, path)? {
        Some(ScVal::Void) => Ok(None),
        Some(found) => carried(found, carrier, decimals),
        None if optional => Ok(None),
        None => Err(DecodeError::Absent { path: missing_at(value, path) }),
    }
}

/// Reads all of a spec's values, in their order.
///
/// # Errors
/// As [`decode`], with the value's name.
pub fn decode_all(value: &ScVal, values: &[Value]) -> Result<Vec<Option<String>>, DecodeError> {
    decode_joined(value, &[], &[], values)
}

/// Reads all of a spec's values, in their order, each from its entry: `value` is the row's own, or its element, and
/// `also` what the further `entries` hold, none where one is not on chain. The values of an optional one are then NULL.
///
/// # Errors
/// As [`decode`], with the value's name; or an entry that is not optional is not there.
pub fn decode_joined(
    value: &ScVal,
    entries: &[AlsoEntry],
    also: &[Option<&ScVal>],
    values: &[Value],
) -> Result<Vec<Option<String>>, DecodeError> {
    let absent = entries.iter().zip(also).find(|(entry, value)| value.is_none() && !entry.optional);
    if let Some((entry, _)) = absent {
        return Err(DecodeError::NoEntry { name: entry.name.text.clone() });
    }
    let source = |from: Option<usize>| match from {
        None => Some(value),
        Some(index) => also.get(index).copied().flatten(),
    };
    values
        .iter()
        .map(|wanted| match source(wanted.from) {
            None => Ok(None),
            Some(value) => decode(value, &wanted.path, wanted.carrier, wanted.decimals, wanted.optional)
                .map_err(|source| DecodeError::Value { name: wanted.name.text.clone(), source: Box::new(source) }),
        })
        .collect()
}

fn carried(value: &ScVal, carrier: Carrier, decimals: u32) -> Result<Option<String>, DecodeError> {
    match (carrier, value) {
        (Carrier::Text, _) => text(value),
        (Carrier::Jsonb, _) => json::json(value).map(Some),
        (Carrier::Bool, ScVal::Bool(value)) => Ok(Some(value.to_string())),
        (Carrier::Bytea, ScVal::Bytes(bytes)) => Ok(Some(format!("\\x{}", hex::encode(bytes.as_slice())))),
        (Carrier::Numeric | Carrier::Timestamptz, _) => match integer::text(value) {
            Some(digits) if carrier == Carrier::Numeric => Ok(Some(integer::scaled(&digits, decimals))),
            Some(digits) => {
                let seconds = digits.parse().map_err(|_| time::out_of_range(&digits))?;
                time::timestamp(seconds).map(Some)
            }
            None => Err(mismatch(value, carrier)),
        },
        (Carrier::Bool | Carrier::Bytea, _) => Err(mismatch(value, carrier)),
    }
}

const fn mismatch(value: &ScVal, carrier: Carrier) -> DecodeError {
    DecodeError::Type { found: type_name(value), wanted: carrier.sql() }
}
