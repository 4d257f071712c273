use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::future::BoxFuture;
use sqlx::PgConnection;
use trueup_queue::{Ack, AckResult, Ended, Ending, Job, Queue, State};

use crate::support::{Does, Fixture, WrittenDown, brisk, done, job, start, until};

/// Writes endings down, but cannot bear one key.
struct Refuses(&'static str, AtomicBool);

impl Ending for Refuses {
    fn ended<'a>(&'a self, conn: &'a mut PgConnection, ended: &'a [Ended]) -> BoxFuture<'a, Result<(), sqlx::Error>> {
        Box::pin(async move {
            WrittenDown.ended(&mut *conn, ended).await?;
            if self.1.load(Ordering::SeqCst) && ended.iter().any(|ended| ended.key == self.0 && ended.state == State::Done) {
                sqlx::query("SELECT 1 / 0").execute(conn).await?;
            }
            Ok(())
        })
    }
}

fn refusing(fixture: &Fixture, key: &'static str) -> (Queue, Arc<Refuses>) {
    let refuses = Arc::new(Refuses(key, AtomicBool::new(true)));
    (Queue::new(fixture.pool().clone(), refuses.clone(), brisk()), refuses)
}

#[tokio::test]
async fn an_end_and_what_follows_from_it_are_written_together_or_not_at_all() {
    let fixture = Fixture::new().await;
    fixture.enqueue_many(1).await;
    let (queue, refuses) = refusing(&fixture, "0");
    let (_holder, jobs) = fixture.hold(&queue, 1).await;
    let ack = Ack { job: jobs[0].id, lease: jobs[0].lease, result: AckResult::Done { outcome: "in_sync".to_owned() } };

    let mut transaction = fixture.pool().begin().await.unwrap();
    assert!(queue.ack(&mut transaction, std::slice::from_ref(&ack)).await.is_err());
    transaction.rollback().await.unwrap();
    assert_eq!(fixture.job("0").await.state, State::Leased);
    assert_eq!(fixture.endings().await, (0, 0));

    refuses.1.store(false, Ordering::SeqCst);
    let mut transaction = fixture.pool().begin().await.unwrap();
    assert_eq!(queue.ack(&mut transaction, std::slice::from_ref(&ack)).await.unwrap().len(), 1);
    transaction.commit().await.unwrap();
    assert_eq!(fixture.job("0").await.state, State::Done);
    assert_eq!(fixture.endings().await, (1, 1));

    let mut transaction = fixture.pool().begin().await.unwrap();
    assert!(queue.ack(&mut transaction, &[ack]).await.unwrap().is_empty(), "an end comes once");
}

#[tokio::test]
async fn an_ending_that_cannot_be_written_fails_its_job_and_no_other() {
    let fixture = Fixture::new().await;
    fixture.enqueue_many(200).await;
    let worker = start(&refusing(&fixture, "77").0, "w", Does(|_: Job| async { done() }));
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
