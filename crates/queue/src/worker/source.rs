//! Where a worker's jobs come from.

use crate::leased::{Batch, Leased, Room};
use crate::postgres;
use crate::redis::Conn;
use crate::redis::trouble::Trouble;
use crate::worker::link::{Link, within};
use crate::worker::shared::Shared;
use crate::{Error, Result};

/// The connections with which jobs are leased.
pub(super) struct Source {
    link: Link,
    redis: Option<Conn>,
}

// === impl Source ===

impl Source {
    pub(super) fn new(shared: &Shared) -> Result<Self> {
        Ok(Self { link: shared.link("leasing jobs"), redis: shared.redis_conn()? })
    }

    pub(super) async fn lease(&mut self, shared: &Shared) -> Result<Batch, Trouble> {
        let settings = shared.queue.settings();
        let room = Room { jobs: settings.batch, bulky: settings.bulky_held.saturating_sub(shared.held.bulky()) };
        let Self { link, redis } = self;
        let batch = within(settings.lease, async {
            let conn = link.conn().await?;
            match (shared.queue.redis(), redis) {
                (Some(engine), Some(redis)) => engine.lease(conn, redis, &shared.incarnation, room, settings.lease).await,
                _ => Ok(postgres::lease::lease(conn, &shared.incarnation, room, settings.lease).await?),
            }
        })
        .await?;
        self.link.fine();
        Ok(batch)
    }

    pub(super) async fn lease_suspects(&mut self, shared: &Shared) -> Result<Vec<Leased>, Trouble> {
        let settings = shared.queue.settings();
        let Self { link, redis } = self;
        let jobs = within(settings.lease, async {
            let conn = link.conn().await?;
            let together = settings.suspects_together;
            match (shared.queue.redis(), redis) {
                (Some(engine), Some(redis)) => engine.lease_suspects(conn, redis, &shared.incarnation, together, settings.lease).await,
                _ => Ok(postgres::lease::lease_suspects(conn, &shared.incarnation, together, settings.lease).await?),
            }
        })
        .await?;
        self.link.fine();
        Ok(jobs)
    }

    /// Bears with what went wrong, but not beyond the order to stop.
    pub(super) async fn pause(&mut self, shared: &Shared, trouble: Trouble) -> Result<(), Error> {
        if matches!(trouble, Trouble::Lost) {
            shared.added.notify_one();
        }
        tokio::select! {
            biased;
            borne = self.link.bear(trouble) => borne,
            () = shared.stop.cancelled() => Ok(()),
        }
    }
}
