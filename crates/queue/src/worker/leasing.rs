//! The loop that leases.

use std::sync::Arc;

use tokio::sync::mpsc;

use crate::Error;
use crate::leased::Leased;
use crate::worker::shared::Shared;
use crate::worker::source::Source;

/// Leases batches ahead of the handlers until it is told to stop.
///
/// A statement that leases is never abandoned half-way: what Postgres has given would be held by nobody until it
/// expired. So the loop looks at `stop` between statements only.
pub(super) async fn run(shared: Arc<Shared>, batches: mpsc::Sender<Vec<Leased>>) -> Result<(), Error> {
    let settings = shared.queue.settings();
    let mut source = Source::new(&shared)?;
    loop {
        let room = tokio::select! {
            () = shared.stop.cancelled() => return Ok(()),
            room = batches.reserve() => match room {
                Ok(room) => room,
                Err(_) => return Ok(()),
            },
        };
        shared.held.ask();
        let batch = match source.lease(&shared).await {
            Ok(batch) => batch,
            Err(trouble) => {
                shared.held.answered();
                drop(room);
                source.pause(&shared, trouble).await?;
                continue;
            }
        };
        let full = batch.jobs.len() >= settings.batch;
        if let Some(first) = batch.jobs.first() {
            shared.held.take(first.lease, batch.jobs.len(), batch.jobs.iter().filter(|job| job.is_bulky).count());
            room.send(batch.jobs);
        } else {
            drop(room);
        }
        shared.held.answered();
        // Suspects may wait and yet be out of reach, locked by somebody: that is no reason to ask without a pause.
        let ran_suspects = batch.suspects && run_suspects(&shared, &batches, &mut source).await?;
        if !full && !ran_suspects {
            tokio::select! {
                () = shared.stop.cancelled() => return Ok(()),
                () = shared.work.notified() => {}
                () = shared.held.has_room() => {}
                () = tokio::time::sleep(settings.poll_every) => {}
            }
        }
    }
}

/// Runs suspects, a few of them or a single one at a time, with nothing else in this process: whoever holds them and
/// vanishes has proved something about them and about no other job. Returns whether there was any.
async fn run_suspects(shared: &Shared, batches: &mpsc::Sender<Vec<Leased>>, source: &mut Source) -> Result<bool, Error> {
    let settings = shared.queue.settings();
    let mut ran = false;
    loop {
        tokio::select! {
            () = shared.stop.cancelled() => return Ok(ran),
            () = shared.held.empty() => {}
            // A handler that takes very long must not keep all other work waiting.
            () = tokio::time::sleep(settings.lease) => return Ok(ran),
        }
        shared.held.ask();
        match source.lease_suspects(shared).await {
            Ok(jobs) => {
                let first = jobs.first().map(|job| job.lease);
                if let Some(lease) = first {
                    shared.held.take(lease, jobs.len(), 0);
                }
                shared.held.answered();
                ran |= first.is_some();
                if first.is_none() {
                    return Ok(ran);
                }
                if batches.send(jobs).await.is_err() {
                    return Ok(ran);
                }
            }
            Err(trouble) => {
                shared.held.answered();
                source.pause(shared, trouble).await?;
            }
        }
    }
}
