//! Which entries a transaction may touch.

use crate::entries::durability;
use crate::execute::host::Touched;
use std::collections::HashSet;
use stellar_xdr::{
    ContractDataDurability, ContractExecutable, LedgerEntryData, LedgerFootprint, LedgerKey, LedgerKeyContractCode, ScVal,
    SorobanResourcesExtV0, SorobanTransactionDataExt,
};

/// The footprint of what a call touched in `ledger`: written and restored keys
/// read-write, others read-only.
pub(crate) fn of(touched: &[Touched], ledger: u32) -> LedgerFootprint {
    let mut read_only = Vec::new();
    let mut read_write = Vec::new();
    for touch in touched {
        if touch.written || is_restored(touch, ledger) {
            read_write.push(touch.key.clone());
        } else {
            read_only.push(touch.key.clone());
        }
        if let Some(code) = code_of(touch)
            && !read_only.contains(&code)
        {
            read_only.push(code);
        }
    }
    LedgerFootprint { read_only: read_only.try_into().unwrap_or_default(), read_write: read_write.try_into().unwrap_or_default() }
}

/// Names the restored entries among the read-write keys of [`of`], as the
/// protocol has it since version 23.
pub(crate) fn archived_ext(touched: &[Touched], ledger: u32) -> SorobanTransactionDataExt {
    let archived: Vec<u32> = touched
        .iter()
        .filter(|touch| touch.written || is_restored(touch, ledger))
        .zip(0u32..)
        .filter(|(touch, _)| is_restored(touch, ledger))
        .map(|(_, index)| index)
        .collect();
    if archived.is_empty() {
        return SorobanTransactionDataExt::V0;
    }
    SorobanTransactionDataExt::V1(SorobanResourcesExtV0 { archived_soroban_entries: archived.try_into().unwrap_or_default() })
}

/// Bytes that are read from disk: classic entries; live contract data is in memory.
pub(crate) fn disk_read_bytes(touched: &[Touched]) -> u32 {
    let bytes: usize = touched
        .iter()
        .filter(|touch| durability(&touch.key).is_none())
        .filter_map(|touch| touch.before.as_ref())
        .map(|(data, _)| crate::xdr::bytes(data).len())
        .sum();
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

/// Whether the call brought an archived entry back.
fn is_restored(touch: &Touched, ledger: u32) -> bool {
    durability(&touch.key) == Some(ContractDataDurability::Persistent)
        && touch.before.as_ref().and_then(|(_, live_until)| *live_until).is_some_and(|live_until| live_until < ledger)
}

/// The first key that was touched without being declared.
pub(crate) fn violation(touched: &[Touched], declared: &LedgerFootprint) -> Option<LedgerKey> {
    let read_write: HashSet<&LedgerKey> = declared.read_write.iter().collect();
    let read_only: HashSet<&LedgerKey> = declared.read_only.iter().collect();
    touched
        .iter()
        .find(|touch| {
            let writable = read_write.contains(&touch.key);
            !writable && (touch.written || !read_only.contains(&touch.key))
        })
        .map(|touch| touch.key.clone())
}

/// Bytes of the entries that a call wrote.
pub(crate) fn written_bytes(touched: &[Touched]) -> u32 {
    let bytes: usize = touched
        .iter()
        .filter(|touch| touch.written)
        .filter_map(|touch| touch.after.as_ref())
        .map(|(data, _)| crate::xdr::bytes(data).len())
        .sum();
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

/// The code that a touched contract instance runs: real Wasm would be read for it.
fn code_of(touch: &Touched) -> Option<LedgerKey> {
    let (data, _) = touch.after.as_ref().or(touch.before.as_ref())?;
    let LedgerEntryData::ContractData(data) = data else {
        return None;
    };
    let ScVal::ContractInstance(instance) = &data.val else {
        return None;
    };
    match &instance.executable {
        ContractExecutable::Wasm(hash) => Some(LedgerKey::ContractCode(LedgerKeyContractCode { hash: hash.clone() })),
        _ => None,
    }
}
