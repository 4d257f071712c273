//! `[throttle]` of `trueup.toml`: how sweeps give way to the application.

use std::ops::RangeInclusive;

use anyhow::Context as _;
use serde::Deserialize;
use trueup_workers::ThrottleSettings;

use super::limits::Section;

/// Below five percent, statements differ by chance.
const SLOWDOWN_PERCENT: RangeInclusive<u32> = 5..=1_000;
const BUSY_PERCENT: RangeInclusive<u32> = 13..=10_000;

/// `[throttle]`: each worker gives way for itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ThrottleConfig {
    /// Whether sweeps give way; they do, unless it says otherwise.
    pub enabled: Option<bool>,
    /// By how much trueup's own statements may be slower than usual before sweeps give way: `"5%"` to `"1000%"`; `"50%"`.
    pub slowdown_max: Option<String>,
    /// How busy sweeps are at most: `"100%"` is one batch after the other, `"25%"` one, followed by a pause three times
    /// as long; `"13%"` to `"10000%"`. As busy as they can, unless it says otherwise.
    pub busy_max: Option<String>,
    /// The same while sessions of the application are at work in the database, in parts of one call each, where a wait for
    /// the chain hardly counts; `"25%"`.
    pub busy_beside: Option<String>,
}

// === impl ThrottleConfig ===

impl ThrottleConfig {
    pub(super) fn settings(&self) -> anyhow::Result<ThrottleSettings> {
        let default = ThrottleSettings::default();
        let slowdown_max = percent("slowdown_max", self.slowdown_max.as_deref(), SLOWDOWN_PERCENT)?;
        Ok(ThrottleSettings {
            enabled: self.enabled.unwrap_or(default.enabled),
            slowdown_max_percent: slowdown_max.unwrap_or(default.slowdown_max_percent),
            busy_max_percent: percent("busy_max", self.busy_max.as_deref(), BUSY_PERCENT)?.or(default.busy_max_percent),
            busy_beside_percent: percent("busy_beside", self.busy_beside.as_deref(), BUSY_PERCENT)?.unwrap_or(default.busy_beside_percent),
        })
    }
}

fn percent(key: &str, text: Option<&str>, range: RangeInclusive<u32>) -> anyhow::Result<Option<u32>> {
    let Some(text) = text else { return Ok(None) };
    let number = text.strip_suffix('%').and_then(|number| number.trim_end().parse().ok());
    let number = number.with_context(|| format!("[throttle] {key} is `{text}`; it must be a whole percentage, as in \"50%\""))?;
    Section("throttle").pick(key, Some(number), range)
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;

    fn settings(text: &str) -> anyhow::Result<ThrottleSettings> {
        let config: Config = toml::from_str(text).expect("valid TOML");
        Ok(config.worker_settings()?.throttle)
    }

    #[test]
    fn sweeps_give_way_unless_they_are_told_otherwise() {
        assert_eq!(settings("").expect("valid"), ThrottleSettings::default());
        assert!(ThrottleSettings::default().enabled);
        let said = settings("[throttle]\nenabled = false\nslowdown_max = '20%'\nbusy_max = '25 %'\nbusy_beside = '50%'").expect("valid");
        assert_eq!(
            said,
            ThrottleSettings { enabled: false, slowdown_max_percent: 20, busy_max_percent: Some(25), busy_beside_percent: 50 }
        );
    }

    #[test]
    fn what_is_no_percentage_or_out_of_range_is_refused_by_name() {
        let refused = |text: &str| settings(text).expect_err("refused").to_string();
        let bare = "[throttle] slowdown_max is `50`; it must be a whole percentage, as in \"50%\"";
        assert_eq!(refused("[throttle]\nslowdown_max = '50'"), bare);
        assert_eq!(refused("[throttle]\nslowdown_max = '0%'"), "[throttle] slowdown_max is 0; it must be from 5 to 1000");
        assert_eq!(refused("[throttle]\nbusy_max = '1%'"), "[throttle] busy_max is 1; it must be from 13 to 10000");
        assert_eq!(refused("[throttle]\nbusy_beside = '0%'"), "[throttle] busy_beside is 0; it must be from 13 to 10000");
    }
}
