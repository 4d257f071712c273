//! The queue on Redis.
//!
//! Postgres holds what must commit together with the application's rows: the jobs as they were added (`chunks`), their
//! ends (`outcomes`), what is known of their tries (`attempts`), and the leases. Redis only hands out what waits, and
//! everything in it can be had from Postgres again. So each step writes Postgres first and tells Redis after; who dies
//! in between leaves a Redis that is behind, which [`restore`] and [`orphans`] mend.

use std::fmt;
use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, ErrorKind, RedisError, ServerErrorKind};
use tokio::sync::OnceCell;

use crate::{Error, Result};

pub(crate) mod ack;
pub(crate) mod cancel;
pub(crate) mod enqueue;
pub(crate) mod fence;
pub(crate) mod inspect;
pub(crate) mod lease;
pub(crate) mod orphans;
pub(crate) mod outcomes;
mod place;
pub(crate) mod purge;
pub(crate) mod push;
pub(crate) mod reap;
mod record;
mod registry;
pub(crate) mod restore;
pub(crate) mod retry;
pub(crate) mod revive;
mod script;
pub(crate) mod settle;
pub(crate) mod trouble;

/// How long Redis may take to answer, or to be connected to, at most; and at most this share of a lease's life, so that
/// its silence is never taken for the database's.
const PATIENCE: Duration = Duration::from_secs(5);
const PATIENCES_PER_LEASE: u32 = 4;
/// How often connecting is tried again within one step. The loops try again by themselves.
const CONNECT_RETRIES: usize = 1;

/// Where Redis is.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisSettings {
    /// `redis://[[USER]:PASSWORD@]HOST:PORT[/NUMBER]`, or `rediss://…` for TLS.
    pub url: String,
    /// What the names of all keys begin with. What tells the database from others follows, so that several may share a
    /// Redis.
    pub prefix: String,
}

/// The prefix of keys unless another is named.
pub const DEFAULT_PREFIX: &str = "trueup";

// === impl RedisSettings ===

impl RedisSettings {
    /// Redis at this address, with the usual prefix.
    pub fn new(url: impl std::convert::Into<String>) -> Self {
        Self { url: url.into(), prefix: DEFAULT_PREFIX.to_owned() }
    }

    /// The address without user and password.
    fn place(&self) -> String {
        let scheme_end = self.url.find("://").map_or(0, |at| at + 3);
        let (scheme, rest) = self.url.split_at(scheme_end);
        let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
        format!("{scheme}{host}")
    }
}

impl fmt::Debug for RedisSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisSettings").field("url", &self.place()).field("prefix", &self.prefix).finish()
    }
}

/// The Redis of a queue, once it was spoken to.
pub(crate) struct Redis {
    settings: RedisSettings,
    ready: OnceCell<Ready>,
    registry: registry::Registry,
    patience: Duration,
}

struct Ready {
    client: Client,
    prefix: String,
}

/// A connection of a loop's own, which is opened anew when it breaks.
pub(crate) struct Conn {
    manager: ConnectionManager,
    prefix: String,
}

// === impl Redis ===

impl Redis {
    pub(crate) fn new(settings: RedisSettings, lease: Duration) -> Self {
        let patience = PATIENCE.min(lease / PATIENCES_PER_LEASE);
        Self { settings, ready: OnceCell::new(), registry: registry::Registry::default(), patience }
    }

    /// Speaks to Redis once, and says clearly what is wrong if that does not work.
    pub(crate) async fn open(&self, pool: &sqlx::PgPool) -> Result<()> {
        self.ready
            .get_or_try_init(|| async {
                let client = Client::open(self.settings.url.as_str()).map_err(|error| self.refused(&error))?;
                // With the database's own number, so that a copy of it on the same server is another.
                let deployment: String =
                    sqlx::query_scalar("SELECT deployment || '-' || oid FROM trueup.queue, pg_database WHERE datname = current_database()")
                        .fetch_one(pool)
                        .await?;
                let prefix = format!("{}:{{{deployment}}}:", self.settings.prefix);
                let mut manager =
                    ConnectionManager::new_with_config(client.clone(), self.config()).await.map_err(|error| self.refused(&error))?;
                let memory: String =
                    redis::cmd("INFO").arg("memory").query_async(&mut manager).await.map_err(|error| self.refused(&error))?;
                self.require_no_eviction(&memory)?;
                Ok::<_, Error>(Ready { client, prefix })
            })
            .await
            .map(drop)
    }

    /// A connection, opened when it is needed first.
    pub(crate) fn conn(&self) -> Result<Conn> {
        let ready = self.ready.get().ok_or_else(|| Error::Redis("it was not spoken to yet".to_owned()))?;
        let manager = ConnectionManager::new_lazy_with_config(ready.client.clone(), self.config()).map_err(|error| self.refused(&error))?;
        Ok(Conn { manager, prefix: ready.prefix.clone() })
    }

    /// A Redis that throws away what it likes when it is full would lose jobs without a word.
    fn require_no_eviction(&self, memory: &str) -> Result<()> {
        let field = |name: &str| memory.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        match (field("maxmemory:"), field("maxmemory_policy:")) {
            (Some(limit), Some(policy)) if limit != "0" && policy != "noeviction" => Err(Error::RedisRefused {
                place: self.settings.place(),
                reason: format!("its maxmemory-policy is `{policy}`, under which it drops jobs when it is full"),
                remedy: "set maxmemory-policy to noeviction",
            }),
            _ => Ok(()),
        }
    }

    fn refused(&self, error: &RedisError) -> Error {
        let denied = error.kind() == ErrorKind::AuthenticationFailed
            || matches!(error.code(), Some("NOAUTH" | "WRONGPASS" | "NOPERM"))
            || error.kind() == ErrorKind::Server(ServerErrorKind::NoPerm);
        let remedy = match error.kind() {
            _ if denied => "check user and password in its URL, and that the user may run scripts",
            ErrorKind::InvalidClientConfig => "write it as redis://[[USER]:PASSWORD@]HOST:PORT[/NUMBER], or rediss://… for TLS",
            _ => "check that it is up and reachable from here, and its URL",
        };
        Error::RedisRefused { place: self.settings.place(), reason: error.to_string(), remedy }
    }

    fn config(&self) -> ConnectionManagerConfig {
        ConnectionManagerConfig::new()
            .set_response_timeout(Some(self.patience))
            .set_connection_timeout(Some(self.patience))
            .set_number_of_retries(CONNECT_RETRIES)
    }
}

// === impl Conn ===

impl Conn {
    /// Runs a script of this epoch.
    async fn run<T: redis::FromRedisValue>(
        &mut self,
        script: &redis::Script,
        epoch: &str,
        arguments: &[String],
    ) -> Result<T, trouble::Trouble> {
        let mut invocation = script.prepare_invoke();
        invocation.arg(&self.prefix).arg(epoch).arg(arguments);
        Ok(invocation.invoke_async(&mut self.manager).await?)
    }
}
