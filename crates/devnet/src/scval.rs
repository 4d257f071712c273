//! Builders of contract values, for the arguments of calls and the keys of entries.

use crate::address;
use crate::error::Error;
use stellar_xdr::{ContractDataDurability, ContractId, Int128Parts, LedgerKey, LedgerKeyContractData, ScAddress, ScSymbol, ScVal, ScVec};

/// A symbol.
///
/// # Errors
/// Longer than 32 bytes.
pub fn symbol(text: &str) -> Result<ScVal, Error> {
    Ok(ScVal::Symbol(ScSymbol(text.try_into()?)))
}

/// An address from its strkey (`G…` or `C…`).
///
/// # Errors
/// [`Error::BadAddress`].
pub fn address(text: &str) -> Result<ScVal, Error> {
    Ok(ScVal::Address(address::parse_address(text)?))
}

/// A signed 128-bit integer.
#[must_use]
pub fn i128(value: i128) -> ScVal {
    ScVal::I128(Int128Parts { hi: (value >> 64) as i64, lo: value as u64 })
}

/// The number of an `I128` value.
#[must_use]
pub fn as_i128(value: &ScVal) -> Option<i128> {
    match value {
        ScVal::I128(parts) => Some((i128::from(parts.hi) << 64) | i128::from(parts.lo)),
        _ => None,
    }
}

/// A vector.
///
/// # Errors
/// Longer than XDR allows.
pub fn vec(items: Vec<ScVal>) -> Result<ScVal, Error> {
    Ok(ScVal::Vec(Some(ScVec(items.try_into()?))))
}

/// The ledger key of a contract's persistent data.
///
/// # Errors
/// [`Error::BadAddress`] if `contract` is not a `C…` address.
pub fn data_key(contract: &str, key: ScVal) -> Result<LedgerKey, Error> {
    Ok(contract_data(address::parse_contract(contract)?, key, ContractDataDurability::Persistent))
}

/// The ledger key of a contract's instance.
///
/// # Errors
/// [`Error::BadAddress`] if `contract` is not a `C…` address.
pub fn instance_key(contract: &str) -> Result<LedgerKey, Error> {
    data_key(contract, ScVal::LedgerKeyContractInstance)
}

pub(crate) fn contract_data(contract: ContractId, key: ScVal, durability: ContractDataDurability) -> LedgerKey {
    LedgerKey::ContractData(LedgerKeyContractData { contract: ScAddress::Contract(contract), key, durability })
}
