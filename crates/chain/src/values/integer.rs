//! Integers of every width, as decimal texts. 256 bits do not fit a native type, so that text is the common form.

use stellar_xdr::{Duration, Int128Parts, Int256Parts, ScVal, TimePoint, UInt128Parts, UInt256Parts};
use trueup_spec::ArgumentType;

use super::error::KeyError;

/// More digits than the longest integer (256 bits: 78) could have.
const DIGITS_MAX: usize = 78;

/// An integer of the chain from decimal text, range checked.
pub(crate) fn parse(kind: ArgumentType, text: &str) -> Result<ScVal, KeyError> {
    let name = name(kind);
    let digits = whole(text).ok_or_else(|| KeyError::argument(name, text, "it must be a whole number in decimal"))?;
    let parsed = match kind {
        ArgumentType::U32 => digits.parse().ok().map(ScVal::U32),
        ArgumentType::I32 => digits.parse().ok().map(ScVal::I32),
        ArgumentType::U64 => digits.parse().ok().map(ScVal::U64),
        ArgumentType::I64 => digits.parse().ok().map(ScVal::I64),
        ArgumentType::U128 => digits.parse::<UInt128Parts>().ok().map(ScVal::U128),
        ArgumentType::I128 => digits.parse::<Int128Parts>().ok().map(ScVal::I128),
        ArgumentType::U256 => digits.parse::<UInt256Parts>().ok().map(ScVal::U256),
        ArgumentType::I256 => digits.parse::<Int256Parts>().ok().map(ScVal::I256),
        ArgumentType::Timepoint => digits.parse().ok().map(|seconds| ScVal::Timepoint(TimePoint(seconds))),
        ArgumentType::Duration => digits.parse().ok().map(|seconds| ScVal::Duration(Duration(seconds))),
        ArgumentType::Bool | ArgumentType::Symbol | ArgumentType::String | ArgumentType::Bytes | ArgumentType::Address => None,
    };
    parsed.ok_or_else(|| KeyError::argument(name, text, "it is out of the type's range"))
}

/// The decimal text of an integer, a time point or a duration; none for anything else.
pub(crate) fn text(value: &ScVal) -> Option<String> {
    match value {
        ScVal::U32(value) => Some(value.to_string()),
        ScVal::I32(value) => Some(value.to_string()),
        ScVal::U64(value) | ScVal::Timepoint(TimePoint(value)) | ScVal::Duration(Duration(value)) => Some(value.to_string()),
        ScVal::I64(value) => Some(value.to_string()),
        ScVal::U128(parts) => Some(parts.to_string()),
        ScVal::I128(parts) => Some(parts.to_string()),
        ScVal::U256(parts) => Some(parts.to_string()),
        ScVal::I256(parts) => Some(parts.to_string()),
        _ => None,
    }
}

/// `digits` with the decimal point moved `decimals` places to the left: base units → units. Exact.
pub(crate) fn scaled(digits: &str, decimals: u32) -> String {
    let decimals = decimals as usize;
    if decimals == 0 {
        return digits.to_owned();
    }
    let (sign, magnitude) = digits.strip_prefix('-').map_or(("", digits), |magnitude| ("-", magnitude));
    let padded = format!("{magnitude:0>width$}", width = decimals + 1);
    let (whole, fraction) = padded.split_at(padded.len() - decimals);
    format!("{sign}{whole}.{fraction}")
}

/// The digits of a whole number: leading zeros dropped, and a fraction if it is zero.
fn whole(text: &str) -> Option<String> {
    let (sign, rest) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
    let (digits, fraction) = rest.split_once('.').map_or((rest, None), |(digits, fraction)| (digits, Some(fraction)));
    let is_whole = !digits.is_empty()
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && fraction.is_none_or(|fraction| fraction.bytes().all(|byte| byte == b'0'));
    let digits = digits.trim_start_matches('0');
    match digits {
        _ if !is_whole => None,
        "" => Some("0".to_owned()),
        // A longer number is out of every type's range; the prefix is too, and cheap to refuse.
        _ => Some(format!("{sign}{}", &digits[..digits.len().min(DIGITS_MAX + 1)])),
    }
}

const fn name(kind: ArgumentType) -> &'static str {
    match kind {
        ArgumentType::Bool => "bool",
        ArgumentType::U32 => "u32",
        ArgumentType::I32 => "i32",
        ArgumentType::U64 => "u64",
        ArgumentType::I64 => "i64",
        ArgumentType::U128 => "u128",
        ArgumentType::I128 => "i128",
        ArgumentType::U256 => "u256",
        ArgumentType::I256 => "i256",
        ArgumentType::Timepoint => "timepoint",
        ArgumentType::Duration => "duration",
        ArgumentType::Symbol => "symbol",
        ArgumentType::String => "string",
        ArgumentType::Bytes => "bytes",
        ArgumentType::Address => "address",
    }
}
