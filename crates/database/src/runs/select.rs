use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sqlx::types::Json;
use sqlx::{FromRow, PgConnection};
use trueup_judge::{EntityKind, Mode, RunId, Sweep};

use super::{GuardOverride, Guards, HeldBackKinds};

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Jobs are being added.
    Enqueue,
    /// All jobs are there; entities are looked at.
    Detect,
    /// The whole set of plans is looked at.
    Match,
    /// Second reads, and repairs.
    Confirm,
    /// The report is being assembled.
    Aggregate,
    /// The report is written.
    Done,
}

impl Phase {
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "enqueue" => Self::Enqueue,
            "detect" => Self::Detect,
            "match" => Self::Match,
            "confirm" => Self::Confirm,
            "aggregate" => Self::Aggregate,
            "done" => Self::Done,
            _ => return None,
        })
    }

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Enqueue => "enqueue",
            Self::Detect => "detect",
            Self::Match => "match",
            Self::Confirm => "confirm",
            Self::Aggregate => "aggregate",
            Self::Done => "done",
        }
    }
}

/// How a run ended, or that it has not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunState {
    /// It has not.
    Running,
    /// Every entity has its verdict.
    Completed,
    /// Its deadline passed; the report is partial.
    TimedOut,
    /// Someone cancelled it; the report is partial.
    Cancelled,
}

impl RunState {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Completed => "completed",
            Self::TimedOut => "timed_out",
            Self::Cancelled => "cancelled",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        [Self::Running, Self::Completed, Self::TimedOut, Self::Cancelled].into_iter().find(|state| state.as_str() == name)
    }
}

/// A run as it stands.
#[derive(Debug, Clone)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// Who asked.
    pub origin: String,
    /// What it covers.
    pub kinds: Vec<EntityKind>,
    /// How far it goes.
    pub mode: Mode,
    /// Whether it passes over rows that have not moved.
    pub sweep: Sweep,
    /// Where it stands.
    pub phase: Phase,
    /// How it ended.
    pub state: RunState,
    /// When it was opened, by the database's clock.
    pub opened_at: DateTime<Utc>,
    /// When its report was written.
    pub finished_at: Option<DateTime<Utc>>,
    /// Jobs of the first looks (detect, discover, sieve): all, ended.
    pub detect: (i64, i64),
    /// By kind, how many rows were looked at by the range and had not moved: these have no job.
    pub unmoved: BTreeMap<EntityKind, u64>,
    /// By kind, how many rows were looked at by the range and are in sync: nor have these.
    pub in_sync: BTreeMap<EntityKind, u64>,
    /// By kind, how many rows were looked at by the range and got a plan: nor have these.
    pub suspected: BTreeMap<EntityKind, u64>,
    /// Confirm jobs: all, ended.
    pub confirm: (i64, i64),
    /// RPC calls by method and SQL statements.
    pub usage: BTreeMap<String, u64>,
    /// The lowest and highest ledger that an observation was of.
    pub ledgers: Option<(u32, u32)>,
    /// What a reader of its report must know.
    pub notes: Vec<String>,
    /// W3C traceparent.
    pub trace: Option<String>,
    /// Who started it; none for a run from before this was kept.
    pub actor: Option<String>,
    /// Who let it write more than the guard allows.
    pub guard_override: Option<GuardOverride>,
    /// The run whose work it goes on with.
    pub follows: Option<RunId>,
    /// It looks at touched entities.
    pub touches: bool,
    /// What the guard said, by kind; empty until the run was matched.
    pub guards: Guards,
    /// Why nothing of a kind is repaired.
    pub held_back: HeldBackKinds,
}

#[derive(FromRow)]
struct Row {
    id: i64,
    origin: String,
    kinds: Vec<String>,
    mode: String,
    sweep: String,
    unmoved: Json<BTreeMap<EntityKind, u64>>,
    in_sync: Json<BTreeMap<EntityKind, u64>>,
    suspected: Json<BTreeMap<EntityKind, u64>>,
    phase: String,
    state: String,
    opened_at: DateTime<Utc>,
    finished_at: Option<DateTime<Utc>>,
    detect_total: i64,
    detect_done: i64,
    confirm_total: i64,
    confirm_done: i64,
    usage: Json<BTreeMap<String, u64>>,
    ledger_min: Option<i64>,
    ledger_max: Option<i64>,
    notes: Vec<String>,
    trace: Option<String>,
    actor: Option<String>,
    override_actor: Option<String>,
    override_reason: Option<String>,
    follows: Option<i64>,
    touches: bool,
    guard: Json<Guards>,
    held_back: Json<HeldBackKinds>,
}

const COLUMNS: &str = "id, origin, kinds, mode, phase, state, opened_at, finished_at, detect_total, detect_done, confirm_total, confirm_done, usage, ledger_min, ledger_max, notes, trace,
     actor, override_actor, override_reason, follows, touches, guard, held_back, sweep, unmoved, in_sync, suspected";

impl TryFrom<Row> for Run {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> Result<Self, sqlx::Error> {
        let unknown = |what: &str| sqlx::Error::Decode(format!("run {}: {what} is of a newer trueup", row.id).into());
        let ledger = |value: Option<i64>| value.and_then(|value| u32::try_from(value).ok());
        Ok(Self {
            id: RunId(row.id),
            kinds: row.kinds.into_iter().map(EntityKind).collect(),
            mode: row.mode.parse().map_err(|_| unknown("its mode"))?,
            sweep: row.sweep.parse().map_err(|_| unknown("its sweep"))?,
            unmoved: row.unmoved.0,
            in_sync: row.in_sync.0,
            suspected: row.suspected.0,
            phase: Phase::from_name(&row.phase).ok_or_else(|| unknown("its phase"))?,
            state: RunState::from_name(&row.state).ok_or_else(|| unknown("its state"))?,
            origin: row.origin,
            opened_at: row.opened_at,
            finished_at: row.finished_at,
            detect: (row.detect_total, row.detect_done),
            confirm: (row.confirm_total, row.confirm_done),
            usage: row.usage.0,
            ledgers: ledger(row.ledger_min).zip(ledger(row.ledger_max)),
            notes: row.notes,
            trace: row.trace,
            actor: row.actor,
            guard_override: row.override_actor.zip(row.override_reason).map(|(actor, reason)| GuardOverride { actor, reason }),
            follows: row.follows.map(RunId),
            touches: row.touches,
            guards: row.guard.0,
            held_back: row.held_back.0,
        })
    }
}

/// One run, if there is such a one.
///
/// # Errors
/// What Postgres said.
pub async fn get(conn: &mut PgConnection, run: RunId) -> Result<Option<Run>, sqlx::Error> {
    let row: Option<Row> = sqlx::query_as(sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM trueup.runs WHERE id = $1")))
        .bind(run.0)
        .fetch_optional(conn)
        .await?;
    row.map(Run::try_from).transpose()
}

/// The newest runs, newest first; those of touches only if they are asked for.
///
/// # Errors
/// What Postgres said.
pub async fn list(conn: &mut PgConnection, limit: i64, with_touches: bool) -> Result<Vec<Run>, sqlx::Error> {
    // Written down, so that the index over the others is chosen by it.
    let which = if with_touches { "" } else { "WHERE NOT touches" };
    let rows: Vec<Row> =
        sqlx::query_as(sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM trueup.runs {which} ORDER BY id DESC LIMIT $1")))
            .bind(limit)
            .fetch_all(conn)
            .await?;
    rows.into_iter().map(Run::try_from).collect()
}

/// The newest run that has a report, leaving out those of touches.
///
/// # Errors
/// What Postgres said.
pub async fn latest_finished(conn: &mut PgConnection) -> Result<Option<RunId>, sqlx::Error> {
    let id: Option<i64> = sqlx::query_scalar(
        "SELECT id FROM trueup.runs AS r WHERE NOT touches AND EXISTS (SELECT FROM trueup.reports WHERE run = r.id) ORDER BY id DESC LIMIT 1",
    )
    .fetch_optional(conn)
    .await?;
    Ok(id.map(RunId))
}

/// Runs whose deadline has passed, by the database's clock, while there was more to do than to write the report.
///
/// # Errors
/// What Postgres said.
pub async fn expired(conn: &mut PgConnection) -> Result<Vec<RunId>, sqlx::Error> {
    let ids: Vec<i64> =
        sqlx::query_scalar("SELECT id FROM trueup.runs WHERE state = 'running' AND phase <> 'aggregate' AND deadline < now() ORDER BY id")
            .fetch_all(conn)
            .await?;
    Ok(ids.into_iter().map(RunId).collect())
}

/// The unfinished runs of this phase. In [`Phase::Match`] only those whose deadline has not passed, by the database's
/// clock: the others are about to be ended.
///
/// # Errors
/// What Postgres said.
pub async fn in_phase(conn: &mut PgConnection, phase: Phase) -> Result<Vec<RunId>, sqlx::Error> {
    let ids: Vec<i64> = sqlx::query_scalar(
        "SELECT id FROM trueup.runs WHERE phase = $1 AND phase <> 'done' AND (phase <> 'match' OR state = 'running' AND deadline >= now()) ORDER BY id",
    )
    .bind(phase.as_str())
    .fetch_all(conn)
    .await?;
    Ok(ids.into_iter().map(RunId).collect())
}

/// A run that has not ended, as whoever writes for it must know it.
#[derive(Debug, Clone)]
pub struct Running {
    /// The run.
    pub id: RunId,
    /// How far it goes.
    pub mode: Mode,
    /// Why nothing of a kind is repaired in it.
    pub held_back: HeldBackKinds,
}

/// Locks those of the runs that have not ended, in the order of their ids, and says which. Nobody ends them until
/// the caller's transaction is over, so that no repair comes after its run's report.
///
/// # Errors
/// What Postgres said.
pub async fn lock_running(conn: &mut PgConnection, runs: &[RunId]) -> Result<Vec<Running>, sqlx::Error> {
    let ids: Vec<i64> = runs.iter().map(|run| run.0).collect();
    let rows: Vec<(i64, String, Json<HeldBackKinds>)> = sqlx::query_as(
        "SELECT id, mode, held_back FROM trueup.runs WHERE id = ANY($1) AND state = 'running' ORDER BY id FOR NO KEY UPDATE",
    )
    .bind(ids)
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|(id, mode, Json(held_back))| {
            let (id, mode) = read_mode((id, mode))?;
            Ok(Running { id, mode, held_back })
        })
        .collect()
}

fn read_mode((id, mode): (i64, String)) -> Result<(RunId, Mode), sqlx::Error> {
    Ok((RunId(id), mode.parse().map_err(|error| sqlx::Error::Decode(Box::new(error)))?))
}

/// How far these runs go; those that do not exist are left out.
///
/// # Errors
/// What Postgres said.
pub async fn modes(conn: &mut PgConnection, runs: &[RunId]) -> Result<Vec<(RunId, Mode)>, sqlx::Error> {
    let ids: Vec<i64> = runs.iter().map(|run| run.0).collect();
    let rows: Vec<(i64, String)> = sqlx::query_as("SELECT id, mode FROM trueup.runs WHERE id = ANY($1)").bind(ids).fetch_all(conn).await?;
    rows.into_iter().map(read_mode).collect()
}

/// The newest unfinished run of the same origin, kinds (sorted), mode, sweep and override of the guard.
///
/// # Errors
/// What Postgres said.
pub async fn unfinished_like(conn: &mut PgConnection, run: &super::NewRun) -> Result<Option<RunId>, sqlx::Error> {
    let kinds: Vec<&str> = run.kinds.iter().map(|kind| kind.0.as_str()).collect();
    let id: Option<i64> = sqlx::query_scalar(
        "SELECT max(id) FROM trueup.runs WHERE phase <> 'done' AND state = 'running' AND origin = $1 AND kinds = $2 AND mode = $3
           AND override_actor IS NOT DISTINCT FROM $4 AND override_reason IS NOT DISTINCT FROM $5 AND sweep = $6",
    )
    .bind(&run.origin)
    .bind(kinds)
    .bind(run.mode.as_str())
    .bind(run.guard_override.as_ref().map(|by| by.actor.as_str()))
    .bind(run.guard_override.as_ref().map(|by| by.reason.as_str()))
    .bind(run.sweep.as_str())
    .fetch_one(conn)
    .await?;
    Ok(id.map(RunId))
}
