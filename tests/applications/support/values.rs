//! Contract values, as short to write as they are to say.

use stellar_xdr::{Int128Parts, Int256Parts, ScAddress, ScBytes, ScMap, ScMapEntry, ScString, ScSymbol, ScVal, ScVec, UInt128Parts};

/// A symbol.
pub fn symbol(text: &str) -> ScVal {
    ScVal::Symbol(ScSymbol(text.try_into().expect("at most 32 bytes")))
}

/// A string.
pub fn string(text: &str) -> ScVal {
    ScVal::String(ScString(text.try_into().expect("short")))
}

/// Bytes.
pub fn bytes(bytes: &[u8]) -> ScVal {
    ScVal::Bytes(ScBytes(bytes.try_into().expect("short")))
}

/// A signed number of 128 bits.
pub fn i128(value: i128) -> ScVal {
    ScVal::I128(Int128Parts { hi: (value >> 64) as i64, lo: value as u64 })
}

/// An unsigned number of 128 bits.
pub fn u128(value: u128) -> ScVal {
    ScVal::U128(UInt128Parts { hi: (value >> 64) as u64, lo: value as u64 })
}

/// `high` × 2^128 + `low`, as a signed number of 256 bits.
pub fn i256(high: i128, low: u128) -> ScVal {
    ScVal::I256(Int256Parts { hi_hi: (high >> 64) as i64, hi_lo: high as u64, lo_hi: (low >> 64) as u64, lo_lo: low as u64 })
}

/// An address from its strkey.
pub fn address(strkey: &str) -> ScVal {
    ScVal::Address(strkey.parse::<ScAddress>().expect("an address"))
}

/// A vector; also a tuple.
pub fn vec(items: impl IntoIterator<Item = ScVal>) -> ScVal {
    ScVal::Vec(Some(ScVec(items.into_iter().collect::<Vec<_>>().try_into().expect("short"))))
}

/// A variant of an enum: its name, then its fields.
pub fn variant(name: &str, fields: impl IntoIterator<Item = ScVal>) -> ScVal {
    vec([symbol(name)].into_iter().chain(fields))
}

/// A map, in the order of its keys.
pub fn map(entries: impl IntoIterator<Item = (ScVal, ScVal)>) -> ScVal {
    let mut entries: Vec<ScMapEntry> = entries.into_iter().map(|(key, val)| ScMapEntry { key, val }).collect();
    entries.sort_by(|a, b| a.key.cmp(&b.key));
    ScVal::Map(Some(ScMap(entries.try_into().expect("short"))))
}

/// A struct: a map with symbols for keys.
pub fn structure<const N: usize>(fields: [(&str, ScVal); N]) -> ScVal {
    map(fields.map(|(name, value)| (symbol(name), value)))
}
