use sqlx::{FromRow, PgConnection};

/// A touch with what became of it.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Touched {
    /// Its id.
    pub id: i64,
    /// The run that looks at it; none while it waits.
    pub run: Option<i64>,
    /// The job in that run.
    pub task: Option<String>,
    /// The job's key.
    pub job_key: Option<String>,
    /// The run's report is written.
    pub finished: bool,
    /// The verdict of its plan, where the first look suspected drift.
    pub verdict: Option<String>,
    /// What its repair came to.
    pub repair: Option<String>,
    /// Why, for people.
    pub detail: Option<String>,
}

/// What became of these touches, by id; those that were forgotten are left out.
///
/// # Errors
/// What Postgres said.
pub async fn outcomes(conn: &mut PgConnection, touches: &[i64]) -> Result<Vec<Touched>, sqlx::Error> {
    sqlx::query_as(
        "SELECT t.id, t.run, t.task, t.job_key, coalesce(r.phase = 'done', false) AS finished, p.verdict, p.repair, p.detail
         FROM trueup.touches AS t LEFT JOIN trueup.runs AS r ON r.id = t.run
         LEFT JOIN LATERAL (
             SELECT * FROM trueup.plans AS p WHERE p.run = t.run AND p.kind = t.kind
               AND CASE WHEN t.task = 'discover' THEN p.identity IS NULL AND p.chain_key = t.job_key ELSE p.identity = t.job_key END
             LIMIT 1) AS p ON true
         WHERE t.id = ANY ($1) ORDER BY t.id",
    )
    .bind(touches)
    .fetch_all(conn)
    .await
}
