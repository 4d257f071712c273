use stellar_xdr::ScVal;

use super::error::DecodeError;
use super::text::{text, type_name};

/// An enumerated key (one element of a chain list) as texts, one for each of `columns` key columns.
///
/// A key of several columns is a vector of as many scalars; a key of one column is a scalar, or a vector of one. Texts
/// are those of `Carrier::Text`: bytes are hex without a prefix, so that a `bytea` column needs `\x` before them.
///
/// # Errors
/// The element has another number of parts, or a part is void or not a scalar.
pub fn key_texts(element: &ScVal, columns: usize) -> Result<Vec<String>, DecodeError> {
    match element {
        ScVal::Vec(Some(parts)) if parts.len() == columns => parts.iter().map(scalar).collect(),
        ScVal::Vec(parts) => {
            let found = parts.as_ref().map_or(0, |parts| parts.len());
            Err(DecodeError::Columns { found, wanted: columns })
        }
        single if columns == 1 => scalar(single).map(|text| vec![text]),
        _ => Err(DecodeError::Columns { found: 1, wanted: columns }),
    }
}

fn scalar(value: &ScVal) -> Result<String, DecodeError> {
    let refused = DecodeError::Type { found: type_name(value), wanted: "a key column" };
    match value {
        // The unit variant of an enum is a scalar; one with fields is more than its name.
        ScVal::Vec(Some(parts)) if parts.len() > 1 => Err(refused),
        _ => text(value)?.ok_or(refused),
    }
}
