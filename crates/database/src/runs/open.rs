use sqlx::PgConnection;
use trueup_judge::{EntityKind, Mode, RunId, Sweep};

/// What a run is asked to do.
#[derive(Debug, Clone)]
pub struct NewRun {
    /// Who asked, for people: `cli`, `schedule nightly`, `retry of run 7`.
    pub origin: String,
    /// The kinds that it covers, at least one.
    pub kinds: Vec<EntityKind>,
    /// How far it goes.
    pub mode: Mode,
    /// Whether it passes over rows that have not moved, nor their entries, since they were last in sync.
    pub sweep: Sweep,
    /// After this many seconds it is reported as it stands.
    pub timeout_secs: i64,
    /// W3C traceparent of its trace.
    pub trace: Option<String>,
    /// Who starts it: a person, or `schedule nightly`. Kept with the run; whoever approves its proposals may have to be
    /// another.
    pub actor: Option<String>,
    /// Lets this one run write more than the specs' `[guard]` allows.
    pub guard_override: Option<GuardOverride>,
    /// The run whose work it goes on with: the guard measures it by that run's entities.
    pub follows: Option<RunId>,
    /// It looks at touched entities: a small run, which is kept for a short time and not listed among the others.
    pub touches: bool,
}

/// Who lets a run write more than the guard allows, and why.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct GuardOverride {
    /// Who.
    pub actor: String,
    /// Why.
    pub reason: String,
}

/// How long a run may take that says nothing else, in seconds.
const DEFAULT_TIMEOUT_SECS: i64 = 3600;

impl Default for NewRun {
    /// A full run in mode `detect`, for at most an hour, of kinds and an origin that are still to be named.
    fn default() -> Self {
        Self {
            origin: String::new(),
            kinds: Vec::new(),
            mode: Mode::Detect,
            sweep: Sweep::Full,
            timeout_secs: DEFAULT_TIMEOUT_SECS,
            trace: None,
            actor: None,
            guard_override: None,
            follows: None,
            touches: false,
        }
    }
}

/// Opens a run. Its jobs are still to be added.
///
/// # Errors
/// What Postgres said.
pub async fn open(conn: &mut PgConnection, run: &NewRun) -> Result<RunId, sqlx::Error> {
    let kinds: Vec<&str> = run.kinds.iter().map(|kind| kind.0.as_str()).collect();
    let id = sqlx::query_scalar(
        "INSERT INTO trueup.runs (origin, kinds, mode, deadline, trace, actor, override_actor, override_reason, follows, touches, sweep)
         VALUES ($1, $2, $3, now() + make_interval(secs => $4), $5, $6, $7, $8, $9, $10, $11) RETURNING id",
    )
    .bind(&run.origin)
    .bind(kinds)
    .bind(run.mode.as_str())
    .bind(run.timeout_secs)
    .bind(&run.trace)
    .bind(&run.actor)
    .bind(run.guard_override.as_ref().map(|by| by.actor.as_str()))
    .bind(run.guard_override.as_ref().map(|by| by.reason.as_str()))
    .bind(run.follows.map(|run| run.0))
    .bind(run.touches)
    .bind(run.sweep.as_str())
    .fetch_one(conn)
    .await?;
    Ok(RunId(id))
}
