//! A migrated database, a queue over it whose endings are written to a table, and workers.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use sqlx::{PgConnection, PgPool};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use trueup_queue::inspect::{self, Counts, Listed};
use trueup_queue::{Ended, Ending, Failure, GroupId, Handled, Handler, Job, JobId, NewJob, Queue, Result, Settings, Worker, enqueue};
use trueup_sandbox::TestDatabase;

use crate::engine;

/// How long a test waits for what must come.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// How often it looks.
const LOOK_EVERY: Duration = Duration::from_millis(10);

pub const GROUP: GroupId = GroupId(7);

/// Settings under which takeovers and retries come within a second.
pub fn brisk() -> Settings {
    Settings {
        redis: engine::redis(),
        lease: Duration::from_millis(900),
        heartbeat_every: Duration::from_millis(200),
        reap_every: Duration::from_millis(100),
        poll_every: Duration::from_millis(50),
        backoff_base: Duration::from_millis(20),
        backoff_cap: Duration::from_millis(200),
        drain_grace: Duration::from_secs(10),
        ..Settings::default()
    }
}

pub struct Fixture {
    pub database: TestDatabase,
    pub queue: Queue,
}

impl Fixture {
    pub async fn new() -> Self {
        Self::with(brisk()).await
    }

    pub async fn with(settings: Settings) -> Self {
        let database = TestDatabase::create().await;
        trueup_schema::migrate(database.pool()).await.expect("the migrations apply");
        sqlx::query("CREATE TABLE ended (job bigint, key text, state text, outcome text, error text)")
            .execute(database.pool())
            .await
            .expect("the table of endings is made");
        let queue = Queue::new(database.pool().clone(), Arc::new(WrittenDown), settings);
        queue.open().await.expect("the queue can be used");
        Self { database, queue }
    }

    pub fn pool(&self) -> &PgPool {
        self.database.pool()
    }

    pub async fn enqueue(&self, jobs: &[NewJob]) -> u64 {
        let mut conn = self.pool().acquire().await.expect("a connection");
        enqueue(&mut conn, jobs).await.expect("the jobs are enqueued")
    }

    /// Enqueues `count` jobs with keys from 0.
    pub async fn enqueue_many(&self, count: usize) {
        let jobs: Vec<_> = (0..count).map(|key| job(&key.to_string())).collect();
        assert_eq!(self.enqueue(&jobs).await, count as u64);
    }

    pub fn start<H: Handler>(&self, name: &str, handler: H) -> Running {
        start(&self.queue, name, handler)
    }

    /// Has a worker of this queue take all that is due, and never finish it.
    pub async fn hold(&self, queue: &Queue, count: usize) -> (Running, Vec<Job>) {
        let (taken, mut begun) = tokio::sync::mpsc::unbounded_channel();
        let holder = start(
            queue,
            "holder",
            Does(move |job: Job| {
                let _ = taken.send(job);
                std::future::pending()
            }),
        );
        let mut jobs = Vec::new();
        while jobs.len() < count {
            jobs.push(tokio::time::timeout(PATIENCE, begun.recv()).await.expect("in time").expect("the holder lives"));
        }
        jobs.sort_by_key(|job| job.id);
        (holder, jobs)
    }

    /// All of its jobs.
    pub async fn jobs(&self) -> Vec<Listed> {
        let mut conn = self.pool().acquire().await.expect("a connection");
        inspect::list(&mut conn, &inspect::Filter::default(), inspect::LIST_LIMIT, None).await.expect("a list")
    }

    pub async fn counts(&self) -> Counts {
        counts(self.pool()).await
    }

    pub async fn job(&self, key: &str) -> Listed {
        let filter = inspect::Filter { key: Some(key.to_owned()), ..inspect::Filter::default() };
        let mut conn = self.pool().acquire().await.expect("a connection");
        let mut found = inspect::list(&mut conn, &filter, 10, None).await.expect("a list");
        assert_eq!(found.len(), 1, "one job has the key {key}");
        found.remove(0)
    }

    /// How many endings were told, and of how many different jobs.
    pub async fn endings(&self) -> (i64, i64) {
        sqlx::query_as("SELECT count(*), count(DISTINCT job) FROM ended").fetch_one(self.pool()).await.expect("endings")
    }

    pub async fn until_ended(&self, count: u64) {
        until("the jobs have ended", || async {
            let counts = self.counts().await;
            counts.ready + counts.leased == 0 && counts.total() == count
        })
        .await;
    }
}

pub async fn counts(pool: &PgPool) -> Counts {
    let mut conn = pool.acquire().await.expect("a connection");
    inspect::count_by_state(&mut conn, Some(GROUP)).await.expect("counts")
}

pub struct Running {
    pub stop: CancellationToken,
    pub worker: JoinHandle<Result<()>>,
}

impl Running {
    pub async fn stop(mut self) {
        self.stop.cancel();
        (&mut self.worker).await.expect("the worker does not panic").expect("the worker ends well");
    }
}

impl Running {
    /// How it ended, once it has.
    pub async fn ended(mut self) -> Result<()> {
        (&mut self.worker).await.expect("the worker does not panic")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.worker.abort();
    }
}

pub fn start<H: Handler>(queue: &Queue, name: &str, handler: H) -> Running {
    let stop = CancellationToken::new();
    let worker = tokio::spawn(Worker::new(queue.clone(), name, handler).run(stop.clone()));
    Running { stop, worker }
}

pub fn job(key: &str) -> NewJob {
    NewJob::new(GROUP, "detect", "loan", key)
}

/// A handler made of a function.
#[derive(Clone)]
pub struct Does<F>(pub F);

impl<F, R> Handler for Does<F>
where
    F: Fn(Job) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Result<Handled, Failure>> + Send,
{
    async fn handle(&self, job: Job) -> Result<Handled, Failure> {
        (self.0)(job).await
    }
}

pub fn done() -> Result<Handled, Failure> {
    Ok(Handled::Ack("in_sync".to_owned()))
}

/// Writes each ending as a row, in the transaction that it belongs to.
pub struct WrittenDown;

impl Ending for WrittenDown {
    fn ended<'a>(&'a self, conn: &'a mut PgConnection, ended: &'a [Ended]) -> BoxFuture<'a, Result<(), sqlx::Error>> {
        Box::pin(async move {
            sqlx::query("INSERT INTO ended SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[])")
                .bind(ended.iter().map(|e| e.job).collect::<Vec<JobId>>())
                .bind(ended.iter().map(|e| e.key.as_str()).collect::<Vec<_>>())
                .bind(ended.iter().map(|e| e.state.as_str()).collect::<Vec<_>>())
                .bind(ended.iter().map(|e| e.outcome.as_deref()).collect::<Vec<_>>())
                .bind(ended.iter().map(|e| e.error.as_deref()).collect::<Vec<_>>())
                .execute(conn)
                .await
                .map(drop)
        })
    }
}

/// Waits for a condition, and fails the test when it does not come true.
pub async fn until<R: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> R) {
    let waited = tokio::time::timeout(PATIENCE, async {
        while !holds().await {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    });
    assert!(waited.await.is_ok(), "waited {PATIENCE:?} in vain: {what}");
}
