//! The loop that writes answers down.

use std::sync::Arc;

use sqlx::Connection;
use tokio::sync::mpsc;

use crate::Error;
use crate::error::is_transient;
use crate::job::{Ack, AckResult};
use crate::worker::link::{Link, within};
use crate::worker::shared::Shared;

/// Commits answers in groups: whatever has come in while the last group was on its way is the next one. Ends when
/// it is told that no more will come and all are written.
pub(super) async fn run(shared: Arc<Shared>, mut answers: mpsc::UnboundedReceiver<Ack>) -> Result<(), Error> {
    let most = shared.queue.settings().acks_per_commit;
    let mut link = shared.link("writing answers down");
    let mut group = Vec::with_capacity(most);
    loop {
        tokio::select! {
            biased;
            received = answers.recv_many(&mut group, most) => if received == 0 { return Ok(()) },
            () = shared.drained.cancelled() => return Ok(()),
        }
        write(&shared, &mut link, std::mem::take(&mut group)).await?;
        group.reserve(most);
    }
}

/// Writes one group down, however long the database takes to come back. An answer that cannot be written, because
/// the ending refuses it, is found by halving: its neighbours are written, and it becomes a failure of its job.
async fn write(shared: &Shared, link: &mut Link, group: Vec<Ack>) -> Result<(), Error> {
    let mut parts = vec![group];
    while let Some(mut part) = parts.pop() {
        match commit(shared, link, &part).await {
            Ok(lost) => {
                link.fine();
                if lost > 0 {
                    tracing::warn!(lost, "answers came after their leases were lost; the jobs were taken over");
                }
                settle(shared, &part);
                part.iter().for_each(|ack| shared.tell(ack.job, ack.lease, true));
            }
            Err(error) if is_transient(&error) => {
                link.failed(error).await?;
                parts.push(part);
            }
            Err(error) if part.len() > 1 => {
                tracing::debug!(jobs = part.len(), %error, "an answer of this group cannot be written; halving it");
                link.drop_connection();
                parts.push(part.split_off(part.len() / 2));
                parts.push(part);
            }
            Err(error) => {
                link.drop_connection();
                refuse(shared, &mut parts, part, &error);
            }
        }
    }
    Ok(())
}

/// What to do with the one answer that cannot be written: count a failure, so that the job is tried again and ends
/// dead at last. If even that cannot be written, its lease is left to expire.
fn refuse(shared: &Shared, parts: &mut Vec<Vec<Ack>>, part: Vec<Ack>, error: &sqlx::Error) {
    for ack in part {
        tracing::error!(job = %ack.job, %error, "the answer of this job cannot be written");
        if matches!(ack.result, AckResult::Failed { .. }) {
            settle(shared, std::slice::from_ref(&ack));
        } else {
            parts.push(vec![Ack { result: AckResult::Failed { error: format!("its answer cannot be written: {error}") }, ..ack }]);
        }
    }
}

/// Writes these answers in one transaction. Returns how many came too late.
async fn commit(shared: &Shared, link: &mut Link, acks: &[Ack]) -> Result<usize, sqlx::Error> {
    within(shared.queue.settings().lease, async {
        let mut transaction = link.conn().await?.begin().await?;
        let applied = shared.queue.write_acks(&mut transaction, acks).await?;
        transaction.commit().await?;
        Ok(acks.len() - applied.len())
    })
    .await
}

fn settle(shared: &Shared, acks: &[Ack]) {
    shared.held.settle_all(acks.iter().map(|ack| ack.lease));
    shared.slots.add_permits(acks.len());
}
