//! What holds of every judgement, whatever was read.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::sample::select;
use trueup_judge::{
    Action, Class, Confirmation, Difference, Durability, Insertion, Judgement, Missing, Plan, Repair, RowFacts, Rules, Seen, Stamp,
    UnknownReason, Verdict, Withheld, confirm, judge_missing_row, judge_row,
};

/// How many cases each property is tried with.
const CASES: u32 = 2_000;

const COLUMNS: [&str; 4] = ["status", "balance", "paid_at", "odds"];

fn text() -> impl Strategy<Value = Option<String>> {
    prop_oneof![1 => Just(None), 4 => "[a-z0-9.\u{1F980}'\\-]{0,6}".prop_map(Some)]
}

fn class() -> impl Strategy<Value = Class> {
    select(&Class::ALL[..])
}

fn stamp() -> impl Strategy<Value = Stamp> {
    (1..1_000_u32, prop::option::of(1..1_000_u32), any::<bool>()).prop_map(|(ledger, last_modified, archived)| Stamp {
        endpoint: "rpc.example:443".to_owned(),
        ledger,
        last_modified,
        archived,
        confirmed_by: None,
    })
}

fn seen() -> impl Strategy<Value = Seen> {
    prop_oneof![
        3 => stamp().prop_map(Seen::Present),
        2 => (stamp(), any::<bool>()).prop_map(|(stamp, with_instance)| Seen::Absent { stamp, with_instance }),
        1 => (stamp(), select(vec![Missing::Account, Missing::Trustline])).prop_map(|(stamp, what)| Seen::NotInLedger { stamp, what }),
        1 => Just(Seen::Unreadable),
        1 => Just(Seen::Inconsistent),
        1 => select(vec![UnknownReason::BehindFloor, UnknownReason::NoInstance]).prop_map(Seen::Unusable),
        1 => Just(Seen::Issuer),
        1 => Just(Seen::NoKey),
        1 => Just(Seen::InFlight),
        1 => Just(Seen::Pruned),
    ]
}

fn rules() -> impl Strategy<Value = Rules> {
    let repair = select(vec![Repair::Report, Repair::Update, Repair::Insert, Repair::Resolve]);
    (any::<bool>(), prop::collection::btree_map(class(), repair, 0..9), 0..100_i64, any::<bool>()).prop_map(
        |(temporary, repair, grace_secs, insert_complete)| Rules {
            durability: if temporary { Durability::Temporary } else { Durability::Persistent },
            repair,
            grace_secs,
            insert_complete,
        },
    )
}

/// A row, its judged columns always with those that may be written.
fn row() -> impl Strategy<Value = RowFacts> {
    let judged = prop::collection::vec(text(), COLUMNS.len());
    let held = prop::collection::btree_set(select(&COLUMNS[..]), 0..3);
    (prop::bool::weighted(0.2), text(), prop::option::of(0..200_i64), judged, held).prop_map(|(provisional, key, age, judged, held)| {
        RowFacts {
            provisional,
            key,
            changed_secs_ago: age,
            judged: COLUMNS.iter().map(|it| (*it).to_owned()).zip(judged).collect(),
            held: held.into_iter().map(str::to_owned).collect(),
            altered: None,
        }
    })
}

fn difference(column: Option<&'static str>) -> impl Strategy<Value = Difference> {
    let writable = prop_oneof![4 => Just(Ok(())), 1 => Just(Err(Withheld::Unmapped)), 1 => Just(Err(Withheld::NotWritable))];
    (class(), text(), text(), text(), writable).prop_map(move |(class, db, chain, set, writable)| Difference {
        class,
        column: column.map(str::to_owned),
        field: column.unwrap_or("a condition").to_owned(),
        db,
        chain,
        set,
        writable,
    })
}

/// One difference, of a column or of a condition.
fn one() -> impl Strategy<Value = Difference> {
    prop_oneof![4 => select(&COLUMNS[..]).prop_flat_map(|it| difference(Some(it))), 1 => difference(None)]
}

/// Differences as a comparison finds them: at most one a column, and a condition.
fn several() -> impl Strategy<Value = Vec<Difference>> {
    prop::collection::vec(one(), 0..6).prop_map(|differences| {
        let mut fields = BTreeSet::new();
        differences.into_iter().filter(|it| fields.insert(it.field.clone())).collect()
    })
}

fn writes(plan: &Plan) -> bool {
    !matches!(plan.action, Action::Report { .. })
}

/// The rule once more, in the order in which the reasons are documented.
fn why_left(difference: &Difference, row: &RowFacts, rules: &Rules) -> Option<Withheld> {
    let asked = rules.repair.get(&difference.class) == Some(&Repair::Update);
    match &difference.column {
        None => Some(Withheld::NeedsPerson),
        Some(_) if !asked => Some(Withheld::NotAsked),
        Some(column) if row.held.contains(column) => Some(Withheld::Held),
        Some(_) => difference.writable.err(),
    }
}

fn settled(row: &RowFacts, rules: &Rules) -> bool {
    row.changed_secs_ago.is_none_or(|age| age >= rules.grace_secs)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_pair_in_sync_never_yields_drift(row in row(), stamp in stamp(), rules in rules()) {
        let row = RowFacts { provisional: false, ..row };
        let judgement = judge_row(&row, &Seen::Present(stamp), Vec::new(), &rules);
        prop_assert_eq!(judgement, Judgement::plain(Verdict::InSync));
    }

    #[test]
    fn any_single_difference_of_a_settled_row_is_found_with_its_class(
        row in row(), stamp in stamp(), rules in rules(), difference in one(),
    ) {
        let row = RowFacts { provisional: false, ..row };
        prop_assume!(settled(&row, &rules));
        let judgement = judge_row(&row, &Seen::Present(stamp), vec![difference.clone()], &rules);
        prop_assert_eq!(judgement.verdict, Verdict::Drifted);
        let plan = judgement.plan.expect("what drifted has a plan");
        let why = why_left(&difference, &row, &rules);
        let [drift] = plan.drifts.as_slice() else { panic!("one difference, {} drifts", plan.drifts.len()) };
        prop_assert_eq!((drift.class, &drift.field, drift.withheld), (difference.class, &difference.field, why));
        prop_assert_eq!((&drift.db, &drift.chain), (&difference.db, &difference.chain));
        let action = match (why, difference.column) {
            (None, Some(column)) => Action::Update { set: BTreeMap::from([(column, difference.set)]) },
            (why, _) => Action::Report { why: why.expect("a reason") },
        };
        prop_assert_eq!(plan.action, action);
    }

    #[test]
    fn every_difference_is_reported_and_a_column_is_written_only_where_nothing_stands_in_its_way(
        row in row(), stamp in stamp(), rules in rules(), differences in several(),
    ) {
        let row = RowFacts { provisional: false, changed_secs_ago: None, ..row };
        let Some(plan) = judge_row(&row, &Seen::Present(stamp), differences.clone(), &rules).plan else {
            prop_assert!(differences.is_empty());
            return Ok(());
        };
        prop_assert_eq!(plan.drifts.len(), differences.len());
        let free = differences.iter().filter(|it| why_left(it, &row, &rules).is_none());
        let expected: BTreeMap<_, _> = free.map(|it| (it.column.clone().expect("a column"), it.set.clone())).collect();
        match &plan.action {
            Action::Update { set } => prop_assert_eq!(set, &expected),
            Action::Report { why } => {
                prop_assert!(expected.is_empty());
                prop_assert_eq!(Some(*why), why_left(&differences[0], &row, &rules));
            }
            other => prop_assert!(false, "a row with a key of its own gets no {}", other.as_str()),
        }
    }

    /// Whatever was read: a write rests on an entry that was seen, for a settled row whose key is its own.
    #[test]
    fn what_is_not_known_never_plans_a_repair(row in row(), seen in seen(), rules in rules(), differences in several()) {
        let judgement = judge_row(&row, &seen, differences, &rules);
        prop_assert_eq!(judgement.plan.is_some(), judgement.verdict == Verdict::Drifted);
        let Some(plan) = judgement.plan else { return Ok(()) };
        prop_assert!(!plan.drifts.is_empty());
        prop_assert_eq!(&plan.judged, &row.judged);
        if writes(&plan) {
            prop_assert!(matches!(&seen, Seen::Present(stamp) if plan.stamp.as_ref() == Some(stamp)), "{:?}", seen);
            prop_assert!(!row.provisional && settled(&row, &rules));
        }
    }

    #[test]
    fn a_missing_row_is_inserted_only_for_an_entry_that_was_seen_and_only_whole(
        class in select(vec![Class::MissingRow, Class::MissedEvent]),
        seen in seen(),
        value in text(),
        withheld in prop::option::of(Just(Withheld::Unmapped)),
        provisional_rows in any::<bool>(),
        rules in rules(),
    ) {
        let new = BTreeMap::from([("id".to_owned(), value)]);
        let judgement = judge_missing_row(class, "7", &seen, Insertion { row: new.clone(), withheld, altered: None }, provisional_rows, &rules);
        prop_assert_eq!(judgement.plan.is_some(), judgement.verdict == Verdict::Drifted);
        let asked = rules.repair.get(&class) == Some(&Repair::Insert);
        let may = matches!(seen, Seen::Present(_)) && asked && rules.insert_complete && !provisional_rows && withheld.is_none();
        let inserted = judgement.plan.as_ref().map(|plan| &plan.action) == Some(&Action::Insert { row: new });
        prop_assert_eq!(inserted, may);
        prop_assert_eq!(judgement.plan.as_ref().is_some_and(writes), may);
    }

    /// The columns that an update writes go back to what they were: the plan says what that was.
    #[test]
    fn a_plan_and_its_revert_are_the_identity(row in row(), stamp in stamp(), rules in rules(), differences in several()) {
        let plan = judge_row(&row, &Seen::Present(stamp), differences, &rules).plan;
        let Some(Plan { action: Action::Update { set }, judged, .. }) = plan else { return Ok(()) };
        let before: BTreeMap<_, _> = judged.iter().filter(|(name, _)| set.contains_key(*name)).collect();
        prop_assert!(before.keys().copied().eq(set.keys()), "each written column was judged");
        let mut table = row.judged.clone();
        table.extend(set.clone());
        table.extend(before.into_iter().map(|(name, value)| (name.clone(), value.clone())));
        prop_assert_eq!(table, row.judged);
    }

    /// A second look that says the same confirms; what it writes is the second look's, and never what the first did
    /// not see.
    #[test]
    fn only_what_was_seen_twice_is_confirmed(
        row in row(), stamp in stamp(), rules in rules(), first in several(), second in several(), same in any::<bool>(),
    ) {
        let row = RowFacts { provisional: false, changed_secs_ago: None, ..row };
        let second = if same { first.clone() } else { second };
        let look = |differences: &[Difference]| judge_row(&row, &Seen::Present(stamp.clone()), differences.to_vec(), &rules);
        let Some(plan) = look(&first).plan else { return Ok(()) };
        let shown = |it: &[Difference]| it.iter().map(|it| (it.class, it.field.clone(), it.db.clone(), it.chain.clone())).collect::<Vec<_>>();
        match confirm(&plan, look(&second)) {
            Confirmation::Confirmed(confirmed) => {
                prop_assert_eq!(shown(&first), shown(&second));
                prop_assert_eq!(Some(confirmed), look(&second).plan);
            }
            Confirmation::Moving { plan, .. } => {
                prop_assert!(!same);
                prop_assert_eq!(plan, look(&second).plan);
            }
            Confirmation::Other => prop_assert!(false, "nobody approved of anything"),
            Confirmation::Gone(verdict) => prop_assert!(second.is_empty() && verdict == Verdict::InSync),
        }
    }
}
