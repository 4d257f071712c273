//! What a row without its real key gets, once it is known where it stands.

use std::collections::BTreeMap;

use crate::judge::settle;
use crate::{
    Action, ChainKey, Class, Creation, Drift, Durability, Judgement, Plan, Proof, Repair, Resolution, RowFacts, RowIdentity, Rules, Seen,
    SkipReason, Stamp, UnknownReason, Verdict, Withheld,
};

/// The most candidates that an ambiguous drift names.
pub const CANDIDATES_MAX: usize = 20;

/// What the spec and the database decide about rows without their real key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvisionalRules {
    /// The key columns, in their order.
    pub key: Vec<String>,
    /// Why no key can be written, if none can.
    pub writable: Result<(), Withheld>,
    /// What a row whose creation failed is set to: column to text.
    pub failed: BTreeMap<String, String>,
    /// The same where the creation expired.
    pub expired: BTreeMap<String, String>,
}

/// What is known of the key that was found for a row.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Target {
    /// Another row that has the key.
    pub taken_by: Option<RowIdentity>,
    /// What the key columns would hold, in their order.
    pub parts: Vec<String>,
    /// What the chain says of the key's entry; none before it was asked.
    pub seen: Option<Seen>,
}

/// Judges a row without its real key. `stamp` is that of the answer about its transaction, if there was one; `target`
/// is wanted where `resolution` found a key.
#[must_use]
pub fn judge_provisional(
    row: &RowFacts,
    resolution: &Resolution,
    target: &Target,
    stamp: Option<&Stamp>,
    rules: &Rules,
    own: &ProvisionalRules,
) -> Judgement {
    settle(row, rules, || match resolution {
        Resolution::Found { key, proof } => found(row, key, proof, target, rules, own),
        Resolution::Ambiguous { keys } => {
            let names: Vec<String> = keys.iter().take(CANDIDATES_MAX).map(|key| key.0.clone()).collect();
            reported(row, Class::Ambiguous, Some(names.join(", ")), Withheld::NeedsPerson, stamp)
        }
        Resolution::Left { why: why @ (Withheld::FailedTransaction | Withheld::Expired), .. } => over(row, *why, stamp, rules, own),
        Resolution::Left { why, key } => reported(row, Class::ProvisionalId, key.as_ref().map(|key| key.0.clone()), *why, stamp),
    })
}

/// What a row's own transaction says of it, before the whole set is there.
#[must_use]
pub fn resolution_of(creation: &Creation) -> Resolution {
    let why = match creation {
        Creation::InFlight => Withheld::InFlight,
        Creation::Failed => Withheld::FailedTransaction,
        Creation::Expired => Withheld::Expired,
        Creation::Unknown | Creation::Succeeded { .. } => Withheld::NoCandidate,
    };
    Resolution::Left { why, key: None }
}

/// The same in a run of touches: which key a row gets is decided over the whole set, which such a run has not got.
#[must_use]
pub fn resolution_of_touch(creation: &Creation) -> Resolution {
    match resolution_of(creation) {
        Resolution::Left { why: Withheld::NoCandidate, key } => Resolution::Left { why: Withheld::LeftToSweep, key },
        other => other,
    }
}

fn found(row: &RowFacts, key: &ChainKey, proof: &Proof, target: &Target, rules: &Rules, own: &ProvisionalRules) -> Judgement {
    let chain = Some(key.0.clone());
    let (stamp, report) = match &target.seen {
        _ if target.taken_by.is_some() => return reported(row, Class::ProvisionalId, chain, Withheld::Conflict, None),
        Some(Seen::Present(stamp)) => (Some(stamp), None),
        None => (None, None),
        Some(Seen::Absent { with_instance: false, .. }) => return Judgement::plain(Verdict::Unknown(UnknownReason::NoInstance)),
        Some(Seen::Absent { .. }) if rules.durability == Durability::Temporary => {
            return Judgement::plain(Verdict::Unknown(UnknownReason::TemporaryAbsent));
        }
        Some(Seen::Absent { stamp, .. }) => (Some(stamp), Some(Withheld::NoEntry)),
        Some(Seen::NoKey) => (None, Some(Withheld::NoEntry)),
        // Of an entry that nobody can read nothing follows, and no other answer belongs to an entry.
        Some(_) => return Judgement::plain(Verdict::Unknown(UnknownReason::Undecodable)),
    };
    match report.map_or_else(|| may_resolve(row, key, stamp, rules, own), Err) {
        Err(why) => reported(row, Class::ProvisionalId, chain, why, stamp),
        Ok(()) => {
            let parts = own.key.iter().cloned().zip(target.parts.iter().cloned().map(Some)).collect();
            Judgement::drifted(Plan {
                drifts: vec![drift(row, Class::ProvisionalId, chain, None)],
                action: Action::Resolve { key: parts, chain_key: key.clone(), proof: proof.clone() },
                judged: row.judged.clone(),
                stamp: stamp.cloned(),
            })
        }
    }
}

fn may_resolve(row: &RowFacts, key: &ChainKey, stamp: Option<&Stamp>, rules: &Rules, own: &ProvisionalRules) -> Result<(), Withheld> {
    if rules.repair(Class::ProvisionalId) != Repair::Resolve {
        return Err(Withheld::NotAsked);
    }
    if own.key.iter().any(|column| row.held.contains(column)) {
        return Err(Withheld::Held);
    }
    own.writable?;
    if row.would_repeat("", Some(&key.0), stamp) {
        return Err(Withheld::Altered);
    }
    Ok(())
}

/// The creation failed or expired: the row gets the state that the spec names, if it names one.
fn over(row: &RowFacts, why: Withheld, stamp: Option<&Stamp>, rules: &Rules, own: &ProvisionalRules) -> Judgement {
    let wanted = if why == Withheld::Expired { &own.expired } else { &own.failed };
    let current = |column: &String| row.judged.get(column).cloned().flatten();
    let set: BTreeMap<String, Option<String>> = wanted
        .iter()
        .filter(|(column, text)| current(column).as_ref() != Some(*text))
        .map(|(column, text)| (column.clone(), Some(text.clone())))
        .collect();
    if wanted.is_empty() || rules.repair(Class::ProvisionalId) != Repair::Resolve {
        return reported(row, Class::ProvisionalId, None, why, stamp);
    }
    if set.is_empty() {
        return Judgement::plain(Verdict::Skipped(SkipReason::CreationFailed));
    }
    let left = if set.keys().any(|column| row.held.contains(column)) {
        Some(Withheld::Held)
    } else if set.iter().any(|(column, text)| row.would_repeat(column, text.as_deref(), stamp)) {
        Some(Withheld::Altered)
    } else {
        None
    };
    let drifts = set.iter().map(|(column, text)| Drift {
        class: Class::ProvisionalId,
        field: column.clone(),
        db: current(column),
        chain: text.clone(),
        withheld: left,
    });
    let drifts = drifts.collect();
    let action = left.map_or(Action::Update { set }, |why| Action::Report { why });
    Judgement::drifted(Plan { drifts, action, judged: row.judged.clone(), stamp: stamp.cloned() })
}

fn reported(row: &RowFacts, class: Class, chain: Option<String>, why: Withheld, stamp: Option<&Stamp>) -> Judgement {
    Judgement::drifted(Plan {
        drifts: vec![drift(row, class, chain, Some(why))],
        action: Action::Report { why },
        judged: row.judged.clone(),
        stamp: stamp.cloned(),
    })
}

fn drift(row: &RowFacts, class: Class, chain: Option<String>, withheld: Option<Withheld>) -> Drift {
    Drift { class, field: String::new(), db: row.key.clone(), chain, withheld }
}
