//! The loops that keep one's own leases alive and take over what others let expire.

use std::sync::Arc;

use sqlx::{Connection, PgConnection};
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::engine::{EngineName, in_force};
use crate::error::is_transient;
use crate::job::LeaseNumber;
use crate::postgres::heartbeat::beat;
use crate::postgres::reap::{expired, forget_empty};
use crate::reaped::Reaped;
use crate::redis::Conn;
use crate::redis::orphans::give_back;
use crate::redis::restore::restore;
use crate::redis::trouble::Trouble;
use crate::worker::link::{Link, within};
use crate::worker::shared::Shared;
use crate::{Error, postgres, redis};

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
        let alive = within::<_, sqlx::Error>(settings.heartbeat_every, async {
            beat(link.conn().await?, &shared.incarnation, &numbers, incoming, settings.lease).await
        })
        .await;
        match alive {
            Ok(alive) => {
                link.fine();
                let lost = shared.held.lose(&numbers, &alive);
                if let Some(redis) = shared.queue.redis() {
                    let gone: Vec<_> = numbers.iter().filter(|lease| !alive.contains(lease)).copied().collect();
                    redis.forget(&gone);
                }
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
    let mut redis = shared.redis_conn()?;
    let mut ticks = interval(settings.reap_every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(trouble) = take_over(&shared, &mut link, redis.as_mut()).await {
            link.bear(trouble).await?;
            ticks.reset_immediately();
        }
    }
}

async fn take_over(shared: &Shared, link: &mut Link, redis: Option<&mut Conn>) -> Result<(), Trouble> {
    let settings = shared.queue.settings();
    within::<_, sqlx::Error>(settings.lease, async { link.conn().await?.ping().await }).await?;
    if link.fine() > settings.heartbeat_every {
        // Nobody could beat meanwhile: that leases expired is no sign of death until everybody had the time to
        // beat again.
        sleep(settings.lease).await;
    }
    let expired = within::<_, Trouble>(settings.lease, async {
        let conn = link.conn().await?;
        let engine = in_force(conn).await?;
        if engine != shared.queue.engine() {
            return Err(Trouble::Switched(engine));
        }
        if engine == EngineName::Postgres {
            forget_empty(conn).await?;
        }
        Ok(expired(conn).await?)
    })
    .await?;
    for lease in expired {
        match within(settings.lease, async { reap(shared, link.conn().await?, lease).await }).await {
            Ok(None | Some(Reaped { ready: 0, dead: 0, .. })) => {}
            Ok(Some(Reaped { worker, ready, dead })) => {
                tracing::warn!(%lease, worker, ready, dead, "a lease expired; its jobs were taken over");
            }
            Err(error) if is_transient(&error) => return Err(error.into()),
            Err(error) => {
                // The ending refuses a dead job of this lease. The other leases must not wait for that.
                tracing::error!(%lease, %error, "an expired lease cannot be taken over; trying again later");
                link.drop_connection();
            }
        }
    }
    let Some(redis) = redis else { return Ok(()) };
    within(settings.lease * GIVING_BACK_PATIENCE, async {
        let conn = link.conn().await?;
        match give_back(conn, redis).await {
            Err(Trouble::Lost) => restore(conn, redis).await.map(drop),
            given_back => given_back.map(drop),
        }
    })
    .await
}

/// How many times the life of a lease giving jobs back may take.
const GIVING_BACK_PATIENCE: u32 = 10;

async fn reap(shared: &Shared, conn: &mut PgConnection, lease: LeaseNumber) -> Result<Option<Reaped>, sqlx::Error> {
    match shared.queue.engine() {
        EngineName::Postgres => postgres::reap::reap(&shared.queue, conn, lease).await,
        EngineName::Redis => redis::reap::reap(&shared.queue, conn, lease).await,
    }
}
