//! `[worker]` and `[database]` of `trueup.toml`: how long trueup waits, and how much it does at once.
//!
//! What a section leaves out keeps its default. Each value has a range, outside of which the process could not work
//! or would burden the database; a value outside of it ends the start with an error.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::time::Duration;

use anyhow::bail;
use serde::Deserialize;
use trueup_database::connect::PoolSettings;
use trueup_workers::Settings;

/// The longest that anything here may be told to wait: a day, in seconds.
pub(super) const LONGEST_SECS: u64 = 86_400;

/// `[worker]`: looks, the scheduler's rounds, and patience.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkerConfig {
    /// How often an entity that is settling is looked at again within a run: 0 to 100; 3.
    pub max_looks: Option<i32>,
    /// How long to wait before an entity that moved is looked at again, in milliseconds: 10 to 3,600,000; 2,000.
    pub look_again_after_ms: Option<u64>,
    /// How often schedules, deadlines and unfinished runs are looked at, in milliseconds: 10 to 60,000; 1,000.
    pub tick_ms: Option<u64>,
    /// How long a scheduler that was killed keeps others from adding the jobs of its run: 1 to 3,600; 20.
    pub enqueue_claim_secs: Option<i64>,
    /// How many rows are looked at together: 1 to 100,000; 1,990, which are ten full calls.
    pub rows_per_range: Option<i64>,
    /// How many jobs one statement adds: 1 to 100,000; 50,000.
    pub jobs_per_chunk: Option<i64>,
    /// How long the database or the chain may fail without a break before the process gives up: 1 to 86,400; 60.
    pub unreachable_after_secs: Option<u64>,
    /// How often contracts' events are read up to the chain's tip, in milliseconds: 100 to 3,600,000; 5,000, or 1,000
    /// where a spec has `[[touch]]`.
    pub events_ms: Option<u64>,
    /// How long a run waits for events to be read up to the tip: 1 to 3,600; 60.
    pub events_catch_up_secs: Option<u64>,
    /// How many events are read and stored at once: 1 to 10,000; 10,000.
    pub events_per_page: Option<usize>,
    /// How long job rows of a finished run are kept: 0 to 3,650 days; 7.
    pub keep_jobs_days: Option<i32>,
}

/// `[database]`: connections and patience.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseConfig {
    /// Connections for reading the application's tables: 1 to 100; 4.
    pub readers: Option<u32>,
    /// Connections for everything that is written: 1 to 100; 6.
    pub writers: Option<u32>,
    /// How long a statement waits for a lock, in milliseconds: 10 to 600,000; 10,000.
    pub lock_timeout_ms: Option<u64>,
    /// How long an unreachable server is tried for at start: 1 to 3,600; 15.
    pub connect_secs: Option<u64>,
}

// === impl WorkerConfig ===

impl WorkerConfig {
    pub(super) fn settings(&self) -> anyhow::Result<Settings> {
        let default = Settings::default();
        let section = Section("worker");
        let events_every = section.pick("events_ms", self.events_ms, 100..=3_600_000)?.map(Duration::from_millis);
        Ok(Settings {
            max_looks: section.pick("max_looks", self.max_looks, 0..=100)?.unwrap_or(default.max_looks),
            look_again_after: section
                .pick("look_again_after_ms", self.look_again_after_ms, 10..=3_600_000)?
                .map_or(default.look_again_after, Duration::from_millis),
            tick_every: section.pick("tick_ms", self.tick_ms, 10..=60_000)?.map_or(default.tick_every, Duration::from_millis),
            enqueue_claim_secs: section
                .pick("enqueue_claim_secs", self.enqueue_claim_secs, 1..=3_600)?
                .unwrap_or(default.enqueue_claim_secs),
            rows_per_range: section.pick("rows_per_range", self.rows_per_range, 1..=100_000)?.unwrap_or(default.rows_per_range),
            jobs_per_chunk: section.pick("jobs_per_chunk", self.jobs_per_chunk, 1..=100_000)?.unwrap_or(default.jobs_per_chunk),
            unreachable_after: section
                .pick("unreachable_after_secs", self.unreachable_after_secs, 1..=LONGEST_SECS)?
                .map_or(default.unreachable_after, Duration::from_secs),
            events_every: events_every.unwrap_or(default.events_every),
            events_every_touching: events_every.unwrap_or(default.events_every_touching),
            events_catch_up: section
                .pick("events_catch_up_secs", self.events_catch_up_secs, 1..=3_600)?
                .map_or(default.events_catch_up, Duration::from_secs),
            events_per_page: section.pick("events_per_page", self.events_per_page, 1..=10_000)?.unwrap_or(default.events_per_page),
            keep_jobs_days: section.pick("keep_jobs_days", self.keep_jobs_days, 0..=3_650)?.unwrap_or(default.keep_jobs_days),
            ..default
        })
    }
}

// === impl DatabaseConfig ===

impl DatabaseConfig {
    /// How the database is connected to. `standstill` is the queue's.
    pub(super) fn settings(&self, standstill: Duration) -> anyhow::Result<PoolSettings> {
        let default = PoolSettings::default();
        let section = Section("database");
        Ok(PoolSettings {
            readers: section.pick("readers", self.readers, 1..=100)?.unwrap_or(default.readers),
            writers: section.pick("writers", self.writers, 1..=100)?.unwrap_or(default.writers),
            lock_timeout_ms: section.pick("lock_timeout_ms", self.lock_timeout_ms, 10..=600_000)?.unwrap_or(default.lock_timeout_ms),
            patience_secs: section.pick("connect_secs", self.connect_secs, 1..=3_600)?.unwrap_or(default.patience_secs),
            standstill_ms: u64::try_from(standstill.as_millis())?,
        })
    }
}

/// A section of `trueup.toml`, for messages.
pub(super) struct Section(pub(super) &'static str);

// === impl Section ===

impl Section {
    /// The value that was given, if it lies within its range.
    pub(super) fn pick<T: PartialOrd + Display>(&self, key: &str, value: Option<T>, range: RangeInclusive<T>) -> anyhow::Result<Option<T>> {
        match value {
            Some(value) if !range.contains(&value) => {
                bail!("[{}] {key} is {value}; it must be from {} to {}", self.0, range.start(), range.end())
            }
            value => Ok(value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;

    fn parse(text: &str) -> Config {
        toml::from_str(text).expect("valid TOML")
    }

    #[test]
    fn what_the_file_leaves_out_keeps_its_default() {
        let config = parse("");
        assert_eq!(config.queue_settings().expect("valid"), trueup_queue::Settings::default());
        assert_eq!(config.worker_settings().expect("valid"), Settings::default());
        assert_eq!(config.pool_settings().expect("valid"), PoolSettings::default());
    }

    #[test]
    fn a_short_lease_beats_and_reaps_as_often_as_it_needs() {
        let queue = parse("[queue]\nlease_secs = 1\n[worker]\nunreachable_after_secs = 9").queue_settings().expect("valid");
        queue.validate().expect("a worker could work with it");
        assert_eq!((queue.lease, queue.unreachable_after), (Duration::from_secs(1), Duration::from_secs(9)));
        let half = parse("[queue]\nlease_secs = 9").pool_settings().expect("valid");
        assert_eq!(half.standstill_ms, 4_500, "what a frozen process has locked is free before its leases expire");
    }

    #[test]
    fn every_limit_can_be_said() {
        let config = parse(
            "[queue]\npoll_ms = 20\nmax_failures = 2\nretry_base_ms = 30\nretry_cap_secs = 4\ndrain_grace_secs = 5
             [worker]\nmax_looks = 6\nlook_again_after_ms = 70\ntick_ms = 80\nenqueue_claim_secs = 9\njobs_per_chunk = 10\nrows_per_range = 8\nkeep_jobs_days = 11
             events_ms = 120\nevents_catch_up_secs = 13\nevents_per_page = 14
             [database]\nreaders = 1\nwriters = 2\nlock_timeout_ms = 300\nconnect_secs = 4",
        );
        let queue = config.queue_settings().expect("valid");
        assert_eq!((queue.poll_every.as_millis(), queue.max_failures, queue.backoff_base.as_millis()), (20, 2, 30));
        assert_eq!((queue.backoff_cap.as_secs(), queue.drain_grace.as_secs()), (4, 5));
        let worker = config.worker_settings().expect("valid");
        assert_eq!((worker.max_looks, worker.look_again_after.as_millis(), worker.tick_every.as_millis()), (6, 70, 80));
        assert_eq!((worker.enqueue_claim_secs, worker.jobs_per_chunk, worker.keep_jobs_days), (9, 10, 11));
        assert_eq!(worker.rows_per_range, 8);
        assert_eq!((worker.events_every.as_millis(), worker.events_catch_up.as_secs(), worker.events_per_page), (120, 13, 14));
        let pools = config.pool_settings().expect("valid");
        assert_eq!((pools.readers, pools.writers, pools.lock_timeout_ms, pools.patience_secs), (1, 2, 300, 4));
    }

    #[test]
    fn a_limit_outside_its_range_is_refused_by_name() {
        let refused = parse("[queue]\nlease_secs = 0").queue_settings().expect_err("refused").to_string();
        assert_eq!(refused, "[queue] lease_secs is 0; it must be from 1 to 3600");
        let refused = parse("[worker]\nmax_looks = -1").worker_settings().expect_err("refused").to_string();
        assert_eq!(refused, "[worker] max_looks is -1; it must be from 0 to 100");
        let refused = parse("[database]\nwriters = 1000").pool_settings().expect_err("refused").to_string();
        assert_eq!(refused, "[database] writers is 1000; it must be from 1 to 100");
        let refused = parse("[queue]\nretry_base_ms = 5000\nretry_cap_secs = 2").queue_settings().expect_err("refused").to_string();
        assert!(refused.contains("retry_base_ms (5000 ms)"), "{refused}");
        assert!(toml::from_str::<Config>("[queue]\nleese_secs = 1").is_err(), "an unknown key is an error");
    }
}
