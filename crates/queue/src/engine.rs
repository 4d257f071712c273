//! Which engine a database's jobs go through.

use std::fmt;

use serde::{Deserialize, Serialize};
use sqlx::{Connection, PgConnection};

use crate::{Error, Result};

/// Where jobs wait for workers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum EngineName {
    /// In `trueup.jobs`.
    #[default]
    Postgres,
    /// In Redis; what must not be lost is in Postgres.
    Redis,
}

// === impl EngineName ===

impl EngineName {
    /// As it stands in the table and in the configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Redis => "redis",
        }
    }

    const fn other(self) -> Self {
        match self {
            Self::Postgres => Self::Redis,
            Self::Redis => Self::Postgres,
        }
    }
}

impl fmt::Display for EngineName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The engine that jobs are added to now. Kept in the database, so that whoever adds a job, with whatever
/// configuration, adds it where the workers look.
pub(crate) async fn in_force(conn: &mut PgConnection) -> Result<EngineName, sqlx::Error> {
    sqlx::query_scalar("SELECT engine FROM trueup.queue").fetch_one(conn).await
}

/// Makes `engine` the one in force. Nothing changes if it is already.
///
/// # Errors
/// [`Error::Elsewhere`] while jobs wait in the other engine, where nobody would work on them any more.
pub(crate) async fn claim(conn: &mut PgConnection, engine: EngineName) -> Result<()> {
    if in_force(conn).await? == engine && !waiting(conn, engine.other()).await? {
        return Ok(());
    }
    let mut transaction = conn.begin().await?;
    sqlx::query("SELECT FROM trueup.queue FOR UPDATE").execute(&mut *transaction).await?;
    if waiting(&mut transaction, engine.other()).await? {
        return Err(Error::Elsewhere { wanted: engine, waiting: engine.other() });
    }
    sqlx::query("UPDATE trueup.queue SET engine = $1, epoch = NULL WHERE engine <> $1")
        .bind(engine.as_str())
        .execute(&mut *transaction)
        .await?;
    Ok(transaction.commit().await?)
}

/// Whether jobs that have not ended are in this engine.
async fn waiting(conn: &mut PgConnection, engine: EngineName) -> Result<bool, sqlx::Error> {
    let question = match engine {
        // As the three indexes on what has not ended know them.
        EngineName::Postgres => {
            "SELECT EXISTS (SELECT FROM trueup.jobs WHERE state = 'ready' AND suspicion = 0)
                 OR EXISTS (SELECT FROM trueup.jobs WHERE state = 'ready' AND suspicion > 0)
                 OR EXISTS (SELECT FROM trueup.jobs WHERE state = 'leased')"
        }
        EngineName::Redis => {
            "SELECT EXISTS (SELECT FROM trueup.chunks CROSS JOIN LATERAL unnest(ids) AS job(id)
                            WHERE open AND NOT EXISTS (SELECT FROM trueup.outcomes WHERE outcomes.job = job.id))"
        }
    };
    sqlx::query_scalar(question).fetch_one(conn).await
}
