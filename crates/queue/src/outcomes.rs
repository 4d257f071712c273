//! How a group's jobs ended, counted.

use sqlx::{AssertSqlSafe, PgConnection};

use crate::Result;
use crate::enqueue::count;
use crate::job::{GroupId, State};
use crate::redis::outcomes::OUTCOMES;

/// How many jobs of a group came to the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Their task.
    pub task: String,
    /// Their kind.
    pub kind: String,
    /// Where they stand.
    pub state: State,
    /// The outcome of those that are done.
    pub outcome: Option<String>,
    /// How many.
    pub count: u64,
}

/// Counts a group's jobs by task, kind, state and outcome.
///
/// # Errors
/// What Postgres said.
pub async fn outcomes(conn: &mut PgConnection, group: GroupId) -> Result<Vec<Outcome>> {
    let statement = format!(
        "SELECT task, kind, state, CASE state WHEN 'done' THEN outcome END, count(*)
         FROM trueup.jobs WHERE group_id = $1 GROUP BY 1, 2, 3, 4
         UNION ALL {OUTCOMES}
         ORDER BY 1, 2, 3, 4"
    );
    let rows: Vec<(String, String, State, Option<String>, i64)> =
        sqlx::query_as(AssertSqlSafe(statement)).bind(group).fetch_all(conn).await?;
    Ok(rows.into_iter().map(|(task, kind, state, outcome, jobs)| Outcome { task, kind, state, outcome, count: count(jobs) }).collect())
}
