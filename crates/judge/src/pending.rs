//! What a pending transaction has become. DESIGN section 5, the lines that hash, status and retention decide.

/// What an endpoint answered for a transaction hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It is in a ledger and succeeded.
    Success,
    /// It is in a ledger and failed.
    Failed,
    /// The endpoint knows no such transaction, in the ledgers that it keeps.
    NotFound,
}

/// What an endpoint keeps, from the same answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Close time of the oldest ledger kept, Unix seconds.
    pub oldest_close_time: i64,
}

/// What a transaction is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransactionState {
    /// Final.
    Succeeded,
    /// Final.
    Failed,
    /// Not decided: look again later.
    InFlight,
    /// It may have been decided in a ledger that the endpoint no longer keeps. Never to be marked failed.
    Pruned,
}

/// Decides what a transaction is.
///
/// `submitted` is when the row was submitted, Unix seconds, or none if the application does not say. `NOT_FOUND`
/// speaks only of the ledgers that the endpoint keeps: it means something only if those reach back to the
/// submission. Where nobody knows when that was, they may not.
#[must_use]
pub fn pending_transaction(answer: Answer, submitted: Option<i64>, retention: Retention) -> TransactionState {
    match (answer, submitted) {
        (Answer::Success, _) => TransactionState::Succeeded,
        (Answer::Failed, _) => TransactionState::Failed,
        (Answer::NotFound, Some(submitted)) if retention.oldest_close_time <= submitted => TransactionState::InFlight,
        (Answer::NotFound, _) => TransactionState::Pruned,
    }
}
