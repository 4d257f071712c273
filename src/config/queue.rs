//! `queue` of `trueup.toml`: where jobs wait, and how long for what.

use std::fmt;
use std::time::Duration;

use anyhow::bail;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use trueup_queue::{DEFAULT_PREFIX, EngineName, RedisSettings};

use super::limits::{LONGEST_SECS, Section};

/// Beats within the life of a lease: two that are lost do no harm.
const BEATS_PER_LEASE: u32 = 4;
/// How often expired leases are looked for within the life of one.
const REAPS_PER_LEASE: u32 = 10;
/// How long a prefix of keys may be, in bytes.
const LONGEST_PREFIX: usize = 64;

/// `[queue]`: where jobs wait, leases and retries. Every replica should say the same.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueueConfig {
    /// Where jobs wait: `postgres` or `redis`; `postgres`.
    pub engine: Option<EngineName>,
    /// Where Redis is: `redis://[[USER]:PASSWORD@]HOST:PORT[/NUMBER]`, or `rediss://…` for TLS.
    pub url: Option<String>,
    /// What the names of all keys in Redis begin with; `trueup`.
    pub prefix: Option<String>,
    /// How long a killed worker keeps its jobs from the others: 1 to 3,600; 20.
    pub lease_secs: Option<u64>,
    /// How often an idle worker looks for jobs that nobody has announced, in milliseconds: 10 to 60,000; 1,000.
    pub poll_ms: Option<u64>,
    /// How many tries of a job may fail before it is dead: 1 to 100; 5.
    pub max_failures: Option<i32>,
    /// The pause after a job's first failure, in milliseconds; it doubles with each further one: 10 to 3,600,000; 2,000.
    pub retry_base_ms: Option<u64>,
    /// The longest pause between two tries: 1 to 86,400; 600.
    pub retry_cap_secs: Option<u64>,
    /// How long a worker that is told to stop finishes what it holds: 0 to 3,600; 20.
    pub drain_grace_secs: Option<u64>,
}

// === impl QueueConfig ===

impl QueueConfig {
    /// The queue's settings. `patience` is the worker's.
    pub(super) fn settings(&self, patience: Duration) -> anyhow::Result<trueup_queue::Settings> {
        let default = trueup_queue::Settings::default();
        let section = Section("queue");
        let lease = section.pick("lease_secs", self.lease_secs, 1..=3_600)?.map_or(default.lease, Duration::from_secs);
        let settings = trueup_queue::Settings {
            redis: self.redis()?,
            lease,
            heartbeat_every: lease / BEATS_PER_LEASE,
            reap_every: lease / REAPS_PER_LEASE,
            poll_every: section.pick("poll_ms", self.poll_ms, 10..=60_000)?.map_or(default.poll_every, Duration::from_millis),
            max_failures: section.pick("max_failures", self.max_failures, 1..=100)?.unwrap_or(default.max_failures),
            backoff_base: section
                .pick("retry_base_ms", self.retry_base_ms, 10..=3_600_000)?
                .map_or(default.backoff_base, Duration::from_millis),
            backoff_cap: section
                .pick("retry_cap_secs", self.retry_cap_secs, 1..=LONGEST_SECS)?
                .map_or(default.backoff_cap, Duration::from_secs),
            drain_grace: section
                .pick("drain_grace_secs", self.drain_grace_secs, 0..=3_600)?
                .map_or(default.drain_grace, Duration::from_secs),
            unreachable_after: patience,
            ..default
        };
        if settings.backoff_base > settings.backoff_cap {
            bail!(
                "[queue] retry_base_ms ({} ms) must not be longer than retry_cap_secs ({} s)",
                settings.backoff_base.as_millis(),
                settings.backoff_cap.as_secs()
            );
        }
        Ok(settings)
    }

    /// Where Redis is, if jobs wait there.
    fn redis(&self) -> anyhow::Result<Option<RedisSettings>> {
        let Self { engine, url, prefix, .. } = self;
        if engine.unwrap_or_default() == EngineName::Postgres {
            // The environment may name a Redis that others use.
            if prefix.is_some() {
                bail!("[queue] prefix is for engine = \"redis\"; the engine is postgres");
            }
            return Ok(None);
        }
        let Some(url) = url else {
            bail!(
                "the queue is to be on Redis, but none is named: set TRUEUP_REDIS_URL, or write url = \"redis://HOST:PORT\" under [queue] into trueup.toml"
            );
        };
        let prefix = prefix.as_deref().unwrap_or(DEFAULT_PREFIX);
        let fit = |letter: char| letter.is_ascii_alphanumeric() || "-_.:".contains(letter);
        if !(1..=LONGEST_PREFIX).contains(&prefix.len()) || !prefix.chars().all(fit) {
            bail!("[queue] prefix is \"{prefix}\"; it must have 1 to {LONGEST_PREFIX} letters, digits or any of -_.:");
        }
        Ok(Some(RedisSettings { url: url.clone(), prefix: prefix.to_owned() }))
    }
}

/// The engine of this name.
pub(super) fn engine_named(name: &str) -> Result<EngineName, String> {
    let engines = [EngineName::Postgres, EngineName::Redis];
    let engine = engines.into_iter().find(|engine| engine.as_str() == name);
    engine.ok_or_else(|| format!("a queue is on \"postgres\" or on \"redis\", not on \"{name}\""))
}

/// Reads `queue = "redis"` as well as a section `[queue]`.
pub(super) fn queue_section<'de, D: Deserializer<'de>>(from: D) -> Result<QueueConfig, D::Error> {
    from.deserialize_any(NameOrSection)
}

struct NameOrSection;

impl<'de> Visitor<'de> for NameOrSection {
    type Value = QueueConfig;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"postgres\", \"redis\" or a section [queue]")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<QueueConfig, E> {
        Ok(QueueConfig { engine: Some(engine_named(name).map_err(E::custom)?), ..QueueConfig::default() })
    }

    fn visit_map<A: MapAccess<'de>>(self, section: A) -> Result<QueueConfig, A::Error> {
        QueueConfig::deserialize(MapAccessDeserializer::new(section))
    }
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;

    fn settings(text: &str) -> anyhow::Result<trueup_queue::Settings> {
        toml::from_str::<Config>(text)?.queue_settings()
    }

    #[test]
    fn the_engine_is_one_line_or_a_section() {
        assert_eq!(settings("").expect("valid").redis, None);
        assert_eq!(settings("queue = 'postgres'").expect("valid").redis, None);
        let section = settings("[queue]\nengine = 'redis'\nurl = 'redis://a:1'\nlease_secs = 3").expect("valid");
        assert_eq!((section.redis, section.lease.as_secs()), (Some(RedisSettings::new("redis://a:1")), 3));
        let mut line: Config = toml::from_str("queue = 'redis'").expect("valid TOML");
        let unnamed = line.queue_settings().expect_err("no Redis").to_string();
        assert!(unnamed.contains("TRUEUP_REDIS_URL"), "{unnamed}");
        line.queue.url = Some("redis://b:2".to_owned());
        assert_eq!(line.queue_settings().expect("valid").redis, Some(RedisSettings::new("redis://b:2")));
    }

    #[test]
    fn a_queue_that_cannot_be_is_refused_by_name() {
        let other = settings("queue = 'kafka'").expect_err("refused");
        assert!(format!("{other:#}").contains("on \"postgres\" or on \"redis\", not on \"kafka\""), "{other:#}");
        assert!(settings("[queue]\nengine = 'kafka'").is_err());
        assert!(settings("[queue]\nprefix = 'mine'").expect_err("refused").to_string().contains("prefix"));
        let braces = settings("[queue]\nengine = 'redis'\nurl = 'redis://a:1'\nprefix = 'a{b'").expect_err("refused").to_string();
        assert!(braces.contains("\"a{b\""), "{braces}");
    }
}
