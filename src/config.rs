//! Where the database, the chain and the specs are: from `trueup.toml`, overridden by the environment, overridden by
//! flags.

mod limits;
mod queue;
mod throttle;
mod touch;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde::Deserialize;
use trueup_database::connect::PoolSettings;
use trueup_judge::{EntityKind, Mode};
use trueup_workers::{FullSweeps, Schedule, Settings, Touching};

pub use limits::{DatabaseConfig, WorkerConfig};
pub use queue::QueueConfig;
use queue::queue_section;
pub use throttle::ThrottleConfig;
pub use touch::TouchConfig;

/// The longest that one request to the RPC may be told to wait, in milliseconds.
const LONGEST_RPC_TIMEOUT_MS: u64 = 600_000;
/// The shortest.
const SHORTEST_RPC_TIMEOUT_MS: u64 = 100;

/// The most requests that may be open at a time at one endpoint.
const MOST_RPC_CALLS_IN_FLIGHT: usize = 64;

/// The file that is read if it is there and no other is named.
const DEFAULT_FILE: &str = "trueup.toml";
/// A run that says nothing else is reported as it stands after an hour.
pub(crate) const DEFAULT_TIMEOUT_SECS: i64 = 3600;

/// What trueup is configured with.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// `postgres://…`: a direct or session-mode connection.
    pub database_url: Option<String>,
    /// The Soroban RPC endpoint; of several, the preferred one.
    pub rpc_url: Option<String>,
    /// More endpoints of the same chain, which are asked where those before them do not answer.
    #[serde(default)]
    pub rpc_urls: Vec<String>,
    /// How many endpoints must show the same before a row is repaired: 1 or 2; 1 unless it says otherwise.
    pub confirm: Option<usize>,
    /// How many ledgers an endpoint may be behind the newest that is known before it is set aside.
    pub max_lag_ledgers: Option<u32>,
    /// The network that every endpoint must belong to.
    pub network_passphrase: Option<String>,
    /// Requests a second to each endpoint at most, for this process.
    pub rpc_calls_per_second: Option<u32>,
    /// Requests open at a time at each endpoint, for this process: 1 to 64; 8.
    pub rpc_calls_in_flight: Option<usize>,
    /// How long one request may take, in milliseconds: 100 to 600,000; 30,000.
    pub rpc_timeout_ms: Option<u64>,
    /// A Horizon server, which is asked for transactions that are older than what the endpoint keeps.
    pub horizon_url: Option<String>,
    /// Spec files, or folders of them.
    #[serde(default)]
    pub specs: Vec<PathBuf>,
    /// How proposals are approved.
    #[serde(default)]
    pub approval: ApprovalConfig,
    /// When runs are started by a scheduler.
    #[serde(default, rename = "schedule")]
    pub schedule: Vec<ScheduleConfig>,
    /// Touches.
    #[serde(default)]
    pub touch: TouchConfig,
    /// Where jobs wait, leases and retries: the name of the engine, or a section.
    #[serde(default, deserialize_with = "queue_section")]
    pub queue: QueueConfig,
    /// Looks, rounds and patience.
    #[serde(default)]
    pub worker: WorkerConfig,
    /// Connections to Postgres.
    #[serde(default)]
    pub database: DatabaseConfig,
    /// How sweeps give way to the application.
    #[serde(default)]
    pub throttle: ThrottleConfig,
}

/// `[approval]` of `trueup.toml`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApprovalConfig {
    /// Whoever approves must not be who started the run that proposed it.
    #[serde(default)]
    pub four_eyes: bool,
}

/// One `[[schedule]]` of `trueup.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScheduleConfig {
    /// Its name.
    pub name: String,
    /// A cron expression, in UTC.
    pub cron: String,
    /// The kinds that it covers; all, if it names none.
    #[serde(default)]
    pub kinds: Vec<String>,
    /// How far its runs go; `detect` unless it says otherwise.
    #[serde(default)]
    pub mode: Mode,
    /// Which of its runs compare every entity: the first after each of these moments (a cron expression, in
    /// UTC), or `always`. Midnight, unless it says otherwise.
    #[serde(default)]
    pub full: Option<String>,
    /// Their timeout, in seconds; an hour unless it says otherwise.
    #[serde(default)]
    pub timeout_secs: Option<i64>,
}

impl Config {
    /// Reads `trueup.toml` of the working directory, if it is there, and the environment.
    ///
    /// # Errors
    /// The file is not valid, with the place.
    pub fn from_environment() -> anyhow::Result<Self> {
        Self::read(None)?.or_environment()
    }

    /// Reads a file; the default one may be missing, a named one may not.
    ///
    /// # Errors
    /// The file cannot be read or is not valid, with the place.
    pub fn read(file: Option<&Path>) -> anyhow::Result<Self> {
        let (path, named) = file.map_or((Path::new(DEFAULT_FILE), false), |file| (file, true));
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if !named && error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        };
        toml::from_str(&text).with_context(|| format!("{} is not valid", path.display()))
    }

    /// What the environment says goes before what the file says: `DATABASE_URL`, `TRUEUP_RPC_URL`
    /// (several: separated by commas or blanks), `TRUEUP_HORIZON_URL`, `TRUEUP_CONFIRM`,
    /// `TRUEUP_NETWORK_PASSPHRASE`, `TRUEUP_SPECS` (separated by `:`), `TRUEUP_QUEUE`, `TRUEUP_REDIS_URL`.
    ///
    /// # Errors
    /// A variable that must be a number, or the name of an engine, is none.
    pub fn or_environment(mut self) -> anyhow::Result<Self> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        self.database_url = variable("DATABASE_URL").or(self.database_url);
        if let Some(urls) = variable("TRUEUP_RPC_URL") {
            self.set_rpc_urls(urls.split(|it: char| it == ',' || it.is_whitespace()).map(str::to_owned));
        }
        if let Some(confirm) = variable("TRUEUP_CONFIRM") {
            let confirm = confirm.trim().parse();
            self.confirm = Some(confirm.context("TRUEUP_CONFIRM says how many endpoints must agree before a repair: 1 or 2")?);
        }
        self.horizon_url = variable("TRUEUP_HORIZON_URL").or(self.horizon_url);
        self.network_passphrase = variable("TRUEUP_NETWORK_PASSPHRASE").or(self.network_passphrase);
        if let Some(specs) = variable("TRUEUP_SPECS") {
            self.specs = std::env::split_paths(&specs).collect();
        }
        if let Some(engine) = variable("TRUEUP_QUEUE") {
            self.queue.engine = Some(queue::engine_named(engine.trim()).map_err(anyhow::Error::msg).context("TRUEUP_QUEUE")?);
        }
        self.queue.url = variable("TRUEUP_REDIS_URL").or(self.queue.url);
        Ok(self)
    }

    /// These endpoints and no others; empty texts are none.
    pub(crate) fn set_rpc_urls(&mut self, urls: impl IntoIterator<Item = String>) {
        self.rpc_url = None;
        self.rpc_urls = urls.into_iter().filter(|url| !url.trim().is_empty()).collect();
    }

    /// The address of the database.
    ///
    /// # Errors
    /// Nobody said it.
    pub fn database_url(&self) -> anyhow::Result<&str> {
        self.database_url
            .as_deref()
            .context("no database is named: give --database-url, set DATABASE_URL, or write database_url into trueup.toml")
    }

    /// The addresses of the chain: `rpc_url`, then `rpc_urls`.
    ///
    /// # Errors
    /// Nobody said one.
    pub fn rpc_endpoints(&self) -> anyhow::Result<Vec<String>> {
        let urls: Vec<String> = self.rpc_url.iter().chain(&self.rpc_urls).cloned().collect();
        if urls.is_empty() {
            bail!("no Soroban RPC endpoint is named: give --rpc-url, set TRUEUP_RPC_URL, or write rpc_url into trueup.toml");
        }
        Ok(urls)
    }

    /// The spec files and folders.
    ///
    /// # Errors
    /// Nobody said where they are.
    pub fn specs(&self) -> anyhow::Result<&[PathBuf]> {
        if self.specs.is_empty() {
            bail!(
                "no specs are named: give --specs with files or folders, set TRUEUP_SPECS, or write specs = [\"…\"] into trueup.toml; docs/spec.md says how to write one"
            );
        }
        Ok(&self.specs)
    }

    /// How many requests may be open at a time at each endpoint; none if nothing is said of it.
    ///
    /// # Errors
    /// It is none, or more than an endpoint should be asked for.
    pub fn rpc_calls_in_flight(&self) -> anyhow::Result<Option<usize>> {
        match self.rpc_calls_in_flight {
            Some(calls) if !(1..=MOST_RPC_CALLS_IN_FLIGHT).contains(&calls) => {
                bail!("rpc_calls_in_flight is {calls}; it must be from 1 to {MOST_RPC_CALLS_IN_FLIGHT}")
            }
            calls => Ok(calls),
        }
    }

    /// How long one request to the RPC may take; none: the default.
    ///
    /// # Errors
    /// It is out of its range.
    pub fn rpc_timeout(&self) -> anyhow::Result<Option<Duration>> {
        match self.rpc_timeout_ms {
            Some(ms) if !(SHORTEST_RPC_TIMEOUT_MS..=LONGEST_RPC_TIMEOUT_MS).contains(&ms) => {
                bail!("rpc_timeout_ms is {ms}; it must be from {SHORTEST_RPC_TIMEOUT_MS} to {LONGEST_RPC_TIMEOUT_MS}")
            }
            ms => Ok(ms.map(Duration::from_millis)),
        }
    }

    /// The limits of scheduler and workers.
    ///
    /// # Errors
    /// One is out of its range.
    pub fn worker_settings(&self) -> anyhow::Result<Settings> {
        Ok(Settings { keep_touches_hours: self.touch.keep_hours()?, throttle: self.throttle.settings()?, ..self.worker.settings()? })
    }

    /// The limits of the queue.
    ///
    /// # Errors
    /// One is out of its range.
    pub fn queue_settings(&self) -> anyhow::Result<trueup_queue::Settings> {
        self.queue.settings(self.worker.settings()?.unreachable_after)
    }

    /// How the database is connected to.
    ///
    /// # Errors
    /// A limit is out of its range.
    pub fn pool_settings(&self) -> anyhow::Result<PoolSettings> {
        self.database.settings(self.queue_settings()?.standstill())
    }

    /// How touches are looked at.
    ///
    /// # Errors
    /// A limit is out of its range.
    pub fn touching(&self) -> anyhow::Result<Touching> {
        self.touch.touching(self.schedule.iter().map(|schedule| schedule.mode))
    }

    /// The schedules, checked.
    ///
    /// # Errors
    /// A cron expression is not valid, or two schedules share a name.
    pub fn schedules(&self) -> anyhow::Result<Vec<Schedule>> {
        let mut schedules: Vec<Schedule> = Vec::new();
        for given in &self.schedule {
            if schedules.iter().any(|schedule| schedule.name == given.name) {
                bail!("two schedules are named `{}`; a schedule's ticks are kept under its name, so each needs its own", given.name);
            }
            let timeout_secs = given.timeout_secs.unwrap_or(DEFAULT_TIMEOUT_SECS);
            if timeout_secs <= 0 {
                bail!("schedule `{}`: timeout_secs must be greater than 0", given.name);
            }
            schedules.push(Schedule {
                name: given.name.clone(),
                cron: given.cron.parse().map_err(anyhow::Error::msg).with_context(|| format!("schedule `{}`", given.name))?,
                kinds: given.kinds.iter().cloned().map(EntityKind).collect(),
                mode: given.mode,
                full: given
                    .full
                    .as_deref()
                    .unwrap_or(FullSweeps::DEFAULT)
                    .parse()
                    .map_err(anyhow::Error::msg)
                    .with_context(|| format!("schedule `{}`: full is a cron expression or `{}`", given.name, FullSweeps::ALWAYS))?,
                timeout_secs,
            });
        }
        Ok(schedules)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> anyhow::Result<Config> {
        Ok(toml::from_str(text)?)
    }

    #[test]
    fn a_schedule_says_when_what_and_how_far() {
        let config = parse("[[schedule]]\nname = 'nightly'\ncron = '0 3 * * *'\nkinds = ['loan']\nmode = 'repair'").expect("valid");
        let schedules = config.schedules().expect("valid");
        assert_eq!(
            (schedules[0].name.as_str(), schedules[0].mode, schedules[0].timeout_secs),
            ("nightly", Mode::Repair, DEFAULT_TIMEOUT_SECS)
        );
    }

    #[test]
    fn several_endpoints_are_asked_in_the_order_in_which_they_are_named() {
        let config = parse("rpc_url = 'http://a'\nrpc_urls = ['http://b', 'http://c']\nconfirm = 2").expect("valid");
        assert_eq!(config.rpc_endpoints().expect("three"), ["http://a", "http://b", "http://c"]);
        assert_eq!(config.confirm, Some(2));
        let mut other = config;
        other.set_rpc_urls(["http://d".to_owned(), " ".to_owned()]);
        assert_eq!(other.rpc_endpoints().expect("one"), ["http://d"], "what goes before replaces all");
        assert!(Config::default().rpc_endpoints().expect_err("none").to_string().contains("--rpc-url"));
    }

    #[test]
    fn what_the_file_must_not_say_is_refused() {
        assert!(parse("databas_url = 'x'").expect_err("unknown key").to_string().contains("databas_url"));
        let twice = parse("[[schedule]]\nname='a'\ncron='* * * * *'\n[[schedule]]\nname='a'\ncron='* * * * *'").expect("valid TOML");
        assert!(twice.schedules().expect_err("same name").to_string().contains("`a`"));
        let none = parse("rpc_calls_in_flight = 0").expect("valid TOML").rpc_calls_in_flight().expect_err("no call at all").to_string();
        assert_eq!(none, "rpc_calls_in_flight is 0; it must be from 1 to 64");
        let never = parse("[[schedule]]\nname='a'\ncron='now'").expect("valid TOML");
        assert!(format!("{:#}", never.schedules().expect_err("no cron")).contains("schedule `a`: `now` is no cron expression"));
    }
}
