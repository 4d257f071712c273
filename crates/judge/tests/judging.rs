//! What a first look decides, as a table.

use std::collections::{BTreeMap, BTreeSet};

use trueup_judge::{
    Action, Class, Difference, Drift, Durability, Insertion, Missing, Repair, RowFacts, Rules, Seen, SettlingReason, SkipReason, Stamp,
    UnknownReason, Verdict, Withheld, judge_missing_row, judge_row,
};

fn stamp() -> Stamp {
    Stamp { endpoint: "rpc.example:443".into(), ledger: 100, last_modified: Some(90), archived: false, confirmed_by: None }
}

fn rules() -> Rules {
    Rules {
        durability: Durability::Persistent,
        repair: BTreeMap::from([
            (Class::StaleStatus, Repair::Update),
            (Class::StaleValue, Repair::Update),
            (Class::MissingRow, Repair::Insert),
        ]),
        grace_secs: 10,
        insert_complete: true,
    }
}

fn row() -> RowFacts {
    RowFacts {
        key: Some("7".into()),
        changed_secs_ago: Some(3600),
        judged: BTreeMap::from([("status".to_owned(), Some("active".to_owned()))]),
        ..RowFacts::default()
    }
}

fn difference(class: Class, column: &str) -> Difference {
    Difference {
        class,
        column: Some(column.into()),
        field: column.into(),
        db: Some("active".into()),
        chain: Some("paid".into()),
        set: Some("paid".into()),
        writable: Ok(()),
    }
}

fn set(column: &str) -> Action {
    Action::Update { set: BTreeMap::from([(column.to_owned(), Some("paid".to_owned()))]) }
}

#[test]
fn no_difference_is_in_sync() {
    let judgement = judge_row(&row(), &Seen::Present(stamp()), Vec::new(), &rules());
    assert_eq!((judgement.verdict, judgement.plan), (Verdict::InSync, None));
}

#[test]
fn a_difference_is_drift_and_its_plan_sets_the_column_to_the_chains_value() {
    let plan = judge_row(&row(), &Seen::Present(stamp()), vec![difference(Class::StaleStatus, "status")], &rules()).plan.expect("a plan");
    assert_eq!(plan.action, set("status"));
    assert_eq!(
        plan.drifts,
        [Drift {
            class: Class::StaleStatus,
            field: "status".into(),
            db: Some("active".into()),
            chain: Some("paid".into()),
            withheld: None
        }]
    );
    assert_eq!(plan.judged, row().judged);
    assert_eq!(plan.stamp, Some(stamp()));
}

#[test]
fn what_cannot_be_known_never_plans_a_repair() {
    let absent = |with_instance| Seen::Absent { stamp: stamp(), with_instance };
    let temporary = Rules { durability: Durability::Temporary, ..rules() };
    let cases = [
        (Seen::Unreadable, rules(), Verdict::Unknown(UnknownReason::Undecodable)),
        (Seen::Inconsistent, rules(), Verdict::Unknown(UnknownReason::Inconsistent)),
        (absent(false), rules(), Verdict::Unknown(UnknownReason::NoInstance)),
        (absent(true), temporary.clone(), Verdict::Unknown(UnknownReason::TemporaryAbsent)),
        (absent(false), temporary, Verdict::Unknown(UnknownReason::NoInstance)),
        (Seen::Pruned, rules(), Verdict::Unknown(UnknownReason::Pruned)),
        (Seen::InFlight, rules(), Verdict::InSync),
        (Seen::NoKey, rules(), Verdict::Skipped(SkipReason::NoKey)),
        (Seen::Issuer, rules(), Verdict::Skipped(SkipReason::Issuer)),
        (Seen::Unusable(UnknownReason::ViewFailed), rules(), Verdict::Unknown(UnknownReason::ViewFailed)),
        (Seen::Unusable(UnknownReason::NotAView), rules(), Verdict::Unknown(UnknownReason::NotAView)),
        (Seen::Unusable(UnknownReason::Archived), rules(), Verdict::Unknown(UnknownReason::Archived)),
    ];
    for (seen, rules, verdict) in cases {
        let judgement = judge_row(&row(), &seen, vec![difference(Class::StaleStatus, "status")], &rules);
        assert_eq!((judgement.verdict, judgement.plan), (verdict, None), "{seen:?}");
    }
}

#[test]
fn an_absent_persistent_entry_is_reported_and_never_repaired() {
    let plan = judge_row(&row(), &Seen::Absent { stamp: stamp(), with_instance: true }, Vec::new(), &rules()).plan.expect("a plan");
    assert_eq!(
        plan.drifts,
        [Drift {
            class: Class::MissingOnChain,
            field: String::new(),
            db: Some("7".into()),
            chain: None,
            withheld: Some(Withheld::NeedsPerson)
        }]
    );
    assert_eq!(plan.action, Action::Report { why: Withheld::NeedsPerson });
}

#[test]
fn a_provisional_row_is_reported_whatever_the_chain_was_asked() {
    let provisional = RowFacts { provisional: true, ..row() };
    let plan = judge_row(&provisional, &Seen::NoKey, Vec::new(), &rules()).plan.expect("a plan");
    assert_eq!(
        (plan.drifts[0].class, plan.action, plan.stamp),
        (Class::ProvisionalId, Action::Report { why: Withheld::NeedsPerson }, None)
    );
}

#[test]
fn a_row_that_changed_within_its_grace_is_settling_and_at_its_end_is_not() {
    let differing = vec![difference(Class::StaleStatus, "status")];
    for (age, verdict) in [
        (0, Verdict::Settling(SettlingReason::RecentlyChanged)),
        (9, Verdict::Settling(SettlingReason::RecentlyChanged)),
        (10, Verdict::Drifted),
    ] {
        let row = RowFacts { changed_secs_ago: Some(age), ..row() };
        assert_eq!(judge_row(&row, &Seen::Present(stamp()), differing.clone(), &rules()).verdict, verdict, "{age} s");
    }
    let without = RowFacts { changed_secs_ago: None, ..row() };
    assert_eq!(judge_row(&without, &Seen::Present(stamp()), differing, &rules()).verdict, Verdict::Drifted);
    let fresh = RowFacts { changed_secs_ago: Some(0), ..row() };
    assert_eq!(judge_row(&fresh, &Seen::Present(stamp()), Vec::new(), &rules()).verdict, Verdict::InSync, "in sync needs no grace");
}

#[test]
fn a_plan_says_why_nothing_is_repaired() {
    let held = RowFacts { held: BTreeSet::from(["status".to_owned()]), ..row() };
    let unmapped = Difference { writable: Err(Withheld::Unmapped), ..difference(Class::StaleStatus, "status") };
    let condition = Difference { column: None, ..difference(Class::ConditionViolated, "within total") };
    let unasked = Rules { repair: BTreeMap::new(), ..rules() };
    let cases = [
        (row(), difference(Class::StaleStatus, "status"), unasked, Withheld::NotAsked),
        (held, difference(Class::StaleStatus, "status"), rules(), Withheld::Held),
        (row(), unmapped, rules(), Withheld::Unmapped),
        (row(), condition, rules(), Withheld::NeedsPerson),
    ];
    for (row, difference, rules, why) in cases {
        let plan = judge_row(&row, &Seen::Present(stamp()), vec![difference], &rules).plan.expect("a plan");
        assert_eq!(plan.action, Action::Report { why });
    }
}

#[test]
fn what_may_be_repaired_is_even_where_a_neighbouring_column_may_not() {
    let held = RowFacts { held: BTreeSet::from(["balance".to_owned()]), ..row() };
    let differing = vec![difference(Class::StaleValue, "balance"), difference(Class::StaleStatus, "status")];
    let plan = judge_row(&held, &Seen::Present(stamp()), differing, &rules()).plan.expect("a plan");
    assert_eq!(plan.action, set("status"));
    assert_eq!(plan.drifts.iter().map(|drift| drift.withheld).collect::<Vec<_>>(), [Some(Withheld::Held), None], "both are reported");
}

/// A column that says when: what differs is whether it is there, and what is written is the time of the look.
#[test]
fn what_is_written_need_not_be_what_is_compared() {
    let difference = Difference { set: Some("2026-01-01".into()), ..difference(Class::StaleValue, "paid_at") };
    let plan = judge_row(&row(), &Seen::Present(stamp()), vec![difference], &rules()).plan.expect("a plan");
    assert_eq!(plan.drifts[0].chain.as_deref(), Some("paid"));
    assert_eq!(plan.action, Action::Update { set: BTreeMap::from([("paid_at".to_owned(), Some("2026-01-01".to_owned()))]) });
}

#[test]
fn a_missing_row_is_inserted_only_if_all_of_it_is_known_and_it_cannot_be_another() {
    let new_row = || BTreeMap::from([("loan_id".to_owned(), Some("7".to_owned()))]);
    let unasked = Rules { repair: BTreeMap::new(), ..rules() };
    let incomplete = Rules { insert_complete: false, ..rules() };
    let cases = [
        (rules(), false, None, Action::Insert { row: new_row() }),
        (rules(), true, None, Action::Report { why: Withheld::MayBeProvisional }),
        (rules(), false, Some(Withheld::Unmapped), Action::Report { why: Withheld::Unmapped }),
        (incomplete, false, None, Action::Report { why: Withheld::IncompleteInsert }),
        (unasked, false, None, Action::Report { why: Withheld::NotAsked }),
    ];
    for (rules, provisional_rows, withheld, action) in cases {
        let plan = judge_missing_row(
            Class::MissingRow,
            "7",
            &Seen::Present(stamp()),
            Insertion { row: new_row(), withheld, altered: None },
            provisional_rows,
            &rules,
        )
        .plan
        .expect("a plan");
        assert_eq!(plan.action, action);
        assert_eq!((plan.drifts[0].class, plan.drifts[0].chain.as_deref()), (Class::MissingRow, Some("7")));
    }
}

#[test]
fn a_missing_row_without_an_entry_is_nothing() {
    let nothing = |seen| judge_missing_row(Class::MissingRow, "7", &seen, Insertion::default(), false, &rules());
    let absent = nothing(Seen::Absent { stamp: stamp(), with_instance: true });
    assert_eq!((absent.verdict, absent.plan), (Verdict::Skipped(SkipReason::NotOnChain), None));
    let unproved = nothing(Seen::Absent { stamp: stamp(), with_instance: false });
    assert_eq!((unproved.verdict, unproved.plan), (Verdict::Unknown(UnknownReason::NoInstance), None));
    // Nothing proves that they ever were, as an event does.
    for seen in [Seen::InFlight, Seen::Pruned] {
        let unknown = nothing(seen);
        assert_eq!((unknown.verdict, unknown.plan), (Verdict::Skipped(SkipReason::NotOnChain), None));
    }
}

/// Its event is stored, and proves that it was.
#[test]
fn a_transaction_that_the_endpoint_does_not_show_is_reported_as_missed_and_never_inserted() {
    let mut rules = rules();
    rules.repair.insert(Class::MissedEvent, Repair::Insert);
    let judged = |seen: &Seen| judge_missing_row(Class::MissedEvent, "ab", seen, Insertion::default(), false, &rules);
    for seen in [Seen::InFlight, Seen::Pruned] {
        let plan = judged(&seen).plan.expect("a plan");
        assert_eq!(plan.action, Action::Report { why: Withheld::NeedsPerson });
        assert_eq!((plan.drifts[0].class, plan.drifts[0].chain.as_deref(), plan.stamp), (Class::MissedEvent, Some("ab"), None));
    }
    let shown = judged(&Seen::Present(stamp())).plan.expect("a plan");
    assert_eq!(shown.action, Action::Insert { row: BTreeMap::new() });
    assert_eq!(judged(&Seen::Unreadable).verdict, Verdict::Unknown(UnknownReason::Undecodable));
    rules.repair.remove(&Class::MissedEvent);
    let plan =
        judge_missing_row(Class::MissedEvent, "ab", &Seen::Present(stamp()), Insertion::default(), false, &rules).plan.expect("a plan");
    assert_eq!(plan.action, Action::Report { why: Withheld::NotAsked }, "that missing rows are inserted says nothing of it");
}

#[test]
fn a_missing_account_or_trustline_is_reported_by_its_name_and_never_repaired() {
    for (what, word) in [(Missing::Account, "no_account"), (Missing::Trustline, "no_trustline")] {
        let seen = Seen::NotInLedger { stamp: stamp(), what };
        // Not even if the rules would allow it, or if values came with it.
        let judgement = judge_row(&row(), &seen, vec![difference(Class::StaleStatus, "status")], &rules());
        let plan = judgement.plan.expect("a plan");
        assert_eq!(plan.action, Action::Report { why: Withheld::NeedsPerson });
        let drifts: Vec<_> = plan.drifts.iter().map(|drift| (drift.class, drift.field.as_str(), drift.chain.as_deref())).collect();
        assert_eq!(drifts, [(Class::MissingOnChain, word, None)]);
    }
}
