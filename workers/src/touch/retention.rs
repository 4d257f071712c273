use trueup_database::{runs, touches};
use trueup_judge::RunId;
use trueup_queue::{GroupId, inspect};

use crate::context::Context;

/// How many runs of touches are forgotten in one round: more than begin in the time of one.
const RUNS_PER_ROUND: i64 = 200;
/// For how long a run of touches that found nothing is kept, in hours.
const CLEAN_HOURS: i32 = 1;
/// How many of a run's job rows go in one round; the next one goes on.
const JOBS_PER_RUN: i64 = 10_000;
/// For how long a touch of a kind without a spec waits, in hours.
const UNWANTED_HOURS: i32 = 24;
/// How many of these are forgotten in one round.
const UNWANTED_PER_ROUND: i64 = 10_000;

/// Forgets runs of touches that are over, with all but their repairs. One with dead jobs stays, for a person.
pub(crate) async fn forget_touches(context: &Context) -> anyhow::Result<()> {
    let mut connection = context.pools.write.acquire().await?;
    let old = touches::to_forget(&mut connection, context.settings.keep_touches_hours, CLEAN_HOURS, RUNS_PER_ROUND).await?;
    let mut forgotten: Vec<RunId> = Vec::with_capacity(old.len());
    for run in old {
        let purged = trueup_queue::purge_group(&mut connection, GroupId(run.0), JOBS_PER_RUN).await?;
        if inspect::count_by_state(&mut connection, Some(GroupId(run.0))).await?.total() == 0 {
            forgotten.push(run);
        } else if purged.is_all {
            runs::purged(&mut connection, run).await?;
        }
    }
    touches::forget(&mut connection, &forgotten).await?;
    let unwanted = touches::forget_unwanted(&mut connection, UNWANTED_HOURS, UNWANTED_PER_ROUND).await?;
    if unwanted > 0 {
        tracing::warn!(touches = unwanted, "forgot touches that waited for a day: no scheduler has a spec for their kind");
    }
    Ok(())
}
