use stellar_xdr::ScVal;

use super::error::{DecodeError, shortened};
use super::integer;

/// A value as plain text; none for void.
///
/// Symbols, strings and addresses as they are, integers in decimal, `true`/`false`, bytes in lower-case hex, and of an
/// enum (`Vec[Symbol, …]`) its variant's name.
pub(crate) fn text(value: &ScVal) -> Result<Option<String>, DecodeError> {
    if let Some(digits) = integer::text(value) {
        return Ok(Some(digits));
    }
    match value {
        ScVal::Void => Ok(None),
        ScVal::Bool(value) => Ok(Some(value.to_string())),
        ScVal::Symbol(symbol) => utf8(symbol.as_slice()).map(Some),
        ScVal::String(string) => utf8(string.as_slice()).map(Some),
        ScVal::Bytes(bytes) => Ok(Some(hex::encode(bytes.as_slice()))),
        ScVal::Address(address) => Ok(Some(address.to_string())),
        ScVal::Vec(Some(parts)) => match parts.first() {
            Some(ScVal::Symbol(variant)) => utf8(variant.as_slice()).map(Some),
            _ => Err(DecodeError::Type { found: "vec that is no enum variant", wanted: "text" }),
        },
        other => Err(DecodeError::Type { found: type_name(other), wanted: "text" }),
    }
}

/// The chain's strings are bytes; Postgres' are UTF-8 without NUL.
pub(crate) fn utf8(bytes: &[u8]) -> Result<String, DecodeError> {
    let refused = |why: &str| DecodeError::Unholdable { what: format!("the string 0x{} {why}", shortened(&hex::encode(bytes))) };
    let text = std::str::from_utf8(bytes).map_err(|_| refused("is not UTF-8, and Postgres cannot hold it as text"))?;
    if text.contains('\0') {
        return Err(refused("contains a NUL, and Postgres cannot hold it as text"));
    }
    Ok(text.to_owned())
}

/// The chain's name of what a value is.
pub(crate) const fn type_name(value: &ScVal) -> &'static str {
    match value {
        ScVal::Bool(_) => "bool",
        ScVal::Void => "void",
        ScVal::Error(_) => "error",
        ScVal::U32(_) => "u32",
        ScVal::I32(_) => "i32",
        ScVal::U64(_) => "u64",
        ScVal::I64(_) => "i64",
        ScVal::Timepoint(_) => "timepoint",
        ScVal::Duration(_) => "duration",
        ScVal::U128(_) => "u128",
        ScVal::I128(_) => "i128",
        ScVal::U256(_) => "u256",
        ScVal::I256(_) => "i256",
        ScVal::Bytes(_) => "bytes",
        ScVal::String(_) => "string",
        ScVal::Symbol(_) => "symbol",
        ScVal::Vec(_) => "vec",
        ScVal::Map(_) => "map",
        ScVal::Address(_) => "address",
        ScVal::ContractInstance(_) => "contract instance",
        ScVal::LedgerKeyContractInstance => "instance key",
        ScVal::LedgerKeyNonce(_) => "nonce key",
        ScVal::ExecutableTag(_) => "executable tag",
    }
}
