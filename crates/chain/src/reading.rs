use std::borrow::Cow;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::Value;
use stellar_xdr::{LedgerEntryData, ScVal};
use trueup_judge::{Answer, Retention, Stamp};

use crate::ReadError;
use crate::transaction::{Effects, RecordedEffects};
use crate::values::entry_value;

/// What the chain said of one ledger key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// Where and as of which ledger.
    pub stamp: Stamp,
    /// The entry; none where the chain has none under that key.
    pub entry: Option<Arc<Entry>>,
    /// The instance of the key's contract came in the same response, so that an absence is the contract's own and not
    /// that of a wrong contract, a wrong network or a broken node. For a trustline it is the account that came. False
    /// for keys that belong to neither.
    pub with_instance: bool,
    /// What that instance runs; none where none came.
    pub runs: Option<Running>,
}

/// Which code a contract runs.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Running {
    /// The contract (`C…`).
    pub contract: String,
    /// The hash of its Wasm in lower-case hex; [`STELLAR_ASSET`]; or `external_ref:OWNER:TAG` with the tag in hex, where
    /// the code is whatever that owner publishes under that tag (protocol 30).
    pub executable: String,
}

// === impl Running ===

impl Running {
    /// Whether the same executable is always the same code. Behind an external reference it may change unseen.
    #[must_use]
    pub fn names_its_code(&self) -> bool {
        !self.executable.starts_with(EXTERNAL_REF)
    }
}

/// What the text of an external reference begins with.
pub(crate) const EXTERNAL_REF: &str = "external_ref:";

/// The executable of asset contracts, which is built into the network.
pub const STELLAR_ASSET: &str = "stellar_asset";

/// A ledger entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What it holds. Of the sort that its key asked for: an account's key is never answered with contract data.
    pub data: LedgerEntryData,
    /// The `LedgerEntryData` in base64, byte for byte as it was answered.
    pub xdr: String,
}

impl Entry {
    /// What a spec's values are read from, see [`entry_value`](crate::entry_value). None for what is not contract
    /// data.
    #[must_use]
    pub fn value(&self) -> Option<Cow<'_, ScVal>> {
        entry_value(&self.data)
    }
}

/// What the chain said of one transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransactionReading {
    /// The endpoint that answered, as host and port.
    pub endpoint: String,
    /// The ledger as of which it answered; of an archive the ledger that holds the transaction, 0 where none does.
    pub ledger: u32,
    /// What has become of it; of a fee bump, of its inner transaction.
    pub answer: Answer,
    /// What the endpoint keeps, from the same response. None for an archive.
    pub retention: Option<Retention>,
    /// For a transaction in a ledger, in this order: `status` (`SUCCESS` or `FAILED`), `result_code` (`txSUCCESS`, …),
    /// `ledger`, `closed_at`, `fee_charged` (stroops). Empty where it was not found.
    pub values: Vec<Option<String>>,
    /// The `TransactionResult` in base64, for a transaction in a ledger.
    pub result_xdr: Option<String>,
    pub(crate) effects: RecordedEffects,
}

impl TransactionReading {
    /// What the transaction returned, and the events that contracts emitted in it. Decoded by this call: whoever asks
    /// only for the outcome pays nothing, and is not concerned by a meta that cannot be read.
    ///
    /// # Errors
    /// The transaction is in no ledger, or its meta cannot be read.
    pub fn effects(&self) -> Result<Effects, ReadError> {
        self.effects.open().map_err(|what| ReadError::Undecodable { endpoint: self.endpoint.clone(), what })
    }
}

/// What a contract emitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The server's id; its text order is the order on chain.
    pub id: String,
    /// The ledger that holds it.
    pub ledger: u32,
    /// When that ledger closed.
    pub closed_at: DateTime<Utc>,
    /// The contract's strkey.
    pub contract: String,
    /// The transaction's hash, 64 lower-case hex digits.
    pub transaction: String,
    /// The call that emitted it succeeded.
    pub successful: bool,
    /// The first topic, if it is a symbol.
    pub name: Option<String>,
    /// An array of the topics in the documented JSON form; one that has none is null.
    pub topics: Value,
    /// The data in that form (void is JSON null); none where it has none.
    pub data: Option<Value>,
    /// The topics in base64 XDR, as they were answered.
    pub topics_xdr: Vec<String>,
    /// The data in base64 XDR, as it was answered.
    pub data_xdr: String,
    /// What of it has no JSON form, and why.
    pub unreadable: Option<String>,
}

/// The network that an endpoint belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// The passphrase, which is the network's identity.
    pub passphrase: String,
    /// The protocol version it runs, if the endpoint says so.
    pub protocol_version: Option<u32>,
}

/// How an endpoint is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// In its own word: `healthy`.
    pub status: String,
    /// The chain's tip as it knows it.
    pub latest_ledger: u32,
    /// The oldest ledger whose transactions and events it keeps.
    pub oldest_ledger: u32,
    /// When the tip closed, Unix seconds, if the endpoint says so.
    pub latest_close_time: Option<i64>,
    /// When the oldest ledger closed, Unix seconds, if the endpoint says so.
    pub oldest_close_time: Option<i64>,
}

/// How one of the endpoints is, for people.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SurveyedEndpoint {
    /// Host and port.
    pub endpoint: String,
    /// Its tip; none where it did not answer.
    pub ledger: Option<u32>,
    /// How many ledgers it is behind the newest tip.
    pub lag: Option<u32>,
    /// The protocol version that its network runs, if it says so.
    pub protocol_version: Option<u32>,
    /// Why it is not used, or nothing is repaired by what it says; none where all is well.
    pub problem: Option<String>,
}
