use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use trueup_database::Timed;

use super::beside::Beside;
use super::calls::{KEYS_PER_FULL_CALL, of_full_calls};
use super::pace::{Bounds, ONE, Pace, Turn};
use crate::settings::ThrottleSettings;

/// How often one that waits looks whether it may go, should nobody have told it.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Holds back the batches of a process's sweeps. Its clones are one.
#[derive(Clone)]
pub(crate) struct Throttle {
    /// None where nothing is ever held back.
    gate: Option<Arc<Gate>>,
}

/// What a process has been held back by since its start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct HeldBack {
    /// For how long a batch waited that would have begun, in milliseconds.
    pub(crate) waited_ms: u64,
    /// How often statements became slow.
    pub(crate) times: u64,
    /// How many percent of their usual time they took then, added up.
    pub(crate) took_percent: u64,
}

pub(super) struct Gate {
    since: Instant,
    state: Mutex<State>,
    /// A batch has begun, or is expected.
    entered: watch::Sender<()>,
    /// Whose turn it is to wait for the next place: batches of all kinds begin in the order in which they asked.
    turn: tokio::sync::Mutex<()>,
    changed: Notify,
    waited_ms: AtomicU64,
    times: AtomicU64,
    took_percent: AtomicU64,
}

struct State {
    pace: Pace,
    beside: Beside,
    /// When the last batch ended.
    left: Instant,
    under_way: u32,
    /// The pause after the batch before.
    not_before: Instant,
    /// When the last part of a batch was over, with its pause: what took time before has been paid for.
    rested: Instant,
    /// How long statements took since then.
    statements: Duration,
}

/// The right to work on a batch, until it is dropped.
pub(crate) struct Admission {
    of: Option<(Arc<Gate>, Instant)>,
}

// === impl Throttle ===

impl Throttle {
    /// A throttle over at most so many batches.
    pub(crate) fn new(settings: &ThrottleSettings, batches_max: usize) -> Self {
        if !settings.enabled {
            return Self { gate: None };
        }
        let all = u32::try_from(batches_max).unwrap_or(u32::MAX).saturating_mul(ONE);
        let busiest = settings.busy_max_percent.map_or(all, |percent| percent.saturating_mul(ONE / 100));
        let bounds = Bounds {
            slowdown_max_percent: settings.slowdown_max_percent,
            fastest: busiest.min(all),
            beside: settings.busy_beside_percent.saturating_mul(ONE / 100),
        };
        let since = Instant::now();
        let state = State {
            pace: Pace::new(bounds),
            beside: Beside::default(),
            left: since,
            under_way: 0,
            not_before: since,
            rested: since,
            statements: Duration::ZERO,
        };
        Self {
            gate: Some(Arc::new(Gate {
                since,
                state: Mutex::new(state),
                entered: watch::Sender::new(()),
                turn: tokio::sync::Mutex::default(),
                changed: Notify::new(),
                waited_ms: AtomicU64::default(),
                times: AtomicU64::default(),
                took_percent: AtomicU64::default(),
            })),
        }
    }

    /// Hears how long a statement took.
    pub(crate) fn hear(&self, timed: &Timed) {
        if let Some(gate) = &self.gate {
            gate.hear(timed);
        }
    }

    /// What looks after it without keeping it; none where nothing is ever held back.
    pub(super) fn gate(&self) -> Option<&Arc<Gate>> {
        self.gate.as_ref()
    }

    /// Waits until the next batch may begin.
    pub(crate) async fn enter(&self) -> Admission {
        match &self.gate {
            None => Admission { of: None },
            Some(gate) => Admission { of: Some((Arc::clone(gate), gate.enter().await)) },
        }
    }

    /// Batches are about to come: who is at work is known when they do.
    pub(crate) fn expect_batches(&self) {
        if let Some(gate) = &self.gate {
            gate.state().left = Instant::now();
            gate.entered.send_replace(());
        }
    }

    /// Whether batches follow each other one by one, so that none can wait for keys of the next.
    pub(crate) fn is_one_by_one(&self) -> bool {
        self.gate.as_ref().is_some_and(|gate| gate.state().pace.batches() == 1)
    }

    /// How many entities a batch should have that may have so many.
    pub(crate) fn batch_of(&self, entities: usize) -> usize {
        if self.is_one_by_one() { self.part_of(of_full_calls(entities)) } else { entities }
    }

    /// How many of so many entities to look at before the next: all, or, while somebody is given way to, what fills one
    /// call. Then Postgres, RPC and this process are at work for a sweep one after the other, each for a short while.
    pub(crate) fn part_of(&self, entities: usize) -> usize {
        let in_parts = self.gate.as_ref().is_some_and(|gate| gate.state().pace.is_in_parts());
        if in_parts { entities.min(KEYS_PER_FULL_CALL) } else { entities }
    }

    /// Pauses between two parts of a batch, in proportion to what was done since `begun`.
    pub(crate) async fn rest(&self, begun: Instant) {
        if let Some(gate) = &self.gate {
            gate.rest(begun).await;
        }
    }

    pub(crate) fn held_back(&self) -> HeldBack {
        self.gate.as_ref().map_or_else(HeldBack::default, |gate| HeldBack {
            waited_ms: gate.waited_ms.load(Ordering::Relaxed),
            times: gate.times.load(Ordering::Relaxed),
            took_percent: gate.took_percent.load(Ordering::Relaxed),
        })
    }
}

// === impl Gate ===

impl Gate {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hear(&self, timed: &Timed) {
        let mut state = self.state();
        let under_way = state.under_way;
        state.statements += timed.took;
        let turn = state.pace.answered(timed, under_way, self.since.elapsed());
        drop(state);
        self.changed.notify_one();
        match turn {
            Some(Turn::GivesWay { took }) => {
                self.times.fetch_add(1, Ordering::Relaxed);
                self.took_percent.fetch_add(took / 10, Ordering::Relaxed);
                tracing::info!(took_percent = took / 10, "the database is slower than usual: sweeps give way");
            }
            Some(Turn::Returns) => tracing::info!("the database is as fast as usual: sweeps go on as before"),
            None => {}
        }
    }

    /// Hears how many of the application's sessions are at work.
    pub(super) fn hear_of_application(&self, at_work: u32) {
        let mut state = self.state();
        let is_there = state.beside.note(at_work);
        let changes = state.pace.set_beside(is_there);
        drop(state);
        self.changed.notify_one();
        match (changes, is_there) {
            (true, true) => tracing::info!("the application is at work: sweeps give way"),
            (true, false) => tracing::info!("the application rests: sweeps go on as before"),
            (false, _) => {}
        }
    }

    /// Told of each batch that begins, and of those that are expected.
    pub(super) fn entered(&self) -> watch::Receiver<()> {
        self.entered.subscribe()
    }

    /// For how long no batch has been under way.
    pub(super) fn idle(&self) -> Duration {
        let state = self.state();
        if state.under_way > 0 { Duration::ZERO } else { state.left.elapsed() }
    }

    /// What was seen of the application is old.
    pub(super) fn forget_application(&self) {
        self.state().beside.forget();
    }

    async fn enter(&self) -> Instant {
        let _turn = self.turn.lock().await;
        let asked = Instant::now();
        loop {
            let now = Instant::now();
            let tried = self.state().try_enter(asked, now);
            match tried {
                Ok(waited) => {
                    self.entered.send_replace(());
                    self.count_wait(waited);
                    return now;
                }
                Err(Some(then)) => sleep_until(then).await,
                Err(None) => drop(timeout(LOOK_EVERY, self.changed.notified()).await),
            }
        }
    }

    async fn rest(&self, begun: Instant) {
        let (pause, is_held_back) = self.state().end_part(begun, Instant::now());
        // Where a batch waits for its turn, this is part of its wait.
        if is_held_back && self.turn.try_lock().is_ok() {
            self.count_wait(pause);
        }
        if !pause.is_zero() {
            sleep(pause).await;
        }
    }

    fn count_wait(&self, waited: Duration) {
        self.waited_ms.fetch_add(u64::try_from(waited.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    fn leave(&self, begun: Instant) {
        self.state().leave(begun, Instant::now());
        self.changed.notify_one();
    }
}

// === impl State ===

impl State {
    /// For how long it was held back that now begins; or when to try again, where that is known.
    fn try_enter(&mut self, asked: Instant, now: Instant) -> Result<Duration, Option<Instant>> {
        if self.under_way >= self.pace.batches() {
            return Err(None);
        }
        if now < self.not_before {
            return Err(Some(self.not_before));
        }
        self.under_way += 1;
        self.statements = Duration::ZERO;
        self.pace.begins(self.under_way);
        Ok(if self.pace.gives_way() { now - asked } else { Duration::ZERO })
    }

    /// The pause after a part of a batch, and whether it is held back by that.
    fn end_part(&mut self, begun: Instant, now: Instant) -> (Duration, bool) {
        let pause = self.pace.pause_after_part(now - begun, std::mem::take(&mut self.statements));
        self.rested = now + pause;
        (pause, self.pace.gives_way())
    }

    fn leave(&mut self, begun: Instant, now: Instant) {
        self.under_way = self.under_way.saturating_sub(1);
        self.left = now;
        self.not_before = now + self.pace.pause_after(now.saturating_duration_since(begun.max(self.rested)));
    }
}

// === impl Admission ===

impl Drop for Admission {
    fn drop(&mut self) {
        if let Some((gate, begun)) = self.of.take() {
            gate.leave(begun);
        }
    }
}

#[cfg(test)]
mod tests {
    use trueup_database::Reading;
    use trueup_judge::EntityKind;

    use super::*;

    const BATCH: Duration = Duration::from_millis(20);

    fn throttle(settings: &ThrottleSettings) -> Throttle {
        Throttle::new(settings, 3)
    }

    fn gate(throttle: &Throttle) -> &Gate {
        throttle.gate.as_ref().expect("it is on")
    }

    fn hear(throttle: &Throttle, ms: u64, times: usize) {
        let timed = Timed { kind: EntityKind("loan".into()), reading: Reading::Locate, entities: 1, took: Duration::from_millis(ms) };
        (0..times).for_each(|_| throttle.hear(&timed));
    }

    /// Works on one batch after the other, each with statements of so many milliseconds; when the last one ended.
    fn work(throttle: &Throttle, mut now: Instant, batches: usize, ms: u64) -> Instant {
        for _ in 0..batches {
            let tried = gate(throttle).state().try_enter(now, now);
            if let Err(then) = tried {
                now = then.expect("nothing else is under way");
                gate(throttle).state().try_enter(now, now).expect("the pause is over");
            }
            hear(throttle, ms, 8);
            gate(throttle).state().leave(now, now + BATCH);
            now += BATCH;
        }
        now
    }

    #[tokio::test]
    async fn a_batch_that_ends_makes_place_for_the_one_that_waits() {
        let throttle = throttle(&ThrottleSettings::default());
        let first = throttle.enter().await;
        assert!(throttle.is_one_by_one());
        hear(&throttle, 10, 8);
        let second = throttle.enter().await;
        assert!(!throttle.is_one_by_one());
        let now = Instant::now();
        assert_eq!(gate(&throttle).state().try_enter(now, now), Err(None), "there is place for two");
        let (third, ()) = tokio::join!(throttle.enter(), async { drop(first) });
        drop((second, third));
        assert_eq!(gate(&throttle).state().under_way, 0);
        assert_eq!(throttle.held_back(), HeldBack::default(), "to begin slowly is not to give way");
    }

    #[tokio::test]
    async fn who_waits_goes_as_soon_as_statements_are_as_usual() {
        let throttle = throttle(&ThrottleSettings::default());
        let _first = throttle.enter().await;
        let (_second, ()) = tokio::join!(throttle.enter(), async { hear(&throttle, 10, 8) });
        assert_eq!(gate(&throttle).state().under_way, 2);
    }

    #[test]
    fn a_slow_database_gets_pauses_that_are_counted_and_end() {
        let throttle = throttle(&ThrottleSettings::default());
        hear(&throttle, 10, 8);
        let now = work(&throttle, Instant::now(), 20, 31);
        let held_back = throttle.held_back();
        assert_eq!((held_back.times, held_back.took_percent), (1, 310));
        let then = now + BATCH * 7;
        assert_eq!(gate(&throttle).state().try_enter(now, now), Err(Some(then)), "seven times as long as the batch took");
        assert_eq!(gate(&throttle).state().try_enter(now, then), Ok(BATCH * 7), "and held back for as long");
        gate(&throttle).state().leave(then, then);
        let now = work(&throttle, then, 30, 10);
        assert_eq!(gate(&throttle).state().try_enter(now, now), Ok(Duration::ZERO));
        assert_eq!(gate(&throttle).state().try_enter(now, now), Ok(Duration::ZERO));
    }

    #[tokio::test]
    async fn what_is_switched_off_holds_nothing_back() {
        let throttle = throttle(&ThrottleSettings { enabled: false, ..ThrottleSettings::default() });
        hear(&throttle, 10, 8);
        hear(&throttle, 1_000, 80);
        let many: Vec<_> = futures::future::join_all((0..50).map(|_| throttle.enter())).await;
        assert_eq!((many.len(), throttle.is_one_by_one(), throttle.held_back()), (50, false, HeldBack::default()));
    }

    #[test]
    fn beside_the_application_a_sweep_pauses_and_that_is_counted() {
        let throttle = throttle(&ThrottleSettings::default());
        (0..100).for_each(|_| gate(&throttle).hear_of_application(1));
        let now = work(&throttle, Instant::now(), 10, 10);
        let then = now + BATCH * 3;
        assert_eq!(gate(&throttle).state().try_enter(now, now), Err(Some(then)), "three times as long as the batch took");
        assert_eq!(gate(&throttle).state().try_enter(now, then), Ok(BATCH * 3), "held back for as long");
        gate(&throttle).state().leave(then, then);
        (0..300).for_each(|_| gate(&throttle).hear_of_application(0));
        let now = work(&throttle, then, 10, 10);
        assert_eq!(gate(&throttle).state().try_enter(now, now), Ok(Duration::ZERO), "it rests");
    }

    #[test]
    fn a_sweep_can_be_told_how_busy_it_may_be() {
        let throttle = throttle(&ThrottleSettings { busy_max_percent: Some(25), ..ThrottleSettings::default() });
        let now = work(&throttle, Instant::now(), 10, 10);
        let then = now + BATCH * 3;
        assert_eq!(gate(&throttle).state().try_enter(now, now), Err(Some(then)), "three times as long as the batch took");
        assert_eq!(gate(&throttle).state().try_enter(now, then), Ok(Duration::ZERO), "as it was told, not because of load");
    }

    #[tokio::test]
    async fn whoever_expects_batches_has_the_application_looked_at_as_whoever_begins_one_does() {
        let throttle = throttle(&ThrottleSettings::default());
        let mut entered = gate(&throttle).entered();
        throttle.expect_batches();
        assert!(entered.has_changed().expect("it is there"));
        entered.mark_unchanged();
        drop(throttle.enter().await);
        assert!(entered.has_changed().expect("it is there"));
    }

    #[test]
    fn beside_the_application_and_only_there_entities_are_looked_at_by_the_call() {
        let throttle_beside = |busy_beside_percent| {
            let throttle = throttle(&ThrottleSettings { busy_beside_percent, ..ThrottleSettings::default() });
            assert_eq!((throttle.part_of(1_990), throttle.batch_of(500)), (1_990, 398), "it begins one by one");
            (0..100).for_each(|_| gate(&throttle).hear_of_application(1));
            throttle
        };
        for percent in [25, 100] {
            let throttle = throttle_beside(percent);
            assert_eq!([1_990, 199, 7, 0].map(|rows| throttle.part_of(rows)), [199, 199, 7, 0], "{percent}");
            assert_eq!([500, 20].map(|rows| throttle.batch_of(rows)), [199, 20], "{percent}");
            (0..300).for_each(|_| gate(&throttle).hear_of_application(0));
            assert_eq!(throttle.part_of(1_990), 1_990, "it rests");
        }
        assert_eq!(throttle_beside(200).part_of(1_990), 1_990, "who lets two batches be under way does not mind");
    }

    #[test]
    fn who_is_slow_without_an_application_is_looked_at_as_before_so_that_it_is_known_what_is_usual() {
        let throttle = throttle(&ThrottleSettings { busy_max_percent: Some(25), ..ThrottleSettings::default() });
        assert_eq!(throttle.part_of(1_990), 1_990);
    }

    #[tokio::test]
    async fn between_parts_there_is_a_pause_that_is_counted() {
        let throttle = throttle(&ThrottleSettings::default());
        let begun = Instant::now() - BATCH;
        throttle.rest(begun).await;
        assert_eq!(throttle.held_back().waited_ms, 0, "nobody is given way to");
        (0..100).for_each(|_| gate(&throttle).hear_of_application(1));
        let begun = Instant::now() - BATCH;
        throttle.rest(begun).await;
        assert!(begun.elapsed() >= BATCH * 4, "three times as long as the part took");
        assert!(throttle.held_back().waited_ms >= 60, "{:?}", throttle.held_back());
    }

    #[tokio::test]
    async fn nobody_is_held_back_for_longer_than_it_takes() {
        let throttle = throttle(&ThrottleSettings::default());
        (0..100).for_each(|_| gate(&throttle).hear_of_application(1));
        let begun = Instant::now();
        let first = throttle.enter().await;
        tokio::join!(async { drop(throttle.enter().await) }, async {
            throttle.rest(Instant::now() - BATCH).await;
            drop(first);
        });
        let waited = Duration::from_millis(throttle.held_back().waited_ms);
        assert!(waited >= BATCH * 2 && waited <= begun.elapsed(), "{waited:?} of {:?}", begun.elapsed());
    }

    #[test]
    fn what_a_part_waited_for_the_chain_is_hardly_paid_for_and_nothing_is_paid_for_twice() {
        let throttle = throttle(&ThrottleSettings::default());
        (0..100).for_each(|_| gate(&throttle).hear_of_application(1));
        let begun = Instant::now();
        gate(&throttle).state().try_enter(begun, begun).expect("it is the first");
        hear(&throttle, 20, 1);
        let mut state = gate(&throttle).state();
        assert_eq!(state.end_part(begun, begun + BATCH * 9), (BATCH * 2 * 3, true), "its statements, and one answer");
        let next = begun + BATCH * 15;
        assert_eq!(state.end_part(next, next + BATCH * 5).0, BATCH * 3, "no statement is counted twice");
        state.leave(begun, next + BATCH * 10);
        assert_eq!(state.not_before, next + BATCH * 16, "what came after the last part, three times");
    }
}
