//! A connection of one's own, and how long to bear with it.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection};

use crate::Error;
use crate::error::{database_name, is_transient};
use crate::redis::trouble::Trouble;
use crate::settings::{Settings, millis};

/// The shortest and the longest pause between two tries at a database that fails.
const PAUSE: std::ops::Range<Duration> = Duration::from_millis(50)..Duration::from_secs(2);

/// The pause before a Redis that failed is tried again.
const REDIS_PAUSE: Duration = Duration::from_millis(500);

/// One loop's own connection. Each loop of a worker has one, so that no handler that hogs the pool, and no other
/// loop, can starve it. It is opened when needed and opened anew after an error.
pub(super) struct Link {
    options: Arc<PgConnectOptions>,
    conn: Option<PgConnection>,
    /// What the loop is doing, for messages: "leasing jobs".
    doing: &'static str,
    unreachable_after: Duration,
    standstill: Duration,
    outage: Option<Outage>,
}

struct Outage {
    since: Instant,
    pauses: ExponentialBackoff,
}

impl Link {
    pub(super) fn new(options: Arc<PgConnectOptions>, doing: &'static str, settings: &Settings) -> Self {
        let (unreachable_after, standstill) = (settings.unreachable_after, settings.standstill());
        Self { options, conn: None, doing, unreachable_after, standstill, outage: None }
    }

    /// The connection, opened if need be.
    pub(super) async fn conn(&mut self) -> Result<&mut PgConnection, sqlx::Error> {
        let conn = match self.conn.take() {
            Some(conn) => conn,
            None => self.open().await?,
        };
        Ok(self.conn.insert(conn))
    }

    async fn open(&self) -> Result<PgConnection, sqlx::Error> {
        let mut conn = PgConnection::connect_with(&self.options).await?;
        // A worker that starts on an empty table would otherwise keep the plan that fits an empty table, a scan of
        // all of it, while a million jobs come in. Planning anew costs a fraction of a millisecond a batch.
        let session = "SELECT set_config('plan_cache_mode', 'force_custom_plan', false),
                              set_config('idle_in_transaction_session_timeout', $1::text, false)";
        sqlx::query(session).bind(millis(self.standstill)).execute(&mut conn).await?;
        Ok(conn)
    }

    /// Notes that the database did what it was asked. Returns how long it had not.
    pub(super) fn fine(&mut self) -> Duration {
        let Some(outage) = self.outage.take() else {
            return Duration::ZERO;
        };
        let lasted = outage.since.elapsed();
        tracing::info!(doing = self.doing, ?lasted, "the database works again");
        lasted
    }

    /// Notes that the database failed, and pauses before the next try.
    ///
    /// # Errors
    /// Trying again is pointless: it has failed for too long without a break, or it refuses for good.
    pub(super) async fn failed(&mut self, error: sqlx::Error) -> Result<(), Error> {
        // Whatever state the connection is in, a new one is sound.
        self.conn = None;
        let database = database_name(&self.options);
        if !is_transient(&error) {
            return Err(Error::Refused { database, doing: self.doing, source: error });
        }
        let outage = self.outage.get_or_insert_with(|| Outage {
            since: Instant::now(),
            pauses: ExponentialBuilder::default()
                .with_min_delay(PAUSE.start)
                .with_max_delay(PAUSE.end)
                .without_max_times()
                .with_jitter()
                .build(),
        });
        let lasted = outage.since.elapsed();
        if lasted >= self.unreachable_after {
            return Err(Error::Unreachable { database, outage: lasted, doing: self.doing, source: error });
        }
        tracing::warn!(doing = self.doing, database, %error, "the database failed; trying again");
        let pause = outage.pauses.next().unwrap_or(PAUSE.end);
        tokio::time::sleep(pause).await;
        Ok(())
    }

    /// Bears with any trouble: that of Postgres as [`Self::failed`] does, that of Redis for as long as it lasts, since
    /// Postgres has what it holds.
    ///
    /// # Errors
    /// As of [`Self::failed`]; or the engine was switched.
    pub(super) async fn bear(&mut self, trouble: Trouble) -> Result<(), Error> {
        match trouble {
            Trouble::Database(error) => self.failed(error).await,
            Trouble::Switched(engine) => Err(Error::Switched(engine)),
            Trouble::Lost => {
                self.conn = None;
                tokio::time::sleep(PAUSE.start).await;
                Ok(())
            }
            trouble @ (Trouble::Redis(_) | Trouble::Record(_)) => {
                // A transaction may be open.
                self.conn = None;
                tracing::warn!(doing = self.doing, %trouble, "Redis failed; trying again");
                tokio::time::sleep(REDIS_PAUSE).await;
                Ok(())
            }
        }
    }

    /// Drops the connection after an error that is not the database's, leaving no transaction behind.
    pub(super) fn drop_connection(&mut self) {
        self.conn = None;
    }
}

/// Bounds a wait on the database: a peer that neither answers nor hangs up counts as an error of the connection.
pub(super) async fn within<T, E: From<sqlx::Error>>(patience: Duration, work: impl Future<Output = Result<T, E>>) -> Result<T, E> {
    match tokio::time::timeout(patience, work).await {
        Ok(result) => result,
        Err(_) => Err(sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, format!("no answer within {patience:?}"))).into()),
    }
}
