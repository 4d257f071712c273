//! What is left alone because something in the database made something else of it before, as a table.

use std::collections::BTreeMap;

use trueup_judge::{
    Action, AlteredRepair, ChainKey, Class, Difference, Drift, Durability, Insertion, Judgement, Proof, ProvisionalRules, Repair,
    Resolution, RowFacts, Rules, Seen, Stamp, Target, Withheld, judge_missing_row, judge_provisional, judge_row,
};

type Texts = BTreeMap<String, Option<String>>;

fn stamp(last_modified: Option<u32>) -> Stamp {
    Stamp { endpoint: "rpc.example:443".into(), ledger: 100, last_modified, archived: false, confirmed_by: None }
}

fn rules() -> Rules {
    let repair = [(Class::StaleStatus, Repair::Update), (Class::MissingRow, Repair::Insert), (Class::ProvisionalId, Repair::Resolve)];
    Rules { durability: Durability::Persistent, repair: BTreeMap::from(repair), grace_secs: 0, insert_complete: true }
}

fn texts(of: &[(&str, &str)]) -> Texts {
    of.iter().map(|(column, text)| ((*column).to_owned(), Some((*text).to_owned()))).collect()
}

fn drift(class: Class, field: &str, chain: &str) -> Drift {
    Drift { class, field: field.into(), db: Some("before".into()), chain: Some(chain.into()), withheld: None }
}

/// Repair 7 was to make `paid` of the status, and a trigger made `open` of it.
fn altered() -> AlteredRepair {
    AlteredRepair {
        repair: 7,
        drifts: vec![drift(Class::StaleStatus, "status", "paid")],
        left_behind: texts(&[("id", "1"), ("status", "open")]),
        last_modified: Some(90),
        triggers: vec!["keep".into()],
    }
}

fn row(altered: AlteredRepair) -> RowFacts {
    RowFacts { judged: texts(&[("id", "1"), ("status", "open")]), altered: Some(altered), ..RowFacts::default() }
}

fn difference(column: &str, chain: &str) -> Difference {
    Difference {
        class: Class::StaleStatus,
        column: Some(column.into()),
        field: column.into(),
        db: Some("open".into()),
        chain: Some(chain.into()),
        set: Some(chain.into()),
        writable: Ok(()),
    }
}

fn withheld(judgement: &Judgement) -> Vec<Option<Withheld>> {
    judgement.plan.iter().flat_map(|plan| &plan.drifts).map(|drift| drift.withheld).collect()
}

fn judged(row: &RowFacts, last_modified: Option<u32>, differences: Vec<Difference>) -> Judgement {
    judge_row(row, &Seen::Present(stamp(last_modified)), differences, &rules())
}

#[test]
fn what_was_altered_is_left_alone_while_row_and_entry_are_the_same() {
    let judgement = judged(&row(altered()), Some(90), vec![difference("status", "paid")]);
    assert_eq!(withheld(&judgement), [Some(Withheld::Altered)]);
    assert_eq!(judgement.plan.as_ref().map(|plan| &plan.action), Some(&Action::Report { why: Withheld::Altered }));
    assert!(judgement.leaves_altered());
    let nobody_says_when = AlteredRepair { last_modified: None, ..altered() };
    assert_eq!(withheld(&judged(&row(nobody_says_when), None, vec![difference("status", "paid")])), [Some(Withheld::Altered)], "a view");
}

#[test]
fn whatever_changes_lets_it_go() {
    let due = |row: &RowFacts, last_modified, difference| {
        let judgement = judged(row, last_modified, vec![difference]);
        assert!(!judgement.leaves_altered());
        withheld(&judgement) == [None]
    };
    let same = || difference("status", "paid");
    assert!(due(&RowFacts { altered: None, ..row(altered()) }, Some(90), same()), "released, or never altered");
    assert!(due(&row(altered()), Some(91), same()), "the entry was written again");
    assert!(due(&row(altered()), None, same()), "nobody says any more when the entry was written");
    assert!(due(&row(altered()), Some(90), difference("status", "late")), "the chain's value, of a view or by another map");
    assert!(due(&row(altered()), Some(90), difference("total", "paid")), "another field");
    let moved = RowFacts { judged: texts(&[("id", "1"), ("status", "done")]), ..row(altered()) };
    assert!(due(&moved, Some(90), same()), "the row");
    let more = RowFacts { judged: texts(&[("id", "1"), ("status", "open"), ("total", "5")]), ..row(altered()) };
    assert!(due(&more, Some(90), same()), "the spec judges more than it did");
    let gone = AlteredRepair { left_behind: Texts::new(), ..altered() };
    assert!(due(&row(gone), Some(90), same()), "the row was gone");
}

#[test]
fn only_what_was_written_is_taken_for_altered() {
    let left = |why| AlteredRepair { drifts: vec![Drift { withheld: Some(why), ..altered().drifts.remove(0) }], ..altered() };
    assert_eq!(withheld(&judged(&row(left(Withheld::Held)), Some(90), vec![difference("status", "paid")])), [None], "it was held then");
    let by_turns = judged(&row(left(Withheld::Altered)), Some(90), vec![difference("status", "paid")]);
    assert_eq!(withheld(&by_turns), [Some(Withheld::Altered)], "it was altered before that");
    let two = judged(&row(altered()), Some(90), vec![difference("status", "paid"), difference("total", "5")]);
    assert_eq!(withheld(&two), [Some(Withheld::Altered), None]);
    assert_eq!(two.plan.map(|plan| plan.action), Some(Action::Update { set: texts(&[("total", "5")]) }), "the other one is written");
}

#[test]
fn a_row_that_was_not_let_in_is_not_inserted_again_until_its_entry_changes() {
    let insert = AlteredRepair { drifts: vec![drift(Class::MissingRow, "", "7")], left_behind: Texts::new(), ..altered() };
    let action = |key: &str, last_modified, altered: Option<&AlteredRepair>, why| {
        let seen = Seen::Present(stamp(Some(last_modified)));
        let insertion = Insertion { row: texts(&[("id", key)]), withheld: why, altered: altered.cloned() };
        let judgement = judge_missing_row(Class::MissingRow, key, &seen, insertion, false, &rules());
        judgement.plan.expect("a plan").action
    };
    let inserted = |key| Action::Insert { row: texts(&[("id", key)]) };
    assert_eq!(action("7", 90, Some(&insert), None), Action::Report { why: Withheld::Altered });
    assert_eq!(action("7", 90, Some(&insert), Some(Withheld::Unmapped)), Action::Report { why: Withheld::Unmapped }, "the first reason");
    assert_eq!(action("7", 91, Some(&insert), None), inserted("7"));
    assert_eq!(action("8", 90, Some(&insert), None), inserted("8"));
    assert_eq!(action("7", 90, Some(&altered()), None), inserted("7"), "an update of a row that is gone");
    assert_eq!(action("7", 90, None, None), inserted("7"));
}

#[test]
fn a_key_that_did_not_stay_is_not_given_again_and_neither_is_a_state() {
    let own = ProvisionalRules {
        key: vec!["id".into()],
        writable: Ok(()),
        failed: BTreeMap::from([("status".to_owned(), "failed".to_owned())]),
        expired: BTreeMap::new(),
    };
    let target = Target { taken_by: None, parts: vec!["9".into()], seen: Some(Seen::Present(stamp(Some(90)))) };
    let judge = |row: &RowFacts, resolution: &Resolution| {
        judge_provisional(row, resolution, &target, Some(&stamp(Some(90))), &rules(), &own).plan.expect("a plan").action
    };
    let found = |key: &str| Resolution::Found { key: ChainKey(key.into()), proof: Proof::Transaction };
    let key = row(AlteredRepair { drifts: vec![drift(Class::ProvisionalId, "", "9")], ..altered() });
    assert_eq!(judge(&key, &found("9")), Action::Report { why: Withheld::Altered });
    assert!(matches!(judge(&key, &found("8")), Action::Resolve { .. }), "another key");

    let failed = Resolution::Left { why: Withheld::FailedTransaction, key: None };
    let state = row(AlteredRepair { drifts: vec![drift(Class::ProvisionalId, "status", "failed")], ..altered() });
    assert_eq!(judge(&state, &failed), Action::Report { why: Withheld::Altered });
    assert!(matches!(judge(&key, &failed), Action::Update { .. }), "what was altered was the key");
}

#[test]
fn the_reason_names_the_repair_what_may_have_altered_it_and_the_way_out() {
    let said =
        |triggers: &[&str]| AlteredRepair { triggers: triggers.iter().map(|it| (*it).to_owned()).collect(), ..altered() }.to_string();
    assert_eq!(
        said(&["keep"]),
        "repair 7 wrote this before, and something in the database (perhaps its trigger keep) made something else of it: \
         see `trueup repairs show 7`. Correct that, then `trueup repairs release 7`; a change of the row or of its entry lets it go as well"
    );
    assert!(said(&[]).contains("(a rule, a default)"), "{}", said(&[]));
    assert!(said(&["a", "b"]).contains("(perhaps one of its triggers a, b)"), "{}", said(&["a", "b"]));
}
