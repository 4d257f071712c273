//! How many jobs a second the queue itself can carry: enqueues jobs that do nothing and drains them with one worker.
//!
//! `cargo run --release -p trueup-queue --example noop [JOBS] [WORKERS]`

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use sqlx::{Arguments, Connection, PgConnection};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use trueup_queue::{Destination, Ended, Ending, Failure, GroupId, Handled, Handler, Job, Queue, Settings, Worker, enqueue_from};
use trueup_sandbox::TestDatabase;

const JOBS: u64 = 100_000;
const CHUNK: u64 = 50_000;

#[derive(Clone)]
struct Nothing;

impl Handler for Nothing {
    async fn handle(&self, _job: Job) -> Result<Handled, Failure> {
        Ok(Handled::Ack("in_sync".to_owned()))
    }
}

struct Countdown {
    left: AtomicU64,
    done: Notify,
}

impl Ending for Countdown {
    fn ended<'a>(&'a self, _conn: &'a mut PgConnection, ended: &'a [Ended]) -> BoxFuture<'a, Result<(), sqlx::Error>> {
        let count = ended.len() as u64;
        if self.left.fetch_sub(count, Ordering::SeqCst) == count {
            self.done.notify_one();
        }
        Box::pin(std::future::ready(Ok(())))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    tracing_subscriber::fmt().with_env_filter(tracing_subscriber::EnvFilter::from_default_env()).init();
    let mut arguments = std::env::args().skip(1);
    let jobs = arguments.next().map_or(Ok(JOBS), |jobs| jobs.parse())?;
    let workers = arguments.next().map_or(Ok(1), |workers| workers.parse::<usize>())?;

    let database = TestDatabase::create().await;
    trueup_schema::migrate(database.pool()).await?;

    let started = Instant::now();
    let mut conn = PgConnection::connect(database.url()).await?;
    let into = Destination { group: GroupId(1), task: "detect".to_owned(), kind: "loan".to_owned(), priority: 100, trace: None };
    for first in (0..jobs).step_by(usize::try_from(CHUNK)?) {
        let mut binds = sqlx::postgres::PgArguments::default();
        binds.add(i64::try_from(first)?)?;
        binds.add(i64::try_from((first + CHUNK).min(jobs) - 1)?)?;
        enqueue_from(&mut conn, &into, "SELECT n::text, n FROM generate_series($1::bigint, $2::bigint) n", binds).await?;
    }
    report("enqueued", jobs, started.elapsed());

    let countdown = Arc::new(Countdown { left: AtomicU64::new(jobs), done: Notify::new() });
    let queue = Queue::new(database.pool().clone(), countdown.clone(), Settings::default());
    let stop = CancellationToken::new();
    let started = Instant::now();
    let running: Vec<_> =
        (0..workers).map(|number| tokio::spawn(Worker::new(queue.clone(), format!("noop-{number}"), Nothing).run(stop.clone()))).collect();
    countdown.done.notified().await;
    report("drained", jobs, started.elapsed());
    stop.cancel();
    for worker in running {
        worker.await??;
    }
    Ok(())
}

fn report(what: &str, jobs: u64, took: Duration) {
    let per_second = u128::from(jobs) * 1_000 / took.as_millis().max(1);
    println!("{what} {jobs} jobs in {took:.2?}: {per_second} jobs/s");
}
