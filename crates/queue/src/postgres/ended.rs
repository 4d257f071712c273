//! Jobs that reached an end by other ways than an ack.

use sqlx::Row;
use sqlx::postgres::PgRow;

use crate::ending::Ended;

/// Reads the columns id, group_id, task, kind, key, state, outcome and error.
pub(super) fn ended_of(row: &PgRow) -> Result<Ended, sqlx::Error> {
    Ok(Ended {
        job: row.try_get("id")?,
        group: row.try_get("group_id")?,
        task: row.try_get("task")?,
        kind: row.try_get("kind")?,
        key: row.try_get("key")?,
        state: row.try_get("state")?,
        outcome: row.try_get("outcome")?,
        error: row.try_get("error")?,
    })
}
