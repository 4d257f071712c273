//! How fast sweeps may go. Pure: the caller says what time it is and how long statements took.
//!
//! The pace is how many batches are under way at a time, in thousandths: 3,000 is three, 250 is one, followed by a pause
//! three times as long as it took. It falls by a share and rises by a step, so that several processes that see the same
//! database come to share it. Between what is slow and what is calm lies room in which nothing changes, and one slow
//! spell is none: noise must not move it.

use std::collections::HashMap;
use std::time::Duration;

use trueup_database::{Reading, Timed};
use trueup_judge::EntityKind;

use super::usual::Usual;

/// One batch without a pause.
pub(super) const ONE: u32 = 1_000;
/// The slowest pace: a sweep always goes on.
pub(super) const SLOWEST: u32 = 125;
/// The longest pause between two batches, however long these take.
pub(super) const PAUSE_MAX: Duration = Duration::from_secs(1);
/// How much of a wait for the chain counts as work: an answer is received and decoded, and a slow RPC is no load.
const ANSWER: Duration = Duration::from_millis(20);
/// What is left of the pace, in thousandths, where statements are slow.
const FALL: u32 = 700;
/// By how much it rises where they are not.
const STEP: u32 = 125;
/// By how much it rises from its start, until they are slow for the first time.
const STEP_FIRST: u32 = ONE;
/// How many statements are judged together, by their lower median: where half of them are as usual, it is not the
/// database that is slow. To compare rows that differ takes longer, and to locate them does not.
const WINDOW: usize = 8;
/// How often in a row these must be slow.
const SLOW_IN_A_ROW: u32 = 2;
/// After how long without a statement nothing is known of how busy the database is.
const STALE_AFTER: Duration = Duration::from_secs(60);
/// What statements usually take, in thousandths.
const USUAL: u64 = 1_000;

/// What a pace is held to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bounds {
    /// By how many percent statements may be slower than usual.
    pub(super) slowdown_max_percent: u32,
    /// The fastest pace, at least [`SLOWEST`].
    pub(super) fastest: u32,
    /// The fastest while the application is at work, at least [`SLOWEST`].
    pub(super) beside: u32,
}

/// What changed, for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// It gives way, since statements took so many thousandths of their usual time.
    GivesWay { took: u64 },
    /// It is as fast again as it was before it gave way.
    Returns,
}

/// Statements that can be held against each other: of the same sort, over about as many entities.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Sort {
    kind: EntityKind,
    reading: Reading,
    magnitude: u32,
}

/// How fast sweeps may go.
#[derive(Debug)]
pub(super) struct Pace {
    bounds: Bounds,
    pace: u32,
    /// It has never been too fast: it rises quickly.
    is_new: bool,
    /// What it was when it began to give way; none while it does not.
    before: Option<u32>,
    usual: HashMap<Sort, Usual>,
    /// What statements took, in thousandths of their usual time.
    window: Vec<u64>,
    slow_in_a_row: u32,
    /// The most batches that were under way since the last window.
    peak: u32,
    last: Option<Duration>,
    /// The application is at work.
    is_beside: bool,
}

// === impl Pace ===

impl Pace {
    /// Begins with one batch at a time: what statements usually take is seen best where they do not hinder each other.
    pub(super) fn new(bounds: Bounds) -> Self {
        let bounds = Bounds { fastest: bounds.fastest.max(SLOWEST), beside: bounds.beside.max(SLOWEST), ..bounds };
        Self {
            bounds,
            pace: ONE.min(bounds.fastest),
            is_new: true,
            before: None,
            usual: HashMap::new(),
            window: Vec::with_capacity(WINDOW),
            slow_in_a_row: 0,
            peak: 0,
            last: None,
            is_beside: false,
        }
    }

    /// How many batches may be under way; at least one.
    pub(super) fn batches(&self) -> u32 {
        (self.allowed() / ONE).max(1)
    }

    /// Whether a batch goes in parts: where the application is at work, and finds room between them. Not where statements
    /// are slow: what usually takes so long is not known of parts.
    pub(super) fn is_in_parts(&self) -> bool {
        self.is_beside && self.bounds.beside <= ONE
    }

    fn allowed(&self) -> u32 {
        if self.is_beside { self.pace.min(self.bounds.beside) } else { self.pace }
    }

    /// Hears whether the application is at work from now on. True if that holds sweeps back, or has held them back.
    pub(super) fn set_beside(&mut self, is_beside: bool) -> bool {
        let changes = self.is_beside != is_beside && self.bounds.beside < self.bounds.fastest;
        self.is_beside = is_beside;
        changes
    }

    /// How long nothing begins after a batch that took so long.
    pub(super) fn pause_after(&self, took: Duration) -> Duration {
        let pace = self.allowed();
        if pace >= ONE {
            return Duration::ZERO;
        }
        (took.min(PAUSE_MAX * ONE) * (ONE - pace) / pace).min(PAUSE_MAX)
    }

    /// How long nothing begins after a part of a batch that took so long, and its statements so long of that.
    pub(super) fn pause_after_part(&self, took: Duration, statements: Duration) -> Duration {
        self.pause_after(took.min(statements.saturating_add(ANSWER)))
    }

    /// It is slower than it could be, since statements were slow or the application is at work.
    pub(super) fn gives_way(&self) -> bool {
        self.before.is_some() || self.allowed() < self.pace
    }

    /// A batch begins, and so many are under way with it.
    pub(super) fn begins(&mut self, under_way: u32) {
        self.peak = self.peak.max(under_way);
    }

    /// A statement has answered, while so many batches are under way.
    pub(super) fn answered(&mut self, timed: &Timed, under_way: u32, now: Duration) -> Option<Turn> {
        self.forget_what_is_stale(now);
        let entities = u64::try_from(timed.entities.max(1)).unwrap_or(u64::MAX);
        let took_ns = (u64::try_from(timed.took.as_nanos()).unwrap_or(u64::MAX) / entities).max(1);
        let sort = Sort { kind: timed.kind.clone(), reading: timed.reading, magnitude: entities.ilog2() };
        // What is not known to be slow is as usual.
        let usual = self.usual.entry(sort).or_default().note(took_ns, now);
        self.window.push(usual.map_or(USUAL, |usual| took_ns.saturating_mul(USUAL) / usual.max(1)));
        if self.window.len() < WINDOW {
            return None;
        }
        self.window.sort_unstable();
        let took = self.window[(WINDOW - 1) / 2];
        self.window.clear();
        let turn = self.judge(took);
        self.peak = under_way;
        turn
    }

    fn judge(&mut self, took: u64) -> Option<Turn> {
        let slack = u64::from(self.bounds.slowdown_max_percent) * USUAL / 100;
        if took > USUAL + slack {
            self.slow_in_a_row += 1;
            return (self.slow_in_a_row >= SLOW_IN_A_ROW).then(|| self.fall(took)).flatten();
        }
        self.slow_in_a_row = 0;
        if took <= USUAL + slack / 2 { self.rise() } else { None }
    }

    fn fall(&mut self, took: u64) -> Option<Turn> {
        self.slow_in_a_row = 0;
        self.is_new = false;
        // What is allowed and not used is not given up first.
        let used = self.pace.min((self.peak.max(1)).saturating_mul(ONE));
        let slower = (used * FALL / 1_000).max(SLOWEST);
        let first = self.before.is_none();
        if slower < self.pace {
            self.before.get_or_insert(used);
        }
        self.pace = slower.min(self.pace);
        (first && self.before.is_some()).then_some(Turn::GivesWay { took })
    }

    /// Only where as much is used as is allowed: else nothing is known of how more would do.
    fn rise(&mut self) -> Option<Turn> {
        if self.peak < self.batches() || self.allowed() < self.pace {
            return None;
        }
        let step = if self.is_new { STEP_FIRST } else { STEP };
        self.pace = (self.pace + step).min(self.bounds.fastest);
        self.return_from_giving_way()
    }

    fn return_from_giving_way(&mut self) -> Option<Turn> {
        self.before.take_if(|before| self.pace >= *before).map(|_| Turn::Returns)
    }

    /// A sweep that comes much later begins as the first one did; what was usual is remembered.
    fn forget_what_is_stale(&mut self, now: Duration) {
        let is_stale = self.last.is_some_and(|last| now.saturating_sub(last) > STALE_AFTER);
        self.last = Some(now);
        if is_stale {
            self.pace = ONE.min(self.bounds.fastest);
            (self.is_new, self.before, self.slow_in_a_row) = (true, None, 0);
            self.window.clear();
        }
    }
}

#[cfg(test)]
mod tests;
