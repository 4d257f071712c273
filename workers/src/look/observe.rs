//! What the chain says of located rows.

use serde_json::Value;
use trueup_chain::{Intent, ReadError, Reading, decode_all, key_value, ledger_key};
use trueup_database::Located;
use trueup_judge::{Seen, Stamp};
use trueup_queue::Failure;
use trueup_spec::{Contract, Soroban, Source, Spec};

use super::transaction::observe_transactions;
use crate::context::Context;

/// What the chain said of one entity, ready for comparison.
#[derive(Debug, Clone)]
pub(crate) struct Observed {
    pub(crate) seen: Seen,
    /// The spec's values in their order; none where there is nothing to compare with.
    pub(crate) values: Option<Vec<Option<String>>>,
    pub(crate) chain_entry: Option<String>,
    pub(crate) with_instance: bool,
    pub(crate) detail: Option<String>,
    /// What the next look should know, where it is not remembered yet.
    pub(super) remember: Option<Value>,
    /// Another look soon after may decide what this one could not.
    pub(super) nearly: bool,
}

impl Observed {
    pub(super) fn bare(seen: Seen) -> Self {
        Self { seen, values: None, chain_entry: None, with_instance: true, detail: None, remember: None, nearly: false }
    }

    /// Where and as of which ledger the answer was; none where it says nothing of an entry.
    pub(crate) fn stamp(&self) -> Option<&Stamp> {
        match &self.seen {
            Seen::Present(stamp) | Seen::Absent { stamp, .. } => Some(stamp),
            Seen::Unreadable | Seen::NoKey | Seen::InFlight | Seen::Pruned => None,
        }
    }
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
    }
}

/// [`observe`], of keys that nobody announced.
pub(crate) async fn observe_keys<'a>(context: &Context, spec: &Spec, keys: impl Iterator<Item = &'a Located>) -> Vec<Observation> {
    observe(context, spec, keys, context.chain.intent()).await
}

async fn observe_entries<'a>(
    context: &Context,
    spec: &Spec,
    soroban: &Soroban,
    rows: impl Iterator<Item = &'a Located>,
    intent: Intent,
) -> Vec<Observation> {
    let mut observations = Vec::new();
    let mut keys = Vec::new();
    let mut asked = Vec::new();
    for row in rows {
        let observation = match entry_key(soroban, row) {
            Ok(Some(key)) => {
                keys.push(key);
                asked.push(observations.len());
                None
            }
            Ok(None) => Some(Ok(Observed::bare(Seen::NoKey))),
            Err(failure) => Some(Err(failure)),
        };
        observations.push(observation);
    }
    for (index, reading) in asked.into_iter().zip(context.chain.read_announced(keys, intent).await) {
        observations[index] = Some(reading.map_or_else(|error| unread(&error), |reading| Ok(decode(spec, reading))));
    }
    observations.into_iter().flatten().collect()
}

/// The ledger key of a row; none where a column that it needs is NULL, or where the row is provisional.
fn entry_key(soroban: &Soroban, row: &Located) -> Result<Option<trueup_chain::LedgerKey>, Failure> {
    let contract = match &soroban.contract {
        Contract::Fixed(contract) => Some(contract.as_str()),
        Contract::Column(_) => row.contract.as_deref(),
    };
    if row.provisional {
        return Ok(None);
    }
    let wrong = |error: trueup_chain::KeyError| Failure::permanent(format!("the row's key makes no chain key: {error}"));
    match (contract, key_value(&soroban.entry, &soroban.arguments, &row.arguments).map_err(wrong)?) {
        (Some(contract), Some(value)) => ledger_key(contract, value, soroban.durability).map(Some).map_err(wrong),
        _ => Ok(None),
    }
}

fn decode(spec: &Spec, reading: Reading) -> Observed {
    let Reading { stamp, entry, with_instance } = reading;
    let Some(entry) = entry else {
        return Observed { with_instance, ..Observed::bare(Seen::Absent { stamp, with_instance }) };
    };
    let Some(value) = entry.value() else {
        let detail = Some(format!("the entry is not contract data but {}", entry.data.name()));
        return Observed { with_instance, chain_entry: Some(entry.xdr), detail, ..Observed::bare(Seen::Unreadable) };
    };
    match decode_all(&value, &spec.values) {
        Ok(values) => {
            Observed { values: Some(values), chain_entry: Some(entry.xdr), with_instance, ..Observed::bare(Seen::Present(stamp)) }
        }
        Err(error) => {
            Observed { with_instance, chain_entry: Some(entry.xdr), detail: Some(error.to_string()), ..Observed::bare(Seen::Unreadable) }
        }
    }
}

/// The chain gave no answer for this entity. An error is not an answer: the job is tried again. An entry that nobody
/// here can read is one, and says nothing.
fn unread(error: &ReadError) -> Observation {
    match error {
        ReadError::Undecodable { .. } => Ok(Observed { detail: Some(error.to_string()), ..Observed::bare(Seen::Unreadable) }),
        error => Err(Failure::passing(error.to_string())),
    }
}
