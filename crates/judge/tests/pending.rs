//! The lines of DESIGN section 5 that hash, status and retention decide, and their neighbours.

use trueup_judge::{Answer, Retention, TransactionState, pending_transaction};

const OLDEST: i64 = 1_000_000;

fn decide(answer: Answer, submitted: Option<i64>) -> TransactionState {
    pending_transaction(answer, submitted, Retention { oldest_close_time: OLDEST })
}

#[test]
fn what_is_in_a_ledger_is_final_whenever_it_was_submitted() {
    for submitted in [None, Some(0), Some(OLDEST), Some(OLDEST + 1)] {
        assert_eq!(decide(Answer::Success, submitted), TransactionState::Succeeded);
        assert_eq!(decide(Answer::Failed, submitted), TransactionState::Failed);
    }
}

#[test]
fn not_found_since_the_oldest_ledger_kept_is_in_flight() {
    assert_eq!(decide(Answer::NotFound, Some(OLDEST)), TransactionState::InFlight);
    assert_eq!(decide(Answer::NotFound, Some(OLDEST + 1)), TransactionState::InFlight);
}

#[test]
fn not_found_from_before_the_oldest_ledger_kept_is_pruned_and_never_failed() {
    assert_eq!(decide(Answer::NotFound, Some(OLDEST - 1)), TransactionState::Pruned);
}

#[test]
fn not_found_of_nobody_knows_when_is_pruned() {
    assert_eq!(decide(Answer::NotFound, None), TransactionState::Pruned);
}
