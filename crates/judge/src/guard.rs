//! How much of a kind one run may write.
//!
//! Drift of many rows at once is more often a wrong spec, a wrong contract or a broken node than so many lost writes.
//! The guard is asked once a run and kind, when every plan is known and nothing is written yet.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How many parts a whole has: one part is a millionth of a percent.
const WHOLE: u64 = 100 * PARTS_PER_PERCENT;
/// How finely a percentage is told: six digits behind the point.
const PARTS_PER_PERCENT: u64 = 1_000_000;
/// The digits that [`PARTS_PER_PERCENT`] stands for.
const FRACTION_DIGITS: usize = 6;

/// A share of a whole, exact: a decimal percentage of at most six digits behind the point, from 0 % to 100 %.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Share(u64);

impl Share {
    /// Everything.
    pub const ALL: Self = Self(WHOLE);

    /// That many percent; none above 100.
    #[must_use]
    pub const fn percent(percent: u64) -> Option<Self> {
        if percent > 100 { None } else { Some(Self(percent * PARTS_PER_PERCENT)) }
    }

    /// Reads a percentage as people write it: `10%`, `0.5 %`. None if it is not one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let number = text.trim().strip_suffix('%')?.trim_end();
        let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
        let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|digit| digit.is_ascii_digit());
        if !is_digits(whole) || !is_digits(fraction) || fraction.len() > FRACTION_DIGITS {
            return None;
        }
        let parts: u64 = format!("{fraction:0<FRACTION_DIGITS$}").parse().ok()?;
        let parts = whole.parse::<u64>().ok()?.checked_mul(PARTS_PER_PERCENT)?.checked_add(parts)?;
        (parts <= WHOLE).then_some(Self(parts))
    }

    /// The most of so many that is not above the share.
    #[must_use]
    pub fn of(self, count: u64) -> u64 {
        let share = u128::from(count) * u128::from(self.0) / u128::from(WHOLE);
        // At most the count itself.
        u64::try_from(share).unwrap_or(count)
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, fraction) = (self.0 / PARTS_PER_PERCENT, self.0 % PARTS_PER_PERCENT);
        if fraction == 0 {
            return write!(f, "{whole}%");
        }
        let fraction = format!("{fraction:0>FRACTION_DIGITS$}");
        write!(f, "{whole}.{}%", fraction.trim_end_matches('0'))
    }
}

/// What a spec allows one run to write of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Limits {
    /// At most this share of the kind's entities in the run.
    pub max_share: Share,
    /// At most so many; none for any number.
    pub max_count: Option<u64>,
    /// Up to so many the share does not count: of a small table every row is a large share.
    pub floor: u64,
    /// Touches are counted together over so many seconds, as sweeps are each by itself.
    pub window_secs: i64,
}

impl Limits {
    /// The share where a spec names none, in percent.
    pub const DEFAULT_SHARE_PERCENT: u64 = 25;
    /// The floor where a spec names none.
    pub const DEFAULT_FLOOR: u64 = 50;
    /// The window where a spec names none, in seconds.
    pub const DEFAULT_WINDOW_SECS: i64 = 3_600;

    /// How many writes are allowed of so many entities, and what sets the limit. The count is never exceeded; the
    /// share is, up to the floor.
    #[must_use]
    pub fn allowed(&self, entities: u64) -> (u64, LimitedBy) {
        let by_share = self.max_share.of(entities).max(self.floor);
        match self.max_count {
            Some(count) if count < by_share => (count, LimitedBy::Count),
            _ => (by_share, LimitedBy::Share),
        }
    }
}

impl Default for Limits {
    /// What holds for a spec that says nothing: a quarter of the entities, at least fifty, and no other count.
    fn default() -> Self {
        Self {
            max_share: Share(Self::DEFAULT_SHARE_PERCENT * PARTS_PER_PERCENT),
            max_count: None,
            floor: Self::DEFAULT_FLOOR,
            window_secs: Self::DEFAULT_WINDOW_SECS,
        }
    }
}

/// Which of the limits is the narrower one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitedBy {
    /// `max_share`, with its floor.
    Share,
    /// `max_count`.
    Count,
}

/// What the guard says of one kind in one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Guarded {
    /// The kind's entities in the run.
    pub entities: u64,
    /// Plans that would write.
    pub plans: u64,
    /// How many may.
    pub allowed: u64,
    /// What sets that limit.
    pub limited_by: LimitedBy,
    /// The plans are those of all runs of touches of so many seconds, and the entities those of the table; none for a
    /// run by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window_secs: Option<i64>,
}

impl Guarded {
    /// There are more plans than may write: none does, since nobody knows which of them are right.
    #[must_use]
    pub const fn tripped(&self) -> bool {
        self.plans > self.allowed
    }
}

/// Asks whether so many plans of a kind may write, in a run over so many of its entities.
#[must_use]
pub fn guard(limits: &Limits, entities: u64, plans: u64) -> Guarded {
    let (allowed, limited_by) = limits.allowed(entities);
    Guarded { entities, plans, allowed, limited_by, window_secs: None }
}

/// Asks whether the plans of touches may write: so many of a kind over the window, whose table has so many entities.
#[must_use]
pub fn guard_window(limits: &Limits, entities: u64, plans: u64) -> Guarded {
    Guarded { window_secs: Some(limits.window_secs), ..guard(limits, entities, plans) }
}
