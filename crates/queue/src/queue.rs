//! A queue, whatever its engine.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use sqlx::{PgConnection, PgPool};

use crate::ending::{Ended, Ending};
use crate::engine::{EngineName, claim, in_force};
use crate::job::{Ack, GroupId, JobId};
use crate::redis::Redis;
use crate::settings::Settings;
use crate::{Result, error, postgres, redis};

/// The queue of a Postgres database, on the engine that its settings name. Cheap to clone.
#[derive(Clone)]
pub struct Queue {
    inner: Arc<Inner>,
}

struct Inner {
    pool: PgPool,
    ending: Arc<dyn Ending>,
    settings: Settings,
    redis: Option<Redis>,
}

impl Queue {
    /// A queue over schema `trueup` of this database. `ending` hears of every job that reaches an end.
    #[must_use]
    pub fn new(pool: PgPool, ending: Arc<dyn Ending>, settings: Settings) -> Self {
        let redis = settings.redis.clone().map(|redis| Redis::new(redis, settings.lease));
        Self { inner: Arc::new(Inner { pool, ending, settings, redis }) }
    }

    /// Makes sure that the engine of this queue can be reached and is the one in force, or makes it so. To be called at
    /// start; a [`Worker`](crate::Worker) does it by itself.
    ///
    /// # Errors
    /// Redis cannot be used, or jobs wait in the other engine. Each says what, where, and the way out.
    pub async fn open(&self) -> Result<()> {
        self.reach().await?;
        let mut conn = self.inner.pool.acquire().await?;
        claim(&mut conn, self.engine()).await
    }

    /// Makes sure that the engine of this queue can be reached, and changes nothing.
    ///
    /// # Errors
    /// Redis cannot be used.
    pub async fn reach(&self) -> Result<()> {
        match &self.inner.redis {
            Some(redis) => redis.open(&self.inner.pool).await,
            None => Ok(()),
        }
    }

    /// The engine that its settings name.
    #[must_use]
    pub fn engine(&self) -> EngineName {
        if self.inner.redis.is_some() { EngineName::Redis } else { EngineName::Postgres }
    }

    /// The pool it was made with. A worker's own loops never use it: see [`Worker`](crate::Worker).
    #[must_use]
    pub fn pool(&self) -> &PgPool {
        &self.inner.pool
    }

    /// Its limits.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    /// Writes down what became of these jobs, each only if it is still leased under the number given, and tells the
    /// [`Ending`](crate::Ending) of those that ended. `conn` must be in a transaction, which the caller commits: a
    /// handler acks in the transaction that also holds its job's effects.
    ///
    /// Returns the jobs to which it really applied.
    ///
    /// # Errors
    /// What Postgres or the ending said; the caller then rolls back.
    pub async fn ack(&self, conn: &mut PgConnection, acks: &[Ack]) -> Result<HashSet<JobId>> {
        Ok(self.write_acks(conn, acks).await?)
    }

    pub(crate) async fn write_acks(&self, conn: &mut PgConnection, acks: &[Ack]) -> Result<HashSet<JobId>, sqlx::Error> {
        if acks.is_empty() {
            return Ok(HashSet::new());
        }
        let (applied, ended) = match self.redis() {
            None => postgres::ack::write_acks(conn, acks, self.settings()).await?,
            Some(redis) => redis.write_acks(conn, acks, self.settings()).await?,
        };
        self.tell(conn, &ended).await?;
        Ok(applied)
    }

    /// Cancels the jobs of this group that wait, whether due or put off, and tells the [`Ending`](crate::Ending).
    /// Jobs that are held run to their end, and so do those that somebody is locking at this moment: they are being
    /// leased or acked. Waiting for them could be waiting for a transaction that waits for the caller's, since an ack
    /// locks jobs first and what the group means last. `conn` must be in a transaction, which the caller commits.
    ///
    /// Returns how many were cancelled.
    ///
    /// # Errors
    /// What Postgres or the ending said; the caller then rolls back.
    pub async fn cancel_group(&self, conn: &mut PgConnection, group: GroupId) -> Result<u64> {
        match in_force(conn).await? {
            EngineName::Postgres => postgres::cancel::cancel_group(self, conn, group).await,
            EngineName::Redis => redis::cancel::cancel_group(self, conn, group).await,
        }
    }

    pub(crate) async fn tell(&self, conn: &mut PgConnection, ended: &[Ended]) -> Result<(), sqlx::Error> {
        if ended.is_empty() {
            return Ok(());
        }
        self.ending().ended(conn, ended).await
    }

    pub(crate) fn redis(&self) -> Option<&Redis> {
        self.inner.redis.as_ref()
    }

    pub(crate) fn ending(&self) -> &dyn Ending {
        self.inner.ending.as_ref()
    }

    pub(crate) fn database(&self) -> String {
        error::database_name(&self.inner.pool.connect_options())
    }
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").field("database", &self.database()).field("settings", self.settings()).finish_non_exhaustive()
    }
}
