//! What can go wrong with the queue.

use std::time::Duration;

use sqlx::postgres::PgConnectOptions;

use crate::engine::EngineName;

/// What can go wrong with the queue.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database refused a statement, or could not be reached this time.
    #[error("the job queue's database said: {0}")]
    Database(#[from] sqlx::Error),
    /// The database could not be used for so long that the worker gave up. Its leases expire by themselves and
    /// another worker takes its jobs over.
    #[error(
        "the database {database} could not be used for {:.0?} while {doing}: {source}; \
         check that it is up and reachable, then start the worker again (no job is lost)",
        outage
    )]
    Unreachable {
        /// Host, port and name.
        database: String,
        /// How long it failed without a break.
        outage: Duration,
        /// What the worker was trying to do.
        doing: &'static str,
        /// What it said last.
        source: sqlx::Error,
    },
    /// The database answers, but the queue's tables are not as this version needs them.
    #[error(
        "the database {database} refused {doing}: {source}; \
         check that `trueup migrate` has been run there and that the role may use schema trueup"
    )]
    Refused {
        /// Host, port and name.
        database: String,
        /// What the worker was trying to do.
        doing: &'static str,
        /// What it said.
        source: sqlx::Error,
    },
    /// Redis cannot be used.
    #[error("Redis at {place} cannot be used: {reason}; {remedy}")]
    RedisRefused {
        /// Its address, without user and password.
        place: String,
        /// What it said, or what is wrong with it.
        reason: String,
        /// The way out.
        remedy: &'static str,
    },
    /// Redis did not do what it was asked this time.
    #[error("the job queue's Redis: {0}")]
    Redis(String),
    /// Jobs wait where nobody would look any more.
    #[error(
        "the queue is to be on {wanted}, but jobs that have not ended wait on {waiting}: start with the queue on {waiting} \
         until they are done, or cancel their runs, then start again"
    )]
    Elsewhere {
        /// The engine that the settings name.
        wanted: EngineName,
        /// The engine that has jobs.
        waiting: EngineName,
    },
    /// Another process has switched the engine.
    #[error(
        "the jobs of this database go through {0} now, as another process has said; give every process the same \
         configuration, then start this one again (no job is lost)"
    )]
    Switched(EngineName),
    /// A setting under which a worker could not work.
    #[error("the queue's settings cannot work: {0}")]
    Settings(String),
    /// A loop of the worker ended although nobody told it to.
    #[error("the worker's {0} ended unexpectedly; start the worker again (no job is lost)")]
    Stopped(String),
}

/// How a database is named to a person: never with its user or password.
pub(crate) fn database_name(options: &PgConnectOptions) -> String {
    let host = options.get_host();
    let port = options.get_port();
    let name = options.get_database().unwrap_or("postgres");
    format!("{host}:{port}/{name}")
}

/// Whether the same statement may succeed a moment later, with nothing about it changed.
#[must_use]
pub fn is_transient(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(refusal) => refusal.code().is_some_and(|code| {
            // 08 connection, 40 rolled back (deadlock, serialization), 53 resources, 55006/55P03 in use,
            // 57 operator intervention (shutdown, terminated), 58 system error, 25006 read-only (a failover),
            // 25P03 the transaction stood still for too long, and its connection was ended.
            ["08", "40", "53", "57", "58"].iter().any(|class| code.starts_with(class))
                || ["55006", "55P03", "25006", "25P03"].contains(&code.as_ref())
        }),
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => true,
        _ => false,
    }
}
