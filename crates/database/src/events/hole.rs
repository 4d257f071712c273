use chrono::{DateTime, Utc};
use sqlx::{FromRow, PgConnection};

use super::{Moved, StoredEvent, advance, store};

/// Ledgers whose events could not be had.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct EventHole {
    /// The contract's strkey.
    pub contract: String,
    /// The first ledger of it.
    pub first_ledger: i64,
    /// The last ledger of it.
    pub last_ledger: i64,
    /// `pruned` or `skipped`, see [`HoleReason`].
    pub reason: String,
    /// What closed up to then is not in it, where that is known.
    pub after_time: Option<DateTime<Utc>>,
    /// What closed from then on is not in it, where that is known.
    pub before_time: Option<DateTime<Utc>>,
    /// When it was found.
    pub found_at: DateTime<Utc>,
}

/// Why there is a hole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HoleReason {
    /// The endpoint no longer kept these ledgers.
    Pruned,
    /// Someone decided to go on without them.
    Skipped,
}

impl HoleReason {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pruned => "pruned",
            Self::Skipped => "skipped",
        }
    }
}

/// The holes of these contracts that nobody has filled, in the order of their ledgers.
///
/// # Errors
/// What Postgres said.
pub async fn holes(conn: &mut PgConnection, contracts: &[String]) -> Result<Vec<EventHole>, sqlx::Error> {
    sqlx::query_as(
        "SELECT contract, first_ledger, last_ledger, reason, after_time, before_time, found_at
         FROM trueup.event_holes WHERE contract = ANY($1) AND filled_at IS NULL ORDER BY contract, first_ledger",
    )
    .bind(contracts)
    .fetch_all(conn)
    .await
}

/// Records that the ledgers from these contracts' common place up to `to` cannot be had, and moves their cursors over
/// them, in the caller's transaction. `time` is when ledger `to` closed. False, and the caller must roll back, if one
/// of the cursors stands elsewhere.
///
/// A hole that begins where the last one ended makes that one longer: nothing was stored in between.
///
/// # Errors
/// What Postgres said.
pub async fn record_hole(
    conn: &mut PgConnection,
    contracts: &[String],
    moved: Moved,
    reason: HoleReason,
    time: Option<DateTime<Utc>>,
) -> Result<bool, sqlx::Error> {
    assert!(moved.from < moved.to, "a hole has at least one ledger");
    // Before the cursors move: what was known up to here is where the hole begins. The lock is that of `advance`.
    if !advance(conn, contracts, Moved { to: moved.from, until_time: None, ..moved }).await? {
        return Ok(false);
    }
    let longer: Vec<String> = sqlx::query_scalar(
        "UPDATE trueup.event_holes SET last_ledger = $3 - 1, before_time = $5
         WHERE contract = ANY($1) AND last_ledger = $2 - 1 AND filled_at IS NULL AND reason = $4 RETURNING contract",
    )
    .bind(contracts)
    .bind(moved.from)
    .bind(moved.to)
    .bind(reason.as_str())
    .bind(time)
    .fetch_all(&mut *conn)
    .await?;
    sqlx::query(
        "INSERT INTO trueup.event_holes (contract, first_ledger, last_ledger, reason, after_time, before_time)
         SELECT contract, $2, $3 - 1, $4, until_time, $5 FROM trueup.event_cursors
         WHERE contract = ANY($1) AND contract <> ALL($6) ORDER BY contract",
    )
    .bind(contracts)
    .bind(moved.from)
    .bind(moved.to)
    .bind(reason.as_str())
    .bind(time)
    .bind(&longer)
    .execute(&mut *conn)
    .await?;
    advance(conn, contracts, moved).await
}

/// Stores all events of a contract in the ledgers `first..=last`, and closes what they fill of its holes, in the
/// caller's transaction. Holes that reach further keep what is left of them. Gives back how many events were new.
///
/// # Errors
/// What Postgres said.
pub async fn fill(conn: &mut PgConnection, contract: &str, first: i64, last: i64, events: &[StoredEvent]) -> Result<u64, sqlx::Error> {
    assert!(first <= last, "a range has at least one ledger");
    let stored = store(conn, events).await?.len() as u64;
    let open: Vec<(i64, i64, i64)> = sqlx::query_as(
        "SELECT id, first_ledger, last_ledger FROM trueup.event_holes
         WHERE contract = $1 AND filled_at IS NULL AND first_ledger <= $3 AND last_ledger >= $2 ORDER BY first_ledger FOR UPDATE",
    )
    .bind(contract)
    .bind(first)
    .bind(last)
    .fetch_all(&mut *conn)
    .await?;
    for (id, hole_first, hole_last) in open {
        sqlx::query("UPDATE trueup.event_holes SET first_ledger = $2, last_ledger = $3, filled_at = now() WHERE id = $1")
            .bind(id)
            .bind(hole_first.max(first))
            .bind(hole_last.min(last))
            .execute(&mut *conn)
            .await?;
        for (left_first, left_last) in [(hole_first, first - 1), (last + 1, hole_last)] {
            if left_first <= left_last {
                // Its old bounds in time still hold: it is a part of the same hole.
                sqlx::query(
                    "INSERT INTO trueup.event_holes (contract, first_ledger, last_ledger, reason, after_time, before_time, found_at)
                     SELECT contract, $2, $3, reason, after_time, before_time, found_at FROM trueup.event_holes WHERE id = $1",
                )
                .bind(id)
                .bind(left_first)
                .bind(left_last)
                .execute(&mut *conn)
                .await?;
            }
        }
    }
    Ok(stored)
}
