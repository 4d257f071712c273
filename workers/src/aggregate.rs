//! The last job of a run: its report, exactly once.

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
        let document = Document::assemble(&mut tx, &found).await?;
        report::write(&mut tx, run, &serde_json::to_value(&document)?).await?;
        tracing::info!(run = run.0, state = found.state.as_str(), drifted = document.drifted(), "the report is written");
    }
    let ack = Ack { job: job.id, lease: job.lease, result: AckResult::Done { outcome: "reported".to_owned() } };
    context.queue.ack(&mut tx, &[ack]).await?;
    tx.commit().await?;
    Ok(Handled::AlreadyAcked)
}
