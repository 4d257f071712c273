//! The scheduler: starts the runs that are due, adds their jobs, ends the overdue, forgets the old. Any number of
//! them may run; each tick is taken once.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;
use trueup_database::runs::{self, NewRun, Phase};
use trueup_judge::RunId;
use trueup_queue::GroupId;

use crate::context::Context;
use crate::enqueue::enqueue_run;
use crate::retention::purge;
use crate::schedule::Schedule;
use crate::start::{end_expired, require_specs, start_run};
use crate::task::Task;
use crate::touch::forget_touches;

/// How long ticks are kept. A schedule's newest, and the newest of a full sweep, stay however old they are.
const KEEP_TICKS_DAYS: i32 = 30;
/// How long a scheduler that is told to stop goes on with the round that it is in.
const ROUND_GRACE: Duration = Duration::from_secs(5);

/// Runs until it is told to stop.
///
/// # Errors
/// A schedule covers a kind that has no spec, or the database or the chain could not be used for so long that it gave
/// up.
pub async fn run_scheduler(context: Context, schedules: Vec<Schedule>, shutdown: CancellationToken) -> anyhow::Result<()> {
    for schedule in &schedules {
        require_specs(&context, &schedule.kinds).with_context(|| format!("schedule `{}`", schedule.name))?;
    }
    let mut failing_since: Option<Instant> = None;
    while !shutdown.is_cancelled() {
        let began = Instant::now();
        let mut round = std::pin::pin!(round(&context, &schedules));
        let result = tokio::select! {
            result = &mut round => result,
            () = shutdown.cancelled() => match timeout(ROUND_GRACE, round).await {
                Ok(result) => result,
                // What it had begun is rolled back, or goes on elsewhere.
                Err(_) => break,
            },
        };
        match result {
            Ok(()) => failing_since = None,
            Err(error) => {
                let since = *failing_since.get_or_insert(began);
                tracing::warn!(error = format!("{error:#}"), "the scheduler could not finish its round");
                if since.elapsed() > context.settings.unreachable_after {
                    return Err(error
                        .context("the scheduler has not finished a round for too long; what it began goes on when it is started again"));
                }
            }
        }
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = tokio::time::sleep(context.settings.tick_every) => {}
        }
    }
    Ok(())
}

/// One look at everything. What fails does not keep the rest from being looked at.
async fn round(context: &Context, schedules: &[Schedule]) -> anyhow::Result<()> {
    // Each step waits for a connection; where there is none, waiting once is enough.
    let mut connection = context.pools.write.acquire().await?;
    runs::now(&mut connection).await?;
    drop(connection);
    let mut result = Ok(());
    for schedule in schedules {
        result = result.and(take_tick(context, schedule).await);
    }
    result = result.and(resume(context).await);
    result = result.and(end_expired(context).await);
    result = result.and(revive(context).await);
    result = result.and(purge(context).await);
    result.and(forget_touches(context).await)
}

async fn take_tick(context: &Context, schedule: &Schedule) -> anyhow::Result<()> {
    let mut tx = context.pools.write.begin().await?;
    if !runs::take_schedule(&mut tx, &schedule.name).await? {
        return Ok(());
    }
    let Some(due) = schedule.cron.due(runs::now(&mut tx).await?) else { return Ok(()) };
    let last = runs::last_tick(&mut tx, &schedule.name).await?;
    if last.is_some_and(|last| due <= last.at) {
        return Ok(());
    }
    // A schedule that was never seen begins with its next tick; of several missed ticks one is made up for.
    let skip = last.is_none_or(|last| last.running);
    if !runs::record_tick(&mut tx, &schedule.name, due, skip && last.is_some()).await? {
        return Ok(());
    }
    let last_full = runs::last_full_tick(&mut tx, &schedule.name).await?;
    runs::forget_ticks(&mut tx, &schedule.name, KEEP_TICKS_DAYS, last_full).await?;
    if skip {
        tx.commit().await?;
        if last.is_some() {
            tracing::warn!(schedule = schedule.name, %due, "skipped: the run before is still running");
        }
        return Ok(());
    }
    let sweep = schedule.full.sweep(due, last_full);
    let span = tracing::info_span!("run", origin = schedule.name);
    let new = NewRun {
        origin: format!("schedule {}", schedule.name),
        kinds: if schedule.kinds.is_empty() { context.kinds() } else { schedule.kinds.clone() },
        mode: schedule.mode,
        sweep,
        timeout_secs: schedule.timeout_secs,
        trace: crate::trace::traceparent(&span),
        actor: Some(format!("schedule {}", schedule.name)),
        ..NewRun::default()
    };
    let run = runs::open(&mut tx, &new).instrument(span).await?;
    runs::attach_run(&mut tx, &schedule.name, due, run).await?;
    tx.commit().await?;
    tracing::info!(schedule = schedule.name, run = run.0, %due, %sweep, "started a run");
    Ok(())
}

/// Adds the jobs of runs that lack some: those just opened, and those whose scheduler died.
async fn resume(context: &Context) -> anyhow::Result<()> {
    let mut connection = context.pools.write.acquire().await?;
    let unsealed = runs::unsealed(&mut connection).await?;
    drop(connection);
    let mut result = Ok(());
    for (run, kinds) in unsealed {
        match kinds.iter().find(|kind| !context.kinds.contains_key(kind)) {
            // Another deployment's: no reason for this one to fail.
            Some(kind) => tracing::warn!(run = run.0, %kind, "no spec for this kind here; left to a scheduler that has it"),
            None => result = result.and(enqueue_run(context, run).await),
        }
    }
    result
}

/// Tries the job again that a whole run waits for, where it died: what kept it from being done may have gone, and
/// without it the run would never end. Its report is tried for as long as it takes, its matching up to its deadline.
async fn revive(context: &Context) -> anyhow::Result<()> {
    let mut connection = context.pools.write.acquire().await?;
    for (phase, task) in [(Phase::Match, Task::Match), (Phase::Aggregate, Task::Aggregate)] {
        let runs: Vec<GroupId> = runs::in_phase(&mut connection, phase).await?.into_iter().map(|run| GroupId(run.0)).collect();
        if runs.is_empty() {
            continue;
        }
        for (run, error) in trueup_queue::revive(&mut connection, &runs, task.as_str(), context.settings.revive_after).await? {
            tracing::warn!(run = run.0, task = task.as_str(), error, "the job that the run waits for had died; it is tried again");
        }
    }
    Ok(())
}

/// Starts a run, adds its jobs and says which it is. For those who need no scheduler.
///
/// # Errors
/// See [`start_run`] and [`enqueue_run`].
pub async fn run_now(context: &Context, run: NewRun) -> anyhow::Result<RunId> {
    let run = start_run(context, run).await?;
    enqueue_run(context, run).await?;
    Ok(run)
}
