//! What the chain says of located rows.

use trueup_chain::{Intent, ReadError, Reading, decode_all, key_value, ledger_key};
use trueup_database::Located;
use trueup_judge::{Seen, Stamp, TransactionState, pending_transaction};
use trueup_queue::Failure;
use trueup_spec::{Contract, Soroban, Source, Spec};

use crate::context::Context;

/// What the chain said of one entity, ready for comparison.
pub(crate) struct Observed {
    pub(crate) seen: Seen,
    /// The spec's values in their order; none where there is nothing to compare with.
    pub(crate) values: Option<Vec<Option<String>>>,
    pub(super) chain_entry: Option<String>,
    pub(super) with_instance: bool,
    pub(crate) detail: Option<String>,
}

impl Observed {
    fn bare(seen: Seen) -> Self {
        Self { seen, values: None, chain_entry: None, with_instance: true, detail: None }
    }

    pub(super) fn ledger(&self) -> Option<u32> {
        match &self.seen {
            Seen::Present(stamp) | Seen::Absent { stamp, .. } => Some(stamp.ledger),
            Seen::Unreadable | Seen::NoKey | Seen::InFlight | Seen::Pruned => None,
        }
    }
}

/// Where a transaction's values say which ledger holds it.
const LEDGER_VALUE: usize = 2;

type Observation = Result<Observed, Failure>;

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
        Source::Transaction(_) => futures::future::join_all(rows.map(|row| observe_transaction(context, row))).await,
    }
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
            Observed { seen: Seen::Present(stamp), values: Some(values), chain_entry: Some(entry.xdr), with_instance, detail: None }
        }
        Err(error) => {
            Observed { with_instance, chain_entry: Some(entry.xdr), detail: Some(error.to_string()), ..Observed::bare(Seen::Unreadable) }
        }
    }
}

async fn observe_transaction(context: &Context, row: &Located) -> Observation {
    let Some(hash) = row.hash.as_deref() else { return Ok(Observed::bare(Seen::NoKey)) };
    let reading = match context.chain.transaction(hash).await {
        Ok(reading) => reading,
        Err(error) => return unread(&error),
    };
    // What is final is final as of the ledger that holds it, whatever the endpoint has seen since.
    let applied_in = reading.values.get(LEDGER_VALUE).and_then(Option::as_deref).and_then(|ledger| ledger.parse().ok());
    Ok(match pending_transaction(reading.answer, row.submitted, reading.retention) {
        TransactionState::InFlight => Observed::bare(Seen::InFlight),
        TransactionState::Pruned => Observed::bare(Seen::Pruned),
        TransactionState::Succeeded | TransactionState::Failed => Observed {
            values: Some(reading.values),
            chain_entry: reading.result_xdr,
            ..Observed::bare(Seen::Present(Stamp {
                endpoint: reading.endpoint,
                ledger: reading.ledger,
                last_modified: applied_in,
                archived: false,
                confirmed_by: None,
            }))
        },
    })
}

/// The chain gave no answer for this entity. An error is not an answer: the job is tried again. An entry that nobody
/// here can read is one, and says nothing. What is no hash is the row's own fault.
fn unread(error: &ReadError) -> Observation {
    match error {
        ReadError::Undecodable { .. } => Ok(Observed { detail: Some(error.to_string()), ..Observed::bare(Seen::Unreadable) }),
        ReadError::NotAHash { .. } => Err(Failure::permanent(error.to_string())),
        error => Err(Failure::passing(error.to_string())),
    }
}
