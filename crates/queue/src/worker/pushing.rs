//! The loop that puts into Redis what was added. A queue on Postgres alone has none.

use std::sync::Arc;

use crate::Error;
use crate::redis::Conn;
use crate::redis::push::push;
use crate::redis::restore::restore;
use crate::redis::trouble::Trouble;
use crate::worker::link::{Link, within};
use crate::worker::shared::Shared;

/// Pushes what waits for it, and fills a Redis that has lost its memory, for as long as the worker lives.
pub(super) async fn run(shared: Arc<Shared>, mut redis: Conn) -> Result<(), Error> {
    let mut link = shared.link("putting jobs into Redis");
    loop {
        match step(&shared, &mut link, &mut redis).await {
            Ok(0) => {
                link.fine();
                tokio::select! {
                    () = shared.added.notified() => {}
                    () = tokio::time::sleep(shared.queue.settings().poll_every) => {}
                }
            }
            Ok(_) => {
                link.fine();
                shared.work.notify_one();
            }
            Err(trouble) => link.bear(trouble).await?,
        }
    }
}

async fn step(shared: &Shared, link: &mut Link, redis: &mut Conn) -> Result<usize, Trouble> {
    // Some answers of Redis, each within its own time.
    let patience = shared.queue.settings().lease * STEPS_PATIENCE;
    within(patience, async {
        let conn = link.conn().await?;
        match push(conn, redis).await {
            Err(Trouble::Lost) => Ok(usize::from(restore(conn, redis).await?)),
            pushed => pushed,
        }
    })
    .await
}

/// How many times the life of a lease one step may take.
const STEPS_PATIENCE: u32 = 10;
