//! What follows from the end of jobs: counts, and the next phase of their run, in the transaction that ends them.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use sqlx::PgConnection;
use trueup_database::runs::{self, Counted, Phase};
use trueup_judge::{PlanId, RunId};
use trueup_queue::{Ended, Ending, GroupId, NewJob, State};

use crate::meter::Meter;
use crate::task::Task;

/// The priority of a job that a whole run waits for.
const RUN_PRIORITY: i16 = 10;

pub(crate) struct Progress {
    meter: Arc<Meter>,
}

impl Progress {
    pub(crate) fn new(meter: Arc<Meter>) -> Self {
        Self { meter }
    }

    async fn count(&self, conn: &mut PgConnection, ended: &[Ended]) -> Result<(), sqlx::Error> {
        let mut failed_plans = Vec::new();
        // In the order of their ids, so that two transactions never wait for each other's runs.
        let mut runs: BTreeMap<RunId, Counted> = BTreeMap::new();
        for job in ended {
            let counted = runs.entry(RunId(job.group.0)).or_default();
            match Task::from_name(&job.task) {
                Some(Task::Detect | Task::Sieve | Task::Discover) => counted.detected += 1,
                Some(Task::Confirm) => {
                    counted.confirmed += 1;
                    if let (State::Dead, Ok(plan)) = (job.state, job.key.parse()) {
                        failed_plans.push((PlanId(plan), job.error.clone().unwrap_or_default()));
                    }
                }
                Some(Task::Match | Task::Aggregate) | None => {}
            }
        }
        runs::fail_plans(conn, &failed_plans).await?;
        for (run, mut counted) in runs {
            counted.usage = self.meter.take_usage();
            counted.ledgers = self.meter.take_ledgers(run);
            advance(conn, run, &counted).await?;
        }
        Ok(())
    }
}

impl Ending for Progress {
    fn ended<'a>(&'a self, conn: &'a mut PgConnection, ended: &'a [Ended]) -> BoxFuture<'a, Result<(), sqlx::Error>> {
        self.count(conn, ended).boxed()
    }
}

/// Counts, and enqueues the job of the phase that this completes.
pub(crate) async fn advance(conn: &mut PgConnection, run: RunId, counted: &Counted) -> Result<(), sqlx::Error> {
    match runs::count(conn, run, counted).await? {
        Some(Phase::Match) => enqueue_one(conn, run, Task::Match).await,
        Some(Phase::Aggregate) => enqueue_one(conn, run, Task::Aggregate).await,
        _ => Ok(()),
    }
}

/// Enqueues the one job of that task that a run has.
pub(crate) async fn enqueue_one(conn: &mut PgConnection, run: RunId, task: Task) -> Result<(), sqlx::Error> {
    let job = NewJob { priority: RUN_PRIORITY, ..NewJob::new(GroupId(run.0), task.as_str(), "", run.to_string()) };
    trueup_queue::enqueue(conn, &[job]).await.map_err(|error| sqlx::Error::Protocol(error.to_string()))?;
    Ok(())
}
