//! Ledger entries for the double to serve.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use stellar_xdr::{
    ContractDataDurability, ContractDataEntry, ContractExecutable, ContractId, ExtensionPoint, Hash, LedgerEntryData, LedgerKey,
    LedgerKeyContractData, Limits, ScAddress, ScContractInstance, ScVal, WriteXdr,
};

use crate::double::{Reply, Seen};

pub const TIP: u32 = 1_000;

/// The contract number `contract`.
pub fn address(contract: u8) -> ScAddress {
    ScAddress::Contract(ContractId(Hash([contract; 32])))
}

/// The key of item `id` of that contract.
pub fn item(contract: u8, id: u64) -> LedgerKey {
    key(contract, ScVal::U64(id))
}

pub fn instance(contract: u8) -> LedgerKey {
    key(contract, ScVal::LedgerKeyContractInstance)
}

fn key(contract: u8, key: ScVal) -> LedgerKey {
    let durability = ContractDataDurability::Persistent;
    LedgerKey::ContractData(LedgerKeyContractData { contract: address(contract), key, durability })
}

pub fn base64(key: &LedgerKey) -> String {
    key.to_xdr_base64(Limits::none()).expect("a key encodes")
}

/// Entries by key, in base64.
#[derive(Default)]
pub struct Ledger(BTreeMap<String, Value>);

impl Ledger {
    /// The instances of these contracts, and nothing else.
    pub fn of(contracts: &[u8]) -> Self {
        let mut ledger = Self::default();
        for contract in contracts {
            let executable = ContractExecutable::Wasm(Hash([*contract; 32]));
            ledger.put(&instance(*contract), ScVal::ContractInstance(ScContractInstance { executable, storage: None }));
        }
        ledger
    }

    /// Items `ids` of a contract; each holds its own number.
    pub fn with(mut self, contract: u8, ids: impl IntoIterator<Item = u64>) -> Self {
        for id in ids {
            self.put(&item(contract, id), ScVal::U64(id));
        }
        self
    }

    pub fn put(&mut self, key: &LedgerKey, value: ScVal) {
        let LedgerKey::ContractData(data) = key else { panic!("contract data only") };
        let entry = LedgerEntryData::ContractData(ContractDataEntry {
            ext: ExtensionPoint::V0,
            contract: data.contract.clone(),
            key: data.key.clone(),
            durability: data.durability,
            val: value,
        });
        let xdr = entry.to_xdr_base64(Limits::none()).expect("an entry encodes");
        let json = json!({ "key": base64(key), "xdr": xdr, "lastModifiedLedgerSeq": TIP - 1, "liveUntilLedgerSeq": TIP + 1 });
        self.0.insert(base64(key), json);
    }

    /// An entry of any sort, which never expires.
    pub fn holding(mut self, entry: &LedgerEntryData) -> Self {
        let (key, xdr) = (base64(&entry.to_key()), entry.to_xdr_base64(Limits::none()).expect("an entry encodes"));
        let json = json!({ "key": key, "xdr": xdr, "lastModifiedLedgerSeq": TIP - 1 });
        self.0.insert(key, json);
        self
    }

    /// Changes what is answered for a key.
    pub fn edit(mut self, key: &LedgerKey, edit: impl FnOnce(&mut Value)) -> Self {
        edit(self.0.get_mut(&base64(key)).expect("the key is there"));
        self
    }

    /// The items of a sound answer.
    pub fn items(&self, seen: &Seen) -> Vec<Value> {
        seen.keys().iter().filter_map(|key| self.0.get(key).cloned()).collect()
    }

    pub fn reply(&self, seen: &Seen) -> Reply {
        answer(self.items(seen))
    }
}

/// An answer of these items.
pub fn answer(items: Vec<Value>) -> Reply {
    Reply::Result(json!({ "entries": items, "latestLedger": TIP }))
}
