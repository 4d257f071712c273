use chrono::{DateTime, Utc};
use sqlx::{FromRow, PgConnection};

/// How far a contract's events are known: those of the ledgers `[from_ledger, next_ledger)`, but for recorded holes.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct EventCursor {
    /// The contract's strkey.
    pub contract: String,
    /// The first ledger whose events are known.
    pub from_ledger: i64,
    /// The first ledger whose events are not known yet.
    pub next_ledger: i64,
    /// When `from_ledger` closed, where that is known.
    pub from_time: Option<DateTime<Utc>>,
    /// The newest close time that is known of a ledger before `next_ledger`.
    pub until_time: Option<DateTime<Utc>>,
    /// The chain's newest ledger when it was last asked.
    pub tip_ledger: i64,
    /// When the cursor last moved, or was last found to be at the tip.
    pub updated_at: DateTime<Utc>,
}

/// Where cursors are moved to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moved {
    /// Where they stand.
    pub from: i64,
    /// Where they shall stand.
    pub to: i64,
    /// The newest close time that is known of a ledger before `to`.
    pub until_time: Option<DateTime<Utc>>,
    /// The chain's newest ledger, as it answered.
    pub tip_ledger: i64,
}

/// The cursors of these contracts; a contract that was never fed has none.
///
/// # Errors
/// What Postgres said.
pub async fn cursors(conn: &mut PgConnection, contracts: &[String]) -> Result<Vec<EventCursor>, sqlx::Error> {
    sqlx::query_as(
        "SELECT contract, from_ledger, next_ledger, from_time, until_time, tip_ledger, updated_at
         FROM trueup.event_cursors WHERE contract = ANY($1) ORDER BY contract",
    )
    .bind(contracts)
    .fetch_all(conn)
    .await
}

/// Gives contracts a cursor that begins, and stands, at `ledger`, which closed at `time`. A contract that has one keeps
/// it, unless nothing was stored with it yet and it begins earlier: then it begins here instead.
///
/// # Errors
/// What Postgres said.
pub async fn begin(
    conn: &mut PgConnection,
    contracts: &[String],
    ledger: i64,
    time: Option<DateTime<Utc>>,
    tip_ledger: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO trueup.event_cursors (contract, from_ledger, next_ledger, from_time, tip_ledger)
         SELECT it, $2, $2, $3, $4 FROM unnest($1::text[]) AS it ORDER BY it
         ON CONFLICT (contract) DO UPDATE
         SET from_ledger = excluded.from_ledger, next_ledger = excluded.next_ledger, from_time = excluded.from_time, updated_at = now()
         WHERE event_cursors.from_ledger = event_cursors.next_ledger AND event_cursors.from_ledger < excluded.from_ledger",
    )
    .bind(contracts)
    .bind(ledger)
    .bind(time)
    .bind(tip_ledger)
    .execute(conn)
    .await?;
    Ok(())
}

/// Moves the cursors of these contracts, in the transaction that stored what they move over. False, and the caller must
/// roll back, if one of them does not stand where the caller thinks: someone else moved it.
///
/// # Errors
/// What Postgres said.
pub async fn advance(conn: &mut PgConnection, contracts: &[String], moved: Moved) -> Result<bool, sqlx::Error> {
    assert!(moved.from <= moved.to, "a cursor never goes back");
    // Locked in one order, so that two that move the same cursors wait for each other and do not deadlock.
    let here: Vec<String> = sqlx::query_scalar(
        "SELECT contract FROM trueup.event_cursors WHERE contract = ANY($1) AND next_ledger = $2 ORDER BY contract FOR UPDATE",
    )
    .bind(contracts)
    .bind(moved.from)
    .fetch_all(&mut *conn)
    .await?;
    if here.len() != contracts.len() {
        return Ok(false);
    }
    sqlx::query(
        "UPDATE trueup.event_cursors
         SET next_ledger = $2, until_time = greatest(until_time, $3), tip_ledger = greatest(tip_ledger, $4), updated_at = now()
         WHERE contract = ANY($1)",
    )
    .bind(contracts)
    .bind(moved.to)
    .bind(moved.until_time)
    .bind(moved.tip_ledger)
    .execute(conn)
    .await?;
    Ok(true)
}

/// Notes how far the chain was when it was asked and had nothing new for these contracts.
///
/// # Errors
/// What Postgres said.
pub async fn saw_tip(conn: &mut PgConnection, contracts: &[String], tip_ledger: i64) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE trueup.event_cursors SET tip_ledger = greatest(tip_ledger, $2), updated_at = now() WHERE contract = ANY($1)")
        .bind(contracts)
        .bind(tip_ledger)
        .execute(conn)
        .await?;
    Ok(())
}
