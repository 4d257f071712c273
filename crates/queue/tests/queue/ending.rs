use std::sync::Arc;

use futures::future::BoxFuture;
use sqlx::PgConnection;
use trueup_queue::{Ack, AckResult, Ended, Ending, Job, LeaseNumber, Queue, State};

use crate::support::{Does, Fixture, WrittenDown, brisk, done, job, start, until};

/// Writes endings down, but cannot bear one key.
struct Refuses(&'static str);

impl Ending for Refuses {
    fn ended<'a>(&'a self, conn: &'a mut PgConnection, ended: &'a [Ended]) -> BoxFuture<'a, Result<(), sqlx::Error>> {
        Box::pin(async move {
            WrittenDown.ended(&mut *conn, ended).await?;
            if ended.iter().any(|ended| ended.key == self.0 && ended.state == State::Done) {
                sqlx::query("SELECT 1 / 0").execute(conn).await?;
            }
            Ok(())
        })
    }
}

fn refusing(fixture: &Fixture, key: &'static str) -> Queue {
    Queue::new(fixture.pool().clone(), Arc::new(Refuses(key)), brisk())
}

#[tokio::test]
async fn an_end_and_what_follows_from_it_are_written_together_or_not_at_all() {
    let fixture = Fixture::new().await;
    fixture.enqueue_many(1).await;
    sqlx::query("UPDATE trueup.jobs SET state = 'leased', lease = 5").execute(fixture.pool()).await.unwrap();
    let ack = Ack { job: fixture.job("0").await.id, lease: LeaseNumber(5), result: AckResult::Done { outcome: "in_sync".to_owned() } };

    let mut transaction = fixture.pool().begin().await.unwrap();
    assert!(refusing(&fixture, "0").ack(&mut transaction, std::slice::from_ref(&ack)).await.is_err());
    transaction.rollback().await.unwrap();
    assert_eq!(fixture.job("0").await.state, State::Leased);
    assert_eq!(fixture.endings().await, (0, 0));

    let mut transaction = fixture.pool().begin().await.unwrap();
    assert_eq!(fixture.queue.ack(&mut transaction, std::slice::from_ref(&ack)).await.unwrap().len(), 1);
    transaction.commit().await.unwrap();
    assert_eq!(fixture.job("0").await.state, State::Done);
    assert_eq!(fixture.endings().await, (1, 1));

    let mut transaction = fixture.pool().begin().await.unwrap();
    assert!(fixture.queue.ack(&mut transaction, &[ack]).await.unwrap().is_empty(), "an end comes once");
}

#[tokio::test]
async fn an_ending_that_cannot_be_written_fails_its_job_and_no_other() {
    let fixture = Fixture::new().await;
    fixture.enqueue_many(200).await;
    let worker = start(&refusing(&fixture, "77"), "w", Does(|_: Job| async { done() }));
    fixture.until_ended(200).await;
    worker.stop().await;
    let refused = fixture.job("77").await;
    assert_eq!((refused.state, refused.failures), (State::Dead, 5));
    assert!(refused.error.unwrap().contains("division by zero"));
    assert_eq!(fixture.counts().await.done, 199);
    assert_eq!(fixture.endings().await, (200, 200));
}

#[tokio::test]
async fn outcomes_and_errors_that_postgres_cannot_hold_are_kept_as_well_as_it_can() {
    let fixture = Fixture::new().await;
    fixture.enqueue(&[job("nul")]).await;
    let worker = fixture.start("w", Does(|_| async { Ok(trueup_queue::Handled::Ack("a\0b".to_owned())) }));
    until("it is done", || async { fixture.counts().await.done == 1 }).await;
    worker.stop().await;
    assert_eq!(fixture.job("nul").await.outcome.as_deref(), Some("a\u{fffd}b"));
}
