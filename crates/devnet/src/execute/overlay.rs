//! The changes of one transaction over the state, until it is known to succeed.

use crate::entries::{Entries, StoredEntry};
use soroban_env_host::storage::EntryWithLiveUntil;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::sync::{Arc, RwLock};
use stellar_xdr::{LedgerEntry, LedgerEntryChange, LedgerEntryChanges, LedgerEntryData, LedgerEntryExt, LedgerKey, TtlEntry};

/// An entry's data and the last ledger that it lives in.
pub(crate) type Live = (LedgerEntryData, Option<u32>);

/// What one key is to become.
struct Change {
    key: LedgerKey,
    before: Option<Live>,
    before_modified: u32,
    after: Option<Live>,
}

/// Staged changes.
pub(crate) struct Overlay {
    entries: Arc<RwLock<Entries>>,
    ledger: u32,
    changes: BTreeMap<Vec<u8>, Change>,
}

// === impl Overlay ===

impl Overlay {
    pub(crate) fn new(entries: Arc<RwLock<Entries>>, ledger: u32) -> Self {
        Self { entries, ledger, changes: BTreeMap::new() }
    }

    pub(crate) fn entries(&self) -> Arc<RwLock<Entries>> {
        self.entries.clone()
    }

    /// The staged changes, as the host reads entries.
    pub(crate) fn staged(&self) -> HashMap<Vec<u8>, Option<EntryWithLiveUntil>> {
        self.changes
            .iter()
            .map(|(bytes, change)| {
                let entry = change.after.as_ref().map(|(data, live)| (Rc::new(self.entry(data.clone(), self.ledger)), *live));
                (bytes.clone(), entry)
            })
            .collect()
    }

    /// The entry of a key with the changes so far.
    pub(crate) fn get(&self, key: &LedgerKey) -> Option<Live> {
        let bytes = crate::xdr::bytes(key);
        match self.changes.get(&bytes) {
            Some(change) => change.after.clone(),
            None => self.stored(&bytes).map(|(live, _)| live),
        }
    }

    /// Stages an entry.
    pub(crate) fn put(&mut self, key: LedgerKey, data: LedgerEntryData, live_until: Option<u32>) {
        self.set(key, Some((data, live_until)));
    }

    /// Stages an entry, or its removal.
    pub(crate) fn set(&mut self, key: LedgerKey, after: Option<Live>) {
        let bytes = crate::xdr::bytes(&key);
        if let Some(change) = self.changes.get_mut(&bytes) {
            change.after = after;
            return;
        }
        let (before, before_modified) = match self.stored(&bytes) {
            Some((live, modified)) => (Some(live), modified),
            None => (None, 0),
        };
        self.changes.insert(bytes, Change { key, before, before_modified, after });
    }

    /// Forgets the staged changes.
    pub(crate) fn discard(&mut self) {
        self.changes.clear();
    }

    /// Writes the staged changes to the state and returns them as the meta of a
    /// transaction shows them.
    pub(crate) fn commit(&mut self) -> LedgerEntryChanges {
        let mut meta = Vec::with_capacity(self.changes.len() * 2);
        let changes = std::mem::take(&mut self.changes);
        let mut entries = self.entries.write().unwrap_or_else(|e| e.into_inner());
        for (bytes, change) in changes {
            let data_changed = change.before.as_ref().map(|b| &b.0) != change.after.as_ref().map(|a| &a.0);
            let ttl_before = change.before.as_ref().and_then(|b| b.1);
            let ttl_after = change.after.as_ref().and_then(|a| a.1);
            if !data_changed && ttl_before == ttl_after {
                continue;
            }
            // A TTL is an entry of its own: extending it does not modify the data.
            let modified = if data_changed { self.ledger } else { change.before_modified };
            if data_changed {
                if let Some((data, _)) = &change.before {
                    meta.push(LedgerEntryChange::State(LedgerEntry {
                        last_modified_ledger_seq: change.before_modified,
                        data: data.clone(),
                        ext: LedgerEntryExt::V0,
                    }));
                }
                meta.push(match (&change.before, &change.after) {
                    (Some(_), Some((data, _))) => LedgerEntryChange::Updated(self.entry(data.clone(), self.ledger)),
                    (None, Some((data, _))) => LedgerEntryChange::Created(self.entry(data.clone(), self.ledger)),
                    (_, None) => LedgerEntryChange::Removed(change.key.clone()),
                });
            }
            if let Some(live_until) = ttl_after
                && ttl_before != ttl_after
            {
                let ttl = self.entry(
                    LedgerEntryData::Ttl(TtlEntry {
                        key_hash: stellar_xdr::Hash(crate::xdr::sha256(&bytes)),
                        live_until_ledger_seq: live_until,
                    }),
                    self.ledger,
                );
                meta.push(if ttl_before.is_some() { LedgerEntryChange::Updated(ttl) } else { LedgerEntryChange::Created(ttl) });
            }
            let stored = change.after.map(|(data, live)| StoredEntry::new(&data, modified, live));
            entries.write(self.ledger, &bytes, stored);
        }
        LedgerEntryChanges(meta.try_into().unwrap_or_default())
    }

    fn entry(&self, data: LedgerEntryData, modified: u32) -> LedgerEntry {
        LedgerEntry { last_modified_ledger_seq: modified, data, ext: LedgerEntryExt::V0 }
    }

    fn stored(&self, bytes: &[u8]) -> Option<(Live, u32)> {
        let entries = self.entries.read().unwrap_or_else(|e| e.into_inner());
        let stored = entries.get(bytes)?;
        let data = crate::xdr::read(&stored.data).ok()?;
        Some(((data, stored.live_until), stored.last_modified))
    }
}
