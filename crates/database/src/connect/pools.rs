use std::sync::Arc;
use std::time::{Duration, Instant};

use backon::{ExponentialBuilder, Retryable};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Executor, PgConnection, PgPool};

use super::options::{CANONICAL, options, place};
use super::server::{examine, may_pass, require_schema};
use super::{ConnectError, error};
use crate::Statements;
use crate::error::sentence;
use crate::sql::literal;

/// Waits between attempts to reach the server grow to this.
const LONGEST_WAIT_SECS: u64 = 2;
const SHORTEST_WAIT_MS: u64 = 100;
/// How long a caller waits for a free connection.
const ACQUIRE_TIMEOUT_SECS: u64 = 30;

/// How the database is connected to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolSettings {
    /// Connections for reading the application's tables.
    pub readers: u32,
    /// Connections for everything that is written.
    pub writers: u32,
    /// How long an unreachable server is tried for, in seconds.
    pub patience_secs: u64,
    /// How long a statement waits for a lock (a table that is being altered, a key that someone else is inserting), in
    /// milliseconds; then its job is tried again later. Rows that someone else holds are not waited for at all.
    pub lock_timeout_ms: u64,
    /// How long a transaction may stand still before the database ends it, in milliseconds: what a frozen process has
    /// locked is free again after so long.
    pub standstill_ms: u64,
}

impl Default for PoolSettings {
    fn default() -> Self {
        Self { readers: 4, writers: 6, patience_secs: 15, lock_timeout_ms: 10_000, standstill_ms: 10_000 }
    }
}

/// Connections to the database.
#[derive(Debug, Clone)]
pub struct Pools {
    /// Every transaction on these is read-only: phase 1 cannot write, whatever an expression of a spec calls.
    pub read: PgPool,
    /// For schema `trueup` and for repairs.
    pub write: PgPool,
    /// Counts the statements that this crate sends.
    pub statements: Statements,
    options: PgConnectOptions,
}

impl Pools {
    /// Says whether the tables of trueup are there. Not part of connecting: `trueup migrate` connects before they are.
    ///
    /// # Errors
    /// [`ConnectError::NoSchema`], or what Postgres said.
    pub async fn require_schema(&self) -> Result<(), ConnectError> {
        let mut conn =
            self.write.acquire().await.map_err(|error| ConnectError::Other { place: place(&self.options), reason: sentence(&error) })?;
        self.statements.add();
        require_schema(&self.options, &mut conn).await
    }

    /// Closes every connection.
    pub async fn close(&self) {
        self.read.close().await;
        self.write.close().await;
    }
}

/// Connects. An unreachable server is tried again for as long as the settings say.
///
/// # Errors
/// See [`ConnectError`]: each says what to do.
pub async fn pools(url: &str, settings: &PoolSettings) -> Result<Pools, ConnectError> {
    let options = options(url)?;
    reach(&options, settings.patience_secs).await?;
    Ok(Pools {
        read: pool(&options, settings.readers, settings, true),
        write: pool(&options, settings.writers, settings, false),
        statements: Statements::default(),
        options,
    })
}

async fn reach(options: &PgConnectOptions, patience_secs: u64) -> Result<(), error::ConnectError> {
    let patience = Duration::from_secs(patience_secs);
    let begun = Instant::now();
    let waits = ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(SHORTEST_WAIT_MS))
        .with_max_delay(Duration::from_secs(LONGEST_WAIT_SECS))
        .with_total_delay(Some(patience))
        .without_max_times()
        .with_jitter();
    (|| async {
        let attempt = examine(options, patience_secs);
        let left = patience.saturating_sub(begun.elapsed()).max(Duration::from_secs(LONGEST_WAIT_SECS));
        tokio::time::timeout(left, attempt).await.unwrap_or_else(|_| {
            Err(ConnectError::Unreachable {
                place: place(options),
                seconds: patience_secs,
                reason: "it does not answer in time".to_owned(),
            })
        })
    })
    .retry(waits)
    .when(may_pass)
    .await
}

/// The settings go over as statements and not as start-up parameters, which some poolers refuse.
fn pool(options: &PgConnectOptions, connections: u32, settings: &PoolSettings, read_only: bool) -> PgPool {
    let session: Arc<str> = session(settings, read_only).into();
    PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(Duration::from_secs(ACQUIRE_TIMEOUT_SECS))
        .after_connect(move |conn, _| Box::pin(prepare(conn, session.clone())))
        .connect_lazy_with(options.clone())
}

async fn prepare(conn: &mut PgConnection, session: Arc<str>) -> Result<(), sqlx::Error> {
    conn.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(session))).await.map(drop)
}

fn session(settings: &PoolSettings, read_only: bool) -> String {
    let mut statement = String::new();
    for (name, value) in CANONICAL {
        statement += &format!("SET {name} = {};", literal(value));
    }
    statement += &format!("SET lock_timeout = {};", settings.lock_timeout_ms);
    statement += &format!("SET idle_in_transaction_session_timeout = {};", settings.standstill_ms);
    // Statements here take milliseconds; compiling one, which the planner's guess of a page's cost provokes, takes more.
    statement += "SET jit = off;";
    if read_only {
        statement += "SET default_transaction_read_only = on;";
    } else {
        // By this the triggers of `trueup triggers` know what needs no second look.
        statement += "SET trueup.writes = 'on';";
    }
    statement
}
