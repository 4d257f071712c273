//! DESIGN section 5, line by line, each with its neighbours: one fact changed, another decision.

use proptest::prelude::*;
use trueup_judge::{
    AccountSeen, Answer, Because, Checkpoint, Decision, Evidence, LedgerTime, Retention, Terms, TransactionState, pending_transaction,
};

/// A close time for a ledger: five seconds each.
const fn closed(ledger: u32) -> LedgerTime {
    LedgerTime { ledger, close_time: 1_000_000 + 5 * ledger as i64 }
}

const OLDEST: LedgerTime = closed(100);
const LATEST: LedgerTime = closed(200);
const SEQUENCE: i64 = 42;
const HASH: &str = "aa";
const ENDPOINT: &str = "rpc.example:443";

/// Not found, submitted within what is kept, nothing else known.
fn unfound() -> Evidence {
    Evidence {
        hash: HASH.into(),
        answer: Answer::NotFound,
        endpoint: ENDPOINT.into(),
        retention: Retention { oldest: OLDEST, latest: LATEST },
        submitted: Some(OLDEST.close_time),
        terms: None,
        account: None,
        earlier: None,
        archive: None,
    }
}

fn until(max_time: Option<i64>) -> Option<Terms> {
    Some(Terms { sequence: SEQUENCE, min_time: None, max_time, min_ledger: None, max_ledger: None })
}

/// Ended before the latest ledger.
fn ended() -> Option<Terms> {
    until(Some(LATEST.close_time - 1))
}

fn account(sequence: i64, ledger: u32) -> Option<AccountSeen> {
    Some(AccountSeen { sequence: Some(sequence), since: None, ledger })
}

fn earlier(endpoint: &str, tip: LedgerTime) -> Option<Checkpoint> {
    Some(Checkpoint { hash: HASH.into(), unapplied_at: None, ended_at: [(endpoint.to_owned(), tip)].into() })
}

fn decide(evidence: &Evidence) -> (TransactionState, Because) {
    let decision = pending_transaction(evidence);
    (decision.state, decision.because)
}

const EXPIRED_BY_SEQUENCE: (TransactionState, Because) = (TransactionState::Expired, Because::Sequence);
const EXPIRED_BY_ABSENCE: (TransactionState, Because) = (TransactionState::Expired, Because::Absence);
const SUPERSEDED: (TransactionState, Because) = (TransactionState::Superseded, Because::SequenceUsed);
const IN_FLIGHT: (TransactionState, Because) = (TransactionState::InFlight, Because::Undecided);
const PRUNED: (TransactionState, Because) = (TransactionState::Pruned, Because::Undecided);

#[test]
fn what_is_in_a_ledger_is_final_whatever_else_is_known() {
    let failed = || Answer::Failed { code: "txFAILED".into() };
    for submitted in [None, Some(0), Some(OLDEST.close_time), Some(LATEST.close_time)] {
        for (terms, account) in [(None, None), (ended(), account(SEQUENCE - 1, LATEST.ledger)), (ended(), account(SEQUENCE, 1))] {
            let seen = Evidence { submitted, terms, account, earlier: earlier(ENDPOINT, LATEST), ..unfound() };
            let (succeeded, failed) = (Evidence { answer: Answer::Success, ..seen.clone() }, Evidence { answer: failed(), ..seen });
            assert_eq!(decide(&succeeded), (TransactionState::Succeeded, Because::Ledger));
            assert_eq!(decide(&failed), (TransactionState::Failed { code: "txFAILED".into() }, Because::Ledger), "the code is kept");
        }
    }
}

#[test]
fn an_account_below_the_sequence_in_a_ledger_past_the_end_is_expired() {
    let seen = Evidence { terms: ended(), account: account(SEQUENCE - 1, LATEST.ledger), ..unfound() };
    assert_eq!(decide(&seen), EXPIRED_BY_SEQUENCE);
    let cases = [
        ("nobody knows when it was submitted", Evidence { submitted: None, ..seen.clone() }, EXPIRED_BY_SEQUENCE),
        ("it was submitted before what is kept", Evidence { submitted: Some(0), ..seen.clone() }, EXPIRED_BY_SEQUENCE),
        ("read later than the answer", Evidence { account: account(SEQUENCE - 1, LATEST.ledger + 3), ..seen.clone() }, EXPIRED_BY_SEQUENCE),
        ("any number below", Evidence { account: account(i64::MIN, LATEST.ledger), ..seen.clone() }, EXPIRED_BY_SEQUENCE),
        ("it ends in the ledger itself", Evidence { terms: until(Some(LATEST.close_time)), ..seen.clone() }, IN_FLIGHT),
        ("it never ends", Evidence { terms: until(None), ..seen.clone() }, IN_FLIGHT),
        ("the account was read before the end", Evidence { account: account(SEQUENCE - 1, LATEST.ledger - 1), ..seen.clone() }, IN_FLIGHT),
        ("the number is used", Evidence { account: account(SEQUENCE, LATEST.ledger), ..seen.clone() }, IN_FLIGHT),
        (
            "there is no account",
            Evidence { account: Some(AccountSeen { sequence: None, since: None, ledger: LATEST.ledger }), ..seen.clone() },
            IN_FLIGHT,
        ),
        ("the account was not read", Evidence { account: None, ..seen }, IN_FLIGHT),
    ];
    for (what, seen, decision) in cases {
        assert_eq!(decide(&seen), decision, "{what}");
    }
}

#[test]
fn an_account_below_the_sequence_is_in_flight_even_where_history_is_pruned() {
    let seen = Evidence { submitted: Some(0), terms: until(None), account: account(SEQUENCE - 1, LATEST.ledger), ..unfound() };
    assert_eq!(decide(&seen), IN_FLIGHT);
    assert_eq!(decide(&Evidence { account: account(SEQUENCE, LATEST.ledger), ..seen }), PRUNED);
}

#[test]
fn only_success_failure_expiry_and_supersession_are_final() {
    let last = [
        TransactionState::Succeeded,
        TransactionState::Failed { code: "txFAILED".into() },
        TransactionState::Expired,
        TransactionState::Superseded,
    ];
    assert!(last.iter().all(TransactionState::is_final));
    assert!(![TransactionState::InFlight, TransactionState::Pruned].iter().any(TransactionState::is_final));
}

#[test]
fn a_look_soon_after_is_asked_for_only_where_a_second_answer_may_decide() {
    let decided = |seen: Evidence| pending_transaction(&seen).nearly;
    assert!(decided(Evidence { terms: ended(), ..unfound() }), "the first answer past the end");
    assert!(!decided(unfound()), "nobody knows when it ends");
    assert!(!decided(Evidence { terms: until(Some(LATEST.close_time)), ..unfound() }), "it has not ended");
    assert!(!decided(Evidence { terms: ended(), submitted: None, ..unfound() }), "pruned for all that is known");
}

#[test]
fn nothing_is_remembered_of_an_answer_that_says_nothing() {
    assert_eq!(pending_transaction(&unfound()).checkpoint, None);
}

/// A remembered ledger is of use for as long as the endpoint keeps the one after it.
#[test]
fn an_accounts_ledger_is_remembered_until_the_endpoint_has_dropped_what_follows_it() {
    let remembered = |earlier: u32| {
        let earlier = Checkpoint { hash: HASH.into(), unapplied_at: Some(earlier), ..Checkpoint::default() };
        let seen = Evidence { account: account(SEQUENCE - 1, LATEST.ledger), terms: until(None), earlier: Some(earlier), ..unfound() };
        pending_transaction(&seen).checkpoint.and_then(|it| it.unapplied_at)
    };
    assert_eq!(remembered(OLDEST.ledger - 1), Some(OLDEST.ledger - 1));
    assert_eq!(remembered(OLDEST.ledger - 2), Some(LATEST.ledger));
    assert_eq!(remembered(LATEST.ledger + 1), Some(LATEST.ledger + 1), "never an earlier one");
}

#[test]
fn a_remembered_ledger_says_when_an_account_was_read_at_the_earliest() {
    let seen = Evidence {
        terms: ended(),
        account: account(SEQUENCE - 1, 250),
        retention: Retention { oldest: OLDEST, latest: closed(300) },
        ..unfound()
    };
    // Ledger 250 is before the tip, and the oldest ledger is before the end.
    assert_eq!(decide(&seen), IN_FLIGHT);
    assert_eq!(decide(&Evidence { earlier: earlier("another:443", closed(240)), ..seen.clone() }), EXPIRED_BY_SEQUENCE);
    assert_eq!(decide(&Evidence { earlier: earlier("another:443", closed(251)), ..seen }), IN_FLIGHT, "a later ledger says nothing");
}

#[test]
fn two_absences_at_one_endpoint_past_the_end_are_expired() {
    let seen = Evidence { terms: ended(), account: account(SEQUENCE, LATEST.ledger), earlier: earlier(ENDPOINT, LATEST), ..unfound() };
    assert_eq!(decide(&seen), EXPIRED_BY_ABSENCE);
    let another = Checkpoint { hash: "bb".into(), ..earlier(ENDPOINT, LATEST).expect("a checkpoint") };
    let cases = [
        ("no account was read", Evidence { account: None, ..seen.clone() }, EXPIRED_BY_ABSENCE),
        (
            "the account is gone",
            Evidence { account: Some(AccountSeen { sequence: None, since: None, ledger: 1 }), ..seen.clone() },
            EXPIRED_BY_ABSENCE,
        ),
        ("nobody answered before", Evidence { earlier: None, ..seen.clone() }, IN_FLIGHT),
        ("another endpoint answered before", Evidence { earlier: earlier("another:443", LATEST), ..seen.clone() }, IN_FLIGHT),
        ("the endpoint went back", Evidence { earlier: earlier(ENDPOINT, closed(LATEST.ledger + 1)), ..seen.clone() }, IN_FLIGHT),
        ("it was about another transaction", Evidence { earlier: Some(another), ..seen.clone() }, IN_FLIGHT),
        ("it has not ended", Evidence { terms: until(Some(LATEST.close_time)), ..seen.clone() }, IN_FLIGHT),
        ("the oldest ledger is later", Evidence { submitted: Some(OLDEST.close_time - 1), ..seen.clone() }, PRUNED),
        ("nobody knows when it was submitted", Evidence { submitted: None, ..seen.clone() }, PRUNED),
        ("there is no envelope", Evidence { terms: None, ..seen }, IN_FLIGHT),
    ];
    for (what, seen, decision) in cases {
        assert_eq!(decide(&seen), decision, "{what}");
    }
}

#[test]
fn the_first_absence_past_the_end_is_remembered_and_decides_the_second() {
    let first = Evidence { terms: ended(), account: account(SEQUENCE, LATEST.ledger), ..unfound() };
    let decision = pending_transaction(&first);
    assert_eq!((decision.state, decision.nearly), (TransactionState::InFlight, true));
    let second = Evidence { earlier: decision.checkpoint.clone(), ..first };
    let again = pending_transaction(&second);
    assert_eq!((again.state, again.nearly), (TransactionState::Expired, false));
    assert_eq!(again.checkpoint, decision.checkpoint, "what was learned first stays, and nothing is written anew");
}

#[test]
fn a_used_sequence_without_an_end_is_superseded() {
    let seen = Evidence { terms: until(None), account: account(SEQUENCE, LATEST.ledger), ..unfound() };
    assert_eq!(decide(&seen), SUPERSEDED);
    let bounded = Terms { max_ledger: Some(LATEST.ledger + 1), ..until(None).expect("terms") };
    let cases = [
        ("a higher number", Evidence { account: account(SEQUENCE + 9, LATEST.ledger), ..seen.clone() }, SUPERSEDED),
        ("read before the answer", Evidence { account: account(SEQUENCE, OLDEST.ledger), ..seen.clone() }, SUPERSEDED),
        (
            "read after the answer: it may be in between",
            Evidence { account: account(SEQUENCE, LATEST.ledger + 1), ..seen.clone() },
            IN_FLIGHT,
        ),
        ("the number is free", Evidence { account: account(SEQUENCE - 1, LATEST.ledger), ..seen.clone() }, IN_FLIGHT),
        ("it has an end to come", Evidence { terms: until(Some(LATEST.close_time)), ..seen.clone() }, IN_FLIGHT),
        ("it has a last ledger to come", Evidence { terms: Some(bounded), ..seen.clone() }, IN_FLIGHT),
        ("the oldest ledger is later", Evidence { submitted: Some(OLDEST.close_time - 1), ..seen.clone() }, PRUNED),
        ("nobody knows when it was submitted", Evidence { submitted: None, ..seen.clone() }, PRUNED),
        ("there is no account", Evidence { account: Some(AccountSeen { sequence: None, since: None, ledger: 1 }), ..seen }, IN_FLIGHT),
    ];
    for (what, seen, decision) in cases {
        assert_eq!(decide(&seen), decision, "{what}");
    }
}

#[test]
fn not_found_from_before_the_oldest_ledger_kept_is_pruned_and_never_failed() {
    let seen =
        Evidence { submitted: Some(OLDEST.close_time - 1), terms: until(None), account: account(SEQUENCE, LATEST.ledger), ..unfound() };
    let failed = Answer::Failed { code: "txBAD_SEQ".into() };
    let cases = [
        ("no archive", seen.clone(), PRUNED),
        ("the archive does not know it either", Evidence { archive: Some(Answer::NotFound), ..seen.clone() }, PRUNED),
        (
            "the archive has it",
            Evidence { archive: Some(Answer::Success), ..seen.clone() },
            (TransactionState::Succeeded, Because::Archive),
        ),
        (
            "the archive has it, failed",
            Evidence { archive: Some(failed), ..seen.clone() },
            (TransactionState::Failed { code: "txBAD_SEQ".into() }, Because::Archive),
        ),
        ("no envelope", Evidence { terms: None, account: None, ..seen.clone() }, PRUNED),
        ("nobody knows when", Evidence { terms: None, account: None, submitted: None, ..seen }, PRUNED),
    ];
    for (what, seen, decision) in cases {
        assert_eq!(decide(&seen), decision, "{what}");
    }
}

#[test]
fn not_found_since_the_oldest_ledger_kept_is_in_flight() {
    assert_eq!(decide(&unfound()), IN_FLIGHT);
    assert_eq!(decide(&Evidence { submitted: Some(LATEST.close_time + 100), ..unfound() }), IN_FLIGHT);
}

#[test]
fn bounds_and_earlier_looks_say_from_where_on_an_absence_counts() {
    let from = |min_time, min_ledger| Terms { min_time, min_ledger, ..ended().expect("terms") };
    let seen = Evidence { submitted: None, account: None, earlier: earlier(ENDPOINT, LATEST), ..unfound() };
    let looked = |ledger| Checkpoint { unapplied_at: Some(ledger), ..earlier(ENDPOINT, LATEST).expect("a checkpoint") };
    let cases = [
        (
            "valid from the oldest ledger's time",
            Evidence { terms: Some(from(Some(OLDEST.close_time), None)), ..seen.clone() },
            EXPIRED_BY_ABSENCE,
        ),
        ("valid before it", Evidence { terms: Some(from(Some(OLDEST.close_time - 1), None)), ..seen.clone() }, PRUNED),
        ("valid from the oldest ledger", Evidence { terms: Some(from(None, Some(OLDEST.ledger))), ..seen.clone() }, EXPIRED_BY_ABSENCE),
        ("valid before it", Evidence { terms: Some(from(None, Some(OLDEST.ledger - 1))), ..seen.clone() }, PRUNED),
        (
            "not applied as of the ledger before",
            Evidence { terms: ended(), earlier: Some(looked(OLDEST.ledger - 1)), ..seen.clone() },
            EXPIRED_BY_ABSENCE,
        ),
        ("not applied as of one before that", Evidence { terms: ended(), earlier: Some(looked(OLDEST.ledger - 2)), ..seen }, PRUNED),
    ];
    for (what, seen, decision) in cases {
        assert_eq!(decide(&seen), decision, "{what}");
    }
}

#[test]
fn a_number_that_was_used_before_the_oldest_ledger_may_have_been_used_by_the_transaction_itself() {
    let used = |sequence, since| Some(AccountSeen { sequence: Some(sequence), since: Some(since), ledger: LATEST.ledger });
    let endless = Evidence { terms: until(None), account: used(SEQUENCE, OLDEST.ledger), ..unfound() };
    let ending = Evidence { terms: ended(), earlier: earlier(ENDPOINT, LATEST), ..endless.clone() };
    assert_eq!((decide(&endless), decide(&ending)), (SUPERSEDED, EXPIRED_BY_ABSENCE));
    for (seen, decision) in [(endless, SUPERSEDED), (ending, EXPIRED_BY_ABSENCE)] {
        let before = Evidence { account: used(SEQUENCE, OLDEST.ledger - 1), ..seen.clone() };
        assert_eq!(decide(&before), PRUNED, "whatever the application says of the submission");
        let moved_on = Evidence { account: used(SEQUENCE + 1, OLDEST.ledger - 1), ..seen };
        assert_eq!(decide(&moved_on), decision, "then nothing is known of the number itself");
    }
}

#[test]
fn a_last_ledger_ends_as_a_last_time_does() {
    let last = |max_ledger| Some(Terms { max_ledger: Some(max_ledger), ..until(None).expect("terms") });
    let seen = Evidence { terms: last(LATEST.ledger), account: account(SEQUENCE - 1, LATEST.ledger), ..unfound() };
    assert_eq!(decide(&seen), EXPIRED_BY_SEQUENCE);
    assert_eq!(decide(&Evidence { terms: last(LATEST.ledger + 1), ..seen }), IN_FLIGHT);
}

#[test]
fn where_the_number_was_free_is_remembered_until_it_is_too_old_to_help() {
    let look = |oldest, ledger, earlier| {
        let seen = Evidence {
            terms: until(None),
            account: account(SEQUENCE - 1, ledger),
            retention: Retention { oldest: closed(oldest), latest: closed(ledger) },
            earlier,
            ..unfound()
        };
        pending_transaction(&seen).checkpoint
    };
    let first = look(100, 200, None);
    assert_eq!(first.as_ref().and_then(|it| it.unapplied_at), Some(200));
    assert_eq!(look(150, 250, first.clone()), first, "nothing new is written while the first is still kept");
    assert_eq!(look(202, 300, first).and_then(|it| it.unapplied_at), Some(300));
}

#[test]
fn only_so_many_endpoints_are_remembered() {
    let ended_at = (0..8).map(|place| (format!("rpc-{place}:443"), closed(150 + place))).collect();
    let earlier = Checkpoint { hash: HASH.into(), unapplied_at: None, ended_at };
    let seen = Evidence { terms: ended(), earlier: Some(earlier), ..unfound() };
    let remembered = pending_transaction(&seen).checkpoint.expect("a checkpoint").ended_at;
    assert_eq!((remembered.len(), remembered.get(ENDPOINT)), (8, Some(&LATEST)));
    assert!(!remembered.contains_key("rpc-0:443"), "the one that looked least far goes");
}

fn facts() -> impl Strategy<Value = Evidence> {
    let near = 0_u32..40;
    let time = prop::option::of(995_i64..1_210);
    let terms = prop::option::of((0_i64..4, time.clone(), time.clone(), prop::option::of(near.clone()), prop::option::of(near.clone())));
    let seen_account = prop::option::of((prop::option::of(0_i64..4), prop::option::of(near.clone()), near.clone()));
    let remembered = prop::option::of((prop::option::of(near.clone()), prop::collection::btree_map("[ab]", near.clone(), 0..3)));
    (near.clone(), near, time, terms, seen_account, remembered, "[ab]").prop_map(
        |(one, other, submitted, terms, account, earlier, endpoint)| {
            let at = |ledger: u32| LedgerTime { ledger, close_time: 1_000 + 5 * i64::from(ledger) };
            Evidence {
                endpoint,
                retention: Retention { oldest: at(one.min(other)), latest: at(one.max(other)) },
                submitted,
                terms: terms.map(|(sequence, min_time, max_time, min_ledger, max_ledger)| Terms {
                    sequence,
                    min_time,
                    max_time,
                    min_ledger,
                    max_ledger,
                }),
                account: account.map(|(sequence, since, ledger)| AccountSeen { sequence, since, ledger }),
                earlier: earlier.map(|(unapplied_at, ended_at)| Checkpoint {
                    hash: HASH.into(),
                    unapplied_at,
                    ended_at: ended_at.into_iter().map(|(endpoint, ledger)| (endpoint, at(ledger))).collect(),
                }),
                ..unfound()
            }
        },
    )
}

fn below(seen: &Evidence) -> bool {
    seen.terms.zip(seen.account.and_then(|it| it.sequence)).is_some_and(|(terms, sequence)| sequence < terms.sequence)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    /// Absence alone decides nothing where the ledgers kept do not reach back.
    #[test]
    fn absence_with_the_oldest_ledger_after_the_submission_is_never_final(seen in facts()) {
        let bare = Terms { sequence: 2, min_time: None, max_time: Some(1_001), min_ledger: None, max_ledger: None };
        let mut seen = Evidence { submitted: Some(seen.retention.oldest.close_time - 1), terms: seen.terms.map(|it| Terms { min_time: None, min_ledger: None, ..it }).or(Some(bare)), ..seen };
        if let Some(earlier) = &mut seen.earlier {
            earlier.unapplied_at = None;
        }
        prop_assume!(!below(&seen));
        prop_assert_eq!(decide(&seen), PRUNED);
    }

    /// Who is not found is never called failed or succeeded by anyone but an archive.
    #[test]
    fn what_nobody_found_neither_succeeded_nor_failed(seen in facts()) {
        let state = pending_transaction(&seen).state;
        prop_assert!(!matches!(state, TransactionState::Succeeded | TransactionState::Failed { .. }), "{state:?}");
    }

    /// An expired transaction was below its number past its end, or absent past its end; a superseded one has no end.
    #[test]
    fn final_without_a_ledger_needs_its_reason(seen in facts()) {
        let Decision { state, because, .. } = pending_transaction(&seen);
        let ended = seen.terms.is_some_and(|terms| terms.has_ended(u32::MAX, Some(i64::MAX)));
        match state {
            TransactionState::Expired if because == Because::Sequence => prop_assert!(ended && below(&seen)),
            TransactionState::Expired => {
                let earlier = seen.earlier.as_ref().and_then(|it| it.ended_at.get(&seen.endpoint)).copied();
                prop_assert!(ended && earlier.is_some_and(|tip| tip.ledger <= seen.retention.latest.ledger));
            }
            TransactionState::Superseded => prop_assert!(!ended && !below(&seen) && seen.account.is_some()),
            _ => {}
        }
    }

    /// An endpoint that keeps more ledgers may decide what another could not, and never decides otherwise.
    #[test]
    fn more_retention_never_turns_final_into_another_final(seen in facts(), more in 0_u32..20) {
        let decision = pending_transaction(&seen).state;
        let oldest = seen.retention.oldest;
        let further = more.min(oldest.ledger);
        let oldest = LedgerTime { ledger: oldest.ledger - further, close_time: oldest.close_time - 5 * i64::from(further) };
        let wider = pending_transaction(&Evidence { retention: Retention { oldest, ..seen.retention }, ..seen }).state;
        if decision.is_final() && wider.is_final() {
            prop_assert_eq!(decision, wider);
        }
    }

    /// What a look remembers never decides what the same look, seen again, would not have decided.
    #[test]
    fn a_checkpoint_is_stable_and_only_of_its_transaction(seen in facts()) {
        let first = pending_transaction(&seen);
        let second = pending_transaction(&Evidence { earlier: first.checkpoint.clone().or_else(|| seen.earlier.clone()), ..seen.clone() });
        prop_assert_eq!(&second.checkpoint, &first.checkpoint.clone());
        if first.state.is_final() {
            prop_assert_eq!(&second.state, &first.state);
        }
        let other = pending_transaction(&Evidence { hash: "bb".into(), earlier: first.checkpoint, ..seen.clone() });
        let none = pending_transaction(&Evidence { hash: "bb".into(), earlier: None, ..seen });
        prop_assert_eq!(other.state, none.state);
    }
}
