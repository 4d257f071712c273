//! The words that are stored are read again as what they were.

use trueup_judge::{Class, Mode, Repair, Verdict};

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
