//! What a second look decides.

use std::collections::BTreeMap;

use proptest::prelude::*;
use trueup_judge::{
    Action, Class, Confirmation, Drift, Judgement, Plan, SettlingReason, SkipReason, Stamp, UnknownReason, Verdict, Withheld, confirm,
    confirm_approved,
};

fn plan() -> Plan {
    Plan {
        drifts: vec![Drift {
            class: Class::StaleValue,
            field: "balance".into(),
            db: Some("1".into()),
            chain: Some("2".into()),
            withheld: None,
        }],
        action: Action::Update { set: BTreeMap::from([("balance".into(), Some("2".into()))]) },
        judged: BTreeMap::from([("balance".into(), Some("1".into())), ("status".into(), None)]),
        stamp: Some(Stamp { endpoint: "a".into(), ledger: 10, last_modified: Some(5), archived: false, confirmed_by: None }),
    }
}

fn drifted(plan: Plan) -> Judgement {
    Judgement { verdict: Verdict::Drifted, plan: Some(plan) }
}

#[test]
fn the_same_drift_twice_is_confirmed_with_the_stamp_of_the_second_read() {
    let mut second = plan();
    second.stamp = Some(Stamp { endpoint: "b".into(), ledger: 12, last_modified: Some(5), archived: true, confirmed_by: None });
    assert_eq!(confirm(&plan(), drifted(second.clone())), Confirmation::Confirmed(second));
}

#[test]
fn anything_that_moved_between_the_reads_is_not_confirmed() {
    let changes: [fn(&mut Plan); 5] = [
        |plan| plan.drifts[0].chain = Some("3".into()),
        |plan| drop(plan.judged.insert("status".into(), Some("paid".into()))),
        |plan| plan.stamp.as_mut().expect("a stamp").last_modified = Some(6),
        |plan| plan.action = Action::Report { why: Withheld::Held },
        |plan| plan.stamp = None,
    ];
    for change in changes {
        let mut second = plan();
        change(&mut second);
        let expected = Confirmation::Moving { plan: Some(second.clone()), otherwise: Verdict::Settling(SettlingReason::Moving) };
        assert_eq!(confirm(&plan(), drifted(second)), expected);
    }
}

#[test]
fn what_nothing_says_the_last_change_of_is_the_same_only_if_every_value_to_be_written_is() {
    let view = |written: &str| {
        let mut plan = plan();
        plan.action = Action::Update { set: BTreeMap::from([("balance".into(), Some(written.into()))]) };
        plan.stamp.as_mut().expect("a stamp").last_modified = None;
        plan
    };
    assert_eq!(confirm(&view("2"), drifted(view("2"))), Confirmation::Confirmed(view("2")));
    assert!(matches!(confirm(&view("2"), drifted(view("3"))), Confirmation::Moving { .. }));
}

#[test]
fn a_new_row_that_takes_a_column_from_the_clock_is_the_same_row() {
    let insert = |created_at: &str| Plan {
        action: Action::Insert { row: BTreeMap::from([("created_at".into(), Some(created_at.into()))]) },
        ..plan()
    };
    assert!(matches!(confirm(&insert("10:00:00"), drifted(insert("10:00:01"))), Confirmation::Confirmed(_)));
    let other = Plan { action: Action::Insert { row: BTreeMap::from([("updated_at".into(), Some("10:00:00".into()))]) }, ..plan() };
    assert!(matches!(confirm(&insert("10:00:00"), drifted(other)), Confirmation::Moving { .. }), "another column is another row");
}

#[test]
fn an_update_that_takes_a_column_from_the_clock_is_the_same_update() {
    let update =
        |paid_at: &str| Plan { action: Action::Update { set: BTreeMap::from([("paid_at".into(), Some(paid_at.into()))]) }, ..plan() };
    let Confirmation::Confirmed(confirmed) = confirm(&update("10:00:00"), drifted(update("10:00:01"))) else { panic!("not confirmed") };
    assert_eq!(confirmed.action, update("10:00:01").action, "what is written is the second look's");
}

#[test]
fn a_row_within_its_grace_is_looked_at_again() {
    let verdict = Verdict::Settling(SettlingReason::RecentlyChanged);
    assert_eq!(confirm(&plan(), Judgement::plain(verdict)), Confirmation::Moving { plan: None, otherwise: verdict });
}

#[test]
fn entries_that_did_not_go_together_are_looked_at_again() {
    let verdict = Verdict::Unknown(UnknownReason::Inconsistent);
    assert_eq!(confirm(&plan(), Judgement::plain(verdict)), Confirmation::Moving { plan: None, otherwise: verdict });
}

#[test]
fn no_drift_in_the_second_read_is_no_drift() {
    for verdict in [Verdict::InSync, Verdict::Skipped(SkipReason::NoRow), Verdict::Unknown(UnknownReason::NoInstance)] {
        assert_eq!(confirm(&plan(), Judgement::plain(verdict)), Confirmation::Gone(verdict));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    /// Whatever the second read says, only what is the same in every judged part is confirmed.
    #[test]
    fn only_the_same_is_confirmed(db in "[a-z]{0,2}", chain in "[a-z]{0,2}", modified in 4_u32..7, ledger in 10_u32..12) {
        let mut second = plan();
        second.drifts[0].db = Some(db.clone());
        second.judged.insert("balance".into(), Some(db.clone()));
        second.drifts[0].chain = Some(chain.clone());
        second.stamp = Some(Stamp { endpoint: "a".into(), ledger, last_modified: Some(modified), archived: false, confirmed_by: None });
        let confirmed = matches!(confirm(&plan(), drifted(second)), Confirmation::Confirmed(_));
        prop_assert_eq!(confirmed, db == "1" && chain == "2" && modified == 5);
    }
}

#[test]
fn what_was_approved_is_confirmed_only_as_it_was_approved() {
    let touched = |change: fn(&mut Plan)| {
        let mut second = plan();
        second.stamp = Some(Stamp { endpoint: "b".into(), ledger: 90, last_modified: Some(80), archived: false, confirmed_by: None });
        change(&mut second);
        second
    };
    let same = plan();
    assert_eq!(confirm_approved(&plan(), drifted(same.clone())), Confirmation::Confirmed(same));

    let again = touched(|_| {});
    let moving = Confirmation::Moving { plan: Some(again.clone()), otherwise: Verdict::Settling(SettlingReason::Moving) };
    assert_eq!(confirm_approved(&plan(), drifted(again)), moving, "the entry was written again, to the same effect");

    let changes: [fn(&mut Plan); 4] = [
        |plan| plan.drifts[0].chain = Some("3".into()),
        |plan| drop(plan.judged.insert("status".into(), Some("paid".into()))),
        |plan| plan.action = Action::Update { set: BTreeMap::from([("balance".into(), Some("3".into()))]) },
        |plan| plan.action = Action::Report { why: Withheld::Held },
    ];
    for change in changes {
        assert_eq!(confirm_approved(&plan(), drifted(touched(change))), Confirmation::Other);
    }
    let gone = confirm_approved(&plan(), Judgement::plain(Verdict::InSync));
    assert_eq!(gone, Confirmation::Gone(Verdict::InSync));
    let settling = Verdict::Settling(SettlingReason::RecentlyChanged);
    let moving = Confirmation::Moving { plan: None, otherwise: settling };
    assert_eq!(confirm_approved(&plan(), Judgement::plain(settling)), moving);
}
