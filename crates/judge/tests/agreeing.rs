//! What a second endpoint's answer is worth.

use std::collections::BTreeMap;

use proptest::prelude::*;
use trueup_judge::{Action, Agreement, Class, Drift, Judgement, Plan, SecondOpinion, SettlingReason, Stamp, Verdict, agree};

const ENTRY: &str = "AAAA";

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
        judged: BTreeMap::from([("balance".into(), Some("1".into()))]),
        stamp: Some(Stamp { endpoint: "a".into(), ledger: 10, last_modified: Some(5), archived: false, confirmed_by: None }),
    }
}

fn drifted(plan: Plan) -> Judgement {
    Judgement { verdict: Verdict::Drifted, plan: Some(plan) }
}

fn asked(judgement: &Judgement, entry: Option<&str>, ledger: u32) -> Agreement {
    agree(&plan(), Some(ENTRY), SecondOpinion { judgement, entry, ledger: Some(ledger), with_instance: true })
}

#[test]
fn the_same_bytes_and_the_same_plan_agree_from_the_ledger_that_last_changed_them() {
    let same = drifted(plan());
    for (ledger, expected) in [(4, Agreement::Unclear), (5, Agreement::Agreed), (10, Agreement::Agreed), (11, Agreement::Agreed)] {
        assert_eq!(asked(&same, Some(ENTRY), ledger), expected, "as of ledger {ledger}");
    }
}

#[test]
fn other_bytes_disagree_where_they_should_be_the_same_and_say_nothing_where_the_chain_may_have_moved_on() {
    for judgement in [drifted(plan()), Judgement::plain(Verdict::InSync)] {
        for entry in [Some("BBBB"), None] {
            assert_eq!(asked(&judgement, entry, 4), Agreement::Unclear);
            assert_eq!(asked(&judgement, entry, 5), Agreement::Disagreed);
            assert_eq!(asked(&judgement, entry, 10), Agreement::Disagreed);
            assert_eq!(asked(&judgement, entry, 11), Agreement::Unclear);
        }
    }
}

#[test]
fn a_row_that_changed_meanwhile_is_looked_at_again() {
    let mut other = plan();
    other.judged.insert("balance".into(), Some("3".into()));
    assert_eq!(asked(&drifted(other), Some(ENTRY), 10), Agreement::Unclear);
    assert_eq!(asked(&Judgement::plain(Verdict::InSync), Some(ENTRY), 10), Agreement::Unclear);
    assert_eq!(asked(&Judgement::plain(Verdict::Settling(SettlingReason::RecentlyChanged)), Some("BBBB"), 10), Agreement::Unclear);
}

#[test]
fn an_absence_is_agreed_to_only_as_of_the_same_ledger_or_a_newer_one_and_with_the_instance() {
    let mut absent = plan();
    absent.stamp.as_mut().expect("a stamp").last_modified = None;
    let same = drifted(absent.clone());
    let opinion = |ledger, with_instance| SecondOpinion { judgement: &same, entry: None, ledger: Some(ledger), with_instance };
    assert_eq!(agree(&absent, None, opinion(9, true)), Agreement::Unclear);
    assert_eq!(agree(&absent, None, opinion(10, true)), Agreement::Agreed);
    assert_eq!(agree(&absent, None, opinion(11, true)), Agreement::Agreed);
    assert_eq!(agree(&absent, None, opinion(10, false)), Agreement::Disagreed);
}

#[test]
fn no_ledger_is_no_opinion() {
    let same = drifted(plan());
    let opinion = SecondOpinion { judgement: &same, entry: Some(ENTRY), ledger: None, with_instance: true };
    assert_eq!(agree(&plan(), Some(ENTRY), opinion), Agreement::Unclear);
    let unstamped = Plan { stamp: None, ..plan() };
    assert_eq!(agree(&unstamped, Some(ENTRY), SecondOpinion { ledger: Some(10), ..opinion }), Agreement::Unclear);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    /// Whatever the second endpoint says, other bytes, another plan or an older ledger never agree.
    #[test]
    fn only_the_same_agrees(entry in "[AB]{4}", chain in "[2-3]", modified in 4_u32..7, ledger in 3_u32..12, with_instance: bool) {
        let mut second = plan();
        second.drifts[0].chain = Some(chain.clone());
        second.stamp.as_mut().expect("a stamp").last_modified = Some(modified);
        let judgement = drifted(second);
        let opinion = SecondOpinion { judgement: &judgement, entry: Some(&entry), ledger: Some(ledger), with_instance };
        let agreed = agree(&plan(), Some(ENTRY), opinion) == Agreement::Agreed;
        prop_assert_eq!(agreed, entry == ENTRY && chain == "2" && modified == 5 && ledger >= 5 && with_instance);
    }
}
