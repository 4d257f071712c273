//! Runs are started, ended before their time, and awaited.

use std::sync::Arc;

use trueup_database::Pools;
use trueup_database::runs::{self, NewRun, Run, RunState};
use trueup_judge::{EntityKind, RunId};
use trueup_queue::{GroupId, Queue};

use crate::context::Context;
use crate::meter::Meter;
use crate::progress::{Progress, enqueue_one};
use crate::task::Task;

/// Opens a run of these kinds (all that have a spec, if none is named). Its jobs are added by [`crate::enqueue_run`]
/// here, or by any scheduler.
///
/// # Errors
/// A kind has no spec here; or what Postgres said.
pub async fn start_run(context: &Context, mut run: NewRun) -> anyhow::Result<RunId> {
    if run.kinds.is_empty() {
        run.kinds = context.kinds();
    }
    require_specs(context, &run.kinds)?;
    run.kinds.sort();
    run.kinds.dedup();
    let mut connection = context.pools.write.acquire().await?;
    Ok(runs::open(&mut connection, &run).await?)
}

/// Refuses kinds that have no spec here.
pub(crate) fn require_specs(context: &Context, kinds: &[EntityKind]) -> anyhow::Result<()> {
    let known = context.kinds();
    if let Some(unknown) = kinds.iter().find(|kind| !known.contains(kind)) {
        let known: Vec<&str> = known.iter().map(|kind| kind.0.as_str()).collect();
        anyhow::bail!("there is no spec for kind `{unknown}`; there are specs for {}", known.join(", "));
    }
    Ok(())
}

/// Cancels a run: what has not begun does not begin, and the report says that it is partial. False if it had ended,
/// or if only its report is outstanding. Any worker writes the report.
///
/// # Errors
/// What Postgres said.
pub async fn cancel(pools: &Pools, run: RunId) -> anyhow::Result<bool> {
    give_up(&bare_queue(pools), run, RunState::Cancelled).await
}

/// A queue in a process that works on no jobs.
pub(crate) fn bare_queue(pools: &Pools) -> Queue {
    let meter = Meter::new(None, pools.statements.clone());
    Queue::new(pools.write.clone(), Arc::new(Progress::new(Arc::new(meter))), trueup_queue::Settings::default())
}

/// Ends the runs whose deadline has passed. Their reports are partial.
pub(crate) async fn end_expired(context: &Context) -> anyhow::Result<()> {
    let mut connection = context.pools.write.acquire().await?;
    let expired = runs::expired(&mut connection).await?;
    drop(connection);
    for run in expired {
        if give_up(&context.queue, run, RunState::TimedOut).await? {
            tracing::warn!(run = run.0, "the run reached its deadline; its report will be partial");
        }
    }
    Ok(())
}

async fn give_up(queue: &Queue, run: RunId, state: RunState) -> anyhow::Result<bool> {
    let mut tx = queue.pool().begin().await?;
    if !runs::give_up(&mut tx, run, state).await? {
        return Ok(false);
    }
    queue.cancel_group(&mut tx, GroupId(run.0)).await?;
    enqueue_one(&mut tx, run, Task::Aggregate).await?;
    tx.commit().await?;
    Ok(true)
}

/// A run as it stands; none if there is no such run.
///
/// # Errors
/// What Postgres said.
pub async fn run_status(context: &Context, run: RunId) -> anyhow::Result<Option<Run>> {
    let mut connection = context.pools.read.acquire().await?;
    Ok(runs::get(&mut connection, run).await?)
}

/// The kinds among these names.
#[must_use]
pub fn kinds_named(names: &[String]) -> Vec<EntityKind> {
    names.iter().cloned().map(EntityKind).collect()
}
