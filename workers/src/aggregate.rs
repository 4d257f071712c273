//! The last job of a run: its report, exactly once.

use trueup_database::runs::{RepairState, Run};
use trueup_database::{report, runs};
use trueup_judge::RunId;
use trueup_queue::{Ack, AckResult, Failure, Handled, Job};

use crate::batcher::Answer;
use crate::context::Context;
use crate::document::Document;

pub(crate) async fn aggregate(context: &Context, job: &Job) -> Answer {
    write_report(context, job).await.map_err(|error| Failure::passing(error.to_string()))
}

async fn write_report(context: &Context, job: &Job) -> anyhow::Result<Handled> {
    let run = RunId(job.group.0);
    let mut tx = context.pools.write.begin().await?;
    if !trueup_queue::fence(&mut tx, &[(job.id, job.lease)]).await?.contains(&job.id) {
        return Ok(Handled::AlreadyAcked);
    }
    // First the end of the run: its row is locked from here on, so that nothing it counts changes any more.
    let finished = runs::finish(&mut tx, run).await?;
    if let (true, Some(found)) = (finished, runs::get(&mut tx, run).await?) {
        let mut document = Document::assemble(&mut tx, &found).await?;
        if lacks_something(&document) {
            document.notes.extend(set_aside_during(context, &found));
        }
        report::write(&mut tx, run, &serde_json::to_value(&document)?).await?;
        tracing::info!(run = run.0, state = found.state.as_str(), drifted = document.drifted(), "the report is written");
    }
    let ack = Ack { job: job.id, lease: job.lease, result: AckResult::Done { outcome: "reported".to_owned() } };
    context.queue.ack(&mut tx, &[ack]).await?;
    tx.commit().await?;
    Ok(Handled::AlreadyAcked)
}

/// Whether entities were not judged, or repairs not made, for reasons that may lie with the chain's endpoints.
fn lacks_something(document: &Document) -> bool {
    let unjudged = ["failed", "unknown", "settling", "unjudged"].iter().any(|verdict| document.total(verdict) > 0);
    unjudged || document.kinds.values().any(|kind| kind.repairs.contains_key(RepairState::Withheld.as_str()))
}

/// The endpoints that this process had set aside while the run was on: why it took long, or much of it is unknown.
fn set_aside_during(context: &Context, run: &Run) -> Vec<String> {
    let lasted = run.finished_at.unwrap_or(run.opened_at) - run.opened_at;
    let aside = context.chain.set_aside_within(lasted.to_std().unwrap_or_default());
    aside.into_iter().map(|why| format!("an RPC endpoint was set aside during the run: {why}")).collect()
}
