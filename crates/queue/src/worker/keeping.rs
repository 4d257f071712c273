//! The loops that keep one's own leases alive and take over what others let expire.

use std::sync::Arc;

use sqlx::Connection;
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::Error;
use crate::error::is_transient;
use crate::postgres::heartbeat::beat;
use crate::postgres::reap::{Reaped, expired, forget_empty};
use crate::worker::link::{Link, within};
use crate::worker::shared::Shared;

/// Both, side by side, for as long as the worker lives.
pub(super) async fn run(shared: Arc<Shared>) -> Result<(), Error> {
    tokio::try_join!(heartbeat(shared.clone()), reaper(shared)).map(drop)
}

/// Extends the leases that this worker holds, for as long as it lives.
async fn heartbeat(shared: Arc<Shared>) -> Result<(), Error> {
    let settings = shared.queue.settings();
    let mut link = shared.link("extending leases");
    let mut ticks = interval(settings.heartbeat_every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        // In this order: a lease that arrives in between is beaten twice and not missed.
        let incoming = shared.held.incoming_above();
        let numbers = shared.held.numbers();
        if numbers.is_empty() && incoming.is_none() {
            continue;
        }
        let alive = within(settings.heartbeat_every, async {
            beat(link.conn().await?, &shared.incarnation, &numbers, incoming, settings.lease).await
        })
        .await;
        match alive {
            Ok(alive) => {
                link.fine();
                let lost = shared.held.lose(&numbers, &alive);
                if lost > 0 {
                    tracing::warn!(leases = lost, "leases were lost; their jobs were taken over");
                }
            }
            Err(error) => {
                link.failed(error).await?;
                ticks.reset_immediately();
            }
        }
    }
}

/// Takes over what expired, for as long as this worker lives.
async fn reaper(shared: Arc<Shared>) -> Result<(), Error> {
    let settings = shared.queue.settings();
    let mut link = shared.link("looking for expired leases");
    let mut ticks = interval(settings.reap_every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = take_over(&shared, &mut link).await {
            link.failed(error).await?;
            ticks.reset_immediately();
        }
    }
}

async fn take_over(shared: &Shared, link: &mut Link) -> Result<(), sqlx::Error> {
    let settings = shared.queue.settings();
    within(settings.lease, async { link.conn().await?.ping().await }).await?;
    if link.fine() > settings.heartbeat_every {
        // Nobody could beat meanwhile: that leases expired is no sign of death until everybody had the time to
        // beat again.
        sleep(settings.lease).await;
    }
    let expired = within(settings.lease, async {
        let conn = link.conn().await?;
        forget_empty(conn).await?;
        expired(conn).await
    })
    .await?;
    for lease in expired {
        let reaped = within(settings.lease, async { shared.queue.reap(link.conn().await?, lease).await }).await;
        match reaped {
            Ok(None) => {}
            Ok(Some(Reaped { worker, ready, dead })) => {
                tracing::warn!(%lease, worker, ready, dead, "a lease expired; its jobs were taken over");
            }
            Err(error) if is_transient(&error) => return Err(error),
            Err(error) => {
                // The ending refuses a dead job of this lease. The other leases must not wait for that.
                tracing::error!(%lease, %error, "an expired lease cannot be taken over; trying again later");
                link.drop_connection();
            }
        }
    }
    Ok(())
}
