//! The loop that leases.

use std::sync::Arc;

use tokio::sync::mpsc;

use crate::Error;
use crate::postgres::lease::{Leased, lease, lease_suspects};
use crate::worker::link::{Link, within};
use crate::worker::shared::Shared;

/// Leases batches ahead of the handlers until it is told to stop.
///
/// A statement that leases is never abandoned half-way: what Postgres has given would be held by nobody until it
/// expired. So the loop looks at `stop` between statements only.
pub(super) async fn run(shared: Arc<Shared>, batches: mpsc::Sender<Vec<Leased>>) -> Result<(), Error> {
    let settings = shared.queue.settings();
    let mut link = shared.link("leasing jobs");
    loop {
        let room = tokio::select! {
            () = shared.stop.cancelled() => return Ok(()),
            room = batches.reserve() => match room {
                Ok(room) => room,
                Err(_) => return Ok(()),
            },
        };
        shared.held.ask();
        let leased = within(settings.lease, async {
            let conn = link.conn().await?;
            lease(conn, &shared.incarnation, settings.batch, settings.lease).await
        })
        .await;
        let batch = match leased {
            Ok(batch) => {
                link.fine();
                batch
            }
            Err(error) => {
                shared.held.answered();
                drop(room);
                pause(&shared, &mut link, error).await?;
                continue;
            }
        };
        let full = batch.jobs.len() >= settings.batch;
        if let Some(first) = batch.jobs.first() {
            shared.held.take(first.lease, batch.jobs.len());
            room.send(batch.jobs);
        } else {
            drop(room);
        }
        shared.held.answered();
        // Suspects may wait and yet be out of reach, locked by somebody: that is no reason to ask without a pause.
        let ran_suspects = batch.suspects && run_suspects(&shared, &batches, &mut link).await?;
        if !full && !ran_suspects {
            tokio::select! {
                () = shared.stop.cancelled() => return Ok(()),
                () = shared.work.notified() => {}
                () = tokio::time::sleep(settings.poll_every) => {}
            }
        }
    }
}

/// Runs suspects, a few of them or a single one at a time, with nothing else in this process: whoever holds them and
/// vanishes has proved something about them and about no other job. Returns whether there was any.
async fn run_suspects(shared: &Shared, batches: &mpsc::Sender<Vec<Leased>>, link: &mut Link) -> Result<bool, Error> {
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
        let leased = within(settings.lease, async {
            let conn = link.conn().await?;
            lease_suspects(conn, &shared.incarnation, settings.suspects_together, settings.lease).await
        })
        .await;
        match leased {
            Ok(jobs) => {
                link.fine();
                let first = jobs.first().map(|job| job.lease);
                if let Some(lease) = first {
                    shared.held.take(lease, jobs.len());
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
            Err(error) => {
                shared.held.answered();
                pause(shared, link, error).await?;
            }
        }
    }
}

/// Bears with an error, but not beyond the order to stop.
async fn pause(shared: &Shared, link: &mut Link, error: sqlx::Error) -> Result<(), Error> {
    tokio::select! {
        biased;
        borne = link.failed(error) => borne,
        () = shared.stop.cancelled() => Ok(()),
    }
}
