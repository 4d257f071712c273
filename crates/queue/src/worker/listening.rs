//! The loop that hears of new jobs.

use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgListener, PgPoolOptions};

use crate::worker::shared::Shared;
use crate::{CHANNEL, Error, PUSHED};

/// How long to wait before listening again after the connection was refused. Meanwhile the leasing loop polls.
const PAUSE: Duration = Duration::from_secs(1);

/// Wakes the leasing loop when jobs were enqueued. Without it jobs wait for the next poll, so its errors are borne
/// for ever: the loops that cannot do without the database judge its absence.
pub(super) async fn run(shared: Arc<Shared>) -> Result<(), Error> {
    let pool = PgPoolOptions::new().max_connections(1).max_lifetime(None).idle_timeout(None).connect_lazy_with(shared.options().clone());
    loop {
        if let Err(error) = listen(&shared, &pool).await {
            tracing::debug!(%error, "cannot listen for new jobs; polling meanwhile");
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn listen(shared: &Shared, pool: &sqlx::PgPool) -> Result<(), sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen(CHANNEL).await?;
    loop {
        // What was enqueued while nobody listened made no sound.
        shared.work.notify_one();
        shared.added.notify_one();
        while let Some(heard) = listener.try_recv().await? {
            shared.work.notify_one();
            if heard.payload() != PUSHED {
                shared.added.notify_one();
            }
        }
    }
}
