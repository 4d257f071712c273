//! Ledger entries: what is read from them, and which key they stand under.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use stellar_xdr::{
    ContractDataDurability, ContractExecutable, LedgerEntryData, LedgerKey, LedgerKeyContractData, Limits, ReadXdr, ScAddress, ScMap,
    ScVal, WriteXdr,
};

use crate::reading::EXTERNAL_REF;
use crate::{Running, STELLAR_ASSET};

use super::holder::key_of_account;

/// How deep XDR may nest: the host's own limit (`DEFAULT_XDR_RW_LIMITS` in soroban-env-host).
pub(crate) const XDR_DEPTH_MAX: u32 = 500;

/// What a spec's values are read from: a contract entry's value, and of an instance its storage as a map. None for
/// entries that are not contract data.
#[must_use]
pub fn entry_value(data: &LedgerEntryData) -> Option<Cow<'_, ScVal>> {
    match data {
        LedgerEntryData::ContractData(entry) => Some(match &entry.val {
            ScVal::ContractInstance(instance) => {
                Cow::Owned(ScVal::Map(Some(instance.storage.clone().unwrap_or_else(|| ScMap(stellar_xdr::VecM::default())))))
            }
            value => Cow::Borrowed(value),
        }),
        _ => None,
    }
}

/// What a contract runs, from its instance; none of any other entry.
pub(crate) fn running(data: &LedgerEntryData) -> Option<Running> {
    let LedgerEntryData::ContractData(entry) = data else { return None };
    let (ScAddress::Contract(contract), ScVal::LedgerKeyContractInstance, ScVal::ContractInstance(instance)) =
        (&entry.contract, &entry.key, &entry.val)
    else {
        return None;
    };
    let executable = match &instance.executable {
        ContractExecutable::Wasm(hash) => hex::encode(hash.0),
        ContractExecutable::StellarAsset => STELLAR_ASSET.to_owned(),
        ContractExecutable::ExternalRef(reference) => {
            format!("{EXTERNAL_REF}{}:{}", reference.executable_owner, hex::encode(reference.tag.as_slice()))
        }
    };
    Some(Running { contract: ScAddress::Contract(contract.clone()).to_string(), executable })
}

/// The key under which an entry stands, from the entry itself.
#[must_use]
pub fn ledger_key_of(data: &LedgerEntryData) -> LedgerKey {
    data.to_key()
}

/// Decodes a `LedgerEntryData` in base64. The error says what does not fit.
pub(crate) fn entry_from_xdr(xdr: &str) -> Result<LedgerEntryData, String> {
    let bytes = BASE64.decode(xdr).map_err(|error| format!("its base64 is broken: {error}"))?;
    let limits = Limits { depth: XDR_DEPTH_MAX, len: bytes.len() };
    LedgerEntryData::from_xdr(&bytes, limits).map_err(|error| format!("its XDR is not that of protocol 30 or older: {error}"))
}

/// A ledger key's XDR, which is its identity.
pub(crate) fn key_bytes(key: &LedgerKey) -> Result<Vec<u8>, stellar_xdr::Error> {
    xdr_bytes(key)
}

pub(super) fn xdr_bytes(value: &impl WriteXdr) -> Result<Vec<u8>, stellar_xdr::Error> {
    value.to_xdr(Limits::depth(XDR_DEPTH_MAX))
}

/// What has to be there for an absence under a key to mean something: the instance of the contract that it belongs to,
/// or of a trustline its account.
pub(crate) fn sentinel_key(key: &LedgerKey) -> Option<LedgerKey> {
    match key {
        LedgerKey::ContractData(LedgerKeyContractData { contract, .. }) => Some(LedgerKey::ContractData(LedgerKeyContractData {
            contract: contract.clone(),
            key: ScVal::LedgerKeyContractInstance,
            durability: ContractDataDurability::Persistent,
        })),
        LedgerKey::Trustline(line) => Some(key_of_account(line.account_id.clone())),
        _ => None,
    }
}
