//! Stock `apalis-postgres`: large batches, a task of tokio for each job.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use apalis_core::error::WorkerError;
use apalis_core::worker::builder::WorkerBuilder;
use apalis_core::worker::context::WorkerContext;
use apalis_core::worker::ext::parallelize::ParallelizeExt;
use apalis_postgres::{Config, PostgresStorage};
use futures::future::BoxFuture;
use sqlx::postgres::PgPoolOptions;

use super::stage::{self, Stage};
use crate::queue::APALIS_QUEUE;

/// How many jobs it fetches at once.
const BATCH: usize = 500;
/// How often it tells how many jobs have run.
const TELL_EVERY: Duration = Duration::from_millis(20);

pub(super) async fn play(url: &str, locks: bool) -> anyhow::Result<()> {
    let pool = PgPoolOptions::new().max_connections(10).connect(url).await.context("the database of this run")?;
    let config = Config::default().queue(APALIS_QUEUE).batch_size(BATCH).lock_tasks(locks);
    let ran = Arc::new(AtomicU64::new(0));
    let worker = worker(PostgresStorage::new(&pool).with_config(config), Arc::clone(&ran));
    let mut stage = Stage::new();
    stage.ready("").await?;
    let running = tokio::spawn(worker);
    let telling = tokio::spawn(tell(ran));
    let closed = stage.until_closed().await;
    telling.abort();
    running.abort();
    closed
}

/// Boxed in a function that is not async, because the compiler cannot prove the built worker `Send` from inside one.
fn worker(storage: PostgresStorage<u64>, ran: Arc<AtomicU64>) -> BoxFuture<'static, Result<(), WorkerError>> {
    let context = WorkerContext::new("bench");
    let worker = WorkerBuilder::new(&context).backend(storage).parallelize(tokio::spawn).build(move |_job: u64| {
        let ran = Arc::clone(&ran);
        async move {
            ran.fetch_add(1, Ordering::Relaxed);
        }
    });
    Box::pin(worker.run())
}

/// What has run, not what is acked: the parent looks into the table for that.
pub(super) async fn tell(ran: Arc<AtomicU64>) -> anyhow::Result<()> {
    loop {
        tokio::time::sleep(TELL_EVERY).await;
        let count = ran.swap(0, Ordering::Relaxed);
        if count > 0 {
            stage::ended(count)?;
        }
    }
}
