//! The operations that extend and restore entries.

use crate::entries::durability;
use crate::execute::host::{MAX_TTL, MIN_PERSISTENT_TTL};
use crate::execute::overlay::Overlay;
use stellar_xdr::{ContractDataDurability, ExtendFootprintTtlOp, ExtendFootprintTtlResult, LedgerFootprint, RestoreFootprintResult};

/// Extends the entries of the read-only footprint to live `extend_to` ledgers more.
pub(crate) fn extend(
    overlay: &mut Overlay,
    op: &ExtendFootprintTtlOp,
    footprint: &LedgerFootprint,
    ledger: u32,
) -> ExtendFootprintTtlResult {
    if !footprint.read_write.is_empty() || op.extend_to >= MAX_TTL {
        return ExtendFootprintTtlResult::Malformed;
    }
    let until = ledger.saturating_add(op.extend_to);
    for key in footprint.read_only.iter() {
        if durability(key).is_none() {
            return ExtendFootprintTtlResult::Malformed;
        }
        if let Some((data, Some(live))) = overlay.get(key)
            && live >= ledger
            && live < until
        {
            overlay.put(key.clone(), data, Some(until));
        }
    }
    ExtendFootprintTtlResult::Success
}

/// Brings the archived entries of the read-write footprint back to life.
pub(crate) fn restore(overlay: &mut Overlay, footprint: &LedgerFootprint, ledger: u32) -> RestoreFootprintResult {
    if !footprint.read_only.is_empty() {
        return RestoreFootprintResult::Malformed;
    }
    for key in footprint.read_write.iter() {
        if durability(key) != Some(ContractDataDurability::Persistent) {
            return RestoreFootprintResult::Malformed;
        }
        if let Some((data, Some(live))) = overlay.get(key)
            && live < ledger
        {
            overlay.put(key.clone(), data, Some(ledger + MIN_PERSISTENT_TTL - 1));
        }
    }
    RestoreFootprintResult::Success
}
