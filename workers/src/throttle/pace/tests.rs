use proptest::prelude::*;

use super::*;

const BOUNDS: Bounds = Bounds { slowdown_max_percent: 50, fastest: 3 * ONE, beside: ONE / 4 };

/// A pace, and sweeps that use all of it.
struct Swept {
    pace: Pace,
    now: Duration,
}

impl Swept {
    fn new(bounds: Bounds) -> Self {
        Self { pace: Pace::new(bounds), now: Duration::ZERO }
    }

    /// One whose statements usually take 100 µs, at its fastest.
    fn known() -> Self {
        let mut it = Self::new(BOUNDS);
        it.windows(20, 100);
        assert_eq!(it.pace.pace, BOUNDS.fastest);
        it
    }

    fn statement(&mut self, micros: u64) -> Option<Turn> {
        self.now += Duration::from_millis(10);
        let under_way = self.pace.batches();
        self.pace.begins(under_way);
        self.pace.answered(&timed(Reading::Locate, 500, micros), under_way, self.now)
    }

    fn windows(&mut self, windows: usize, micros: u64) -> Vec<Turn> {
        (0..windows * WINDOW).filter_map(|_| self.statement(micros)).collect()
    }
}

/// A statement that takes so many microseconds for each entity.
fn timed(reading: Reading, entities: usize, micros: u64) -> Timed {
    let took = Duration::from_micros(micros) * u32::try_from(entities).expect("few");
    Timed { kind: EntityKind("loan".into()), reading, entities, took }
}

#[test]
fn it_begins_with_one_batch_and_rises_fast_until_statements_are_slow() {
    let mut it = Swept::new(BOUNDS);
    let mut batches = vec![it.pace.batches()];
    for _ in 0..4 {
        it.windows(1, 100);
        batches.push(it.pace.batches());
    }
    assert_eq!(batches, [1, 2, 3, 3, 3]);
}

#[test]
fn it_gives_way_by_shares_and_comes_back_by_steps_and_says_so_once() {
    let mut it = Swept::known();
    assert_eq!(it.windows(1, 310), [], "one slow window is chance");
    assert_eq!(it.windows(1, 310), [Turn::GivesWay { took: 3_100 }]);
    assert_eq!((it.pace.pace, it.pace.batches(), it.pace.gives_way()), (2_100, 2, true));
    assert_eq!(it.windows(20, 310), []);
    assert_eq!((it.pace.pace, it.pace.batches()), (SLOWEST, 1));
    assert_eq!(it.windows(1, 100), []);
    assert_eq!(it.pace.pace, SLOWEST + STEP);
    assert_eq!(it.windows(40, 100), [Turn::Returns]);
    assert_eq!((it.pace.pace, it.pace.gives_way()), (BOUNDS.fastest, false));
}

#[test]
fn a_slow_window_between_calm_ones_is_chance() {
    let mut it = Swept::known();
    for _ in 0..50 {
        assert_eq!((it.windows(1, 400), it.windows(1, 100)), (vec![], vec![]));
    }
    assert_eq!(it.pace.pace, BOUNDS.fastest);
}

#[test]
fn between_slow_and_calm_nothing_changes() {
    let mut it = Swept::known();
    it.windows(2, 310);
    let pace = it.pace.pace;
    it.windows(50, 140);
    assert_eq!(it.pace.pace, pace);
    it.windows(1, 125);
    assert_eq!(it.pace.pace, pace + STEP);
}

#[test]
fn statements_are_held_against_their_like_alone() {
    let mut it = Swept::known();
    for _ in 0..WINDOW * 20 {
        it.now += Duration::from_millis(10);
        it.pace.begins(3);
        // Comparing is slower than locating, and a few rows cost more each than many.
        assert_eq!(it.pace.answered(&timed(Reading::Compare, 500, 400), 3, it.now), None);
        assert_eq!(it.pace.answered(&timed(Reading::Locate, 3, 900), 3, it.now), None);
        let other = Timed { kind: EntityKind("payment".into()), ..timed(Reading::Locate, 500, 5_000) };
        assert_eq!(it.pace.answered(&other, 3, it.now), None);
    }
    assert_eq!(it.pace.pace, BOUNDS.fastest);
}

#[test]
fn rows_that_take_longer_to_compare_are_no_load() {
    let mut it = Swept::known();
    let mut batch = |compare: u64| {
        it.now += Duration::from_millis(10);
        it.pace.begins(3);
        let located = it.pace.answered(&timed(Reading::Locate, 500, 100), 3, it.now);
        located.or(it.pace.answered(&timed(Reading::Compare, 500, compare), 3, it.now))
    };
    assert!((0..WINDOW).all(|_| batch(200).is_none()));
    assert!((0..WINDOW * 20).all(|_| batch(900).is_none()));
}

#[test]
fn what_is_allowed_and_not_used_is_neither_raised_nor_given_up_first() {
    let mut it = Swept::new(Bounds { fastest: 9 * ONE, ..BOUNDS });
    let mut window = |micros: u64| {
        for _ in 0..WINDOW {
            it.now += Duration::from_millis(10);
            it.pace.begins(1);
            it.pace.answered(&timed(Reading::Locate, 500, micros), 1, it.now);
        }
        it.pace.pace
    };
    assert_eq!((window(100), window(100), window(100)), (2 * ONE, 2 * ONE, 2 * ONE));
    assert_eq!((window(310), window(310)), (2 * ONE, ONE * FALL / 1_000));
}

#[test]
fn pauses_follow_from_the_pace_and_are_bounded() {
    let mut it = Swept::known();
    let took = Duration::from_millis(40);
    assert_eq!(it.pace.pause_after(took), Duration::ZERO);
    it.pace.pace = 500;
    assert_eq!(it.pace.pause_after(took), took);
    it.pace.pace = SLOWEST;
    assert_eq!(it.pace.pause_after(took), took * 7);
    assert_eq!(it.pace.pause_after(Duration::MAX), PAUSE_MAX);
}

#[test]
fn a_sweep_that_comes_later_begins_anew_and_knows_what_was_usual() {
    let mut it = Swept::known();
    it.windows(20, 310);
    it.now += STALE_AFTER + Duration::from_secs(1);
    it.statement(100);
    assert_eq!((it.pace.pace, it.pace.gives_way()), (ONE, false));
    assert_eq!(it.windows(3, 310), [Turn::GivesWay { took: 3_100 }]);
}

#[test]
fn beside_the_application_it_is_held_down_and_goes_on_as_before_when_that_rests() {
    let mut it = Swept::known();
    assert!(it.pace.set_beside(true));
    assert!(!it.pace.set_beside(true), "nothing changes");
    let took = Duration::from_millis(20);
    assert_eq!((it.pace.batches(), it.pace.pause_after(took), it.pace.gives_way()), (1, 3 * took, true));
    assert_eq!(it.windows(20, 100), [], "calm statements do not make it faster");
    assert_eq!((it.pace.batches(), it.pace.pause_after(took)), (1, 3 * took));
    assert!(it.pace.set_beside(false));
    assert_eq!((it.pace.pace, it.pace.pause_after(took), it.pace.gives_way()), (BOUNDS.fastest, Duration::ZERO, false));
}

#[test]
fn slow_statements_slow_it_down_beside_the_application_too() {
    let mut it = Swept::known();
    it.pace.set_beside(true);
    it.windows(30, 310);
    assert_eq!(it.pace.pause_after(Duration::from_millis(20)), Duration::from_millis(140), "an eighth of the time");
    it.windows(50, 100);
    assert_eq!(it.pace.pause_after(Duration::from_millis(20)), Duration::from_millis(60), "and then a quarter");
}

#[test]
fn a_sweep_that_is_as_slow_anyhow_is_not_held_down() {
    let mut it = Swept::new(Bounds { fastest: ONE / 8, ..BOUNDS });
    assert!(!it.pace.set_beside(true));
    assert!(!it.pace.gives_way());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn the_pace_stays_within_its_bounds_whatever_statements_take(
        (fastest, beside) in (1_u32..9_000, 1_u32..9_000),
        slowdown_max_percent in 1_u32..1_000,
        statements in prop::collection::vec((0_u64..5_000_000, 0_usize..3_000, 0_u32..9, 0_u64..100_000, any::<bool>()), 1..400),
    ) {
        let mut it = Pace::new(Bounds { slowdown_max_percent, fastest, beside });
        let mut now = Duration::ZERO;
        for (micros, entities, under_way, later_ms, is_beside) in statements {
            now += Duration::from_millis(later_ms);
            it.set_beside(is_beside);
            it.begins(under_way);
            let took = Duration::from_micros(micros);
            it.answered(&Timed { took, entities, ..timed(Reading::Sieve, 1, 1) }, under_way, now);
            prop_assert!((SLOWEST..=fastest.max(SLOWEST)).contains(&it.pace));
            let most = if is_beside { fastest.min(beside) } else { fastest };
            prop_assert!(it.batches() >= 1 && it.batches() <= most.div_ceil(ONE));
            prop_assert!(it.pause_after(took) <= PAUSE_MAX);
        }
    }

    #[test]
    fn noise_does_not_move_it(percents in prop::collection::vec(85_u64..=120, 50 * WINDOW)) {
        let mut it = Swept::known();
        for percent in percents {
            prop_assert_eq!(it.statement(percent), None);
        }
        prop_assert_eq!(it.pace.pace, BOUNDS.fastest);
    }

    #[test]
    fn after_any_load_it_returns_within_fifty_windows(loads in prop::collection::vec(1_u64..100, 1..200)) {
        let mut it = Swept::known();
        for load in loads {
            it.statement(100 * load);
        }
        it.windows(50, 100);
        prop_assert_eq!((it.pace.pace, it.pace.gives_way()), (BOUNDS.fastest, false));
    }

    #[test]
    fn a_load_that_stays_makes_it_slowest(load in 160_u64..5_000) {
        let mut it = Swept::known();
        let turns = it.windows(30, load);
        prop_assert_eq!((turns.len(), it.pace.pace), (1, SLOWEST));
    }
}
