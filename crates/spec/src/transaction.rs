//! What a spec says of a table of transactions.

use crate::{Carrier, Name, TransactionEvents};

/// The outcome of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transaction {
    /// The column with the hash, 64 hex digits (text, with or without `0x`) or `bytea`.
    pub hash: Name,
    /// The column with the state.
    pub state: Name,
    /// The timestamp column that says when it was submitted.
    pub submitted: Option<Name>,
    /// The column with the envelope, base64 (text) or `bytea`: its sequence number and time bounds decide over a
    /// transaction that is not found.
    pub envelope: Option<Name>,
    /// The column's label for a transaction that is not decided.
    pub pending: String,
    /// The column's labels for what a transaction can become.
    pub succeeded: String,
    /// See `succeeded`.
    pub failed: String,
    /// See `succeeded`. None: such a transaction is reported and its row left.
    pub expired: Option<String>,
    /// See `expired`.
    pub superseded: Option<String>,
    /// Which transactions the table should have.
    pub enumerate: Option<TransactionEvents>,
}

/// The values of every transaction, in this order: name, carrier.
///
/// `status` is `SUCCESS`, `FAILED`, `EXPIRED` or `SUPERSEDED`; `result_code` the standard name (`txSUCCESS`,
/// `txBAD_SEQ`), of a fee bump the inner transaction's; `ledger` the ledger's number; `closed_at` its close time;
/// `fee_charged` in stroops. The last four are NULL for a transaction that no ledger holds.
pub const TRANSACTION_VALUES: [(&str, Carrier); 5] = [
    ("status", Carrier::Text),
    ("result_code", Carrier::Text),
    ("ledger", Carrier::Numeric),
    ("closed_at", Carrier::Timestamptz),
    ("fee_charged", Carrier::Numeric),
];

/// The index of `status` in [`TRANSACTION_VALUES`].
pub(crate) const STATUS_VALUE: usize = 0;
/// What `status` says of a transaction that succeeded.
pub(crate) const STATUS_SUCCEEDED: &str = "SUCCESS";
/// What `status` says of a transaction that failed.
pub(crate) const STATUS_FAILED: &str = "FAILED";
/// What `status` says of a transaction that no ledger holds, and none can any more.
pub const STATUS_EXPIRED: &str = "EXPIRED";
/// What `status` says of a transaction that no ledger holds, and whose sequence number another one has used.
pub const STATUS_SUPERSEDED: &str = "SUPERSEDED";
