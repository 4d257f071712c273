use serde::{Deserialize, Serialize};

use super::Checkpoint;

/// What was answered for a transaction hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It is in a ledger and succeeded.
    Success,
    /// It is in a ledger and failed.
    Failed {
        /// The result's name in the protocol (`txFAILED`, `txBAD_SEQ`); of a fee bump the inner transaction's.
        code: String,
    },
    /// Nobody who was asked knows such a transaction, in the ledgers that they keep.
    NotFound,
}

/// A closed ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerTime {
    /// Its number.
    pub ledger: u32,
    /// When it closed, Unix seconds. Later ledgers close later.
    pub close_time: i64,
}

/// The ledgers that an endpoint keeps, from the answer itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// The first of them.
    pub oldest: LedgerTime,
    /// The last: the tip as the endpoint knows it.
    pub latest: LedgerTime,
}

/// On which terms the network takes a transaction, from its envelope. Those of a fee bump are its inner transaction's.
///
/// A minimal sequence number, age or gap (CAP-21) only narrows these terms further: a transaction that is applied
/// still takes its account to its own sequence number, and finds the account below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// Its sequence number: its account has exactly this one once it is applied, whether it succeeds or fails.
    pub sequence: i64,
    /// No ledger that closes before holds it, Unix seconds.
    pub min_time: Option<i64>,
    /// No ledger that closes after holds it, Unix seconds.
    pub max_time: Option<i64>,
    /// No ledger before holds it.
    pub min_ledger: Option<u32>,
    /// Neither this ledger nor a later one holds it.
    pub max_ledger: Option<u32>,
}

/// What was read of the account that a transaction spends a sequence number of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountSeen {
    /// Its sequence number; none if there is no such account. One that was merged and made again starts above all
    /// that it had, so that the number only grows.
    pub sequence: Option<i64>,
    /// The ledger in which it got that number, where the account says so (since protocol 19).
    pub since: Option<u32>,
    /// The ledger as of which it was read.
    pub ledger: u32,
}

/// All that was seen of one transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// The hash that the row holds, in lower-case hex.
    pub hash: String,
    /// What the endpoint answered.
    pub answer: Answer,
    /// The endpoint, as host and port.
    pub endpoint: String,
    /// What it keeps, from the same answer.
    pub retention: Retention,
    /// When the row was submitted, Unix seconds, if the application says so.
    pub submitted: Option<i64>,
    /// From the envelope, if the application keeps it.
    pub terms: Option<Terms>,
    /// Of the transaction's account, where it was read.
    pub account: Option<AccountSeen>,
    /// What an earlier look remembered.
    pub earlier: Option<Checkpoint>,
    /// What an archive answered, where one was asked.
    pub archive: Option<Answer>,
}

// === impl Terms ===

impl Terms {
    /// Some ledger is the last that may hold it.
    #[must_use]
    pub const fn has_end(&self) -> bool {
        self.max_time.is_some() || self.max_ledger.is_some()
    }

    /// No ledger after this one may hold it. `close_time` may be a lower bound of the ledger's own.
    #[must_use]
    pub fn has_ended(&self, ledger: u32, close_time: Option<i64>) -> bool {
        self.max_ledger.is_some_and(|max| ledger >= max) || self.max_time.zip(close_time).is_some_and(|(max, time)| time > max)
    }
}
