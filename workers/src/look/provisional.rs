//! What the chain says of rows without their real key: what became of the transactions that should have created their
//! entities, and which keys those name.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value as Json;
use trueup_chain::{ScVal, decode, key_texts, select};
use trueup_database::{CreationEventSeen, DatabaseError, Kind, Located};
use trueup_judge::{ChainKey, Creation, RowFacts, RowIdentity, Stamp, TransactionState};
use trueup_queue::Failure;
use trueup_spec::{Carrier, Contract, CreationEvent, Path, Provisional, Source, Topic};

use super::observe::Observed;
use super::transaction::{Asked, Decided, decide_transactions};
use crate::context::Context;

/// A row that looks for its key, with all that was seen of it.
#[derive(Debug, Clone)]
pub(crate) struct Seeking {
    pub(crate) facts: RowFacts,
    pub(crate) creation: Creation,
    /// The hash of the creating transaction.
    pub(crate) hash: Option<String>,
    /// Of the answer about the creating transaction, if that is final.
    pub(crate) stamp: Option<Stamp>,
}

/// What became of a row's creation, and the answer that says so.
pub(super) struct Created {
    pub(super) creation: Creation,
    pub(super) observed: Observed,
}

impl Created {
    fn unknown() -> Self {
        Self { creation: Creation::Unknown, observed: Observed::bare(trueup_judge::Seen::NoKey) }
    }
}

/// Asks for the creating transactions of those rows that look for their key; they alone have an answer.
pub(super) async fn look_at_creations(
    context: &Context,
    kind: &Kind,
    rows: &[(RowIdentity, Located)],
) -> Result<HashMap<RowIdentity, Result<Created, Failure>>, DatabaseError> {
    let mut created = HashMap::new();
    let (Some(_), Some(provisional)) = (kind.provisional_rules(), &kind.spec().provisional) else { return Ok(created) };
    let mut asked = Vec::new();
    let mut asking = Vec::new();
    for (row, located) in rows.iter().filter(|(_, located)| located.provisional) {
        let Some(hash) = located.hash.as_deref() else {
            created.insert(row.clone(), Ok(Created::unknown()));
            continue;
        };
        match Asked::new(context, hash, located.envelope.as_deref(), located.submitted, located.checkpoint.as_ref()) {
            Ok(one) => {
                asked.push(one);
                asking.push((row, located));
            }
            Err(failure) => drop(created.insert(row.clone(), Err(failure))),
        }
    }
    if asked.is_empty() {
        return Ok(created);
    }
    let decided = decide_transactions(context, asked, context.chain.intent()).await;
    let mut succeeded = Vec::new();
    for ((row, located), decided) in asking.into_iter().zip(decided) {
        match decided {
            Ok(decided) => {
                let creation = match &decided.decision.state {
                    TransactionState::Succeeded => {
                        succeeded.push((row, located, decided));
                        continue;
                    }
                    TransactionState::Failed { .. } => Creation::Failed,
                    TransactionState::Expired | TransactionState::Superseded => Creation::Expired,
                    TransactionState::InFlight => Creation::InFlight,
                    TransactionState::Pruned => Creation::Unknown,
                };
                created.insert(row.clone(), Ok(Created { creation, observed: decided.observed() }));
            }
            Err(failure) => drop(created.insert(row.clone(), Err(failure))),
        }
    }
    let mut keys = keys_of(context, kind, provisional, &succeeded).await?;
    for (row, _, decided) in succeeded {
        let creation = keys.remove(row).unwrap_or_default();
        created.insert(row.clone(), Ok(Created { creation, observed: decided.observed() }));
    }
    Ok(created)
}

type Succeeded<'a> = (&'a RowIdentity, &'a Located, Decided);

/// The keys that transactions name which succeeded. One whose effects nobody can read has no answer: what it created
/// may be found among the stored events.
async fn keys_of(
    context: &Context,
    kind: &Kind,
    provisional: &Provisional,
    succeeded: &[Succeeded<'_>],
) -> Result<HashMap<RowIdentity, Creation>, DatabaseError> {
    match &provisional.event {
        Some(event) => by_events(context, kind, event, succeeded).await,
        None => by_return_values(context, kind, &provisional.id, succeeded).await,
    }
}

async fn by_events(
    context: &Context,
    kind: &Kind,
    event: &CreationEvent,
    succeeded: &[Succeeded<'_>],
) -> Result<HashMap<RowIdentity, Creation>, DatabaseError> {
    let mut seen = Vec::new();
    let mut named: HashMap<RowIdentity, Vec<(ChainKey, bool)>> = HashMap::new();
    for (row, located, decided) in succeeded {
        if let Some(events) = events(kind, event, row, located, decided) {
            named.insert((*row).clone(), Vec::new());
            seen.extend(events);
        }
    }
    for (row, key) in kind.creation_keys(&context.pools.read, &seen).await? {
        // A row that cannot be evaluated has no answer: it is not proven to be anything.
        match key {
            Ok(key) => named.entry(row).and_modify(|keys| keys.extend(key.key().map(|it| (it, key.agrees)))),
            Err(error) => {
                tracing::warn!(kind = %kind.spec().kind, row = %row, %error, "a creation event cannot be compared");
                named.remove(&row);
                continue;
            }
        };
    }
    Ok(named.into_iter().map(|(row, keys)| (row, Creation::Succeeded { keys: narrowed(&keys) })).collect())
}

/// The keys that a transaction names for a row: all, or of several those whose event the row agrees with, if there is
/// such a one.
pub(crate) fn narrowed(keys: &[(ChainKey, bool)]) -> BTreeSet<ChainKey> {
    let all: BTreeSet<ChainKey> = keys.iter().map(|(key, _)| key.clone()).collect();
    let agreeing: BTreeSet<ChainKey> = keys.iter().filter(|(_, agrees)| *agrees).map(|(key, _)| key.clone()).collect();
    if all.len() > 1 && !agreeing.is_empty() { agreeing } else { all }
}

/// The events of a transaction that have the spec's name and are of the row's contract; none if not all can be read.
fn events(kind: &Kind, event: &CreationEvent, row: &RowIdentity, located: &Located, decided: &Decided) -> Option<Vec<CreationEventSeen>> {
    let (Source::Soroban(soroban), Some(Topic::Symbol(name))) = (&kind.spec().source, event.topics.first()) else { return None };
    let contract = match &soroban.contract {
        Contract::Fixed(contract) => contract.as_str(),
        Contract::Column(_) => located.contract.as_deref()?,
    };
    let effects = decided.reading.effects().inspect_err(|error| tracing::warn!(%error, row = %row, "a transaction's effects")).ok()?;
    let is_named = |topics: &[ScVal]| matches!(topics.first(), Some(ScVal::Symbol(symbol)) if symbol.as_slice() == name.as_bytes());
    let named = effects.events.iter().filter(|it| it.contract == contract && is_named(&it.topics));
    named
        .map(|it| {
            let topics = it.topics.iter().map(json).collect::<Option<Vec<Json>>>()?;
            Some(CreationEventSeen { row: row.clone(), topics: Json::Array(topics), data: json(&it.data)? })
        })
        .collect()
}

/// A value in the documented JSON form, if it has one.
fn json(value: &ScVal) -> Option<Json> {
    let text = decode(value, &Path::default(), Carrier::Jsonb, 0, false).ok()?;
    text.map_or(Some(Json::Null), |text| serde_json::from_str(&text).ok())
}

async fn by_return_values(
    context: &Context,
    kind: &Kind,
    path: &Path,
    succeeded: &[Succeeded<'_>],
) -> Result<HashMap<RowIdentity, Creation>, DatabaseError> {
    let columns = kind.spec().key.len();
    let mut creations = HashMap::new();
    let mut rows = Vec::new();
    let mut texts = Vec::new();
    for (row, _, decided) in succeeded {
        let Ok(effects) = decided.reading.effects() else { continue };
        let value = effects.return_value.as_ref().and_then(|value| select(value, path).ok().flatten());
        match value.and_then(|value| key_texts(value, columns).ok()) {
            Some(key) => {
                rows.push(*row);
                texts.push(key);
            }
            // It says what it created, and that is no key of this kind.
            None => drop(creations.insert((*row).clone(), Creation::Succeeded { keys: BTreeSet::new() })),
        }
    }
    if !texts.is_empty() {
        for (row, key) in rows.into_iter().zip(kind.canonical_keys(&context.pools.read, &texts).await?) {
            creations.insert(row.clone(), Creation::Succeeded { keys: key.into_iter().collect() });
        }
    }
    Ok(creations)
}
