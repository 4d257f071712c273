//! The ledger entries as they are now, and a bounded history of what they were.
//!
//! Entries are kept as bytes: a million of them fit in memory, and what does
//! not decode is still served.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use stellar_xdr::{ContractDataDurability, LedgerEntry, LedgerEntryData, LedgerEntryExt, LedgerKey};

/// How many closed ledgers a lagging endpoint can be behind.
pub const UNDO_LEDGERS: usize = 1_000;

/// One ledger entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEntry {
    /// XDR of its `LedgerEntryData`.
    pub data: Arc<[u8]>,
    /// The ledger that wrote it last.
    pub last_modified: u32,
    /// The last ledger that it is live in; `None` for entries without a TTL.
    pub live_until: Option<u32>,
}

// === impl StoredEntry ===

impl StoredEntry {
    /// An entry of decoded data.
    #[must_use]
    pub fn new(data: &LedgerEntryData, last_modified: u32, live_until: Option<u32>) -> Self {
        Self { data: crate::xdr::bytes(data).into(), last_modified, live_until }
    }

    /// Its decoded form, as the host reads it.
    pub(crate) fn decode(&self) -> Result<LedgerEntry, stellar_xdr::Error> {
        Ok(LedgerEntry { last_modified_ledger_seq: self.last_modified, data: crate::xdr::read(&self.data)?, ext: LedgerEntryExt::V0 })
    }
}

/// What the entries that one ledger changed were before it.
struct Undo {
    ledger: u32,
    before: HashMap<Box<[u8]>, Option<StoredEntry>>,
}

/// The state of the chain.
#[derive(Default)]
pub(crate) struct Entries {
    now: HashMap<Box<[u8]>, StoredEntry>,
    undo: VecDeque<Undo>,
}

// === impl Entries ===

impl Entries {
    /// The entry of a key (XDR of the `LedgerKey`).
    pub(crate) fn get(&self, key: &[u8]) -> Option<&StoredEntry> {
        self.now.get(key)
    }

    /// The entry of a key as of the end of `ledger`.
    pub(crate) fn get_at(&self, key: &[u8], ledger: u32) -> Option<&StoredEntry> {
        self.undo
            .iter()
            .find(|undo| undo.ledger > ledger && undo.before.contains_key(key))
            .map_or_else(|| self.now.get(key), |undo| undo.before.get(key).and_then(Option::as_ref))
    }

    /// Writes (or, with `None`, removes) an entry in `ledger`.
    pub(crate) fn write(&mut self, ledger: u32, key: &[u8], entry: Option<StoredEntry>) {
        let before = match entry {
            Some(entry) => self.now.insert(key.into(), entry),
            None => self.now.remove(key),
        };
        if self.undo.back().is_none_or(|undo| undo.ledger != ledger) {
            if self.undo.len() == UNDO_LEDGERS {
                self.undo.pop_front();
            }
            self.undo.push_back(Undo { ledger, before: HashMap::new() });
        }
        if let Some(undo) = self.undo.back_mut() {
            // A second write in one ledger keeps what was there before the first.
            undo.before.entry(key.into()).or_insert(before);
        }
    }

    /// Puts an entry of a snapshot, without history.
    pub(crate) fn load(&mut self, key: &[u8], entry: StoredEntry) {
        self.now.insert(key.into(), entry);
    }

    /// Forgets the history.
    pub(crate) fn forget_history(&mut self) {
        self.undo.clear();
    }

    /// How many entries there are.
    pub(crate) fn len(&self) -> usize {
        self.now.len()
    }

    /// All entries by key, in the order of the key bytes.
    pub(crate) fn sorted(&self) -> Vec<(Box<[u8]>, StoredEntry)> {
        let mut all: Vec<_> = self.now.iter().map(|(key, entry)| (key.clone(), entry.clone())).collect();
        all.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        all
    }
}

/// How long entries of a key's sort live; `None` for entries without a TTL.
pub(crate) fn durability(key: &LedgerKey) -> Option<ContractDataDurability> {
    match key {
        LedgerKey::ContractData(data) => Some(data.durability),
        LedgerKey::ContractCode(_) => Some(ContractDataDurability::Persistent),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Entries, StoredEntry, UNDO_LEDGERS};

    fn entry(byte: u8, ledger: u32) -> StoredEntry {
        StoredEntry { data: vec![byte].into(), last_modified: ledger, live_until: None }
    }

    #[test]
    fn an_entry_is_read_as_of_any_remembered_ledger() {
        let mut entries = Entries::default();
        entries.write(10, b"k", Some(entry(1, 10)));
        entries.write(12, b"k", Some(entry(2, 12)));
        entries.write(12, b"k", Some(entry(3, 12)));
        entries.write(14, b"k", None);
        let at = |ledger| entries.get_at(b"k", ledger).map(|e| e.data[0]);
        assert_eq!([at(9), at(10), at(11), at(12), at(13), at(14)], [None, Some(1), Some(1), Some(3), Some(3), None]);
    }

    #[test]
    fn the_history_is_bounded() {
        let mut entries = Entries::default();
        for ledger in 0..=(UNDO_LEDGERS as u32) {
            entries.write(ledger, b"k", Some(entry(1, ledger)));
        }
        assert_eq!(entries.undo.len(), UNDO_LEDGERS);
    }
}
