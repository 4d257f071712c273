//! Which chain key belongs to which row that has none yet: by proof, or one to one over the whole set.
//!
//! A proof is the row's own creating transaction. Where nobody knows what became of that, the event of the creation
//! is looked for among all that could be it; a row gets it only if the row has no other candidate, and the candidate
//! no other row.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{ChainKey, RowIdentity, Withheld};

/// What the chain says of the transaction that should have created a row's entity.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Creation {
    /// The row names none, or nobody can tell any more what became of it.
    #[default]
    Unknown,
    /// Not decided yet.
    InFlight,
    /// It succeeded, and names these keys: one, unless it created several; none, if it created nothing of the kind.
    Succeeded {
        /// The keys.
        keys: BTreeSet<ChainKey>,
    },
    /// It failed, for good.
    Failed,
    /// It never landed, and cannot any more: expired, or another one took its place.
    Expired,
}

impl Creation {
    /// Whether nothing was created and nothing will be, so that the row is no entity of the chain.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        matches!(self, Self::Failed | Self::Expired)
    }
}

/// A row without its real key, and all that could be it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unresolved {
    /// The row.
    pub row: RowIdentity,
    /// What its transaction says.
    pub creation: Creation,
    /// Events that agree with the row in all that the spec names, within its time window, and whose key no row of the
    /// table has.
    pub candidates: Vec<Candidate>,
    /// All events of that window are known.
    pub is_complete: bool,
}

/// An event that may be that of a row's creation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Candidate {
    /// The key that it names.
    pub key: ChainKey,
    /// Its id.
    pub event: String,
}

/// What a key's belonging to a row rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum Proof {
    /// The row's own creating transaction.
    Transaction,
    /// An event that is the only candidate of the row, and has the row for its only candidate.
    Event {
        /// The event's id.
        id: String,
    },
}

/// Where a row stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolution {
    /// The key is the row's.
    Found {
        /// The key.
        key: ChainKey,
        /// Why.
        proof: Proof,
    },
    /// Several keys could be the row's, or one that could be another row's as well.
    Ambiguous {
        /// All of them.
        keys: BTreeSet<ChainKey>,
    },
    /// No key can be said to be the row's.
    Left {
        /// Why.
        why: Withheld,
        /// The one key that might be, where something forbids to say so.
        key: Option<ChainKey>,
    },
}

/// Resolves all rows of a kind together; one answer for each, in order. The order of the rows changes nothing.
///
/// `rows` has to hold every row that waits for its key, also those about which nothing is to be decided now: each is a
/// rival for what could be its own. Rows whose creation is over are none.
#[must_use]
pub fn resolve_provisional(rows: &[Unresolved]) -> Vec<Resolution> {
    let proven = proven(rows);
    let mut claims: BTreeMap<&ChainKey, usize> = BTreeMap::new();
    for row in rows.iter().filter(|row| !row.creation.is_over() && certain(row, &proven).is_none()) {
        for key in possible(row) {
            *claims.entry(key).or_default() += 1;
        }
    }
    rows.iter().map(|row| resolve(row, &proven, &claims)).collect()
}

/// Keys that exactly one row's transaction names, being the only one that it names.
fn proven(rows: &[Unresolved]) -> BTreeSet<&ChainKey> {
    let mut named: BTreeMap<&ChainKey, usize> = BTreeMap::new();
    for key in rows.iter().flat_map(of_transaction) {
        *named.entry(key).or_default() += 1;
    }
    let only = rows.iter().filter_map(|row| match of_transaction(row).collect::<Vec<_>>().as_slice() {
        [key] if named.get(key) == Some(&1) => Some(*key),
        _ => None,
    });
    only.collect()
}

fn of_transaction(row: &Unresolved) -> impl Iterator<Item = &ChainKey> {
    let keys = match &row.creation {
        Creation::Succeeded { keys } => Some(keys),
        _ => None,
    };
    keys.into_iter().flatten()
}

/// The key that a row's own transaction proves to be its.
fn certain<'r>(row: &'r Unresolved, proven: &BTreeSet<&ChainKey>) -> Option<&'r ChainKey> {
    let mut keys = of_transaction(row);
    keys.next().filter(|key| keys.next().is_none() && proven.contains(key))
}

/// All keys that may be the row's.
fn possible(row: &Unresolved) -> BTreeSet<&ChainKey> {
    of_transaction(row).chain(row.candidates.iter().map(|candidate| &candidate.key)).collect()
}

fn resolve(row: &Unresolved, proven: &BTreeSet<&ChainKey>, claims: &BTreeMap<&ChainKey, usize>) -> Resolution {
    let left = |why| Resolution::Left { why, key: None };
    match &row.creation {
        Creation::InFlight => left(Withheld::InFlight),
        Creation::Failed => left(Withheld::FailedTransaction),
        Creation::Expired => left(Withheld::Expired),
        Creation::Succeeded { keys } if keys.is_empty() => left(Withheld::NoCandidate),
        Creation::Succeeded { keys } => match certain(row, proven) {
            Some(key) => Resolution::Found { key: key.clone(), proof: Proof::Transaction },
            None => Resolution::Ambiguous { keys: keys.clone() },
        },
        Creation::Unknown => by_event(row, proven, claims),
    }
}

fn by_event(row: &Unresolved, proven: &BTreeSet<&ChainKey>, claims: &BTreeMap<&ChainKey, usize>) -> Resolution {
    let open: BTreeSet<&ChainKey> = possible(row).into_iter().filter(|key| !proven.contains(key)).collect();
    let mut keys = open.iter().copied();
    match (keys.next(), keys.next()) {
        (None, _) => Resolution::Left { why: Withheld::NoCandidate, key: None },
        (Some(key), None) if claims.get(key) == Some(&1) => {
            let event = row.candidates.iter().filter(|candidate| candidate.key == *key).map(|candidate| &candidate.event).min();
            match event {
                Some(event) if row.is_complete => Resolution::Found { key: key.clone(), proof: Proof::Event { id: event.clone() } },
                _ => Resolution::Left { why: Withheld::EventsIncomplete, key: Some(key.clone()) },
            }
        }
        _ => Resolution::Ambiguous { keys: open.into_iter().cloned().collect() },
    }
}
