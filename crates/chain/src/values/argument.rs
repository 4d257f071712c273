use stellar_xdr::{ScAddress, ScBytes, ScString, ScSymbol, ScVal};
use trueup_spec::ArgumentType;

use super::bytes::from_hex;
use super::error::KeyError;
use super::integer;

/// Turns a key argument into the chain's value, exactly.
///
/// `text` is what Postgres prints for `expression::text`: booleans as `true`/`t`, numbers in decimal (a fraction only
/// if it is zero: `5.00` is 5), `bytea` as `\x…`. Bytes may also be hex with or without `0x`.
///
/// # Errors
/// The text is not a value of that type, or out of its range.
pub fn argument(kind: ArgumentType, text: &str) -> Result<ScVal, KeyError> {
    match kind {
        ArgumentType::Bool => match text {
            "true" | "t" => Ok(ScVal::Bool(true)),
            "false" | "f" => Ok(ScVal::Bool(false)),
            _ => Err(KeyError::argument("bool", text, "it must be true or false")),
        },
        ArgumentType::Symbol => symbol(text).map(ScVal::Symbol),
        ArgumentType::String => {
            let string = text.try_into().map_err(|_| KeyError::TooLarge)?;
            Ok(ScVal::String(ScString(string)))
        }
        ArgumentType::Bytes => {
            let bytes = from_hex(text)
                .ok_or_else(|| KeyError::argument("bytes", text, "it must be bytea, or hex digits in pairs, with or without 0x"))?;
            Ok(ScVal::Bytes(ScBytes(bytes.try_into().map_err(|_| KeyError::TooLarge)?)))
        }
        ArgumentType::Address => text
            .parse::<ScAddress>()
            .map(ScVal::Address)
            .map_err(|_| KeyError::argument("address", text, "it must be a strkey: G…, C…, M… or another address of the network")),
        _ => integer::parse(kind, text),
    }
}

/// A symbol: up to 32 of `a-z A-Z 0-9 _` (the host's rule for `Symbol`).
pub(crate) fn symbol(text: &str) -> Result<ScSymbol, KeyError> {
    let refused = || KeyError::argument("symbol", text, "it must be at most 32 characters of a-z, A-Z, 0-9 and _");
    if !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return Err(refused());
    }
    Ok(ScSymbol(text.try_into().map_err(|_| refused())?))
}
