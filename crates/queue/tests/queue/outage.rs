use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::PgPoolOptions;
use trueup_queue::{Error, Job, NoEnding, Queue, Settings, Worker};
use trueup_sandbox::Server;

use crate::support::{Does, Fixture, brisk, done, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_connections_cost_nothing() {
    let fixture = Fixture::with(Settings { batch: 100, concurrency: 200, ..brisk() }).await;
    fixture.enqueue_many(5_000).await;
    let worker = fixture.start(
        "w",
        Does(|_: Job| async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            done()
        }),
    );
    until("all are done while connections are killed", || async {
        // The worker's own connections; the ones of this test would only disturb the test.
        sqlx::query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = current_database() AND application_name LIKE 'trueup %' AND random() < 0.3",
        )
        .execute(fixture.pool())
        .await
        .unwrap();
        fixture.counts().await.done == 5_000
    })
    .await;
    worker.stop().await;
    assert_eq!(fixture.endings().await, (5_000, 5_000));
}

#[tokio::test]
async fn a_database_that_stays_away_ends_the_worker_with_its_name_and_not_with_a_panic() {
    let server = Server::start().await.unwrap();
    let pool = sqlx::PgPool::connect(&server.url("postgres")).await.unwrap();
    trueup_schema::migrate(&pool).await.unwrap();
    let settings = Settings { unreachable_after: Duration::from_secs(1), ..brisk() };
    let queue = Queue::new(pool.clone(), Arc::new(NoEnding), settings);
    let worker = tokio::spawn(Worker::new(queue, "w", Does(|_| async { done() })).run(tokio_util::sync::CancellationToken::new()));
    until("the worker is at work", || async {
        sqlx::query_scalar::<_, i64>("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'trueup w'")
            .fetch_one(&pool)
            .await
            .unwrap()
            >= 2
    })
    .await;
    drop(server);
    let error = worker.await.expect("no panic").expect_err("the database is gone");
    assert!(matches!(error, Error::Unreachable { .. }), "{error}");
    assert!(error.to_string().contains("127.0.0.1:"), "{error}");
}

#[tokio::test]
async fn a_worker_that_starts_while_its_database_is_away_waits_for_it_as_long_as_one_at_work() {
    let server = Server::start().await.unwrap();
    let patience = Duration::from_millis(300);
    let pool = PgPoolOptions::new().acquire_timeout(patience).connect_lazy(&server.url("postgres")).unwrap();
    drop(server);
    let settings = Settings { unreachable_after: 2 * patience, ..brisk() };
    let worker = Worker::new(Queue::new(pool, Arc::new(NoEnding), settings), "w", Does(|_| async { done() }));
    let error = worker.run(tokio_util::sync::CancellationToken::new()).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { outage, .. } if outage >= 2 * patience), "{error}");
}

#[tokio::test]
async fn a_database_without_the_schema_is_named_at_once_with_the_way_out() {
    let database = trueup_sandbox::TestDatabase::create().await;
    let queue = Queue::new(database.pool().clone(), Arc::new(NoEnding), brisk());
    let worker = Worker::new(queue, "w", Does(|_| async { done() }));
    let error = worker.run(tokio_util::sync::CancellationToken::new()).await.unwrap_err();
    assert!(matches!(error, Error::Refused { .. }), "{error}");
    assert!(error.to_string().contains("trueup migrate"), "{error}");
}
