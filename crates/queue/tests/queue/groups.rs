use std::time::Duration;

use trueup_queue::{Failure, GroupId, Job, NewJob, Purged, Settings, State, purge_group, retry};

use crate::support::{Does, Fixture, GROUP, brisk, done, job, until};

const OTHER: GroupId = GroupId(8);

#[tokio::test]
async fn cancelling_a_group_ends_what_waits_and_lets_what_is_held_finish() {
    let fixture = Fixture::new().await;
    let put_off = NewJob { after: Duration::from_secs(3_600), ..job("put off") };
    fixture.enqueue(&[job("held"), job("waiting"), put_off, NewJob::new(OTHER, "detect", "loan", "x")]).await;
    sqlx::query("UPDATE trueup.jobs SET state = 'leased', lease = 1 WHERE key = 'held'").execute(fixture.pool()).await.unwrap();

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
    fixture.enqueue_many(5).await;
    for (key, state) in [("0", "done"), ("1", "cancelled"), ("2", "dead"), ("3", "leased")] {
        sqlx::query("UPDATE trueup.jobs SET state = $2 WHERE key = $1").bind(key).bind(state).execute(fixture.pool()).await.unwrap();
    }
    let mut conn = fixture.pool().acquire().await.unwrap();
    assert_eq!(purge_group(&mut conn, GROUP, 1).await.unwrap(), Purged { jobs: 1, is_all: false });
    assert_eq!(purge_group(&mut conn, GROUP, 9).await.unwrap(), Purged { jobs: 1, is_all: false });
    let counts = fixture.counts().await;
    assert_eq!((counts.ready, counts.leased, counts.dead, counts.total()), (1, 1, 1, 3));
    sqlx::query("UPDATE trueup.jobs SET state = 'done' WHERE state <> 'dead'").execute(fixture.pool()).await.unwrap();
    assert_eq!(purge_group(&mut conn, GROUP, 9).await.unwrap(), Purged { jobs: 2, is_all: true });
}

#[tokio::test]
async fn dead_jobs_can_be_retried_in_a_group_of_their_own_where_each_key_stands_once() {
    let fixture = Fixture::with(Settings { max_failures: 1, ..brisk() }).await;
    let twin = NewJob::new(GroupId(9), "detect", "loan", "1");
    fixture.enqueue(&[job("1"), job("2"), twin, NewJob::new(OTHER, "detect", "loan", "2")]).await;
    let worker = fixture.start("w", Does(|job: Job| async move { if job.group == OTHER { done() } else { Err(Failure::passing("no")) } }));
    until("all have ended", || async {
        let left: i64 = sqlx::query_scalar("SELECT count(*) FROM trueup.jobs WHERE state IN ('ready', 'leased')")
            .fetch_one(fixture.pool())
            .await
            .unwrap();
        left == 0
    })
    .await;
    worker.stop().await;

    let mut conn = fixture.pool().acquire().await.unwrap();
    let dead: Vec<_> = sqlx::query_scalar("SELECT id FROM trueup.jobs WHERE state = 'dead'").fetch_all(&mut *conn).await.unwrap();
    assert_eq!(dead.len(), 3);
    // Of the two dead jobs of key 1 one moves; key 2 already stands in the other group.
    assert_eq!(retry(&mut conn, &dead, Some(OTHER)).await.unwrap(), 1);
    let moved: Vec<String> =
        sqlx::query_scalar("SELECT key FROM trueup.jobs WHERE state = 'ready' AND group_id = 8").fetch_all(&mut *conn).await.unwrap();
    assert_eq!(moved, ["1"]);
}
