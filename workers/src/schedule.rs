use std::str::FromStr;

use chrono::{DateTime, Utc};
use croner::Cron;
use trueup_judge::{EntityKind, Mode, Sweep};

/// When which run is started.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// Its name: what its ticks are recorded under, so that renaming it starts it anew.
    pub name: String,
    /// When, in UTC.
    pub cron: CronExpression,
    /// What its runs cover; empty: all kinds that have a spec.
    pub kinds: Vec<EntityKind>,
    /// How far its runs go.
    pub mode: Mode,
    /// Which of them compare every entity.
    pub full: FullSweeps,
    /// Their timeout, in seconds.
    pub timeout_secs: i64,
}

/// Which runs of a schedule are full sweeps; the others pass over rows that have not moved.
#[derive(Debug, Clone)]
pub enum FullSweeps {
    /// All of them.
    Always,
    /// The first after each of these moments, in UTC, that comes to its end.
    At(Box<CronExpression>),
}

impl FullSweeps {
    /// When nothing else is said: once a day.
    pub const DEFAULT: &str = "0 0 * * *";
    /// The word for [`Self::Always`].
    pub const ALWAYS: &str = "always";

    /// What a run that starts now is to be, after the newest one that was full.
    #[must_use]
    pub fn sweep(&self, now: DateTime<Utc>, last_full: Option<DateTime<Utc>>) -> Sweep {
        match (self, last_full) {
            (Self::At(moments), Some(last)) if moments.due(now).is_none_or(|due| due <= last) => Sweep::Incremental,
            _ => Sweep::Full,
        }
    }
}

impl FromStr for FullSweeps {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == Self::ALWAYS { Ok(Self::Always) } else { text.parse().map(|it| Self::At(Box::new(it))) }
    }
}

/// A cron expression of five fields, or six with seconds, in UTC.
#[derive(Debug, Clone)]
pub struct CronExpression(Cron);

impl FromStr for CronExpression {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Cron::from_str(text)
            .map(Self)
            .map_err(|error| format!("`{text}` is no cron expression: {error}. Example: `*/15 * * * *`, every 15 minutes, UTC"))
    }
}

impl CronExpression {
    /// The newest tick that is due at `now`; none if there never was one.
    #[must_use]
    pub fn due(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.0.find_previous_occurrence(&now, true).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("a time")
    }

    #[test]
    fn the_due_tick_is_the_newest_one_that_has_come() {
        let cron: CronExpression = "*/15 * * * *".parse().expect("every quarter of an hour");
        assert_eq!(cron.due(at("2026-03-01T10:07:12Z")), Some(at("2026-03-01T10:00:00Z")));
        assert_eq!(cron.due(at("2026-03-01T10:15:00Z")), Some(at("2026-03-01T10:15:00Z")));
    }

    #[test]
    fn a_sweep_is_full_where_none_was_since_the_moment_for_one() {
        let daily: FullSweeps = FullSweeps::DEFAULT.parse().expect("valid");
        let last = at("2026-03-01T00:05:00Z");
        assert_eq!(daily.sweep(at("2026-03-01T12:00:00Z"), None), Sweep::Full, "there was none");
        assert_eq!(daily.sweep(at("2026-03-01T23:59:00Z"), Some(last)), Sweep::Incremental);
        assert_eq!(daily.sweep(at("2026-03-02T00:05:00Z"), Some(last)), Sweep::Full);
        let always: FullSweeps = FullSweeps::ALWAYS.parse().expect("valid");
        assert_eq!(always.sweep(at("2026-03-01T00:05:01Z"), Some(last)), Sweep::Full);
    }

    #[test]
    fn what_is_no_cron_expression_is_refused_with_an_example() {
        let error = "every tuesday".parse::<CronExpression>().expect_err("not cron");
        assert!(error.contains("every tuesday") && error.contains("*/15 * * * *"), "{error}");
    }
}
