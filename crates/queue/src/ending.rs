//! What is told when a job has reached its end.

use futures::future::BoxFuture;
use sqlx::PgConnection;

use crate::job::{GroupId, JobId, State};

/// A job that has just reached its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Which job.
    pub job: JobId,
    /// Its group.
    pub group: GroupId,
    /// Its task.
    pub task: String,
    /// Its kind.
    pub kind: String,
    /// Its key.
    pub key: String,
    /// The end: done, dead or cancelled.
    pub state: State,
    /// The outcome of a done job.
    pub outcome: Option<String>,
    /// The error of a dead job.
    pub error: Option<String>,
}

/// Hears of every job that reached an end, inside the transaction that wrote the end.
///
/// It is called once for each end that a row reaches, with rows that really moved: an ack under a lost lease is
/// never told. An error rolls the end back together with whatever was written here, and the jobs stay as they
/// were.
pub trait Ending: Send + Sync {
    /// Writes what follows from these ends. `conn` is in a transaction; it must neither commit nor roll back.
    fn ended<'a>(&'a self, conn: &'a mut PgConnection, ended: &'a [Ended]) -> BoxFuture<'a, Result<(), sqlx::Error>>;
}

/// For queues whose jobs end without consequence.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoEnding;

impl Ending for NoEnding {
    fn ended<'a>(&'a self, _conn: &'a mut PgConnection, _ended: &'a [Ended]) -> BoxFuture<'a, Result<(), sqlx::Error>> {
        Box::pin(std::future::ready(Ok(())))
    }
}
