use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use sqlx::types::Json;
use trueup_judge::{EntityKind, RunId};

/// How far a run's jobs have been added: kept with the run, moved with each chunk.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursor(pub BTreeMap<String, KindCursor>);

/// How far the jobs of one kind have been added.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KindCursor {
    /// The last row identity that was added.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_row: Option<String>,
    /// All rows were added.
    #[serde(default)]
    pub rows_done: bool,
    /// How far the keys that the chain has were looked for in the table.
    #[serde(default)]
    pub keys: KeyCursor,
}

/// How far the enumerated keys of one kind have been added.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyCursor {
    /// Not begun.
    #[default]
    Start,
    /// Counted keys: the next to look for, and the last one as it was when the enumeration began.
    Range {
        /// The next key.
        next: i64,
        /// The last key.
        last: i64,
    },
    /// The rows of a query: the last key that was seen.
    After(String),
    /// Entries whose elements are keys.
    Parents(ParentCursor),
    /// All were looked for, or there is nothing to enumerate.
    Done,
}

/// How far the entries that hold elements have been read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParentCursor {
    /// Which are next.
    pub place: ParentPlace,
    /// How many could not be read so far: rows that are missing below them are not found.
    #[serde(default)]
    pub unread: u64,
    /// The first of these, and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_unread: Option<String>,
}

/// Which entries that hold elements are next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ParentPlace {
    /// Counted ones: the next, and the last one as it was when the enumeration began.
    Range {
        /// The next key.
        next: i64,
        /// The last key.
        last: i64,
    },
    /// Those of a list or query, in the order of their texts: the last one that was read.
    After(Option<String>),
    /// All were read.
    End,
}

impl ParentCursor {
    /// The beginning.
    #[must_use]
    pub const fn at(place: ParentPlace) -> Self {
        Self { place, unread: 0, first_unread: None }
    }
}

/// Takes the right to add jobs to a run for some seconds; false if another process has it.
///
/// # Errors
/// What Postgres said.
pub async fn claim_enqueue(conn: &mut PgConnection, run: RunId, seconds: i64) -> Result<Option<Cursor>, sqlx::Error> {
    let cursor: Option<Json<Cursor>> = sqlx::query_scalar(
        "UPDATE trueup.runs SET enqueue_until = now() + make_interval(secs => $2)
         WHERE id = $1 AND state = 'running' AND phase = 'enqueue' AND (enqueue_until IS NULL OR enqueue_until < now())
         RETURNING enqueue_cursor",
    )
    .bind(run.0)
    .bind(seconds)
    .fetch_optional(conn)
    .await?;
    Ok(cursor.map(|Json(cursor)| cursor))
}

/// Records a chunk in the transaction that added it: the jobs really inserted, and the cursor behind it. False, and
/// the caller must roll back, if the run has ended or another process has moved its cursor.
///
/// # Errors
/// What Postgres said.
pub async fn add_chunk(
    conn: &mut PgConnection,
    run: RunId,
    inserted: i64,
    from: &Cursor,
    to: &Cursor,
    seconds: i64,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query(
        "UPDATE trueup.runs
         SET detect_total = detect_total + $2, enqueue_cursor = $4, enqueue_until = now() + make_interval(secs => $5)
         WHERE id = $1 AND state = 'running' AND phase = 'enqueue' AND enqueue_cursor = $3",
    )
    .bind(run.0)
    .bind(inserted)
    .bind(Json(from))
    .bind(Json(to))
    .bind(seconds)
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Says that all jobs of a run are there. True if this call did it; the caller then tests for completion, since the
/// last outcome may have come before (or there may be no jobs at all).
///
/// # Errors
/// What Postgres said.
pub async fn seal(conn: &mut PgConnection, run: RunId) -> Result<bool, sqlx::Error> {
    let done = sqlx::query(
        "UPDATE trueup.runs SET phase = 'detect', enqueue_until = NULL WHERE id = $1 AND state = 'running' AND phase = 'enqueue'",
    )
    .bind(run.0)
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Runs whose jobs nobody is adding at the moment, with the kinds that they cover.
///
/// # Errors
/// What Postgres said.
pub async fn unsealed(conn: &mut PgConnection) -> Result<Vec<(RunId, Vec<EntityKind>)>, sqlx::Error> {
    let rows: Vec<(i64, Vec<String>)> = sqlx::query_as(
        "SELECT id, kinds FROM trueup.runs
         WHERE state = 'running' AND phase = 'enqueue' AND (enqueue_until IS NULL OR enqueue_until < now()) ORDER BY id",
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|(id, kinds)| (RunId(id), kinds.into_iter().map(EntityKind).collect())).collect())
}

/// Notes what a reader of the run's report must know, once.
///
/// # Errors
/// What Postgres said.
pub async fn add_note(conn: &mut PgConnection, run: RunId, note: &str) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE trueup.runs SET notes = array_append(notes, $2) WHERE id = $1 AND NOT notes @> ARRAY[$2]")
        .bind(run.0)
        .bind(note)
        .execute(conn)
        .await?;
    Ok(())
}

/// Counts the jobs that a run was given besides its enqueue, before it is sealed.
///
/// # Errors
/// What Postgres said.
pub async fn add_retried(conn: &mut PgConnection, run: RunId, jobs: i64) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE trueup.runs SET detect_total = detect_total + $2 WHERE id = $1 AND phase = 'enqueue'")
        .bind(run.0)
        .bind(jobs)
        .execute(conn)
        .await?;
    Ok(())
}
