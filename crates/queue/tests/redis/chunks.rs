use sqlx::Arguments;
use sqlx::postgres::PgArguments;
use trueup_queue::{Destination, GroupId, NewJob, RedisSettings, Settings, enqueue_from};
use trueup_sandbox::RedisServer;

use crate::support::{Does, Fixture, GROUP, brisk, done, until};

fn sweep() -> Destination {
    Destination { group: GROUP, task: "detect".to_owned(), kind: "loan".to_owned(), priority: 100, trace: None }
}

async fn enqueue(fixture: &Fixture, from: i64, to: i64) -> u64 {
    let mut binds = PgArguments::default();
    binds.add(from).unwrap();
    binds.add(to).unwrap();
    let mut conn = fixture.pool().acquire().await.unwrap();
    let select = "SELECT n::text, n FROM generate_series($1::bigint, $2::bigint) n";
    enqueue_from(&mut conn, &sweep(), select, binds).await.unwrap().inserted
}

async fn number(fixture: &Fixture, of: &'static str) -> i64 {
    sqlx::query_scalar(of).fetch_one(fixture.pool()).await.unwrap()
}

#[tokio::test]
async fn a_hundred_thousand_jobs_are_some_dozens_of_rows_and_no_key_is_there_twice() {
    let fixture = Fixture::new().await;
    assert_eq!(enqueue(&fixture, 1, 50_000).await, 50_000);
    assert_eq!(enqueue(&fixture, 40_001, 100_000).await, 50_000);
    assert!(number(&fixture, "SELECT count(*) FROM trueup.chunks").await <= 26);
    assert_eq!(number(&fixture, "SELECT count(DISTINCT key) FROM trueup.chunks, unnest(keys) AS key").await, 100_000);
    assert_eq!(number(&fixture, "SELECT count(DISTINCT job.id) FROM trueup.chunks, unnest(ids) AS job(id)").await, 100_000);
    assert_eq!(fixture.counts().await.ready, 100_000);
}

#[tokio::test]
async fn two_that_add_the_same_key_at_once_add_it_once() {
    let fixture = Fixture::new().await;
    let job = NewJob::new(GroupId(3), "match", "", "3");
    let mut first = fixture.pool().begin().await.unwrap();
    assert_eq!(trueup_queue::enqueue(&mut first, std::slice::from_ref(&job)).await.unwrap(), 1);
    let pool = fixture.pool().clone();
    let second = tokio::spawn(async move {
        let mut second = pool.begin().await.unwrap();
        let added = trueup_queue::enqueue(&mut second, &[job]).await.unwrap();
        second.commit().await.unwrap();
        added
    });
    until("the second waits for the first", || async {
        number(&fixture, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted").await == 1
    })
    .await;
    first.commit().await.unwrap();
    assert_eq!(second.await.unwrap(), 0);
}

#[tokio::test]
async fn a_chunk_is_closed_and_forgotten_by_redis_once_its_jobs_have_ended() {
    let fixture = Fixture::with(Settings { batch: 100, ..brisk() }).await;
    enqueue(&fixture, 1, 5_000).await;
    let worker = fixture.start("w", Does(|_| async { done() }));
    fixture.until_ended(5_000).await;
    until("both chunks are closed", || async { number(&fixture, "SELECT count(*) FROM trueup.chunks WHERE open").await == 0 }).await;
    worker.stop().await;
    assert_eq!(fixture.endings().await, (5_000, 5_000));
    let mut conn = redis::Client::open(crate::engine::redis().unwrap().url).unwrap().get_multiplexed_async_connection().await.unwrap();
    let deployment: String =
        sqlx::query_scalar("SELECT deployment || '-' || oid FROM trueup.queue, pg_database WHERE datname = current_database()")
            .fetch_one(fixture.pool())
            .await
            .unwrap();
    let epoch: bool = redis::cmd("EXISTS").arg(format!("trueup:{{{deployment}}}:epoch")).query_async(&mut conn).await.unwrap();
    assert!(epoch, "these are its keys");
    for name in ["leases", "headers", "left", "delayed", "priorities", "s1", "s2", "ready:100"] {
        let there: bool = redis::cmd("EXISTS").arg(format!("trueup:{{{deployment}}}:{name}")).query_async(&mut conn).await.unwrap();
        assert!(!there, "{name}");
    }
}

#[tokio::test]
async fn a_job_that_waits_takes_less_than_a_hundred_bytes_of_redis() {
    const JOBS: i64 = 100_000;
    let server = RedisServer::start().unwrap();
    let mut conn = redis::Client::open(server.url()).unwrap().get_multiplexed_async_connection().await.unwrap();
    let mut used = async || {
        let memory: String = redis::cmd("INFO").arg("memory").query_async(&mut conn).await.unwrap();
        memory.lines().find_map(|line| line.strip_prefix("used_memory:")).unwrap().trim().parse::<i64>().unwrap()
    };
    let before = used().await;
    let settings = Settings { redis: Some(RedisSettings::new(server.url())), batch: 1, batches_ahead: 1, concurrency: 1, ..brisk() };
    let fixture = Fixture::with(settings).await;
    enqueue(&fixture, 1, JOBS).await;
    let (_holder, _) = fixture.hold(&fixture.queue, 1).await;
    until("all are in Redis", || async { number(&fixture, "SELECT count(*) FROM trueup.chunks WHERE NOT pushed").await == 0 }).await;
    let bytes = (used().await - before) / JOBS;
    println!("{bytes} bytes a job");
    assert!(bytes < 100, "{bytes} bytes a job");
}
