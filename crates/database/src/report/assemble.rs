use serde_json::Value;
use sqlx::types::Json;
use sqlx::{FromRow, PgConnection};
use trueup_judge::RunId;

/// How many entities of a kind ended their second read in the same way.
#[derive(Debug, Clone, FromRow)]
pub struct PlanCount {
    /// The kind.
    pub kind: String,
    /// Their verdict; none if their job has not ended (the run timed out or was cancelled).
    pub verdict: Option<String>,
    /// What their repair came to, if one was tried.
    pub repair: Option<String>,
    /// Their entries were archived, or of unknown lifetime.
    pub archived: bool,
    /// How many.
    pub count: i64,
}

/// Counts a run's plans by how they ended.
///
/// # Errors
/// What Postgres said.
pub async fn plan_counts(conn: &mut PgConnection, run: RunId) -> Result<Vec<PlanCount>, sqlx::Error> {
    sqlx::query_as(
        "SELECT kind, verdict, repair, coalesce((plan -> 'stamp' ->> 'archived')::bool, false) AS archived, count(*) AS count
         FROM trueup.plans WHERE run = $1 GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4",
    )
    .bind(run.0)
    .fetch_all(conn)
    .await
}

/// Whether a run executes proposals that were approved: its plans are what it was given, and not what it found.
///
/// # Errors
/// What Postgres said.
pub async fn executes_proposals(conn: &mut PgConnection, run: RunId) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("SELECT EXISTS (SELECT FROM trueup.plans WHERE run = $1 AND approves IS NOT NULL)").bind(run.0).fetch_one(conn).await
}

/// How many drifts of a class a kind has.
#[derive(Debug, Clone, FromRow)]
pub struct DriftCount {
    /// The kind.
    pub kind: String,
    /// The class.
    pub class: String,
    /// How many.
    pub count: i64,
    /// How many of them are still so after the run.
    pub left: i64,
}

/// Counts a run's drifts.
///
/// # Errors
/// What Postgres said.
pub async fn drift_counts(conn: &mut PgConnection, run: RunId) -> Result<Vec<DriftCount>, sqlx::Error> {
    sqlx::query_as(
        "SELECT d.kind, d.class, count(*) AS count,
                count(*) FILTER (WHERE d.withheld IS NOT NULL OR p.repair IS DISTINCT FROM 'repaired') AS \"left\"
         FROM trueup.drifts AS d JOIN trueup.plans AS p ON p.id = d.plan
         WHERE d.run = $1 GROUP BY 1, 2 ORDER BY 1, 2",
    )
    .bind(run.0)
    .fetch_all(conn)
    .await
}

/// Stores a run's report. False if it has one: a run has exactly one.
///
/// # Errors
/// What Postgres said.
pub async fn write(conn: &mut PgConnection, run: RunId, document: &Value) -> Result<bool, sqlx::Error> {
    let done = sqlx::query("INSERT INTO trueup.reports (run, document) VALUES ($1, $2) ON CONFLICT DO NOTHING")
        .bind(run.0)
        .bind(Json(document))
        .execute(conn)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// A run's report, without its drifts and repairs.
///
/// # Errors
/// What Postgres said.
pub async fn read(conn: &mut PgConnection, run: RunId) -> Result<Option<Value>, sqlx::Error> {
    let document: Option<Json<Value>> =
        sqlx::query_scalar("SELECT document FROM trueup.reports WHERE run = $1").bind(run.0).fetch_optional(conn).await?;
    Ok(document.map(|Json(document)| document))
}
