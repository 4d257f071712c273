//! Accounts' own entries.

use trueup_chain::{Intent, LedgerKey, Reading, account_key, account_values};
use trueup_database::Located;
use trueup_judge::{Missing, Seen};
use trueup_queue::Failure;

use super::observe::{Observation, Observed, unread};
use crate::context::Context;

/// Asks the chain for accounts; one answer for each row, in order.
pub(super) async fn observe_accounts<'a>(context: &Context, rows: impl Iterator<Item = &'a Located>, intent: Intent) -> Vec<Observation> {
    let keys: Vec<Result<Option<LedgerKey>, Failure>> = rows.map(key).collect();
    let asked = keys.iter().filter_map(|key| key.as_ref().ok().cloned().flatten()).collect();
    let mut readings = context.chain.read_announced(asked, intent).await.into_iter();
    keys.into_iter()
        .map(|key| match key?.and_then(|_| readings.next()) {
            None => Ok(Observed::bare(Seen::NoKey)),
            Some(Ok(reading)) => Ok(observed(reading)),
            Some(Err(error)) => unread(&error),
        })
        .collect()
}

fn key(row: &Located) -> Result<Option<LedgerKey>, Failure> {
    let account = row.arguments.first().and_then(Option::as_deref).filter(|_| !row.provisional);
    account.map(account_key).transpose().map_err(|error| Failure::permanent(format!("the row names no account: {error}")))
}

fn observed(reading: Reading) -> Observed {
    let Reading { stamp, entry, .. } = reading;
    let Some(entry) = entry else { return Observed::bare(Seen::NotInLedger { stamp, what: Missing::Account }) };
    match account_values(&entry.data, stamp.last_modified.unwrap_or(stamp.ledger)) {
        Ok(values) => Observed { values: Some(values), chain_entry: Some(entry.xdr.clone()), ..Observed::bare(Seen::Present(stamp)) },
        Err(error) => {
            Observed { chain_entry: Some(entry.xdr.clone()), detail: Some(error.to_string()), ..Observed::bare(Seen::Unreadable) }
        }
    }
}
