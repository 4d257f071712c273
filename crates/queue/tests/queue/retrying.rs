use std::time::Duration;

use chrono::{DateTime, Utc};
use trueup_queue::inspect::Listed;
use trueup_queue::{Ack, AckResult, Failure, Handled, Job, JobId, Settings, State};

use crate::engine;
use crate::support::{Does, Fixture, GROUP, brisk, done, until};

fn always_fails(job: Job) -> impl Future<Output = Result<Handled, Failure>> + Send {
    std::future::ready(Err(Failure::passing(format!("try {} failed", job.failures + 1))))
}

/// How long the one job is put off by its failure number `failures`, by the database's clock.
async fn delay_after(fixture: &Fixture, failures: i32) -> Duration {
    engine::set_failures(fixture.pool(), fixture.job("0").await.id, failures - 1).await;
    let (holder, jobs) = fixture.hold(&fixture.queue, 1).await;
    let mut transaction = fixture.pool().begin().await.unwrap();
    let failed = Ack { job: jobs[0].id, lease: jobs[0].lease, result: AckResult::Failed { error: "no".to_owned() } };
    assert_eq!(fixture.queue.ack(&mut transaction, &[failed]).await.unwrap().len(), 1);
    let now: DateTime<Utc> = sqlx::query_scalar("SELECT now()").fetch_one(&mut *transaction).await.unwrap();
    transaction.commit().await.unwrap();
    holder.stop().await;
    let job = fixture.job("0").await;
    assert_eq!((job.state, job.failures), (State::Ready, failures));
    (job.run_at - now).to_std().unwrap()
}

#[tokio::test]
async fn a_retry_is_put_off_durably_by_a_growing_jittered_and_capped_delay() {
    let settings = Settings {
        drain_grace: Duration::ZERO,
        backoff_base: Duration::from_secs(2),
        backoff_cap: Duration::from_secs(20),
        max_failures: 100,
        ..brisk()
    };
    let fixture = Fixture::with(settings).await;
    fixture.enqueue_many(1).await;
    for (failures, full) in [(1, 2), (2, 4), (3, 8), (4, 16), (5, 20), (50, 20)] {
        let full = Duration::from_secs(full);
        let delay = delay_after(&fixture, failures).await;
        assert!(full / 2 <= delay && delay <= full, "after failure {failures}: {delay:?}");
    }
}

#[tokio::test]
async fn a_job_whose_tries_are_used_up_is_dead_with_its_last_error() {
    let fixture = Fixture::new().await;
    fixture.enqueue_many(1).await;
    let worker = fixture.start("w", Does(always_fails));
    fixture.until_ended(1).await;
    worker.stop().await;
    let Listed { state, failures, error, ended_at, .. } = fixture.job("0").await;
    assert_eq!((state, failures, error.as_deref()), (State::Dead, 5, Some("try 5 failed")));
    assert!(ended_at.is_some());
    assert_eq!(fixture.endings().await, (1, 1));
}

#[tokio::test]
async fn a_permanent_failure_is_not_tried_again() {
    let fixture = Fixture::new().await;
    fixture.enqueue_many(1).await;
    let worker = fixture.start("w", Does(|_| async { Err(Failure::permanent("the key does not cast")) }));
    fixture.until_ended(1).await;
    worker.stop().await;
    let job = fixture.job("0").await;
    assert_eq!((job.state, job.failures, job.error.as_deref()), (State::Dead, 1, Some("the key does not cast")));
}

#[tokio::test]
async fn a_dead_job_can_be_given_another_life() {
    let fixture = Fixture::with(Settings { max_failures: 1, ..brisk() }).await;
    fixture.enqueue_many(2).await;
    let worker = fixture.start("w", Does(always_fails));
    until("both are dead", || async { fixture.counts().await.dead == 2 }).await;
    worker.stop().await;

    let mut conn = fixture.pool().acquire().await.unwrap();
    let dead = fixture.job("1").await.id;
    assert_eq!(trueup_queue::retry(&mut conn, &[dead, JobId(999)], None).await.unwrap(), 1);
    assert_eq!(trueup_queue::retry(&mut conn, &[dead], None).await.unwrap(), 0, "it is not dead any more");

    let worker = fixture.start("w", Does(|_| async { done() }));
    until("the retried one is done", || async { fixture.counts().await.done == 1 }).await;
    worker.stop().await;
    assert_eq!(fixture.job("1").await.failures, 0);
    assert_eq!(fixture.job("0").await.group, GROUP);
}
