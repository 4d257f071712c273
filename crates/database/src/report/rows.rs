use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use sqlx::{AssertSqlSafe, FromRow, PgConnection};
use trueup_judge::RunId;
use trueup_spec::Priority;

use crate::sql::{list, literal};

/// One confirmed drift, with what became of it.
#[derive(Debug, Clone, FromRow, Serialize)]
pub struct DriftRow {
    /// Its place among those that are alike otherwise; no part of the document.
    #[serde(skip)]
    pub id: i64,
    /// The kind.
    pub kind: String,
    /// The row; none for one that is missing.
    pub identity: Option<String>,
    /// The chain key.
    pub chain_key: Option<String>,
    /// What sort.
    pub class: String,
    /// The column, or the condition's name.
    pub field: String,
    /// The database's value, as text.
    pub db: Option<String>,
    /// The chain's value, as text.
    pub chain: Option<String>,
    /// A condition's priority.
    pub priority: Option<String>,
    /// What the plan would do: update, insert, resolve, report.
    pub action: String,
    /// Why it is only reported.
    pub withheld: Option<String>,
    /// What the repair came to, if one was tried.
    pub repair: Option<String>,
    /// Why, for people.
    pub detail: Option<String>,
    /// As of which ledger.
    pub ledger: Option<i64>,
    /// The ledger that last changed the entry.
    pub last_modified: Option<i64>,
    /// The entry was archived, or of unknown lifetime.
    pub archived: Option<bool>,
}

/// Which drifts of a run. One that has no priority counts as [`Priority::Normal`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DriftFilter {
    /// Of this priority or above.
    pub at_least: Option<Priority>,
    /// Of this priority and no other.
    pub exactly: Option<Priority>,
}

/// The rank of the priority that this SQL names, from 1 for the lowest.
fn rank_of(priority: &str) -> String {
    format!("array_position(ARRAY[{}], {priority})", list(Priority::ALL.iter().map(|it| literal(it.as_str()))))
}

/// Which drifts (`d`) a filter takes: its binds are $1 to $3.
fn drift_matches() -> String {
    let priority = format!("coalesce(d.priority, {})", literal(Priority::default().as_str()));
    format!("d.run = $1 AND ($2::text IS NULL OR {} >= {}) AND ($3::text IS NULL OR {priority} = $3)", rank_of(&priority), rank_of("$2"))
}

/// The drifts of a run after this one, in the order of kind, class, entity and field; at most `limit`.
///
/// Each page begins in the index where the last one ended, so that all pages cost the same, and nothing is kept open
/// between them however slowly somebody reads.
///
/// # Errors
/// What Postgres said.
pub async fn drifts(
    conn: &mut PgConnection,
    run: RunId,
    filter: DriftFilter,
    after: Option<&DriftRow>,
    limit: i64,
) -> Result<Vec<DriftRow>, sqlx::Error> {
    let entity = |row: &DriftRow| row.identity.clone().or_else(|| row.chain_key.clone()).unwrap_or_default();
    // No kind is empty: all come after nothing.
    sqlx::query_as(AssertSqlSafe(format!(
        "WITH page AS MATERIALIZED (
             SELECT * FROM trueup.drifts AS d
             WHERE {} AND (d.kind, d.class, coalesce(d.identity, d.chain_key), d.field, d.id) > ($4, $5, $6, $7, $8)
             ORDER BY d.kind, d.class, coalesce(d.identity, d.chain_key), d.field, d.id LIMIT $9)
         SELECT d.id, d.kind, d.identity, d.chain_key, d.class, d.field, d.db_value AS db, d.chain_value AS chain, d.priority,
                p.plan -> 'action' ->> 'do' AS action,
                d.withheld,
                p.repair, p.detail,
                (p.plan -> 'stamp' ->> 'ledger')::bigint AS ledger,
                (p.plan -> 'stamp' ->> 'last_modified')::bigint AS last_modified,
                (p.plan -> 'stamp' ->> 'archived')::bool AS archived
         FROM page AS d JOIN trueup.plans AS p ON p.id = d.plan
         ORDER BY d.kind, d.class, coalesce(d.identity, d.chain_key), d.field, d.id",
        drift_matches()
    )))
    .bind(run.0)
    .bind(filter.at_least.map(Priority::as_str))
    .bind(filter.exactly.map(Priority::as_str))
    .bind(after.map_or("", |row| &row.kind))
    .bind(after.map_or("", |row| &row.class))
    .bind(after.map(entity).unwrap_or_default())
    .bind(after.map_or("", |row| &row.field))
    .bind(after.map_or(0, |row| row.id))
    .bind(limit)
    // Planned for this page: a plan for pages of any size would walk over all plans to find those of one page.
    .persistent(false)
    .fetch_all(conn)
    .await
}

/// How many drifts of a run a filter takes.
///
/// # Errors
/// What Postgres said.
pub async fn count_drifts(conn: &mut PgConnection, run: RunId, filter: DriftFilter) -> Result<u64, sqlx::Error> {
    let count: i64 = sqlx::query_scalar(AssertSqlSafe(format!("SELECT count(*) FROM trueup.drifts AS d WHERE {}", drift_matches())))
        .bind(run.0)
        .bind(filter.at_least.map(Priority::as_str))
        .bind(filter.exactly.map(Priority::as_str))
        .fetch_one(conn)
        .await?;
    Ok(u64::try_from(count).unwrap_or_default())
}

/// One write, as its audit holds it.
#[derive(Debug, Clone, FromRow, Serialize)]
pub struct RepairRow {
    /// Its id.
    pub id: i64,
    /// The run that made it.
    pub run: Option<i64>,
    /// The plan that it executed.
    pub plan: Option<i64>,
    /// The kind.
    pub kind: String,
    /// The table.
    pub table_name: String,
    /// The row.
    pub identity: String,
    /// The chain key.
    pub chain_key: Option<String>,
    /// update, insert, resolve or revert.
    pub action: String,
    /// The columns as they were.
    pub before: Value,
    /// The columns as they were meant to become.
    pub intended: Value,
    /// The columns right after the write.
    pub after: Value,
    /// Something in the database made another value of it.
    pub altered: bool,
    /// The drifts that it mended.
    pub drifts: Value,
    /// What the chain's side rests on.
    pub stamp: Option<Value>,
    /// The trace in which it was made.
    pub trace: Option<String>,
    /// Who made it.
    pub actor: String,
    /// Why, if someone said.
    pub reason: Option<String>,
    /// When, by the database's clock.
    pub repaired_at: DateTime<Utc>,
    /// The repair that this one undid.
    pub reverts: Option<i64>,
    /// The repair that undid this one.
    pub reverted_by: Option<i64>,
    /// Of a resolve: the row's identity before it (`from`), what the key rests on (`proof`), and which rows of other
    /// tables were rewritten (`references`).
    pub resolution: Option<Value>,
    /// What it reverted is held: no sweep repairs it until it is released.
    pub held: bool,
}

/// Which repairs.
#[derive(Debug, Clone, Default)]
pub struct RepairFilter {
    /// Of this run.
    pub run: Option<i64>,
    /// Of this kind.
    pub kind: Option<String>,
    /// Of this row.
    pub identity: Option<String>,
    /// This one.
    pub id: Option<i64>,
    /// That mended a drift of this class.
    pub class: Option<String>,
    /// Made then or later.
    pub since: Option<DateTime<Utc>>,
    /// Made before then.
    pub until: Option<DateTime<Utc>>,
}

/// Which repairs (`r`) a filter takes: its binds are $1 to $7.
pub(crate) const MATCHES: &str = "($1::bigint IS NULL OR r.run = $1) AND ($2::text IS NULL OR r.kind = $2)
    AND ($3::text IS NULL OR r.identity = $3) AND ($4::bigint IS NULL OR r.id = $4)
    AND ($5::text IS NULL OR r.drifts @> jsonb_build_array(jsonb_build_object('class', $5)))
    AND ($6::timestamptz IS NULL OR r.repaired_at >= $6) AND ($7::timestamptz IS NULL OR r.repaired_at < $7)";

/// Repairs, oldest first, after the one with id `after`, at most `limit`.
///
/// # Errors
/// What Postgres said.
pub async fn repairs(conn: &mut PgConnection, filter: &RepairFilter, after: i64, limit: i64) -> Result<Vec<RepairRow>, sqlx::Error> {
    sqlx::query_as(AssertSqlSafe(format!(
        "SELECT r.id, r.run, r.plan, r.kind, r.table_name, r.identity, r.chain_key, r.action, r.before, r.intended, r.after, r.altered,
                r.drifts, r.stamp, r.trace, r.actor, r.reason, r.repaired_at, r.reverts, r.resolution,
                (SELECT u.id FROM trueup.repairs AS u WHERE u.reverts = r.id) AS reverted_by,
                EXISTS (SELECT FROM trueup.holds AS h JOIN trueup.repairs AS u ON u.id = h.repair WHERE u.reverts = r.id) AS held
         FROM trueup.repairs AS r
         WHERE {MATCHES} AND r.id > $8 ORDER BY r.id LIMIT $9"
    )))
    .bind(filter.run)
    .bind(&filter.kind)
    .bind(&filter.identity)
    .bind(filter.id)
    .bind(&filter.class)
    .bind(filter.since)
    .bind(filter.until)
    .bind(after)
    .bind(limit)
    .fetch_all(conn)
    .await
}

/// The ids and kinds of repairs that a filter takes and that nobody has undone, newest first, before the one with id
/// `before`, at most `limit`. Reverts are not among them.
///
/// # Errors
/// What Postgres said.
pub async fn undoable(conn: &mut PgConnection, filter: &RepairFilter, before: i64, limit: i64) -> Result<Vec<(i64, String)>, sqlx::Error> {
    sqlx::query_as(AssertSqlSafe(format!(
        "SELECT r.id, r.kind FROM trueup.repairs AS r
         WHERE {MATCHES} AND r.id < $8 AND r.reverts IS NULL AND NOT EXISTS (SELECT FROM trueup.repairs AS u WHERE u.reverts = r.id)
         ORDER BY r.id DESC LIMIT $9"
    )))
    .bind(filter.run)
    .bind(&filter.kind)
    .bind(&filter.identity)
    .bind(filter.id)
    .bind(&filter.class)
    .bind(filter.since)
    .bind(filter.until)
    .bind(before)
    .bind(limit)
    .fetch_all(conn)
    .await
}

/// The kinds of these repairs; those that there are not are left out.
///
/// # Errors
/// What Postgres said.
pub async fn kinds_of_repairs(conn: &mut PgConnection, ids: &[i64]) -> Result<Vec<(i64, String)>, sqlx::Error> {
    sqlx::query_as("SELECT id, kind FROM trueup.repairs WHERE id = ANY($1) ORDER BY id").bind(ids).fetch_all(conn).await
}
