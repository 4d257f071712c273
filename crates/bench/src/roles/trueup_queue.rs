//! trueup's queue with its default settings.

use std::sync::Arc;

use anyhow::Context as _;
use futures::future::BoxFuture;
use sqlx::postgres::PgPoolOptions;
use sqlx::{PgConnection, PgPool};
use tokio_util::sync::CancellationToken;
use trueup_queue::{Ended, Ending, Failure, Handled, Handler, Job, Queue, RedisSettings, Settings, Worker};

use super::stage::{self, Stage};

#[derive(Clone)]
struct Nothing;

impl Handler for Nothing {
    async fn handle(&self, _job: Job) -> Result<Handled, Failure> {
        Ok(Handled::Ack("in_sync".to_owned()))
    }
}

/// Told within the transaction that ends the jobs; the parent checks the table before it stops the clock.
struct Told;

impl Ending for Told {
    fn ended<'a>(&'a self, _conn: &'a mut PgConnection, ended: &'a [Ended]) -> BoxFuture<'a, Result<(), sqlx::Error>> {
        Box::pin(async move { stage::ended(ended.len() as u64).map_err(sqlx::Error::Io) })
    }
}

pub(super) async fn play(url: &str, redis: Option<String>) -> anyhow::Result<()> {
    let pool: PgPool = PgPoolOptions::new().max_connections(4).connect(url).await.context("the database of this run")?;
    let queue = Queue::new(pool, Arc::new(Told), Settings { redis: redis.map(RedisSettings::new), ..Settings::default() });
    let worker = Worker::new(queue, "bench", Nothing);
    let mut stage = Stage::new();
    stage.ready("").await?;
    let stop = CancellationToken::new();
    let running = tokio::spawn(worker.run(stop.clone()));
    stage.until_closed().await?;
    stop.cancel();
    running.await??;
    Ok(())
}
