use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::Notify;
use trueup_queue::{Failure, GroupId, Job, NewJob, Purged, Settings, State, purge_group, retry};

use crate::support::{Does, Fixture, GROUP, brisk, done, job, until};

const OTHER: GroupId = GroupId(8);

#[tokio::test]
async fn cancelling_a_group_ends_what_waits_and_lets_what_is_held_finish() {
    let fixture = Fixture::new().await;
    let put_off = NewJob { after: Duration::from_secs(3_600), ..job("put off") };
    let elsewhere = NewJob { after: Duration::from_secs(3_600), ..NewJob::new(OTHER, "detect", "loan", "x") };
    fixture.enqueue(&[job("held")]).await;
    let (_holder, _) = fixture.hold(&fixture.queue, 1).await;
    fixture.enqueue(&[NewJob { key: "waiting".to_owned(), ..put_off.clone() }, put_off, elsewhere]).await;

    let mut transaction = fixture.pool().begin().await.unwrap();
    assert_eq!(fixture.queue.cancel_group(&mut transaction, GROUP).await.unwrap(), 2);
    transaction.commit().await.unwrap();

    assert_eq!(fixture.job("held").await.state, State::Leased);
    assert_eq!(fixture.job("put off").await.state, State::Cancelled);
    assert_eq!(fixture.job("x").await.state, State::Ready);
    assert_eq!(fixture.endings().await, (2, 2));
}

#[tokio::test]
async fn cancelling_more_jobs_than_one_statement_takes_tells_each_ending_once() {
    let fixture = Fixture::new().await;
    fixture.enqueue_many(25_000).await;
    let mut transaction = fixture.pool().begin().await.unwrap();
    assert_eq!(fixture.queue.cancel_group(&mut transaction, GROUP).await.unwrap(), 25_000);
    transaction.commit().await.unwrap();
    assert_eq!(fixture.endings().await, (25_000, 25_000));
}

#[tokio::test]
async fn purging_a_group_keeps_its_dead_and_its_unended() {
    let fixture = Fixture::new().await;
    let put_off = |key: &str| NewJob { after: Duration::from_secs(3_600), ..job(key) };
    fixture.enqueue(&[job("done"), job("dead"), job("held")]).await;
    let held = Arc::new(Notify::new());
    let let_go = held.clone();
    let _worker = fixture.start(
        "w",
        Does(move |job: Job| {
            let held = held.clone();
            async move {
                match job.key.as_str() {
                    "done" => return done(),
                    "dead" => return Err(Failure::permanent("no")),
                    _ => held.notified().await,
                }
                done()
            }
        }),
    );
    until("each is where it should be", || async {
        let counts = fixture.counts().await;
        (counts.done, counts.dead, counts.leased) == (1, 1, 1)
    })
    .await;
    fixture.enqueue(&[put_off("cancelled")]).await;
    cancel(&fixture, 1).await;
    fixture.enqueue(&[put_off("waits")]).await;
    let mut conn = fixture.pool().acquire().await.unwrap();
    assert_eq!(purge_group(&mut conn, GROUP, 1).await.unwrap(), Purged { jobs: 1, is_all: false });
    assert_eq!(purge_group(&mut conn, GROUP, 9).await.unwrap(), Purged { jobs: 1, is_all: false });
    let counts = fixture.counts().await;
    assert_eq!((counts.ready, counts.leased, counts.dead, counts.total()), (1, 1, 1, 3));
    let_go.notify_one();
    until("what was held is done", || async { fixture.counts().await.done == 1 }).await;
    cancel(&fixture, 1).await;
    assert_eq!(purge_group(&mut conn, GROUP, 9).await.unwrap(), Purged { jobs: 2, is_all: true });
    let counts = fixture.counts().await;
    assert_eq!((counts.dead, counts.total()), (1, 1));
    assert_eq!(purge_group(&mut conn, GROUP, 9).await.unwrap(), Purged { jobs: 0, is_all: true });
    let dead = fixture.job("dead").await;
    assert_eq!(retry(&mut conn, &[dead.id], None).await.unwrap(), 1, "a dead job can be retried after the purge");
}

#[tokio::test]
async fn a_large_group_is_purged_in_steps_of_the_size_that_was_asked_for() {
    let fixture = Fixture::new().await;
    fixture.enqueue_many(5_000).await;
    fixture.enqueue(&[NewJob::new(OTHER, "detect", "loan", "x")]).await;
    cancel(&fixture, 5_000).await;
    let mut conn = fixture.pool().acquire().await.unwrap();
    for left in [3_000, 1_000] {
        assert_eq!(purge_group(&mut conn, GROUP, 2_000).await.unwrap(), Purged { jobs: 2_000, is_all: false });
        assert_eq!(fixture.counts().await.total(), left);
    }
    assert_eq!(purge_group(&mut conn, GROUP, 2_000).await.unwrap(), Purged { jobs: 1_000, is_all: true });
    assert_eq!((fixture.counts().await.total(), fixture.jobs().await.len()), (0, 1), "the other group stays");
}

#[tokio::test]
async fn a_cancelled_job_whose_end_is_purged_does_not_run_beside_those_that_go_on() {
    const JOBS: u64 = 40;
    let fixture = Fixture::with(Settings { batch: 2, batches_ahead: 1, concurrency: 2, ..brisk() }).await;
    fixture.enqueue_many(JOBS as usize).await;
    let (holder, _) = fixture.hold(&fixture.queue, 2).await;
    let mut transaction = fixture.pool().begin().await.unwrap();
    let cancelled = fixture.queue.cancel_group(&mut transaction, GROUP).await.unwrap();
    transaction.commit().await.unwrap();
    assert!(cancelled > JOBS / 2, "{cancelled}");
    let mut conn = fixture.pool().acquire().await.unwrap();
    assert_eq!(purge_group(&mut conn, GROUP, 99).await.unwrap(), Purged { jobs: cancelled, is_all: false });
    drop(holder);
    // All that is due goes ahead of it.
    fixture.enqueue(&[NewJob { priority: i16::MAX, ..NewJob::new(OTHER, "detect", "loan", "last") }]).await;
    let ran = Arc::new(Mutex::new(Vec::new()));
    let worker = fixture.start(
        "w",
        Does({
            let ran = ran.clone();
            move |job: Job| {
                ran.lock().unwrap().push(job.key);
                async { done() }
            }
        }),
    );
    fixture.until_ended(JOBS - cancelled).await;
    until("the last one ran", || async { fixture.job("last").await.state == State::Done }).await;
    worker.stop().await;
    assert_eq!(ran.lock().unwrap().len() as u64, JOBS - cancelled + 1);
}

/// Cancels what waits in the group: so many.
async fn cancel(fixture: &Fixture, jobs: u64) {
    let mut transaction = fixture.pool().begin().await.unwrap();
    assert_eq!(fixture.queue.cancel_group(&mut transaction, GROUP).await.unwrap(), jobs);
    transaction.commit().await.unwrap();
}

#[tokio::test]
async fn dead_jobs_can_be_retried_in_a_group_of_their_own_where_each_key_stands_once() {
    let fixture = Fixture::with(Settings { max_failures: 1, ..brisk() }).await;
    let twin = NewJob::new(GroupId(9), "detect", "loan", "1");
    fixture.enqueue(&[job("1"), job("2"), twin, NewJob::new(OTHER, "detect", "loan", "2")]).await;
    let worker = fixture.start("w", Does(|job: Job| async move { if job.group == OTHER { done() } else { Err(Failure::passing("no")) } }));
    until("all have ended", || async { fixture.jobs().await.iter().all(|job| job.state.is_end()) }).await;
    worker.stop().await;

    let mut conn = fixture.pool().acquire().await.unwrap();
    let dead: Vec<_> = fixture.jobs().await.iter().filter(|job| job.state == State::Dead).map(|job| job.id).collect();
    assert_eq!(dead.len(), 3);
    // Of the two dead jobs of key 1 one moves; key 2 already stands in the other group.
    assert_eq!(retry(&mut conn, &dead, Some(OTHER)).await.unwrap(), 1);
    let jobs = fixture.jobs().await;
    let moved: Vec<&str> = jobs.iter().filter(|job| job.state == State::Ready && job.group == OTHER).map(|job| job.key.as_str()).collect();
    assert_eq!(moved, ["1"]);
}
