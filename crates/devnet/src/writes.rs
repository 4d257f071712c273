//! Writes past all contracts, for scenarios: each in a ledger of its own.

use crate::chain::DirectWrite;
use crate::devnet::Devnet;
use crate::entries::StoredEntry;
use crate::xdr;
use stellar_xdr::{ContractExecutable, Hash, LedgerEntryData, LedgerKey, ScVal};

impl Devnet {
    /// Writes an entry past all contracts, in a ledger of its own; returns the ledger.
    pub fn put_entry(&self, data: &LedgerEntryData, live_until: Option<u32>) -> u32 {
        self.put_entries([(data.clone(), live_until)])
    }

    /// Writes entries past all contracts, in one ledger; returns the ledger.
    pub fn put_entries(&self, entries: impl IntoIterator<Item = (LedgerEntryData, Option<u32>)>) -> u32 {
        let mut chain = self.chain();
        let ledger = chain.latest().sequence + 1;
        let writes = entries
            .into_iter()
            .map(|(data, live_until)| DirectWrite {
                key: xdr::bytes(&data.to_key()),
                entry: Some(StoredEntry::new(&data, ledger, live_until)),
            })
            .collect();
        chain.close(writes);
        ledger
    }

    /// Removes an entry past all contracts; says whether there was one.
    pub fn remove_entry(&self, key: &LedgerKey) -> bool {
        self.rewrite(key, |_| None)
    }

    /// Archives an entry: its TTL ends, and answers show `liveUntilLedgerSeq: 0`.
    /// Says whether there was one.
    pub fn archive(&self, key: &LedgerKey) -> bool {
        let latest = self.latest().sequence;
        self.rewrite(key, |entry| Some(StoredEntry { live_until: Some(latest), ..entry }))
    }

    /// Makes a contract's instance name other code, as an upgrade does, past the contract; its storage stays. The
    /// devnet has no such code: the contract can be read and not called. Says whether there was such a contract.
    ///
    /// # Errors
    /// [`Error::BadAddress`](crate::Error::BadAddress).
    pub fn replace_code(&self, contract: &str, wasm_hash: [u8; 32]) -> Result<bool, crate::Error> {
        let ledger = self.latest().sequence + 1;
        let mut replaced = false;
        self.rewrite(&crate::scval::instance_key(contract)?, |entry| {
            let Ok(mut data) = xdr::read::<LedgerEntryData>(&entry.data) else { return Some(entry) };
            if let LedgerEntryData::ContractData(data) = &mut data
                && let ScVal::ContractInstance(instance) = &mut data.val
            {
                instance.executable = ContractExecutable::Wasm(Hash(wasm_hash));
                replaced = true;
            }
            Some(StoredEntry::new(&data, ledger, entry.live_until))
        });
        Ok(replaced)
    }

    fn rewrite(&self, key: &LedgerKey, to: impl FnOnce(StoredEntry) -> Option<StoredEntry>) -> bool {
        let key = xdr::bytes(key);
        let Some(entry) = self.read_entries(|entries| entries.get(&key).cloned()) else {
            return false;
        };
        let entry = to(entry);
        self.chain().close(vec![DirectWrite { key, entry }]);
        true
    }
}
