//! The words that are stored are read again as what they were.

use std::collections::BTreeMap;

use trueup_judge::{Action, Because, ChainKey, Class, EntityKind, Mode, PlanId, Proof, Repair, RowIdentity, RunId, Verdict, Withheld};

#[test]
fn every_word_is_read_back_as_what_it_was() {
    for class in Class::ALL {
        assert_eq!(class.to_string().parse(), Ok(class));
    }
    for verdict in Verdict::ALL {
        assert_eq!(verdict.to_string().parse(), Ok(verdict));
    }
    for mode in [Mode::Detect, Mode::Propose, Mode::Repair] {
        assert_eq!(mode.to_string().parse(), Ok(mode));
    }
    for repair in [Repair::Report, Repair::Update, Repair::Insert, Repair::Resolve] {
        assert_eq!(repair.to_string().parse(), Ok(repair));
    }
}

#[test]
fn another_word_is_refused_with_the_allowed_ones() {
    let error = "fix".parse::<Mode>().expect_err("no mode").to_string();
    assert_eq!(error, "`fix` is none of detect, propose, repair");
}

#[test]
fn a_repair_suits_only_the_classes_that_it_can_mend() {
    assert!(Repair::Update.suits(Class::StaleValue) && !Repair::Update.suits(Class::MissingRow));
    assert!(Repair::Insert.suits(Class::MissingRow) && !Repair::Insert.suits(Class::StaleValue));
    assert!(Repair::Resolve.suits(Class::ProvisionalId) && !Repair::Resolve.suits(Class::MissingOnChain));
    assert!(Class::ALL.into_iter().all(|class| Repair::Report.suits(class)));
}

/// Reports are read by people and machines: the word on screen is the one that is stored.
#[test]
fn a_word_is_the_same_in_texts_and_in_json() {
    let all = [
        Withheld::NotAsked,
        Withheld::NeedsPerson,
        Withheld::Unmapped,
        Withheld::Held,
        Withheld::Altered,
        Withheld::IncompleteInsert,
        Withheld::MayBeProvisional,
        Withheld::NotWritable,
        Withheld::InFlight,
        Withheld::FailedTransaction,
        Withheld::Expired,
        Withheld::NoCandidate,
        Withheld::EventsIncomplete,
        Withheld::Conflict,
        Withheld::NoEntry,
        Withheld::LeftToSweep,
    ];
    for why in all {
        assert_eq!(serde_json::to_value(why).expect("JSON"), why.as_str());
    }
    let nothing = BTreeMap::new;
    let actions = [
        (Action::Update { set: nothing() }, "update", true),
        (Action::Insert { row: nothing() }, "insert", true),
        (Action::Resolve { key: nothing(), chain_key: ChainKey("7".into()), proof: Proof::Transaction }, "resolve", true),
        (Action::Report { why: Withheld::Held }, "report", false),
    ];
    for (action, word, writes) in actions {
        assert_eq!((action.as_str(), action.writes()), (word, writes));
        assert_eq!(serde_json::to_value(&action).expect("JSON")["do"], word);
    }
    let because = [Because::Ledger, Because::Archive, Because::Sequence, Because::Absence, Because::SequenceUsed, Because::Undecided]
        .map(Because::as_str);
    assert_eq!(because, ["ledger", "archive", "sequence", "absence", "sequence_used", "undecided"]);
}

#[test]
fn a_name_is_shown_as_it_is() {
    assert_eq!((RunId(7).to_string(), PlanId(-1).to_string()), ("7".to_owned(), "-1".to_owned()));
    let names =
        [EntityKind("loan".into()).to_string(), RowIdentity("[\"a\", \"b\"]".into()).to_string(), ChainKey("GA".into()).to_string()];
    assert_eq!(names, ["loan", "[\"a\", \"b\"]", "GA"]);
}
