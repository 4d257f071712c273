//! Dead jobs get another chance, in a small run of their own: the run in which they died has counted them, and its
//! report may be written.

use std::collections::BTreeMap;

use sqlx::{PgConnection, PgPool};
use trueup_database::runs::{self, NewRun, Phase};
use trueup_judge::{EntityKind, Mode, PlanId, RunId, Sweep};
use trueup_queue::inspect::Listed;
use trueup_queue::{GroupId, JobId, NewJob, State};

use crate::enqueue::seal;
use crate::task::Task;

/// What became of jobs that should be retried.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Retried {
    /// The runs that were started for them.
    pub runs: Vec<RunId>,
    /// How many jobs those have.
    pub jobs: u64,
    /// Jobs that are not dead, or that belong to a run rather than to an entity.
    pub left_alone: u64,
    /// Runs whose report is not written yet, and which still count their dead jobs.
    pub unreported: Vec<RunId>,
}

/// Retries dead jobs: those of each run in a new run of the same mode.
///
/// # Errors
/// What Postgres said.
pub async fn retry_jobs(pool: &PgPool, jobs: &[Listed], timeout_secs: i64) -> anyhow::Result<Retried> {
    let mut retried = Retried::default();
    let mut by_run: BTreeMap<RunId, Vec<&Listed>> = BTreeMap::new();
    for job in jobs {
        let of_entity = matches!(Task::from_name(&job.task), Some(Task::Detect | Task::Sieve | Task::Discover | Task::Confirm));
        if job.state == State::Dead && of_entity {
            by_run.entry(RunId(job.group.0)).or_default().push(job);
        } else {
            retried.left_alone += 1;
        }
    }
    for (old, jobs) in by_run {
        let mut tx = pool.begin().await?;
        let found = runs::get(&mut tx, old).await?;
        // Its report counts the jobs that it has: one that moves away before would be missing there.
        if found.as_ref().is_some_and(|run| run.phase != Phase::Done) {
            retried.unreported.push(old);
            continue;
        }
        let sweep = found.as_ref().map_or(Sweep::Full, |run| run.sweep);
        let mode = found.as_ref().map_or(Mode::Detect, |run| run.mode);
        let mut kinds: Vec<EntityKind> = jobs.iter().map(|job| EntityKind(job.kind.clone())).collect();
        kinds.sort();
        kinds.dedup();
        let new = NewRun {
            origin: format!("retry of run {old}"),
            kinds,
            mode,
            sweep,
            timeout_secs,
            actor: found.and_then(|run| run.actor),
            follows: Some(old),
            ..NewRun::default()
        };
        let run = runs::open(&mut tx, &new).await?;
        let moved = revive(&mut tx, run, &jobs).await?;
        runs::add_retried(&mut tx, run, i64::try_from(moved)?).await?;
        seal(&mut tx, run).await?;
        tx.commit().await?;
        retried.left_alone += u64::try_from(jobs.len())?.saturating_sub(moved);
        retried.jobs += moved;
        retried.runs.push(run);
    }
    Ok(retried)
}

/// First looks are moved as they are. A second look has nothing to compare with in another run: its entity begins
/// again with a first look, and the dead job stays for the record.
async fn revive(conn: &mut PgConnection, run: RunId, jobs: &[&Listed]) -> anyhow::Result<u64> {
    let group = GroupId(run.0);
    let (second, first): (Vec<&Listed>, Vec<&Listed>) = jobs.iter().partition(|job| job.task == Task::Confirm.as_str());
    let ids: Vec<JobId> = first.iter().map(|job| job.id).collect();
    let moved = trueup_queue::retry(conn, &ids, Some(group)).await?;
    let plans: Vec<PlanId> = second.iter().filter_map(|job| job.key.parse().ok().map(PlanId)).collect();
    let again: Vec<NewJob> = runs::load_plans(conn, &plans)
        .await?
        .into_iter()
        .filter_map(|plan| match (plan.body.identity, plan.body.chain_key) {
            (Some(identity), _) => Some(NewJob::new(group, Task::Detect.as_str(), plan.body.kind.0, identity.0)),
            (None, Some(key)) => Some(NewJob::new(group, Task::Discover.as_str(), plan.body.kind.0, key.0)),
            (None, None) => None,
        })
        .collect();
    Ok(moved + trueup_queue::enqueue(conn, &again).await?)
}
