//! Wrong values, of every sort that a column takes.

use crate::kind::Kind;

/// A value that is hardly ever the right one. `salt` varies it; none: NULL.
pub(crate) fn wrong_value(kind: Kind, column: &str, salt: u32) -> Option<String> {
    let one_of = |labels: &[&str]| labels[salt as usize % labels.len()].to_owned();
    Some(match (kind, column) {
        (Kind::Loan, "status") => one_of(&["pending", "active", "completed", "defaulted"]),
        (Kind::Transaction, "status") => one_of(&["pending", "success", "failed"]),
        (_, "state") => one_of(&["new", "open", "closed", "odd"]),
        (_, "tier") => one_of(&["basic", "boosted"]),
        (_, "wallet") => "GWRONG".to_owned(),
        (_, "balance" | "boost_bps" | "due_at" | "locked_until") if salt.is_multiple_of(3) => return None,
        (_, "due_at" | "locked_until") => "2020-02-02 02:02:02+00".to_owned(),
        (_, "details") => "{\"schedule\": []}".to_owned(),
        (_, "score" | "loans_repaid" | "loans_defaulted" | "boost_bps" | "ledger") => (salt % 1_000).to_string(),
        _ => format!("{}.0000001", salt % 100_000),
    })
}
