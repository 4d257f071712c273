use sqlx::PgConnection;
use trueup_judge::{EntityKind, Mode, RunId};

/// What a run is asked to do.
#[derive(Debug, Clone)]
pub struct NewRun {
    /// Who asked, for people: `cli`, `schedule nightly`, `retry of run 7`.
    pub origin: String,
    /// The kinds that it covers, at least one.
    pub kinds: Vec<EntityKind>,
    /// How far it goes.
    pub mode: Mode,
    /// After this many seconds it is reported as it stands.
    pub timeout_secs: i64,
    /// W3C traceparent of its trace.
    pub trace: Option<String>,
}

/// Opens a run. Its jobs are still to be added.
///
/// # Errors
/// What Postgres said.
pub async fn open(conn: &mut PgConnection, run: &NewRun) -> Result<RunId, sqlx::Error> {
    let kinds: Vec<&str> = run.kinds.iter().map(|kind| kind.0.as_str()).collect();
    let id = sqlx::query_scalar(
        "INSERT INTO trueup.runs (origin, kinds, mode, deadline, trace)
         VALUES ($1, $2, $3, now() + make_interval(secs => $4), $5) RETURNING id",
    )
    .bind(&run.origin)
    .bind(kinds)
    .bind(run.mode.as_str())
    .bind(run.timeout_secs)
    .bind(&run.trace)
    .fetch_one(conn)
    .await?;
    Ok(RunId(id))
}
