//! How much of a kind one run may write, as a table and over everything.

use proptest::prelude::*;
use trueup_judge::{Guarded, HeldBack, LimitedBy, Limits, Share, guard, guard_window};

fn limits(share: &str, max_count: Option<u64>, floor: u64) -> Limits {
    Limits { max_share: Share::parse(share).expect("a percentage"), max_count, floor, window_secs: 3_600 }
}

#[test]
fn each_line_of_the_guard_and_its_neighbours() {
    use LimitedBy::{Count, Share};
    for (share, count, floor, entities, plans, allowed, by, trips) in [
        // The share alone.
        ("10%", None, 0, 100, 10, 10, Share, false),
        ("10%", None, 0, 100, 11, 10, Share, true),
        // It is never rounded up.
        ("10%", None, 0, 99, 9, 9, Share, false),
        ("10%", None, 0, 99, 10, 9, Share, true),
        ("0.5%", None, 0, 199, 1, 0, Share, true),
        ("0.5%", None, 0, 200, 1, 1, Share, false),
        ("33.333333%", None, 0, 3, 1, 0, Share, true),
        // The floor.
        ("10%", None, 50, 60, 50, 50, Share, false),
        ("10%", None, 50, 60, 51, 50, Share, true),
        ("10%", None, 50, 501, 50, 50, Share, false),
        ("10%", None, 50, 510, 51, 51, Share, false),
        // The count, which nothing lifts.
        ("100%", Some(5), 0, 100, 5, 5, Count, false),
        ("100%", Some(5), 0, 100, 6, 5, Count, true),
        ("10%", Some(5), 50, 100, 6, 5, Count, true),
        ("10%", Some(500), 0, 100, 11, 10, Share, true),
        ("10%", Some(0), 0, 100, 1, 0, Count, true),
        // Off.
        ("100%", None, 0, 100, 100, 100, Share, false),
        ("100%", None, 0, 1, 1, 1, Share, false),
        // Nothing to write never trips.
        ("0%", Some(0), 0, 0, 0, 0, Share, false),
        ("0%", None, 0, 100, 1, 0, Share, true),
        ("100%", None, 0, u64::MAX, u64::MAX, u64::MAX, Share, false),
    ] {
        let guarded = guard(&limits(share, count, floor), entities, plans);
        assert_eq!(guarded, Guarded { entities, plans, allowed, limited_by: by, window_secs: None }, "{share} {count:?} {floor}");
        assert_eq!(guarded.tripped(), trips, "{guarded:?}");
    }
}

#[test]
fn a_spec_that_says_nothing_is_guarded_too() {
    let default = Limits::default();
    assert_eq!((default.max_share.to_string().as_str(), default.max_count, default.floor), ("25%", None, 50));
    assert_eq!((default.allowed(100).0, default.allowed(1_000).0), (50, 250));
}

#[test]
fn a_percentage_has_one_meaning() {
    for (text, shown) in
        [("10%", "10%"), (" 0.5 % ", "0.5%"), ("100%", "100%"), ("00.500000%", "0.5%"), ("0%", "0%"), ("0.000001%", "0.000001%")]
    {
        assert_eq!(Share::parse(text).map(|share| share.to_string()).as_deref(), Some(shown), "{text}");
    }
    for wrong in
        ["", "%", "10", "101%", "100.000001%", "-1%", "+1%", "1e1%", ".5%", "5.%", "0.0000001%", "1,5%", "99999999999999999999999%", "10%%"]
    {
        assert_eq!(Share::parse(wrong), None, "{wrong}");
    }
    assert_eq!((Share::percent(100), Share::percent(101), Share::percent(25)), (Some(Share::ALL), None, Share::parse("25%")));
}

#[test]
fn what_holds_back_says_how_to_mend_it() {
    let guarded = guard(&limits("10%", None, 0), 100, 11);
    let changed = HeldBack::ChangedContract { contract: "CA".into(), accepted: "old".into(), seen: "new".into() };
    for (why, parts) in [
        (HeldBack::Guard(guarded), vec!["11 of 100", "allows 10", "max_share", "--override-guard"]),
        (changed, vec!["runs new", "old was accepted", "trueup accept CA --wasm new"]),
        (HeldBack::UnsupportedProtocol { protocol: 31, supported: 30 }, vec!["protocol 31", "up to 30", "update trueup"]),
        (HeldBack::WrongNetwork { expected: "a".into(), found: "b".into() }, vec!["`a`", "`b`", "correct its URL"]),
        (HeldBack::Unchecked { what: "down".into() }, vec!["down", "next run"]),
        (HeldBack::NoInstance, vec!["instance"]),
    ] {
        let said = why.to_string();
        parts.iter().for_each(|part| assert!(said.contains(part), "{part}: {said}"));
        let stored = serde_json::to_value(&why).expect("JSON");
        assert_eq!(serde_json::from_value::<HeldBack>(stored).expect("read again"), why);
    }
}

#[test]
fn only_what_concerns_the_chain_casts_doubt_on_what_was_read() {
    let guarded = guard(&limits("10%", None, 0), 100, 11);
    assert!(!HeldBack::Guard(guarded).concerns_reading() && !HeldBack::Unchecked { what: String::new() }.concerns_reading());
    assert!(HeldBack::NoInstance.concerns_reading());
    assert!(HeldBack::UnsupportedProtocol { protocol: 31, supported: 30 }.concerns_reading());
    assert!(HeldBack::WrongNetwork { expected: String::new(), found: String::new() }.concerns_reading());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_more_is_ever_written_than_each_limit_says(
        percent in 0_u64..=100,
        count in proptest::option::of(0_u64..2_000),
        floor in 0_u64..200,
        entities in 0_u64..100_000,
        plans in 0_u64..100_000,
    ) {
        let limits = Limits { max_share: Share::percent(percent).expect("up to 100"), max_count: count, floor, window_secs: 3_600 };
        let guarded = guard(&limits, entities, plans);
        let within_share = u128::from(plans) * 100 <= u128::from(entities) * u128::from(percent) || plans <= floor;
        let within_count = count.is_none_or(|count| plans <= count);
        prop_assert_eq!(!guarded.tripped(), within_share && within_count);
    }

    #[test]
    fn more_plans_never_untrip_it_and_more_entities_never_trip_it(
        percent in 0_u64..=100,
        count in proptest::option::of(0_u64..2_000),
        floor in 0_u64..200,
        entities in 0_u64..100_000,
        plans in 0_u64..100_000,
    ) {
        let limits = Limits { max_share: Share::percent(percent).expect("up to 100"), max_count: count, floor, window_secs: 3_600 };
        let tripped = guard(&limits, entities, plans).tripped();
        prop_assert!(!tripped || guard(&limits, entities, plans + 1).tripped());
        prop_assert!(tripped || !guard(&limits, entities + 1, plans).tripped());
    }

    #[test]
    fn no_text_makes_a_share_of_more_than_everything(text in "[0-9]{0,4}(\\.[0-9]{0,7})?%?", count in any::<u64>()) {
        if let Some(share) = Share::parse(&text) {
            prop_assert!(share <= Share::ALL && share.of(count) <= count);
            prop_assert_eq!(Share::parse(&share.to_string()), Some(share));
        }
    }
}

#[test]
fn touches_are_measured_by_the_same_limits_over_their_window_and_say_so() {
    let limits = Limits { window_secs: 600, ..limits("10%", None, 2) };
    let guarded = guard_window(&limits, 40, 5);
    assert_eq!((guarded.allowed, guarded.tripped(), guarded.window_secs), (4, true, Some(600)));
    let said = HeldBack::Guard(guarded).to_string();
    assert!(said.starts_with("the guard held: touches of the last 600 s would write 5 of 40 entities, and max_share"), "{said}");
    assert!(!guard_window(&limits, 0, 2).tripped(), "before the first sweep the floor is allowed");
    assert!(guard_window(&limits, 0, 3).tripped());
}
