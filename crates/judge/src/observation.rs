use serde::{Deserialize, Serialize};

/// How long the chain keeps an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Durability {
    /// Kept for good: archived when its rent runs out, never lost. Its absence means something.
    Persistent,
    /// Gone when its rent runs out. Its absence means nothing.
    Temporary,
}

/// Where and when an observation was made.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Stamp {
    /// The endpoint that answered, as host and port; never with credentials.
    pub endpoint: String,
    /// The ledger as of which it answered.
    pub ledger: u32,
    /// The ledger that last changed the entry; none where there is no entry.
    pub last_modified: Option<u32>,
    /// The answer said `liveUntilLedgerSeq: 0` or a ledger that has passed: archived, or of unknown lifetime. A flag
    /// for people; some servers send it for live entries too, so that nothing may follow from it.
    pub archived: bool,
    /// A second endpoint that showed the same, as host and port; none where nobody asked one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed_by: Option<String>,
}
