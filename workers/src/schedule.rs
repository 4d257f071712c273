use std::str::FromStr;

use chrono::{DateTime, Utc};
use croner::Cron;
use trueup_judge::{EntityKind, Mode};

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
    /// Their timeout, in seconds.
    pub timeout_secs: i64,
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
    fn what_is_no_cron_expression_is_refused_with_an_example() {
        let error = "every tuesday".parse::<CronExpression>().expect_err("not cron");
        assert!(error.contains("every tuesday") && error.contains("*/15 * * * *"), "{error}");
    }
}
