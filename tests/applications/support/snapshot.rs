//! Ledger entries as a snapshot file: JSON lines of `{key, xdr, lastModifiedLedgerSeq, liveUntilLedgerSeq}`.

use std::io::Write as _;
use std::path::Path;

use stellar_xdr::{
    AccountId, ContractDataDurability, ContractDataEntry, ContractExecutable, ContractId, ExtensionPoint, Hash, LedgerEntryData, Limits,
    MuxedEd25519Account, PublicKey, ScAddress, ScContractInstance, ScMap, ScVal, Uint256, WriteXdr,
};

/// The ledger in which all entries were modified last.
const MODIFIED: u32 = 1_000;
/// Entries live long unless a test says otherwise.
const LIVE_UNTIL: u32 = 1_000_000;

/// The address of the contract with that number (`C…`).
pub fn contract(number: u8) -> String {
    ScAddress::Contract(ContractId(Hash([number; 32]))).to_string()
}

/// The address of the account with that number (`G…`).
pub fn account(number: u8) -> String {
    ScAddress::Account(AccountId(PublicKey::PublicKeyTypeEd25519(Uint256([number; 32])))).to_string()
}

/// The address of a sub-account of the account with that number (`M…`).
pub fn muxed(number: u8, id: u64) -> String {
    ScAddress::MuxedAccount(MuxedEd25519Account { id, ed25519: Uint256([number; 32]) }).to_string()
}

/// What a chain holds.
#[derive(Default)]
pub struct Snapshot {
    lines: Vec<String>,
}

impl Snapshot {
    /// A contract that keeps nothing in its instance.
    pub fn instance(self, contract: &str) -> Self {
        self.instance_with(contract, None)
    }

    /// A contract with that instance storage, which is a map.
    pub fn instance_storage(self, contract: &str, storage: ScVal) -> Self {
        let ScVal::Map(Some(storage)) = storage else { panic!("instance storage is a map") };
        self.instance_with(contract, Some(storage))
    }

    fn instance_with(self, contract: &str, storage: Option<ScMap>) -> Self {
        let instance = ScVal::ContractInstance(ScContractInstance { executable: ContractExecutable::StellarAsset, storage });
        self.add(contract, ScVal::LedgerKeyContractInstance, instance, ContractDataDurability::Persistent, LIVE_UNTIL)
    }

    /// A persistent entry.
    pub fn entry(self, contract: &str, key: ScVal, value: ScVal) -> Self {
        self.add(contract, key, value, ContractDataDurability::Persistent, LIVE_UNTIL)
    }

    /// A persistent entry whose rent ran out.
    pub fn archived(self, contract: &str, key: ScVal, value: ScVal) -> Self {
        self.add(contract, key, value, ContractDataDurability::Persistent, MODIFIED - 1)
    }

    /// A temporary entry.
    pub fn temporary(self, contract: &str, key: ScVal, value: ScVal) -> Self {
        self.add(contract, key, value, ContractDataDurability::Temporary, LIVE_UNTIL)
    }

    fn add(mut self, contract: &str, key: ScVal, val: ScVal, durability: ContractDataDurability, live_until: u32) -> Self {
        let contract: ScAddress = contract.parse().expect("an address");
        let entry = LedgerEntryData::ContractData(ContractDataEntry { ext: ExtensionPoint::V0, contract, key, durability, val });
        self.lines.push(line(&entry, live_until));
        self
    }

    /// Writes the file.
    pub fn write(&self, file: &Path) {
        let mut out = std::io::BufWriter::new(std::fs::File::create(file).expect("a file"));
        for line in &self.lines {
            writeln!(out, "{line}").expect("written");
        }
        out.flush().expect("written");
    }

    /// The lines of the file.
    pub fn lines(&self) -> &[String] {
        &self.lines
    }
}

fn line(entry: &LedgerEntryData, live_until: u32) -> String {
    serde_json::json!({
        "key": entry.to_key().to_xdr_base64(Limits::none()).expect("XDR"),
        "xdr": entry.to_xdr_base64(Limits::none()).expect("XDR"),
        "lastModifiedLedgerSeq": MODIFIED,
        "liveUntilLedgerSeq": live_until,
    })
    .to_string()
}
