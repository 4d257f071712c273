//! What one endpoint sees of the chain at one moment, its faults applied.

use crate::chain::Chain;
use crate::devnet::Devnet;
use crate::entries::{StoredEntry, durability};
use crate::faults::Faults;
use crate::ledger::LedgerRecord;
use crate::rpc::Endpoint;
use crate::rpc::protocol::RpcError;
use crate::xdr;
use std::sync::MutexGuard;
use stellar_xdr::{ContractDataDurability, LedgerKey};

/// The chain between an oldest and a latest ledger.
pub(crate) struct View<'a> {
    pub(crate) chain: MutexGuard<'a, Chain>,
    pub(crate) faults: Faults,
    latest: u32,
    oldest: u32,
}

/// An entry as an answer shows it.
pub(crate) struct Shown {
    pub(crate) data: Vec<u8>,
    pub(crate) last_modified: u32,
    pub(crate) live_until: Option<u32>,
}

// === impl View ===

impl<'a> View<'a> {
    pub(crate) fn of(endpoint: &'a Endpoint) -> Self {
        Self::new(&endpoint.devnet, endpoint.faults.get())
    }

    fn new(devnet: &'a Devnet, faults: Faults) -> Self {
        let chain = devnet.chain();
        let kept = chain.oldest().sequence;
        let lag = faults.lag_ledgers.min(crate::UNDO_LEDGERS as u32);
        let latest = chain.latest().sequence.saturating_sub(lag).max(kept);
        let oldest = faults.oldest_ledger.unwrap_or(kept).clamp(kept, latest);
        Self { chain, faults, latest, oldest }
    }

    pub(crate) fn latest(&self) -> Result<&LedgerRecord, RpcError> {
        self.ledger(self.latest).ok_or_else(|| RpcError::internal("data stores are not initialized"))
    }

    pub(crate) fn oldest(&self) -> Result<&LedgerRecord, RpcError> {
        self.ledger(self.oldest).ok_or_else(|| RpcError::internal("data stores are not initialized"))
    }

    /// A ledger that this endpoint has.
    pub(crate) fn ledger(&self, sequence: u32) -> Option<&LedgerRecord> {
        if self.has(sequence) { self.chain.ledger(sequence) } else { None }
    }

    pub(crate) fn has(&self, sequence: u32) -> bool {
        (self.oldest..=self.latest).contains(&sequence)
    }

    /// Oldest and latest ledger.
    pub(crate) fn range(&self) -> (u32, u32) {
        (self.oldest, self.latest)
    }

    /// A transaction that this endpoint has.
    pub(crate) fn transaction(&self, hash: &[u8; 32]) -> Option<(&LedgerRecord, usize)> {
        if self.faults.hide_transactions || self.faults.hidden.contains(&hex::encode(hash)) {
            return None;
        }
        self.chain.transaction(hash).filter(|(ledger, _)| self.has(ledger.sequence))
    }

    /// The entry of a key, as this endpoint shows it. Archived persistent
    /// entries show that they lived until ledger 0; expired temporary ones are
    /// gone.
    pub(crate) fn entry(&self, key: &LedgerKey) -> Option<Shown> {
        let bytes = xdr::bytes(key);
        let mut shown = {
            let entries = self.chain.entries().read().unwrap_or_else(|e| e.into_inner());
            entries.get_at(&bytes, self.latest).map(Shown::of)
        };
        if self.has_key_faults() {
            let text = xdr::base64(&bytes);
            if let Some(other) = self.faults.split_brain.get(&text) {
                let data = other.as_ref().and_then(|data| xdr::from_base64(data).ok())?;
                shown = Some(Shown {
                    data,
                    last_modified: shown.as_ref().map_or(self.latest, |s| s.last_modified),
                    live_until: shown.and_then(|s| s.live_until),
                });
            }
            let shown = shown.as_mut()?;
            if self.faults.archived.contains(&text) {
                shown.live_until = Some(0);
            }
            if self.faults.unknown_unions.contains(&text) {
                shown.garble();
            }
        }
        let mut shown = shown?;
        if let (Some(durability), Some(live_until)) = (durability(key), shown.live_until)
            && live_until < self.latest
        {
            match durability {
                ContractDataDurability::Temporary => return None,
                ContractDataDurability::Persistent => shown.live_until = Some(0),
            }
        }
        Some(shown)
    }

    fn has_key_faults(&self) -> bool {
        !(self.faults.split_brain.is_empty() && self.faults.archived.is_empty() && self.faults.unknown_unions.is_empty())
    }
}

// === impl Shown ===

impl Shown {
    fn of(stored: &StoredEntry) -> Self {
        Self { data: stored.data.to_vec(), last_modified: stored.last_modified, live_until: stored.live_until }
    }

    /// Makes the union's discriminant one that no protocol has.
    fn garble(&mut self) {
        const UNKNOWN: [u8; 4] = [0, 0, 0x7f, 0xff];
        if let Some(discriminant) = self.data.get_mut(..UNKNOWN.len()) {
            discriminant.copy_from_slice(&UNKNOWN);
        }
    }
}
