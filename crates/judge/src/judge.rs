//! Phase 1: from what was located, observed and compared to a verdict and a plan.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    Action, AlteredRepair, Class, Drift, Durability, Plan, Repair, SettlingReason, SkipReason, Stamp, UnknownReason, Verdict, Withheld,
};

/// What the database said of a row, apart from its differences.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RowFacts {
    /// The spec's `[provisional] when` holds: the key is not the chain's yet.
    pub provisional: bool,
    /// What the key columns hold, as a person reads it.
    pub key: Option<String>,
    /// Seconds since the column that the spec names in `changed`, by the database's clock; none where it names none.
    pub changed_secs_ago: Option<i64>,
    /// The judged columns as text.
    pub judged: BTreeMap<String, Option<String>>,
    /// Columns whose repair was reverted and not released since.
    pub held: BTreeSet<String>,
    /// The row's newest repair, if something in the database made something else of it and nobody released it.
    pub altered: Option<AlteredRepair>,
}

impl RowFacts {
    /// A write of this field would do again what something in the database has altered before.
    pub(crate) fn would_repeat(&self, field: &str, chain: Option<&str>, stamp: Option<&Stamp>) -> bool {
        self.altered.as_ref().is_some_and(|it| it.would_repeat(field, chain, &self.judged, stamp))
    }
}

/// What the chain said of an entity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// It is there, and decodes. Also: the transaction is final.
    Present(Stamp),
    /// It is not there.
    Absent {
        /// As of when.
        stamp: Stamp,
        /// Whether the instance of its contract came in the same answer.
        with_instance: bool,
    },
    /// An entry of the classic ledger is not there. Such entries belong to no contract and pay no rent, so that the
    /// answer itself is decisive.
    NotInLedger {
        /// As of when.
        stamp: Stamp,
        /// Which entry.
        what: Missing,
    },
    /// It is there and does not decode.
    Unreadable,
    /// What belongs together was not shown as of one ledger.
    Inconsistent,
    /// The chain's answer cannot be used, for this reason.
    Unusable(UnknownReason),
    /// The holder issues the asset itself, and holds none of it however much there is.
    Issuer,
    /// A column that the key needs is NULL.
    NoKey,
    /// The transaction has not been decided yet, as far as anyone can tell.
    InFlight,
    /// The transaction is older than what the endpoint keeps.
    Pruned,
}

/// An entry of the classic ledger that is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// The account.
    Account,
    /// The account's trustline, while the account came in the same answer. No trustline is not a balance of zero.
    Trustline,
}

impl Missing {
    /// The word for it, which stands as a drift's field.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Account => "no_account",
            Self::Trustline => "no_trustline",
        }
    }
}

/// One difference that the database found, before anything is decided about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The class that the spec gives it.
    pub class: Class,
    /// The column that would be set; none for a condition.
    pub column: Option<String>,
    /// The field's column or the condition's name.
    pub field: String,
    /// The database's value, as it is compared.
    pub db: Option<String>,
    /// The chain's value, as it is compared.
    pub chain: Option<String>,
    /// What the column would be set to: the chain's value, or what the spec's `write` makes of it. It may take the
    /// clock, so that two looks at one difference need not agree in it.
    pub set: Option<String>,
    /// The chain's value could be written: it has a counterpart in the column, and the column takes writes.
    pub writable: Result<(), Withheld>,
}

/// What the spec decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// How long the chain keeps the entry.
    pub durability: Durability,
    /// What may be done about each class; `report` for those not named.
    pub repair: BTreeMap<Class, Repair>,
    /// A difference on a row that changed less than this ago is settling, in seconds.
    pub grace_secs: i64,
    /// The spec says all that a new row needs.
    pub insert_complete: bool,
}

impl Rules {
    pub(crate) fn repair(&self, class: Class) -> Repair {
        self.repair.get(&class).copied().unwrap_or_default()
    }
}

/// The verdict on an entity, and what would mend it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// The verdict. `Drifted` here is a suspicion until [`crate::confirm`] has seen it twice.
    pub verdict: Verdict,
    /// The plan, exactly where the verdict is `Drifted`.
    pub plan: Option<Plan>,
}

impl Judgement {
    /// A verdict that plans nothing.
    #[must_use]
    pub const fn plain(verdict: Verdict) -> Self {
        Self { verdict, plan: None }
    }

    /// What something in the database altered before is left alone ([`Withheld::Altered`]).
    #[must_use]
    pub fn leaves_altered(&self) -> bool {
        self.plan.iter().flat_map(|plan| &plan.drifts).any(|drift| drift.withheld == Some(Withheld::Altered))
    }

    pub(crate) fn drifted(plan: Plan) -> Self {
        debug_assert!(!plan.drifts.is_empty(), "a plan mends something");
        Self { verdict: Verdict::Drifted, plan: Some(plan) }
    }
}

/// Judges a row against what the chain said of its entry. `differences` is what the comparison found, empty where
/// there was nothing to compare with.
#[must_use]
pub fn judge_row(row: &RowFacts, seen: &Seen, differences: Vec<Difference>, rules: &Rules) -> Judgement {
    if row.provisional {
        return settle(row, rules, || Judgement::drifted(needs_person(row, Class::ProvisionalId, "", None)));
    }
    let stamp = match seen {
        Seen::NoKey => return Judgement::plain(Verdict::Skipped(SkipReason::NoKey)),
        Seen::InFlight => return Judgement::plain(Verdict::InSync),
        Seen::Pruned => return Judgement::plain(Verdict::Unknown(UnknownReason::Pruned)),
        Seen::Unreadable => return Judgement::plain(Verdict::Unknown(UnknownReason::Undecodable)),
        Seen::Inconsistent => return Judgement::plain(Verdict::Unknown(UnknownReason::Inconsistent)),
        Seen::Absent { with_instance: false, .. } => return Judgement::plain(Verdict::Unknown(UnknownReason::NoInstance)),
        Seen::Absent { .. } if rules.durability == Durability::Temporary => {
            return Judgement::plain(Verdict::Unknown(UnknownReason::TemporaryAbsent));
        }
        Seen::Absent { stamp, .. } => {
            return settle(row, rules, || Judgement::drifted(needs_person(row, Class::MissingOnChain, "", Some(stamp.clone()))));
        }
        Seen::NotInLedger { stamp, what } => {
            return settle(row, rules, || Judgement::drifted(needs_person(row, Class::MissingOnChain, what.as_str(), Some(stamp.clone()))));
        }
        Seen::Unusable(reason) => return Judgement::plain(Verdict::Unknown(*reason)),
        Seen::Issuer => return Judgement::plain(Verdict::Skipped(SkipReason::Issuer)),
        Seen::Present(stamp) => stamp,
    };
    if differences.is_empty() {
        return Judgement::plain(Verdict::InSync);
    }
    settle(row, rules, || {
        let (drifts, action) = choose(differences, row, stamp, rules);
        Judgement::drifted(Plan { drifts, action, judged: row.judged.clone(), stamp: Some(stamp.clone()) })
    })
}

/// The row that a missing entity would get.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Insertion {
    /// Column to value.
    pub row: BTreeMap<String, Option<String>>,
    /// Why it must not be inserted, if it must not.
    pub withheld: Option<Withheld>,
    /// The newest insert for this key, if something in the database made something else of it and nobody released it.
    pub altered: Option<AlteredRepair>,
}

/// Judges a key that the chain has and the table lacks: of class `missing_row`, or `missed_event` for a transaction
/// whose event is known. `insertion` is what the spec would insert; `provisional_rows` says that rows of the kind wait
/// for their real key, and could be this entity.
///
/// A stored event proves its transaction: one that the endpoint does not show (any more) is reported, and never
/// inserted.
#[must_use]
pub fn judge_missing_row(class: Class, key: &str, seen: &Seen, insertion: Insertion, provisional_rows: bool, rules: &Rules) -> Judgement {
    let drifted = |stamp: Option<&Stamp>, withheld: Option<Withheld>, row: BTreeMap<String, Option<String>>| {
        let action = withheld.map_or(Action::Insert { row }, |why| Action::Report { why });
        let drift = Drift { class, field: String::new(), db: None, chain: Some(key.to_owned()), withheld };
        Judgement::drifted(Plan { drifts: vec![drift], action, judged: BTreeMap::new(), stamp: stamp.cloned() })
    };
    let stamp = match seen {
        Seen::Present(stamp) => stamp,
        Seen::NoKey => return Judgement::plain(Verdict::Skipped(SkipReason::NoKey)),
        Seen::Unreadable => return Judgement::plain(Verdict::Unknown(UnknownReason::Undecodable)),
        Seen::Inconsistent => return Judgement::plain(Verdict::Unknown(UnknownReason::Inconsistent)),
        Seen::Absent { with_instance: false, .. } => return Judgement::plain(Verdict::Unknown(UnknownReason::NoInstance)),
        Seen::InFlight | Seen::Pruned if class == Class::MissedEvent => {
            return drifted(None, Some(Withheld::NeedsPerson), BTreeMap::new());
        }
        Seen::Unusable(reason) => return Judgement::plain(Verdict::Unknown(*reason)),
        Seen::Issuer => return Judgement::plain(Verdict::Skipped(SkipReason::Issuer)),
        Seen::Absent { .. } | Seen::NotInLedger { .. } | Seen::InFlight | Seen::Pruned => {
            return Judgement::plain(Verdict::Skipped(SkipReason::NotOnChain));
        }
    };
    let Insertion { row, withheld, altered } = insertion;
    let withheld = if rules.repair(class) != Repair::Insert {
        Some(Withheld::NotAsked)
    } else if !rules.insert_complete {
        Some(Withheld::IncompleteInsert)
    } else if provisional_rows {
        Some(Withheld::MayBeProvisional)
    } else {
        withheld.or_else(|| altered.filter(|it| it.would_repeat_insert(key, stamp)).map(|_| Withheld::Altered))
    };
    drifted(Some(stamp), withheld, row)
}

/// A difference on a row that was written just now may be a write whose other half is on its way.
pub(crate) fn settle(row: &RowFacts, rules: &Rules, judge: impl FnOnce() -> Judgement) -> Judgement {
    match row.changed_secs_ago {
        Some(age) if age < rules.grace_secs => Judgement::plain(Verdict::Settling(SettlingReason::RecentlyChanged)),
        _ => judge(),
    }
}

fn needs_person(row: &RowFacts, class: Class, field: &str, stamp: Option<Stamp>) -> Plan {
    let why = Withheld::NeedsPerson;
    let drift = Drift { class, field: field.to_owned(), db: row.key.clone(), chain: None, withheld: Some(why) };
    Plan { drifts: vec![drift], action: Action::Report { why }, judged: row.judged.clone(), stamp }
}

/// The drifts of one row, each with why it is left if it is, and what may be done: an update of the columns that the
/// spec allows, or a report with the first reason that stands in the way.
fn choose(differences: Vec<Difference>, row: &RowFacts, stamp: &Stamp, rules: &Rules) -> (Vec<Drift>, Action) {
    let mut set = BTreeMap::new();
    let mut drifts = Vec::with_capacity(differences.len());
    for difference in differences {
        let withheld = match may_update(&difference, row, stamp, rules) {
            Ok(column) => {
                set.insert(column.to_owned(), difference.set.clone());
                None
            }
            Err(why) => Some(why),
        };
        let Difference { class, field, db, chain, .. } = difference;
        drifts.push(Drift { class, field, db, chain, withheld });
    }
    let why = drifts.iter().find_map(|drift| drift.withheld);
    let action = match why {
        Some(why) if set.is_empty() => Action::Report { why },
        _ => Action::Update { set },
    };
    (drifts, action)
}

fn may_update<'a>(difference: &'a Difference, row: &RowFacts, stamp: &Stamp, rules: &Rules) -> Result<&'a str, Withheld> {
    let column = difference.column.as_deref().ok_or(Withheld::NeedsPerson)?;
    if rules.repair(difference.class) != Repair::Update {
        return Err(Withheld::NotAsked);
    }
    if row.held.contains(column) {
        return Err(Withheld::Held);
    }
    difference.writable?;
    if row.would_repeat(&difference.field, difference.chain.as_deref(), Some(stamp)) {
        return Err(Withheld::Altered);
    }
    Ok(column)
}
