//! When detection is complete: the whole set of plans is there, the guard is asked, and their confirmation begins.

pub(crate) mod guard;

mod provisional;
mod sought;
mod window;

use sqlx::PgConnection;
use trueup_database::runs::{self, Phase, Run};
use trueup_judge::{EntityKind, Mode, RunId};
use trueup_queue::{Ack, AckResult, Destination, Failure, GroupId, Handled, Job, NewJob};

use crate::batcher::Answer;
use crate::context::Context;
use crate::events::before_matching;
use crate::progress::enqueue_one;
use crate::task::{RUN_ENDED, Task};
use crate::touch::{TOUCH_PRIORITY, lane};

/// The priority of confirmations: ahead of the sweeps of other runs, so that a repair rests on fresh reads.
const CONFIRM_PRIORITY: i16 = 50;

pub(crate) use provisional::{Settled, settle as settle_provisional};
pub(crate) use sought::{Sought, keep_over, keep_sought};

pub(crate) async fn match_plans(context: &Context, job: &Job) -> Answer {
    let work = async {
        before_matching(context, RunId(job.group.0)).await?;
        start_confirming(context, job).await
    };
    work.await.map_err(|error| Failure::passing(error.to_string()))
}

async fn start_confirming(context: &Context, job: &Job) -> anyhow::Result<Handled> {
    let run = RunId(job.group.0);
    provisional::resolve(context, job).await?;
    // Asked before anything is locked. Without an answer the run goes on, and writes nothing.
    let network = guard::network(context).await;
    let mut tx = context.pools.write.begin().await?;
    let Some(found) = runs::get(&mut tx, run).await? else { return Ok(Handled::Ack("no such run".to_owned())) };
    if !trueup_queue::fence(&mut tx, &[(job.id, job.lease)]).await?.contains(&job.id) {
        return Ok(Handled::AlreadyAcked);
    }
    // A run that ended meanwhile confirms nothing: nobody would count what is enqueued now.
    if runs::lock_running(&mut tx, &[run]).await?.is_empty() {
        return Ok(Handled::Ack(RUN_ENDED.to_owned()));
    }
    if let Some(why) = network.filter(|why| found.mode == Mode::Repair || why.concerns_reading()) {
        tracing::warn!(run = run.0, %why, "held back");
        for kind in &found.kinds {
            runs::hold_back(&mut tx, run, kind, &why).await?;
        }
    }
    if found.touches {
        window::ask(context, &mut tx, &found).await?;
    } else {
        guard::ask(context, &mut tx, &found).await?;
    }
    let mut jobs = 0;
    for kind in &found.kinds {
        if found.touches {
            jobs += enqueue_touched(&mut tx, &found, kind).await?;
            continue;
        }
        let into = Destination {
            group: job.group,
            task: Task::Confirm.as_str().to_owned(),
            kind: kind.0.clone(),
            priority: CONFIRM_PRIORITY,
            trace: found.trace.clone(),
        };
        let (select, binds) = runs::plans_to_confirm(run, kind)?;
        jobs += trueup_queue::enqueue_from(&mut tx, &into, select, binds).await?.inserted;
    }
    if runs::start_confirming(&mut tx, run, i64::try_from(jobs)?).await? == Some(Phase::Aggregate) {
        enqueue_one(&mut tx, run, Task::Aggregate).await?;
    }
    let ack = Ack { job: job.id, lease: job.lease, result: AckResult::Done { outcome: format!("plans to confirm: {jobs}") } };
    context.queue.ack(&mut tx, &[ack]).await?;
    tx.commit().await?;
    context.count_statements(8 + found.kinds.len() as u64);
    tracing::info!(run = run.0, plans = jobs, "detection is complete");
    Ok(Handled::AlreadyAcked)
}

/// Second looks at touched entities, ahead of everything else.
async fn enqueue_touched(tx: &mut PgConnection, run: &Run, kind: &EntityKind) -> anyhow::Result<u64> {
    let plans = runs::plans_waiting(tx, run.id, kind).await?;
    let jobs: Vec<NewJob> = plans
        .into_iter()
        .map(|plan| NewJob {
            priority: TOUCH_PRIORITY,
            payload: Some(lane()),
            trace: run.trace.clone(),
            ..NewJob::new(GroupId(run.id.0), Task::Confirm.as_str(), kind.0.clone(), plan.to_string())
        })
        .collect();
    Ok(trueup_queue::enqueue(tx, &jobs).await?)
}
