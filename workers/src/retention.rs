//! Forgets the job rows of old runs: their reports, drifts and repairs stay.

use trueup_database::runs;
use trueup_queue::GroupId;

use crate::context::Context;

/// How many job rows one transaction deletes: short enough that nothing waits for it, vacuum least of all.
const JOBS_PER_TRANSACTION: i64 = 10_000;
/// How many such transactions one round of the scheduler makes; the rest is for the next round, so that schedules and
/// deadlines are kept meanwhile.
const TRANSACTIONS_PER_ROUND: usize = 20;

/// Deletes as much as one round may.
pub(crate) async fn purge(context: &Context) -> anyhow::Result<()> {
    // Those with jobs that have not ended, which is rare so late.
    let mut unended = Vec::new();
    for _ in 0..TRANSACTIONS_PER_ROUND {
        let mut tx = context.pools.write.begin().await?;
        let Some(run) = runs::take_purgeable(&mut tx, context.settings.keep_jobs_days, &unended).await? else { return Ok(()) };
        let purged = trueup_queue::purge_group(&mut tx, GroupId(run.0), JOBS_PER_TRANSACTION).await?;
        if purged.is_all {
            runs::purged(&mut tx, run).await?;
        }
        tx.commit().await?;
        tracing::debug!(run = run.0, jobs = purged.jobs, "job rows of an old run are gone");
        if purged.jobs == 0 && !purged.is_all {
            unended.push(run);
        }
    }
    Ok(())
}
