use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::LedgerTime;

/// How many endpoints' answers are remembered.
const ENDPOINTS_MAX: usize = 8;

/// What a look remembers of a transaction for the looks after it. Small, and the same from look to look unless
/// something new was learned.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The transaction that it is of: a row may get another.
    pub hash: String,
    /// A ledger as of which the account's sequence number said that the transaction was not applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unapplied_at: Option<u32>,
    /// By endpoint: the tip of its first answer that did not find the transaction and could not come to hold it any
    /// more.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub ended_at: BTreeMap<String, LedgerTime>,
}

// === impl Checkpoint ===

impl Checkpoint {
    /// The account says that the transaction was not applied as of `ledger`. Kept for as long as the endpoint's
    /// ledgers reach back to it.
    pub(super) fn unapplied(&mut self, ledger: u32, oldest: u32) {
        if self.unapplied_at.is_none_or(|earlier| earlier.saturating_add(1) < oldest && earlier < ledger) {
            self.unapplied_at = Some(ledger);
        }
    }

    /// The endpoint did not find the transaction, and its tip is past the last ledger that may hold it.
    pub(super) fn ended(&mut self, endpoint: &str, tip: LedgerTime) {
        if self.ended_at.contains_key(endpoint) {
            return;
        }
        if self.ended_at.len() >= ENDPOINTS_MAX {
            let first = self.ended_at.iter().min_by_key(|(_, tip)| tip.ledger).map(|(endpoint, _)| endpoint.clone());
            first.map(|first| self.ended_at.remove(&first));
        }
        self.ended_at.insert(endpoint.to_owned(), tip);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.unapplied_at.is_none() && self.ended_at.is_empty()
    }
}
