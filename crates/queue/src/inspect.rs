//! Looking at jobs.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, PgConnection, Postgres, QueryBuilder, Row};

use crate::Result;
use crate::enqueue::count;
use crate::job::{GroupId, JobId, LeaseNumber, State};
use crate::redis::inspect::COUNTS;

/// The most jobs that one [`list`] gives.
pub const LIST_LIMIT: u32 = 1_000;

/// All that the queue knows of one job.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Listed {
    /// Which job.
    pub id: JobId,
    /// Its group.
    pub group: GroupId,
    /// Its task.
    pub task: String,
    /// Its kind.
    pub kind: String,
    /// Its key.
    pub key: String,
    /// Its payload, as JSON text.
    pub payload: Option<String>,
    /// Lower goes first.
    pub priority: i16,
    /// Where it stands.
    pub state: State,
    /// When it is or was due.
    pub run_at: DateTime<Utc>,
    /// When it was enqueued.
    pub created_at: DateTime<Utc>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// The lease that holds it, or held it last.
    pub lease: Option<LeaseNumber>,
    /// The worker that holds it now: its name and the ULID of its start.
    pub worker: Option<String>,
    /// Until when it is held if no heartbeat comes.
    pub leased_until: Option<DateTime<Utc>>,
    /// Tries that failed.
    pub failures: i32,
    /// Tries that put it off.
    pub looks: i32,
    /// How often the process died while it ran alone.
    pub crashes: i32,
    /// Whether it may be why a process vanished: 0 no, 1 one among many, 2 one among few.
    pub suspicion: i16,
    /// The outcome of a done job.
    pub outcome: Option<String>,
    /// What went wrong last, or why it was put off.
    pub error: Option<String>,
    /// The `traceparent` under which it was enqueued.
    pub trace: Option<String>,
}

/// Which jobs to list. What is `None` or empty does not restrict.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// In this state.
    pub state: Option<State>,
    /// Of this task.
    pub task: Option<String>,
    /// Of this kind.
    pub kind: Option<String>,
    /// In this group.
    pub group: Option<GroupId>,
    /// With this text somewhere in their error, in any case.
    pub error: Option<String>,
    /// With exactly this key.
    pub key: Option<String>,
    /// Among these.
    pub ids: Vec<JobId>,
}

/// How many jobs stand where.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Waiting, due or put off.
    pub ready: u64,
    /// Held by a worker.
    pub leased: u64,
    /// Ended well.
    pub done: u64,
    /// Ended badly.
    pub dead: u64,
    /// Ended before they were tried.
    pub cancelled: u64,
}

impl Counts {
    /// How many there are in this state.
    #[must_use]
    pub const fn of(&self, state: State) -> u64 {
        match state {
            State::Ready => self.ready,
            State::Leased => self.leased,
            State::Done => self.done,
            State::Dead => self.dead,
            State::Cancelled => self.cancelled,
        }
    }

    /// How many there are.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.ready + self.leased + self.done + self.dead + self.cancelled
    }
}

/// The jobs that the filter lets through, by id, from the first after `after` and at most `limit` (and
/// [`LIST_LIMIT`]).
///
/// # Errors
/// What Postgres said.
pub async fn list(conn: &mut PgConnection, filter: &Filter, limit: u32, after: Option<JobId>) -> Result<Vec<Listed>> {
    // Only what restricts is written down, so that each question gets the plan and the index that fit it.
    let mut query = QueryBuilder::<Postgres>::new("SELECT * FROM trueup.all_jobs AS jobs WHERE true");
    if let Some(state) = filter.state {
        // As a literal: the partial index on dead jobs is chosen by it.
        query.push(format!(" AND state = '{}'", state.as_str()));
    }
    if let Some(task) = &filter.task {
        query.push(" AND task = ").push_bind(task);
    }
    if let Some(kind) = &filter.kind {
        query.push(" AND kind = ").push_bind(kind);
    }
    if let Some(group) = filter.group {
        query.push(" AND group_id = ").push_bind(group);
    }
    if let Some(error) = &filter.error {
        query.push(" AND strpos(lower(error), lower(").push_bind(error).push(")) > 0");
    }
    if let Some(key) = &filter.key {
        query.push(" AND key = ").push_bind(key);
    }
    if !filter.ids.is_empty() {
        query.push(" AND jobs.id = ANY(").push_bind(&filter.ids).push(")");
    }
    if let Some(after) = after {
        query.push(" AND jobs.id > ").push_bind(after);
    }
    query.push(" ORDER BY jobs.id LIMIT ").push_bind(i64::from(limit.min(LIST_LIMIT)));
    let rows = query.build().fetch_all(conn).await?;
    Ok(rows.iter().map(listed).collect::<Result<_, _>>()?)
}

/// One job, if there is one of this id.
///
/// # Errors
/// What Postgres said.
pub async fn get(conn: &mut PgConnection, id: JobId) -> Result<Option<Listed>> {
    let filter = Filter { ids: vec![id], ..Filter::default() };
    Ok(list(conn, &filter, 1, None).await?.pop())
}

/// How many jobs of this group, or of all, stand where.
///
/// # Errors
/// What Postgres said.
pub async fn count_by_state(conn: &mut PgConnection, group: Option<GroupId>) -> Result<Counts> {
    let statement = format!(
        "SELECT state, sum(count)::bigint FROM (
             SELECT state, count(*) FROM trueup.jobs WHERE $1::bigint IS NULL OR group_id = $1 GROUP BY 1
             UNION ALL {COUNTS}
         ) AS counted GROUP BY 1"
    );
    let mut counts = Counts::default();
    for row in sqlx::query(AssertSqlSafe(statement)).bind(group).persistent(false).fetch_all(conn).await? {
        let jobs = count(row.try_get(1)?);
        match row.try_get::<State, _>(0)? {
            State::Ready => counts.ready = jobs,
            State::Leased => counts.leased = jobs,
            State::Done => counts.done = jobs,
            State::Dead => counts.dead = jobs,
            State::Cancelled => counts.cancelled = jobs,
        }
    }
    Ok(counts)
}

fn listed(row: &PgRow) -> Result<Listed, sqlx::Error> {
    Ok(Listed {
        id: row.try_get("id")?,
        group: row.try_get("group_id")?,
        task: row.try_get("task")?,
        kind: row.try_get("kind")?,
        key: row.try_get("key")?,
        payload: row.try_get("payload")?,
        priority: row.try_get("priority")?,
        state: row.try_get("state")?,
        run_at: row.try_get("run_at")?,
        created_at: row.try_get("created_at")?,
        ended_at: row.try_get("ended_at")?,
        lease: row.try_get("lease")?,
        worker: row.try_get("worker")?,
        leased_until: row.try_get("until")?,
        failures: row.try_get("failures")?,
        looks: row.try_get("looks")?,
        crashes: row.try_get("crashes")?,
        suspicion: row.try_get("suspicion")?,
        outcome: row.try_get("outcome")?,
        error: row.try_get("error")?,
        trace: row.try_get("trace")?,
    })
}
