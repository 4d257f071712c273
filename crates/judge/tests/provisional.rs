//! What a row without its real key gets, as a table.

use std::collections::{BTreeMap, BTreeSet};

use trueup_judge::{
    Action, ChainKey, Class, Confirmation, Durability, Judgement, Plan, Proof, ProvisionalRules, Repair, Resolution, RowFacts, RowIdentity,
    Rules, Seen, SettlingReason, SkipReason, Stamp, Target, UnknownReason, Verdict, Withheld, confirm, judge_provisional,
};

fn stamp() -> Stamp {
    Stamp { endpoint: "rpc.example:443".into(), ledger: 100, last_modified: Some(90), archived: false, confirmed_by: None }
}

fn rules() -> Rules {
    Rules {
        durability: Durability::Persistent,
        repair: BTreeMap::from([(Class::ProvisionalId, Repair::Resolve)]),
        grace_secs: 10,
        insert_complete: true,
    }
}

fn own() -> ProvisionalRules {
    ProvisionalRules {
        key: vec!["id".into()],
        writable: Ok(()),
        failed: BTreeMap::from([("status".to_owned(), "failed".to_owned())]),
        expired: BTreeMap::new(),
    }
}

fn row() -> RowFacts {
    RowFacts {
        provisional: true,
        key: Some("pending-1".into()),
        changed_secs_ago: Some(60),
        judged: BTreeMap::from([("id".to_owned(), Some("pending-1".to_owned())), ("status".to_owned(), Some("open".to_owned()))]),
        ..RowFacts::default()
    }
}

fn found() -> Resolution {
    Resolution::Found { key: ChainKey("7".into()), proof: Proof::Transaction }
}

fn target(seen: Option<Seen>) -> Target {
    Target { taken_by: None, parts: vec!["7".into()], seen }
}

fn there() -> Target {
    target(Some(Seen::Present(stamp())))
}

fn judge(row: &RowFacts, resolution: &Resolution, target: &Target, rules: &Rules, own: &ProvisionalRules) -> Judgement {
    judge_provisional(row, resolution, target, Some(&stamp()), rules, own)
}

fn plan(judgement: Judgement) -> Plan {
    judgement.plan.expect("a plan")
}

fn withheld(judgement: Judgement) -> (Class, Option<String>, Withheld) {
    let plan = plan(judgement);
    let Action::Report { why } = plan.action else { panic!("{:?}", plan.action) };
    assert_eq!(plan.drifts[0].withheld, Some(why));
    (plan.drifts[0].class, plan.drifts[0].chain.clone(), why)
}

#[test]
fn a_key_that_was_found_and_is_there_is_given_to_the_row() {
    let plan = plan(judge(&row(), &found(), &there(), &rules(), &own()));
    let key = BTreeMap::from([("id".to_owned(), Some("7".to_owned()))]);
    assert_eq!(plan.action, Action::Resolve { key, chain_key: ChainKey("7".into()), proof: Proof::Transaction });
    assert_eq!((plan.drifts[0].db.as_deref(), plan.drifts[0].chain.as_deref()), (Some("pending-1"), Some("7")));
    assert_eq!((plan.judged, plan.stamp), (row().judged, Some(stamp())));
}

#[test]
fn what_forbids_it_is_said_with_the_key() {
    let key = Some("7".to_owned());
    let report =
        |rules: &Rules, own: &ProvisionalRules, row: &RowFacts, target: &Target| withheld(judge(row, &found(), target, rules, own));
    let not_asked = Rules { repair: BTreeMap::new(), ..rules() };
    assert_eq!(report(&not_asked, &own(), &row(), &there()), (Class::ProvisionalId, key.clone(), Withheld::NotAsked));
    let held = RowFacts { held: BTreeSet::from(["id".to_owned()]), ..row() };
    assert_eq!(report(&rules(), &own(), &held, &there()), (Class::ProvisionalId, key.clone(), Withheld::Held));
    let locked = ProvisionalRules { writable: Err(Withheld::NotWritable), ..own() };
    assert_eq!(report(&rules(), &locked, &row(), &there()), (Class::ProvisionalId, key.clone(), Withheld::NotWritable));
    let taken = Target { taken_by: Some(RowIdentity("5".into())), ..there() };
    assert_eq!(report(&rules(), &own(), &row(), &taken), (Class::ProvisionalId, key.clone(), Withheld::Conflict));
    let absent = target(Some(Seen::Absent { stamp: stamp(), with_instance: true }));
    assert_eq!(report(&rules(), &own(), &row(), &absent), (Class::ProvisionalId, key.clone(), Withheld::NoEntry));
    assert_eq!(report(&rules(), &own(), &row(), &target(Some(Seen::NoKey))), (Class::ProvisionalId, key, Withheld::NoEntry));
}

#[test]
fn what_cannot_be_known_of_the_entry_resolves_nothing() {
    for (seen, why) in
        [(Seen::Absent { stamp: stamp(), with_instance: false }, UnknownReason::NoInstance), (Seen::Unreadable, UnknownReason::Undecodable)]
    {
        let judgement = judge(&row(), &found(), &target(Some(seen)), &rules(), &own());
        assert_eq!((judgement.verdict, judgement.plan), (Verdict::Unknown(why), None));
    }
    let temporary = Rules { durability: Durability::Temporary, ..rules() };
    let absent = target(Some(Seen::Absent { stamp: stamp(), with_instance: true }));
    assert_eq!(judge(&row(), &found(), &absent, &temporary, &own()).verdict, Verdict::Unknown(UnknownReason::TemporaryAbsent));
}

#[test]
fn candidates_go_to_a_person_all_of_them() {
    let keys = ["7", "8"].map(|it| ChainKey(it.to_owned())).into();
    let ambiguous = withheld(judge(&row(), &Resolution::Ambiguous { keys }, &Target::default(), &rules(), &own()));
    assert_eq!(ambiguous, (Class::Ambiguous, Some("7, 8".to_owned()), Withheld::NeedsPerson));
}

#[test]
fn a_failed_creation_gives_the_row_the_state_that_the_spec_names() {
    let failed = Resolution::Left { why: Withheld::FailedTransaction, key: None };
    let plan = plan(judge(&row(), &failed, &Target::default(), &rules(), &own()));
    assert_eq!(plan.action, Action::Update { set: BTreeMap::from([("status".to_owned(), Some("failed".to_owned()))]) });
    assert_eq!((plan.drifts[0].class, plan.drifts[0].db.as_deref()), (Class::ProvisionalId, Some("open")));
    assert_eq!(plan.stamp, Some(stamp()));

    let mut labelled = row();
    labelled.judged.insert("status".to_owned(), Some("failed".to_owned()));
    let settled = judge(&labelled, &failed, &Target::default(), &rules(), &own());
    assert_eq!((settled.verdict, settled.plan), (Verdict::Skipped(SkipReason::CreationFailed), None));

    let held = RowFacts { held: BTreeSet::from(["status".to_owned()]), ..row() };
    assert_eq!(withheld(judge(&held, &failed, &Target::default(), &rules(), &own())).2, Withheld::Held);
    let not_asked = Rules { repair: BTreeMap::new(), ..rules() };
    assert_eq!(withheld(judge(&row(), &failed, &Target::default(), &not_asked, &own())).2, Withheld::FailedTransaction);
    let expired = Resolution::Left { why: Withheld::Expired, key: None };
    assert_eq!(withheld(judge(&row(), &expired, &Target::default(), &rules(), &own())).2, Withheld::Expired);
}

#[test]
fn a_row_that_changed_a_moment_ago_settles_first() {
    let fresh = RowFacts { changed_secs_ago: Some(3), ..row() };
    let judgement = judge(&fresh, &found(), &there(), &rules(), &own());
    assert_eq!((judgement.verdict, judgement.plan), (Verdict::Settling(SettlingReason::RecentlyChanged), None));
}

/// The first read did not ask for the entry, and whose key it is does not depend on when it last changed.
#[test]
fn a_second_read_confirms_the_same_key_by_the_same_proof_and_nothing_else() {
    let first = plan(judge(&row(), &found(), &target(None), &rules(), &own()));
    assert!(first.stamp.is_none());
    let second = |resolution: &Resolution, row: &RowFacts| confirm(&first, judge(row, resolution, &there(), &rules(), &own()));
    assert!(matches!(second(&found(), &row()), Confirmation::Confirmed(plan) if plan.stamp == Some(stamp())));
    let other = |key: &str, proof: Proof| Resolution::Found { key: ChainKey(key.into()), proof };
    assert!(matches!(second(&other("8", Proof::Transaction), &row()), Confirmation::Moving { .. }));
    assert!(matches!(second(&other("7", Proof::Event { id: "e".into() }), &row()), Confirmation::Moving { .. }));
    let mut moved = row();
    moved.judged.insert("status".to_owned(), Some("closed".to_owned()));
    assert!(matches!(second(&found(), &moved), Confirmation::Moving { .. }));
}
