//! The queue on Postgres: everything that speaks SQL.

use std::fmt;
use std::sync::Arc;

use sqlx::PgPool;

use crate::ending::Ending;
use crate::error;
use crate::settings::Settings;

mod ack;
mod cancel;
pub(crate) mod enqueue;
pub(crate) mod fence;
pub(crate) mod heartbeat;
pub mod inspect;
pub(crate) mod lease;
pub(crate) mod outcomes;
pub(crate) mod purge;
pub(crate) mod reap;
pub(crate) mod release;
pub(crate) mod retry;
pub(crate) mod revive;

/// A queue in a Postgres database. Cheap to clone.
#[derive(Clone)]
pub struct Queue {
    inner: Arc<Inner>,
}

struct Inner {
    pool: PgPool,
    ending: Arc<dyn Ending>,
    settings: Settings,
}

impl Queue {
    /// A queue over the `trueup.jobs` of this database. `ending` hears of every job that reaches an end.
    #[must_use]
    pub fn new(pool: PgPool, ending: Arc<dyn Ending>, settings: Settings) -> Self {
        Self { inner: Arc::new(Inner { pool, ending, settings }) }
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
