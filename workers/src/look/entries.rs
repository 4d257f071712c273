//! What the chain says of rows whose values are in contracts' storage: in an entry, in an element of one, or in several
//! entries that are read together.

use std::borrow::Cow;
use std::collections::BTreeSet;

use trueup_chain::{
    DecodeError, ElementAt, Intent, KeyError, LedgerKey, Reading, ScVal, decode_joined, element, element_at, key_value, ledger_key,
};
use trueup_database::Located;
use trueup_database::contracts::SeenContract;
use trueup_judge::{Durability, Seen, Stamp};
use trueup_queue::Failure;
use trueup_spec::{Contract, KeyTemplate, Soroban, Spec};

use super::observe::{Observation, Observed, seen_contract, unread};
use super::sight::mark;
use crate::context::Context;

/// What is asked for one row.
pub(super) struct Asked {
    /// The row's own entry.
    own: LedgerKey,
    /// The further entries, in the order of the spec; none where a column that an optional one needs is NULL.
    also: Vec<Option<LedgerKey>>,
    /// Which element of its own entry the row is, where it is one.
    element: Option<ElementAt>,
}

pub(super) async fn observe_entries<'a>(
    context: &Context,
    spec: &Spec,
    soroban: &Soroban,
    rows: impl Iterator<Item = &'a Located>,
    intent: Intent,
) -> Vec<Observation> {
    let mut observations = Vec::new();
    let mut groups = Vec::new();
    let mut waiting = Vec::new();
    for row in rows {
        let observation = match asked(soroban, row) {
            Ok(Some(asked)) => {
                groups.push(asked.keys());
                waiting.push((observations.len(), asked));
                None
            }
            Ok(None) => Some(Ok(Observed::bare(Seen::NoKey))),
            Err(error) => Some(Err(Failure::permanent(format!("the row's key makes no chain key: {error}")))),
        };
        observations.push(observation);
    }
    for ((index, asked), readings) in waiting.into_iter().zip(context.chain.read_groups(groups, intent).await) {
        observations[index] = Some(readings.map_or_else(
            |error| unread(&error),
            |readings| {
                let answered = Answered::of(&asked, readings);
                let (contracts, mark) = (answered.contracts(), mark(context.network(), &answered));
                Ok(Observed { contracts, mark, ..observed(spec, soroban, &asked, answered) })
            },
        ));
    }
    observations.into_iter().flatten().collect()
}

/// Where a row is; none where a column that its keys need is NULL, or where the row is provisional.
pub(super) fn asked(soroban: &Soroban, row: &Located) -> Result<Option<Asked>, KeyError> {
    if row.provisional {
        return Ok(None);
    }
    let row_contract = named(&soroban.contract, row.contract.as_deref());
    let key = |contract: Option<&str>, entry: &KeyTemplate, durability: Durability| -> Result<Option<LedgerKey>, KeyError> {
        match (contract, key_value(entry, &soroban.arguments, &row.arguments)?) {
            (Some(contract), Some(value)) => ledger_key(contract, value, durability).map(Some),
            _ => Ok(None),
        }
    };
    let Some(own) = key(row_contract, &soroban.entry, soroban.durability)? else { return Ok(None) };
    let element = match &soroban.element {
        None => None,
        Some(element) => match element_at(element, &soroban.arguments, &row.arguments)? {
            Some(at) => Some(at),
            None => return Ok(None),
        },
    };
    let mut also = Vec::with_capacity(soroban.also.len());
    for (index, entry) in soroban.also.iter().enumerate() {
        let column = row.also_contracts.get(index).and_then(Option::as_deref);
        let contract = entry.contract.as_ref().map_or(row_contract, |contract| named(contract, column));
        let key = key(contract, &entry.entry, entry.durability)?;
        if key.is_none() && !entry.optional {
            return Ok(None);
        }
        also.push(key);
    }
    Ok(Some(Asked { own, also, element }))
}

fn named<'a>(contract: &'a Contract, column: Option<&'a str>) -> Option<&'a str> {
    match contract {
        Contract::Fixed(contract) => Some(contract),
        Contract::Column(_) => column,
    }
}

// === impl Asked ===

impl Asked {
    /// All of it, the row's own entry first.
    pub(super) fn keys(&self) -> Vec<LedgerKey> {
        std::iter::once(&self.own).chain(self.also.iter().flatten()).cloned().collect()
    }
}

/// What came of it, from one ledger.
pub(super) struct Answered {
    pub(super) own: Reading,
    /// Of each further entry; none for one that was not asked for.
    pub(super) also: Vec<Option<Reading>>,
}

impl Answered {
    pub(super) fn of(asked: &Asked, readings: Vec<Reading>) -> Self {
        let mut readings = readings.into_iter();
        let Some(own) = readings.next() else { unreachable!("a group is answered key by key") };
        Self { own, also: asked.also.iter().map(|key| key.as_ref().and_then(|_| readings.next())).collect() }
    }

    fn all(&self) -> impl Iterator<Item = &Reading> {
        std::iter::once(&self.own).chain(self.also.iter().flatten())
    }

    /// What the contracts run that it rests on, each once.
    pub(super) fn contracts(&self) -> Vec<SeenContract> {
        let seen: BTreeSet<SeenContract> = self.all().filter_map(|reading| reading.runs.as_ref()).map(seen_contract).collect();
        seen.into_iter().collect()
    }

    /// As of when all of it is known to be so, and when any of it changed last.
    pub(super) fn stamp(&self) -> Stamp {
        let mut stamp = self.own.stamp.clone();
        for Reading { stamp: further, .. } in self.also.iter().flatten() {
            stamp.ledger = stamp.ledger.min(further.ledger);
            stamp.last_modified = stamp.last_modified.max(further.last_modified);
            stamp.archived |= further.archived;
        }
        stamp
    }

    /// The bytes of the entry in base64; of several a JSON array, with `null` for what is not there.
    fn evidence(&self) -> Option<String> {
        let xdr = |reading: &Reading| reading.entry.as_ref().map(|entry| entry.xdr.clone());
        if self.also.is_empty() {
            return xdr(&self.own);
        }
        let also = self.also.iter().map(|reading| reading.as_ref().and_then(xdr));
        let entries: Vec<Option<String>> = std::iter::once(xdr(&self.own)).chain(also).collect();
        Some(serde_json::Value::from(entries).to_string())
    }
}

fn observed(spec: &Spec, soroban: &Soroban, asked: &Asked, answered: Answered) -> Observed {
    let with_instance = answered.own.with_instance;
    if answered.own.entry.is_none() {
        let stamp = answered.own.stamp;
        return Observed { with_instance, ..Observed::bare(Seen::Absent { stamp, with_instance }) };
    }
    // An absence without its contract's instance says nothing of any of the entries.
    if let Some(stranger) = answered.also.iter().flatten().find(|reading| reading.entry.is_none() && !reading.with_instance) {
        let seen = Seen::Absent { stamp: stranger.stamp.clone(), with_instance: false };
        return Observed { with_instance: false, ..Observed::bare(seen) };
    }
    let with_instance = answered.all().all(|reading| reading.with_instance);
    let observed = Observed { with_instance, chain_entry: answered.evidence(), ..Observed::bare(Seen::Unreadable) };
    match values(spec, soroban, asked, &answered) {
        Ok(Some(values)) => Observed { seen: Seen::Present(answered.stamp()), values: Some(values), ..observed },
        Ok(None) => Observed { seen: Seen::Absent { stamp: answered.stamp(), with_instance }, ..observed },
        Err(error) => Observed { detail: Some(error.to_string()), ..observed },
    }
}

/// The spec's values; none where the row's own entry has no such element.
fn values(spec: &Spec, soroban: &Soroban, asked: &Asked, answered: &Answered) -> Result<Option<Vec<Option<String>>>, DecodeError> {
    let Some(own) = value(&answered.own)? else { return Ok(None) };
    let part = match (&soroban.element, &asked.element) {
        (Some(spec), Some(at)) => element(&own, spec, at)?,
        _ => Some(own.as_ref()),
    };
    let Some(part) = part else { return Ok(None) };
    let mut also = Vec::with_capacity(answered.also.len());
    for reading in &answered.also {
        also.push(reading.as_ref().map(value).transpose()?.flatten());
    }
    let also: Vec<Option<&ScVal>> = also.iter().map(Option::as_deref).collect();
    decode_joined(part, &soroban.also, &also, &spec.values).map(Some)
}

fn value(reading: &Reading) -> Result<Option<Cow<'_, ScVal>>, DecodeError> {
    let Some(entry) = &reading.entry else { return Ok(None) };
    entry.value().map(Some).ok_or_else(|| DecodeError::NoContractData { found: entry.data.name() })
}
