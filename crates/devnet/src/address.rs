//! Addresses between their text (`G…`, `C…`) and their XDR.

use crate::error::Error;
use stellar_strkey::Strkey;
use stellar_xdr::{AccountId, ContractId, Hash, PublicKey, ScAddress, Uint256};

/// `G…` of a public key.
#[must_use]
pub fn account_strkey(public: &[u8; 32]) -> String {
    format!("{}", stellar_strkey::ed25519::PublicKey(*public))
}

/// `C…` of a contract hash.
#[must_use]
pub fn contract_strkey(hash: &[u8; 32]) -> String {
    format!("{}", stellar_strkey::Contract(*hash))
}

/// The text of an account id.
#[must_use]
pub fn account_id_strkey(id: &AccountId) -> String {
    account_strkey(account_bytes(id))
}

/// The raw public key of an account id.
#[must_use]
pub fn account_bytes(id: &AccountId) -> &[u8; 32] {
    let PublicKey::PublicKeyTypeEd25519(Uint256(bytes)) = &id.0;
    bytes
}

/// Reads a `G…` or `C…` address.
///
/// # Errors
/// [`Error::BadAddress`] for anything else.
pub fn parse_address(text: &str) -> Result<ScAddress, Error> {
    match Strkey::from_string(text) {
        Ok(Strkey::PublicKeyEd25519(key)) => Ok(ScAddress::Account(AccountId(PublicKey::PublicKeyTypeEd25519(Uint256(key.0))))),
        Ok(Strkey::Contract(contract)) => Ok(ScAddress::Contract(ContractId(Hash(contract.0)))),
        _ => Err(Error::BadAddress(text.to_owned(), "address", "an account (G…) or a contract (C…)")),
    }
}

/// Reads a `G…` address.
///
/// # Errors
/// [`Error::BadAddress`] for anything else.
pub fn parse_account(text: &str) -> Result<AccountId, Error> {
    match parse_address(text) {
        Ok(ScAddress::Account(id)) => Ok(id),
        _ => Err(Error::BadAddress(text.to_owned(), "account", "an address that begins with G")),
    }
}

/// Reads a `C…` address.
///
/// # Errors
/// [`Error::BadAddress`] for anything else.
pub fn parse_contract(text: &str) -> Result<ContractId, Error> {
    match parse_address(text) {
        Ok(ScAddress::Contract(id)) => Ok(id),
        _ => Err(Error::BadAddress(text.to_owned(), "contract", "an address that begins with C")),
    }
}
