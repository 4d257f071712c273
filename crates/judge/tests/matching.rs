//! Which key is whose: a table of cases, and what holds of all of them.

use std::collections::BTreeSet;

use proptest::prelude::*;
use trueup_judge::{Candidate, ChainKey, Creation, Proof, Resolution, RowIdentity, Unresolved, Withheld, resolve_provisional};

fn key(key: &str) -> ChainKey {
    ChainKey(key.to_owned())
}

fn keys(keys: &[&str]) -> BTreeSet<ChainKey> {
    keys.iter().map(|it| key(it)).collect()
}

/// A row that nobody's transaction speaks for, with these candidates; the event of key `7` is `e7`.
fn row(name: &str, candidates: &[&str]) -> Unresolved {
    Unresolved {
        row: RowIdentity(name.to_owned()),
        creation: Creation::Unknown,
        candidates: candidates.iter().map(|it| Candidate { key: key(it), event: format!("e{it}") }).collect(),
        is_complete: true,
    }
}

/// A row whose transaction names these keys.
fn of_transaction(name: &str, named: &[&str]) -> Unresolved {
    Unresolved { creation: Creation::Succeeded { keys: keys(named) }, ..row(name, &[]) }
}

fn proven(found: &str) -> Resolution {
    Resolution::Found { key: key(found), proof: Proof::Transaction }
}

fn matched(found: &str) -> Resolution {
    Resolution::Found { key: key(found), proof: Proof::Event { id: format!("e{found}") } }
}

fn ambiguous(candidates: &[&str]) -> Resolution {
    Resolution::Ambiguous { keys: keys(candidates) }
}

fn left(why: Withheld) -> Resolution {
    Resolution::Left { why, key: None }
}

#[test]
fn a_transaction_proves_the_key_that_it_alone_names() {
    assert_eq!(resolve_provisional(&[of_transaction("a", &["7"])]), [proven("7")]);
    assert_eq!(resolve_provisional(&[of_transaction("a", &[])]), [left(Withheld::NoCandidate)]);
    assert_eq!(resolve_provisional(&[of_transaction("a", &["7", "8"])]), [ambiguous(&["7", "8"])]);
}

#[test]
fn a_key_that_two_transactions_name_is_neither_ones() {
    let rows = [of_transaction("a", &["7"]), of_transaction("b", &["7"])];
    assert_eq!(resolve_provisional(&rows), [ambiguous(&["7"]), ambiguous(&["7"])]);
    let rows = [of_transaction("a", &["7"]), of_transaction("b", &["7", "8"])];
    assert_eq!(resolve_provisional(&rows), [ambiguous(&["7"]), ambiguous(&["7", "8"])]);
}

#[test]
fn what_is_not_decided_or_came_to_nothing_says_so() {
    for (creation, why) in
        [(Creation::InFlight, Withheld::InFlight), (Creation::Failed, Withheld::FailedTransaction), (Creation::Expired, Withheld::Expired)]
    {
        assert_eq!(resolve_provisional(&[Unresolved { creation, ..row("a", &["7"]) }]), [left(why)]);
    }
}

#[test]
fn an_event_belongs_to_a_row_only_if_each_is_the_others_only_one() {
    assert_eq!(resolve_provisional(&[row("a", &["7"])]), [matched("7")]);
    assert_eq!(resolve_provisional(&[row("a", &[])]), [left(Withheld::NoCandidate)]);
    assert_eq!(resolve_provisional(&[row("a", &["7", "8"])]), [ambiguous(&["7", "8"])]);
    assert_eq!(resolve_provisional(&[row("a", &["7"]), row("b", &["7"])]), [ambiguous(&["7"]), ambiguous(&["7"])]);
    // The other one has a candidate of its own besides; nobody says that it takes that one.
    assert_eq!(resolve_provisional(&[row("a", &["7"]), row("b", &["7", "8"])]), [ambiguous(&["7"]), ambiguous(&["7", "8"])]);
    assert_eq!(resolve_provisional(&[row("a", &["7"]), row("b", &["8"])]), [matched("7"), matched("8")]);
}

#[test]
fn a_row_in_flight_is_a_rival_and_one_whose_creation_failed_is_none() {
    let with = |creation| [row("a", &["7"]), Unresolved { creation, ..row("b", &["7"]) }];
    assert_eq!(resolve_provisional(&with(Creation::InFlight))[0], ambiguous(&["7"]));
    assert_eq!(resolve_provisional(&with(Creation::Succeeded { keys: keys(&[]) }))[0], ambiguous(&["7"]));
    assert_eq!(resolve_provisional(&with(Creation::Succeeded { keys: keys(&["8", "9"]) }))[0], ambiguous(&["7"]));
    assert_eq!(resolve_provisional(&with(Creation::Failed))[0], matched("7"));
    assert_eq!(resolve_provisional(&with(Creation::Expired))[0], matched("7"));
    // Its own transaction says that it is another one.
    assert_eq!(resolve_provisional(&with(Creation::Succeeded { keys: keys(&["8"]) }))[0], matched("7"));
}

#[test]
fn what_is_proven_to_be_anothers_is_no_candidate() {
    assert_eq!(resolve_provisional(&[row("a", &["7"]), of_transaction("b", &["7"])]), [left(Withheld::NoCandidate), proven("7")]);
    assert_eq!(resolve_provisional(&[row("a", &["7", "8"]), of_transaction("b", &["7"])]), [matched("8"), proven("7")]);
    // It could be either's.
    let rows = [row("a", &["7"]), of_transaction("b", &["7", "8"])];
    assert_eq!(resolve_provisional(&rows), [ambiguous(&["7"]), ambiguous(&["7", "8"])]);
}

#[test]
fn without_all_events_of_its_time_an_only_candidate_is_none() {
    let incomplete = Unresolved { is_complete: false, ..row("a", &["7"]) };
    assert_eq!(resolve_provisional(&[incomplete]), [Resolution::Left { why: Withheld::EventsIncomplete, key: Some(key("7")) }]);
    assert_eq!(resolve_provisional(&[Unresolved { is_complete: false, ..row("a", &["7", "8"]) }]), [ambiguous(&["7", "8"])]);
    assert_eq!(resolve_provisional(&[Unresolved { is_complete: false, ..of_transaction("a", &["7"]) }]), [proven("7")]);
}

#[test]
fn two_events_of_one_key_are_one_candidate() {
    let twice = Unresolved {
        candidates: vec![Candidate { key: key("7"), event: "e9".into() }, Candidate { key: key("7"), event: "e7".into() }],
        ..row("a", &[])
    };
    assert_eq!(resolve_provisional(&[twice]), [matched("7")]);
}

fn creations() -> impl Strategy<Value = Creation> {
    let named = proptest::collection::btree_set((0..6u8).prop_map(|it| key(&it.to_string())), 0..3);
    prop_oneof![
        4 => Just(Creation::Unknown),
        1 => Just(Creation::InFlight),
        1 => Just(Creation::Failed),
        1 => Just(Creation::Expired),
        3 => named.prop_map(|keys| Creation::Succeeded { keys }),
    ]
}

fn sets() -> impl Strategy<Value = Vec<Unresolved>> {
    let one = (creations(), proptest::collection::btree_set(0..6u8, 0..3), any::<bool>());
    proptest::collection::vec(one, 0..7).prop_map(|rows| {
        let rows = rows.into_iter().enumerate();
        let row = |(index, (creation, candidates, complete)): (usize, (Creation, BTreeSet<u8>, bool))| {
            let candidates: Vec<String> = candidates.iter().map(u8::to_string).collect();
            let candidates: Vec<&str> = candidates.iter().map(String::as_str).collect();
            Unresolved { creation, is_complete: complete, ..self::row(&format!("r{index}"), &candidates) }
        };
        rows.map(row).collect()
    })
}

/// All keys that may be a row's: by its transaction and by events.
fn possible(row: &Unresolved) -> BTreeSet<ChainKey> {
    let mut all: BTreeSet<ChainKey> = row.candidates.iter().map(|it| it.key.clone()).collect();
    if let Creation::Succeeded { keys } = &row.creation {
        all.extend(keys.iter().cloned());
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_key_is_given_twice(rows in sets()) {
        let mut given = BTreeSet::new();
        for answer in resolve_provisional(&rows) {
            if let Resolution::Found { key, .. } = answer {
                prop_assert!(given.insert(key));
            }
        }
    }

    #[test]
    fn nothing_is_found_where_anything_else_is_possible(rows in sets()) {
        let answers = resolve_provisional(&rows);
        let proven: BTreeSet<ChainKey> = answers.iter().filter_map(|it| match it {
            Resolution::Found { key, proof: Proof::Transaction } => Some(key.clone()),
            _ => None,
        }).collect();
        for (index, answer) in answers.iter().enumerate() {
            let Resolution::Found { key, proof } = answer else { continue };
            let row = &rows[index];
            match proof {
                Proof::Transaction => {
                    let expected = Creation::Succeeded { keys: BTreeSet::from([key.clone()]) };
                    prop_assert_eq!(&row.creation, &expected);
                    let others = rows.iter().enumerate().filter(|(other, _)| *other != index);
                    let mut claims = others.filter(|(_, it)| matches!(&it.creation, Creation::Succeeded { keys } if keys.contains(key)));
                    prop_assert!(claims.next().is_none(), "another transaction names it");
                }
                Proof::Event { .. } => {
                    prop_assert!(row.is_complete);
                    prop_assert_eq!(&row.creation, &Creation::Unknown);
                    let open: BTreeSet<ChainKey> = possible(row).difference(&proven).cloned().collect();
                    prop_assert_eq!(open, BTreeSet::from([key.clone()]));
                    for (other, rival) in rows.iter().enumerate().filter(|(other, _)| *other != index) {
                        let is_resolved = matches!(&answers[other], Resolution::Found { proof: Proof::Transaction, .. });
                        let can_claim = !rival.creation.is_over() && !is_resolved;
                        prop_assert!(!can_claim || !possible(rival).contains(key), "{:?} could be it too", rival);
                    }
                }
            }
        }
    }

    #[test]
    fn the_order_of_the_rows_changes_nothing((rows, shuffled) in sets().prop_flat_map(|rows| {
        let places: Vec<usize> = (0..rows.len()).collect();
        (Just(rows), Just(places).prop_shuffle())
    })) {
        let answers = resolve_provisional(&rows);
        let moved: Vec<Unresolved> = shuffled.iter().map(|place| rows[*place].clone()).collect();
        for (answer, place) in resolve_provisional(&moved).iter().zip(&shuffled) {
            prop_assert_eq!(answer, &answers[*place]);
        }
    }

    #[test]
    fn one_rival_more_never_finds_more(rows in sets(), rival in sets()) {
        let answers = resolve_provisional(&rows);
        let Some(rival) = rival.into_iter().next() else { return Ok(()) };
        // Its transaction might prove something, and thereby take a candidate away.
        prop_assume!(!matches!(rival.creation, Creation::Succeeded { .. }));
        let mut more = rows.clone();
        more.push(rival);
        for (before, after) in answers.iter().zip(resolve_provisional(&more)) {
            if let Resolution::Found { .. } = &after {
                prop_assert_eq!(before, &after);
            }
        }
    }
}
