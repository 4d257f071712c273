//! One look at entities: locate, observe, compare, judge. The same for the first read and for the second.
//!
//! What goes wrong with one entity stays with it.

mod account;
mod balance;
mod entries;
mod keys;
mod observe;
mod provisional;
mod rows;
mod sight;
mod transaction;
mod view;

pub(crate) use keys::look_at_keys;
pub(crate) use observe::{Observed, is_behind, observe_keys};
pub(crate) use provisional::{Seeking, narrowed};
pub(crate) use rows::{LocatedRows, located_and_observed, look_at_located, look_at_rows};
pub(crate) use sight::{Sight, see_entries};

use std::collections::HashSet;
use std::hash::Hash;

use trueup_database::contracts::SeenContract;
use trueup_database::{DatabaseError, Fingerprint, RowError};
use trueup_judge::{AlteredRepair, ChainKey, Judgement, UnknownReason, Verdict};
use trueup_queue::Failure;

use crate::matching::Settled;

/// What one look at an entity came to.
#[derive(Debug, Clone)]
pub(crate) struct Look {
    pub(crate) judgement: Judgement,
    pub(crate) chain_key: Option<ChainKey>,
    /// Base64 XDR of the entry, of the transaction's result, or of what a view returned.
    pub(crate) chain_entry: Option<String>,
    /// The contract's instance came in the same answer, or beside a view's. Always so for what belongs to no contract:
    /// a transaction, an account, a trustline.
    pub(crate) with_instance: bool,
    /// What the contracts run that it rests on, from the same answer.
    pub(crate) contracts: Vec<SeenContract>,
    /// As of which ledger the chain answered.
    pub(crate) ledger: Option<u32>,
    /// The endpoint that answered.
    pub(crate) endpoint: Option<String>,
    /// Why the chain's answer could not be used, for people.
    pub(crate) detail: Option<String>,
    /// Seconds until the row has not changed for as long as its spec's grace.
    pub(crate) settles_in_secs: i64,
    /// What the next look at the row should know, where it is not remembered yet.
    pub(crate) remember: Option<serde_json::Value>,
    /// Another look soon after may decide what this one could not.
    pub(crate) nearly: bool,
    /// What a clean verdict rests on, where a later sweep may rely on it.
    pub(crate) fingerprint: Option<Fingerprint>,
    /// The row looks for its real key; what is judged here is what its own transaction says.
    pub(crate) seeking: Option<Box<Seeking>>,
}

impl Look {
    /// A verdict that rests on the database alone.
    fn without_chain(verdict: Verdict) -> Self {
        Self {
            judgement: Judgement::plain(verdict),
            chain_key: None,
            chain_entry: None,
            with_instance: false,
            contracts: Vec::new(),
            ledger: None,
            endpoint: None,
            detail: None,
            settles_in_secs: 0,
            remember: None,
            nearly: false,
            fingerprint: None,
            seeking: None,
        }
    }

    /// The observation is older than what was already applied to the entity.
    fn behind_floor(chain_key: Option<ChainKey>, observed: Observed, floor: i64) -> Self {
        let judgement = Judgement::plain(Verdict::Unknown(UnknownReason::BehindFloor));
        let detail = Some(format!("an observation of ledger {floor} was applied before"));
        Self { detail, ..Self::of(judgement, chain_key, observed, 0) }
    }

    fn of(judgement: Judgement, chain_key: Option<ChainKey>, observed: Observed, settles_in_secs: i64) -> Self {
        Self {
            judgement,
            chain_key,
            ledger: observed.stamp().map(|stamp| stamp.ledger),
            endpoint: observed.stamp().map(|stamp| stamp.endpoint.clone()),
            chain_entry: observed.chain_entry,
            with_instance: observed.with_instance,
            contracts: observed.contracts,
            detail: observed.detail,
            settles_in_secs,
            remember: observed.remember,
            nearly: observed.nearly,
            fingerprint: None,
            seeking: None,
        }
    }
}

impl Look {
    /// Says why what was altered before is left alone, if it is.
    fn explained(self, altered: Option<&AlteredRepair>) -> Self {
        match altered.filter(|_| self.judgement.leaves_altered()) {
            Some(altered) => Self { detail: Some(altered.to_string()), ..self },
            None => self,
        }
    }

    /// What the match over the whole set made of it. The entry of the key that was found stands for what its transaction
    /// left.
    pub(crate) fn settled(self, settled: Settled) -> Self {
        let Settled { judgement, key, entry, detail } = settled;
        let (chain_key, detail) = (key.or(self.chain_key), detail.or(self.detail));
        match entry {
            Some(entry) => Self {
                judgement,
                chain_key,
                ledger: entry.stamp().map(|stamp| stamp.ledger).or(self.ledger),
                endpoint: entry.stamp().map(|stamp| stamp.endpoint.clone()).or(self.endpoint),
                chain_entry: entry.chain_entry,
                with_instance: entry.with_instance,
                contracts: entry.contracts,
                detail: entry.detail.or(detail),
                ..self
            },
            None => Self { judgement, chain_key, detail, ..self },
        }
    }
}

pub(crate) type LookResult = Result<Look, Failure>;

/// The row itself cannot be worked with: trying again is pointless until someone mends it, unless it was only slow.
fn of_row(error: &RowError) -> Failure {
    let why = error.to_string();
    if error.is_passing { Failure::passing(why) } else { Failure::permanent(why) }
}

/// The database did not answer: every job of the batch is tried again.
fn all_failed(count: usize, error: &DatabaseError) -> Vec<LookResult> {
    vec![Err(Failure::passing(error.to_string())); count]
}

/// Each entity once. A batch may hold one for several runs, while a statement answers for it once.
fn distinct<T: Clone + Eq + Hash>(entities: &[T]) -> Vec<T> {
    let mut seen = HashSet::with_capacity(entities.len());
    entities.iter().filter(|entity| seen.insert(*entity)).cloned().collect()
}
