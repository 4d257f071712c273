//! Stock `apalis-redis` at its best: large batches, no lock of its own for each task, no events.
//!
//! Its jobs are put where its own scheduler would put them once they are due: more than about 8,000 due jobs at once
//! end that scheduler, and the worker with it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context as _;
use apalis_core::error::WorkerError;
use apalis_core::worker::builder::WorkerBuilder;
use apalis_core::worker::context::WorkerContext;
use apalis_core::worker::ext::parallelize::ParallelizeExt;
use apalis_redis::{Config, ConnectionManager, RedisStorage};
use futures::future::BoxFuture;

use super::apalis_postgres::tell;
use super::stage::Stage;
use crate::queue::{APALIS_QUEUE, apalis_id};

/// How many jobs it fetches at once.
const BATCH: usize = 500;
/// How many jobs one pipeline puts in.
const FILL: u64 = 5_000;

pub(super) async fn play(url: &str, jobs: u64) -> anyhow::Result<()> {
    let connection = apalis_redis::connect(url).await.context("the Redis of this run")?;
    let config = Config::default().queue(APALIS_QUEUE).batch_size(BATCH).lock_tasks(false).emit_events(false);
    fill(connection.clone(), &config, jobs).await?;
    let ran = Arc::new(AtomicU64::new(0));
    let worker = worker(RedisStorage::new(connection).with_config(config), Arc::clone(&ran));
    let mut stage = Stage::new();
    stage.ready("").await?;
    let running = tokio::spawn(worker);
    let telling = tokio::spawn(tell(ran));
    let closed = stage.until_closed().await;
    telling.abort();
    running.abort();
    closed
}

/// Boxed for the reason that stands at its neighbour for Postgres.
fn worker(storage: RedisStorage<u64>, ran: Arc<AtomicU64>) -> BoxFuture<'static, Result<(), WorkerError>> {
    let context = WorkerContext::new("bench");
    let worker = WorkerBuilder::new(&context).backend(storage).parallelize(tokio::spawn).build(move |_job: u64| {
        let ran = Arc::clone(&ran);
        async move {
            ran.fetch_add(1, Ordering::Relaxed);
        }
    });
    Box::pin(worker.run())
}

async fn fill(mut connection: ConnectionManager, config: &Config, jobs: u64) -> anyhow::Result<()> {
    for first in (0..jobs).step_by(FILL as usize) {
        let mut pipeline = redis::pipe();
        for job in first..(first + FILL).min(jobs) {
            let id = apalis_id(job);
            pipeline.hset(config.job_data_hash(), &id, job.to_string()).ignore();
            let meta = [("attempts", "0"), ("max_attempts", "25"), ("status", "Pending"), ("idempotency_key", "")];
            pipeline.hset_multiple(format!("{}:{id}", config.job_meta_hash()), &meta).ignore();
            pipeline.rpush(config.active_jobs_list(), &id).ignore();
        }
        pipeline.query_async::<()>(&mut connection).await?;
    }
    Ok(())
}
