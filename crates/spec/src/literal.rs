//! Literals of chain types, as paths write them: `u32:5`, `address:G…`.

use stellar_strkey::Strkey;

use crate::ArgumentType;

/// The longest symbol, in characters (`SCSYMBOL_LIMIT` of the protocol).
pub(crate) const MAX_SYMBOL_CHARS: usize = 32;

/// 2^256 has 78 digits.
const MAX_INTEGER_DIGITS: usize = 78;

impl ArgumentType {
    /// Every type.
    pub const ALL: [Self; 15] = [
        Self::Bool,
        Self::U32,
        Self::I32,
        Self::U64,
        Self::I64,
        Self::U128,
        Self::I128,
        Self::U256,
        Self::I256,
        Self::Timepoint,
        Self::Duration,
        Self::Symbol,
        Self::String,
        Self::Bytes,
        Self::Address,
    ];

    /// The word for it in specs and paths.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::U32 => "u32",
            Self::I32 => "i32",
            Self::U64 => "u64",
            Self::I64 => "i64",
            Self::U128 => "u128",
            Self::I128 => "i128",
            Self::U256 => "u256",
            Self::I256 => "i256",
            Self::Timepoint => "timepoint",
            Self::Duration => "duration",
            Self::Symbol => "symbol",
            Self::String => "string",
            Self::Bytes => "bytes",
            Self::Address => "address",
        }
    }

    /// The type of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// Whether its values are whole numbers.
    pub(crate) const fn is_integer(self) -> bool {
        !matches!(self, Self::Bool | Self::Symbol | Self::String | Self::Bytes | Self::Address)
    }
}

/// The literal in its one canonical form, or what it would have to be.
pub(crate) fn canonical(kind: ArgumentType, text: &str) -> Result<String, String> {
    match kind {
        ArgumentType::Bool if matches!(text, "true" | "false") => Ok(text.to_owned()),
        ArgumentType::Bool => Err("`true` or `false`".to_owned()),
        ArgumentType::Symbol if is_symbol(text) => Ok(text.to_owned()),
        ArgumentType::Symbol => Err(format!("at most {MAX_SYMBOL_CHARS} of A-Z, a-z, 0-9 and `_`")),
        ArgumentType::String => Ok(text.to_owned()),
        ArgumentType::Bytes => {
            let is_hex = text.len().is_multiple_of(2) && text.chars().all(|digit| digit.is_ascii_hexdigit());
            if is_hex { Ok(text.to_ascii_lowercase()) } else { Err("pairs of hex digits without a prefix".to_owned()) }
        }
        ArgumentType::Address if text.parse::<Strkey>().is_ok() => Ok(text.to_owned()),
        ArgumentType::Address => Err("an address as a strkey (G…, C…, M…)".to_owned()),
        integer => integer_literal(integer, text).ok_or_else(|| format!("a whole number in the range of {}", integer.as_str())),
    }
}

/// Whether the chain takes it as a symbol.
pub(crate) fn is_symbol(text: &str) -> bool {
    text.len() <= MAX_SYMBOL_CHARS && text.chars().all(|it| it.is_ascii_alphanumeric() || it == '_')
}

fn integer_literal(kind: ArgumentType, text: &str) -> Option<String> {
    let negative = text.starts_with('-');
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || digits.len() > MAX_INTEGER_DIGITS || !digits.chars().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let digits = match digits.trim_start_matches('0') {
        "" => "0",
        rest => rest,
    };
    let text = if negative && digits != "0" { format!("-{digits}") } else { digits.to_owned() };
    let fits = match kind {
        ArgumentType::U32 => text.parse::<u32>().is_ok(),
        ArgumentType::I32 => text.parse::<i32>().is_ok(),
        ArgumentType::U64 | ArgumentType::Timepoint | ArgumentType::Duration => text.parse::<u64>().is_ok(),
        ArgumentType::I64 => text.parse::<i64>().is_ok(),
        ArgumentType::U128 => text.parse::<u128>().is_ok(),
        ArgumentType::I128 => text.parse::<i128>().is_ok(),
        ArgumentType::U256 => !text.starts_with('-') && at_most(digits, U256_MAX),
        ArgumentType::I256 if text.starts_with('-') => at_most(digits, I256_MIN_DIGITS),
        ArgumentType::I256 => at_most(digits, I256_MAX),
        _ => false,
    };
    fits.then_some(text)
}

const U256_MAX: &str = "115792089237316195423570985008687907853269984665640564039457584007913129639935";
const I256_MAX: &str = "57896044618658097711785492504343953926634992332820282019728792003956564819967";
const I256_MIN_DIGITS: &str = "57896044618658097711785492504343953926634992332820282019728792003956564819968";

/// Compares digits without leading zeros.
fn at_most(digits: &str, limit: &str) -> bool {
    digits.len() < limit.len() || (digits.len() == limit.len() && digits <= limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_held_to_the_range_of_their_type() {
        let i256_min = format!("-{I256_MIN_DIGITS}");
        for (kind, good) in [
            (ArgumentType::U32, "4294967295"),
            (ArgumentType::I32, "-2147483648"),
            (ArgumentType::U64, "18446744073709551615"),
            (ArgumentType::Timepoint, "18446744073709551615"),
            (ArgumentType::Duration, "0"),
            (ArgumentType::I64, "-9223372036854775808"),
            (ArgumentType::U128, "340282366920938463463374607431768211455"),
            (ArgumentType::I128, "-170141183460469231731687303715884105728"),
            (ArgumentType::U256, U256_MAX),
            (ArgumentType::U256, "99"),
            (ArgumentType::I256, i256_min.as_str()),
            (ArgumentType::I256, I256_MAX),
        ] {
            assert_eq!(canonical(kind, good).as_deref(), Ok(good));
        }
        for (kind, bad) in [
            (ArgumentType::U32, "4294967296"),
            (ArgumentType::U64, "-1"),
            (ArgumentType::U64, "18446744073709551616"),
            (ArgumentType::Timepoint, "-1"),
            (ArgumentType::I64, "9223372036854775808"),
            (ArgumentType::U128, "340282366920938463463374607431768211456"),
            (ArgumentType::I128, "170141183460469231731687303715884105728"),
            (ArgumentType::I256, I256_MIN_DIGITS),
            (ArgumentType::I256, "-57896044618658097711785492504343953926634992332820282019728792003956564819969"),
            (ArgumentType::U256, "115792089237316195423570985008687907853269984665640564039457584007913129639936"),
            (ArgumentType::U256, "-1"),
            (ArgumentType::U32, "1.0"),
            (ArgumentType::U32, "+1"),
            (ArgumentType::U32, ""),
        ] {
            assert!(canonical(kind, bad).is_err(), "{bad}");
        }
        assert_eq!(canonical(ArgumentType::I32, "-007").as_deref(), Ok("-7"));
    }

    #[test]
    fn other_literals_have_one_form() {
        assert_eq!(canonical(ArgumentType::Bytes, "00FF").as_deref(), Ok("00ff"));
        assert!(canonical(ArgumentType::Bytes, "0x00").is_err());
        assert!(canonical(ArgumentType::Bytes, "0").is_err());
        let longest = "a".repeat(MAX_SYMBOL_CHARS);
        let account = "GAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAWHF";
        for (kind, good) in [
            (ArgumentType::Symbol, "Loan_1"),
            (ArgumentType::Symbol, longest.as_str()),
            (ArgumentType::Bool, "true"),
            (ArgumentType::Bool, "false"),
            (ArgumentType::String, "any text at all"),
            (ArgumentType::Address, account),
        ] {
            assert_eq!(canonical(kind, good).as_deref(), Ok(good));
        }
        for (kind, bad) in [
            (ArgumentType::Symbol, "a-b"),
            (ArgumentType::Symbol, "a".repeat(MAX_SYMBOL_CHARS + 1).as_str()),
            (ArgumentType::Bool, "yes"),
            (ArgumentType::Address, "GABC"),
        ] {
            assert!(canonical(kind, bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn whole_numbers_are_what_their_name_says() {
        let others = [ArgumentType::Bool, ArgumentType::Symbol, ArgumentType::String, ArgumentType::Bytes, ArgumentType::Address];
        for kind in ArgumentType::ALL {
            assert_eq!(kind.is_integer(), !others.contains(&kind), "{}", kind.as_str());
        }
    }
}
