use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use trueup_queue::{Ack, AckResult, Failure, Handled, Job, RedisSettings, Settings, State};
use trueup_sandbox::RedisServer;

use crate::support::{Does, Fixture, PATIENCE, brisk, done, until};

/// A fixture on a Redis of its own, which may be killed.
async fn own_redis(settings: Settings) -> (RedisServer, Fixture) {
    let server = RedisServer::start().unwrap();
    let fixture = Fixture::with(Settings { redis: Some(RedisSettings::new(server.url())), ..settings }).await;
    (server, fixture)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_is_emptied_and_restarted_again_and_again_costs_no_job_and_doubles_no_end() {
    const JOBS: usize = 3_000;
    let (mut server, fixture) = own_redis(Settings { batch: 50, concurrency: 100, ..brisk() }).await;
    fixture.enqueue_many(JOBS).await;
    let handler = Does(|job: Job| async move {
        tokio::time::sleep(Duration::from_millis(20)).await;
        if job.failures == 0 && job.key.ends_with('7') { Err(Failure::passing("once")) } else { done() }
    });
    let workers = [fixture.start("a", handler.clone()), fixture.start("b", handler)];
    for (round, share) in [1, 2, 3].into_iter().enumerate() {
        until("some more are done", || async { fixture.counts().await.done as usize >= JOBS * share / 5 }).await;
        if round == 1 { server.empty().unwrap() } else { server.restart().unwrap() }
    }
    fixture.until_ended(JOBS as u64).await;
    for worker in workers {
        worker.stop().await;
    }
    assert_eq!(fixture.endings().await, (JOBS as i64, JOBS as i64));
    assert_eq!(fixture.counts().await.done, JOBS as u64);
}

#[tokio::test]
async fn workers_bear_with_a_redis_that_is_away_and_go_on_when_it_is_back() {
    let settings = Settings { unreachable_after: Duration::from_millis(300), ..brisk() };
    let (mut server, fixture) = own_redis(settings).await;
    let mut worker = fixture.start("w", Does(|_| async { done() }));
    fixture.enqueue_many(1).await;
    fixture.until_ended(1).await;
    server.stop().unwrap();
    fixture.enqueue(&[crate::support::job("meanwhile")]).await;
    let ended = tokio::time::timeout(Duration::from_secs(2), &mut worker.worker).await;
    assert!(ended.is_err(), "an outage of Redis ends no worker: {ended:?}");
    server.restart().unwrap();
    fixture.until_ended(2).await;
    worker.stop().await;
    assert_eq!(fixture.endings().await, (2, 2));
}

#[tokio::test]
async fn who_held_a_job_when_redis_lost_its_memory_can_neither_fence_nor_ack() {
    let long = Duration::from_secs(600);
    let (server, fixture) = own_redis(Settings { lease: long, drain_grace: long, ..brisk() }).await;
    let (taken, mut begun) = tokio::sync::mpsc::unbounded_channel();
    let never_done = Does(move |job: Job| {
        let _ = taken.send(job);
        std::future::pending()
    });
    // Either of them may be the first, and either the one that gets it again: what counts is the lease.
    let _workers = ["a", "b"].map(|name| fixture.start(name, never_done.clone()));
    fixture.enqueue_many(1).await;
    let before = tokio::time::timeout(PATIENCE, begun.recv()).await.unwrap().unwrap();
    server.empty().unwrap();
    let after = tokio::time::timeout(PATIENCE, begun.recv()).await.unwrap().unwrap();
    assert_eq!(after.id, before.id);
    assert!(after.lease > before.lease);

    let mut transaction = fixture.pool().begin().await.unwrap();
    assert!(trueup_queue::fence(&mut transaction, &[(before.id, before.lease)]).await.unwrap().is_empty());
    assert!(trueup_queue::fence(&mut transaction, &[(after.id, after.lease)]).await.unwrap().contains(&after.id));
    let ack = |job: &Job| Ack { job: job.id, lease: job.lease, result: AckResult::Done { outcome: "x".to_owned() } };
    assert!(fixture.queue.ack(&mut transaction, &[ack(&before)]).await.unwrap().is_empty());
    assert_eq!(fixture.queue.ack(&mut transaction, &[ack(&after)]).await.unwrap().len(), 1);
    transaction.commit().await.unwrap();
    assert_eq!(fixture.endings().await, (1, 1));
}

#[tokio::test]
async fn an_idle_worker_leaves_no_transaction_open() {
    let long = Duration::from_secs(600);
    let (server, fixture) = own_redis(Settings { lease: long, poll_every: long, reap_every: long, ..brisk() }).await;
    let workers = ["a", "b"].map(|name| fixture.start(name, Does(|_| async { done() })));
    fixture.enqueue_many(5).await;
    fixture.until_ended(5).await;
    server.empty().unwrap();
    fixture.enqueue(&[crate::support::job("later")]).await;
    fixture.until_ended(6).await;
    // It would keep its locks, and what vacuum could remove, until the next look: for ten minutes here.
    until("no transaction stands still", || async {
        let open = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'";
        sqlx::query_scalar::<_, i64>(open).fetch_one(fixture.pool()).await.unwrap() == 0
    })
    .await;
    for worker in workers {
        worker.stop().await;
    }
}

#[tokio::test]
async fn retries_and_looks_are_known_after_redis_lost_its_memory() {
    let (server, fixture) =
        own_redis(Settings { max_failures: 3, backoff_base: Duration::from_secs(600), backoff_cap: Duration::from_secs(600), ..brisk() })
            .await;
    fixture.enqueue_many(2).await;
    let worker = fixture.start(
        "w",
        Does(|job: Job| async move {
            match (job.key.as_str(), job.looks) {
                ("0", _) => Err(Failure::passing(format!("failure {}", job.failures + 1))),
                (_, 0) => Ok(Handled::Again { after: Duration::from_millis(10), reason: "settling".to_owned() }),
                _ => Ok(Handled::Again { after: Duration::from_secs(600), reason: "settling".to_owned() }),
            }
        }),
    );
    until("both are put off", || async { fixture.job("0").await.failures == 1 && fixture.job("1").await.looks == 2 }).await;
    server.empty().unwrap();
    crate::engine::set_failures(fixture.pool(), fixture.job("0").await.id, 2).await;
    until("it fails for the last time", || async { fixture.job("0").await.state == State::Dead }).await;
    worker.stop().await;
    assert_eq!(fixture.job("0").await.error.as_deref(), Some("failure 3"));
    let put_off = fixture.job("1").await;
    assert_eq!((put_off.state, put_off.looks), (State::Ready, 2));
}

#[tokio::test]
async fn what_redis_was_not_told_is_dropped_or_done_once_the_lease_is_over() {
    let (mut server, fixture) = own_redis(brisk()).await;
    let runs = Arc::new(AtomicUsize::new(0));
    fixture.enqueue_many(20).await;
    let (holder, jobs) = fixture.hold(&fixture.queue, 20).await;
    // Ten are acked in transactions of which Redis is never told.
    let mut transaction = fixture.pool().begin().await.unwrap();
    let acks: Vec<Ack> = jobs[..10]
        .iter()
        .map(|job| Ack { job: job.id, lease: job.lease, result: AckResult::Done { outcome: "in_sync".to_owned() } })
        .collect();
    assert_eq!(fixture.queue.ack(&mut transaction, &acks).await.unwrap().len(), 10);
    transaction.commit().await.unwrap();
    drop(holder);
    let heir = fixture.start(
        "heir",
        Does({
            let runs = runs.clone();
            move |_: Job| {
                runs.fetch_add(1, Ordering::SeqCst);
                async { done() }
            }
        }),
    );
    fixture.until_ended(20).await;
    heir.stop().await;
    assert_eq!(runs.load(Ordering::SeqCst), 10, "what had ended did not run again");
    assert_eq!(fixture.endings().await, (20, 20));
    server.stop().unwrap();
}
