use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::FromRow;

/// An event of a contract, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct StoredEvent {
    /// The RPC's id; its text order is the order on chain.
    pub id: String,
    /// The ledger that holds it.
    pub ledger: i64,
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
    /// The topics in base64 XDR.
    pub topics_xdr: Vec<String>,
    /// The data in base64 XDR.
    pub data_xdr: String,
    /// What of it has no JSON form, and why.
    pub unreadable: Option<String>,
}
