//! `[touch]` of `trueup.toml`: how touched entities are looked at.

use std::time::Duration;

use serde::Deserialize;
use trueup_judge::Mode;
use trueup_workers::{Settings, Touching};

use super::limits::Section;

/// The pause between two runs of touches where nothing else is said, in milliseconds.
const DEFAULT_EVERY_MS: u64 = 200;
/// Their timeout where nothing else is said, in seconds.
const DEFAULT_TIMEOUT_SECS: i64 = 600;

/// `[touch]`: every scheduler should say the same.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TouchConfig {
    /// How far runs of touches go; as far as the farthest of the schedules, unless it says otherwise.
    pub mode: Option<Mode>,
    /// How often what waits is looked at, in milliseconds: 10 to 60,000; 200.
    pub every_ms: Option<u64>,
    /// Their timeout: 10 to 86,400 seconds; 600.
    pub timeout_secs: Option<i64>,
    /// How long those that found something are kept: 24 to 8,760 hours; 24.
    pub keep_hours: Option<i32>,
}

impl TouchConfig {
    pub(super) fn touching(&self, schedules: impl Iterator<Item = Mode>) -> anyhow::Result<Touching> {
        let section = Section("touch");
        Ok(Touching {
            mode: self.mode.or_else(|| schedules.max_by_key(|mode| reach(*mode))).unwrap_or_default(),
            every: Duration::from_millis(section.pick("every_ms", self.every_ms, 10..=60_000)?.unwrap_or(DEFAULT_EVERY_MS)),
            timeout_secs: section.pick("timeout_secs", self.timeout_secs, 10..=86_400)?.unwrap_or(DEFAULT_TIMEOUT_SECS),
        })
    }

    /// At least a day: for so long their guard may count.
    pub(super) fn keep_hours(&self) -> anyhow::Result<i32> {
        Ok(Section("touch").pick("keep_hours", self.keep_hours, 24..=8_760)?.unwrap_or(Settings::default().keep_touches_hours))
    }
}

const fn reach(mode: Mode) -> u8 {
    match mode {
        Mode::Detect => 0,
        Mode::Propose => 1,
        Mode::Repair => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;

    fn mode(text: &str) -> Mode {
        let config: Config = toml::from_str(text).expect("valid TOML");
        config.touching().expect("valid").mode
    }

    #[test]
    fn touches_go_as_far_as_the_farthest_schedule_unless_they_are_told_otherwise() {
        let schedules = "[[schedule]]\nname='a'\ncron='* * * * *'\nmode='repair'\n[[schedule]]\nname='b'\ncron='* * * * *'";
        assert_eq!(mode(schedules), Mode::Repair);
        assert_eq!(mode(&format!("{schedules}\n[touch]\nmode='propose'")), Mode::Propose);
        assert_eq!(mode(""), Mode::Detect);
    }

    #[test]
    fn what_the_guard_may_count_is_not_forgotten() {
        let config: Config = toml::from_str("[touch]\nkeep_hours = 1").expect("valid TOML");
        let refused = config.worker_settings().expect_err("refused").to_string();
        assert_eq!(refused, "[touch] keep_hours is 1; it must be from 24 to 8760");
    }
}
