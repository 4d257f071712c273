//! What the chain says of located rows.

use serde_json::Value;
use trueup_chain::{Intent, ReadError, Running};
use trueup_database::Located;
use trueup_database::contracts::SeenContract;
use trueup_judge::{Seen, Stamp};
use trueup_queue::Failure;
use trueup_spec::{Source, Spec};

use super::account::observe_accounts;
use super::balance::observe_balances;
use super::entries::observe_entries;
use super::transaction::observe_transactions;
use super::view::observe_views;
use crate::context::Context;

/// What the chain said of one entity, ready for comparison.
#[derive(Debug, Clone)]
pub(crate) struct Observed {
    pub(crate) seen: Seen,
    /// The spec's values in their order; none where there is nothing to compare with.
    pub(crate) values: Option<Vec<Option<String>>>,
    pub(crate) chain_entry: Option<String>,
    pub(crate) with_instance: bool,
    pub(super) contracts: Vec<SeenContract>,
    pub(crate) detail: Option<String>,
    /// What the next look should know, where it is not remembered yet.
    pub(super) remember: Option<Value>,
    /// Another look soon after may decide what this one could not.
    pub(super) nearly: bool,
    /// The versions of its entries, where they tell whether it has moved.
    pub(super) mark: Option<i64>,
}

impl Observed {
    pub(super) fn bare(seen: Seen) -> Self {
        Self {
            seen,
            values: None,
            chain_entry: None,
            with_instance: true,
            contracts: Vec::new(),
            detail: None,
            remember: None,
            nearly: false,
            mark: None,
        }
    }

    /// Where and as of which ledger the answer was; none where it says nothing of an entry.
    pub(crate) fn stamp(&self) -> Option<&Stamp> {
        match &self.seen {
            Seen::Present(stamp) | Seen::Absent { stamp, .. } | Seen::NotInLedger { stamp, .. } => Some(stamp),
            Seen::Unreadable | Seen::Inconsistent | Seen::Unusable(_) | Seen::Issuer | Seen::NoKey | Seen::InFlight | Seen::Pruned => None,
        }
    }
}

/// What a contract runs, as it was answered beside an entry.
pub(super) fn seen_contract(runs: &Running) -> SeenContract {
    let names_its_code = runs.names_its_code();
    SeenContract { contract: runs.contract.clone(), executable: runs.executable.clone(), names_its_code }
}

pub(crate) type Observation = Result<Observed, Failure>;

/// Whether the observation is older than one that was applied to its entity before, by this ledger.
pub(crate) fn is_behind(observed: &Observed, floor: Option<i64>) -> Option<i64> {
    let ledger = i64::from(observed.stamp()?.ledger);
    floor.filter(|floor| ledger < *floor)
}

/// Asks the chain; one answer for each row, in order. `intent` announced the keys, and ends when they are here. The
/// chain is not asked about provisional rows, whose key is not its.
pub(super) async fn observe<'a>(
    context: &Context,
    spec: &Spec,
    rows: impl Iterator<Item = &'a Located>,
    intent: Intent,
) -> Vec<Observation> {
    match &spec.source {
        Source::Soroban(soroban) => observe_entries(context, spec, soroban, rows, intent).await,
        Source::Transaction(_) => observe_transactions(context, rows, intent).await,
        Source::AssetBalance(balance) => observe_balances(context, balance, rows, intent).await,
        Source::Account(_) => observe_accounts(context, rows, intent).await,
        Source::View(view) => observe_views(context, spec, view, rows, intent).await,
    }
}

/// [`observe`], of keys that nobody announced.
pub(crate) async fn observe_keys<'a>(context: &Context, spec: &Spec, keys: impl Iterator<Item = &'a Located>) -> Vec<Observation> {
    observe(context, spec, keys, context.chain.intent()).await
}

/// The chain gave no answer for this entity. An error is not an answer: the job is tried again. An entry that nobody
/// here can read is one, and says nothing; so are entries that do not go together.
pub(super) fn unread(error: &ReadError) -> Observation {
    match error {
        ReadError::Inconsistent { .. } => Ok(Observed { detail: Some(error.to_string()), ..Observed::bare(Seen::Inconsistent) }),
        ReadError::Undecodable { .. } => Ok(Observed { detail: Some(error.to_string()), ..Observed::bare(Seen::Unreadable) }),
        error => Err(Failure::passing(error.to_string())),
    }
}
