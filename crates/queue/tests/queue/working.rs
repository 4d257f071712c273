use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{Mutex, Notify};
use trueup_queue::{Ack, AckResult, Error, Failure, Handled, Job, NewJob, Settings, State};

use crate::support::{Does, Fixture, brisk, done, job, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_workers_handle_each_of_20_000_jobs_once_and_tell_each_ending_once() {
    const JOBS: usize = 20_000;
    let fixture = Fixture::with(Settings { redis: crate::engine::redis(), ..Settings::default() }).await;
    fixture.enqueue_many(JOBS).await;
    let handled = Arc::new(AtomicUsize::new(0));
    let handler = Does({
        let handled = handled.clone();
        move |_: Job| {
            handled.fetch_add(1, Ordering::SeqCst);
            async { done() }
        }
    });
    let workers = [fixture.start("a", handler.clone()), fixture.start("b", handler)];
    fixture.until_ended(JOBS as u64).await;
    for worker in workers {
        worker.stop().await;
    }
    assert_eq!(handled.load(Ordering::SeqCst), JOBS);
    assert_eq!(fixture.endings().await, (JOBS as i64, JOBS as i64));
    assert_eq!(fixture.counts().await.done, JOBS as u64);
}

#[tokio::test]
async fn a_panic_is_the_failure_of_one_job_and_its_message_is_kept() {
    let fixture = Fixture::with(Settings { max_failures: 1, ..brisk() }).await;
    fixture.enqueue_many(50).await;
    let worker = fixture.start(
        "w",
        Does(|job: Job| async move {
            assert!(job.key != "17", "number 17 is cursed");
            done()
        }),
    );
    fixture.until_ended(50).await;
    worker.stop().await;
    let cursed = fixture.job("17").await;
    assert_eq!(cursed.state, State::Dead);
    assert!(cursed.error.unwrap().contains("number 17 is cursed"));
    assert_eq!(fixture.counts().await.done, 49);
}

#[tokio::test]
async fn lower_priorities_go_first_whatever_was_enqueued_first() {
    let fixture = Fixture::with(Settings { concurrency: 1, batch: 5, ..brisk() }).await;
    let jobs: Vec<_> = (0..30).map(|n| NewJob { priority: [100, 10, 50][n % 3], ..job(&n.to_string()) }).collect();
    fixture.enqueue(&jobs).await;
    let order = Arc::new(Mutex::new(Vec::new()));
    let worker = fixture.start(
        "w",
        Does({
            let order = order.clone();
            move |job: Job| {
                let order = order.clone();
                async move {
                    order.lock().await.push(job.key.parse::<usize>().unwrap() % 3);
                    done()
                }
            }
        }),
    );
    fixture.until_ended(30).await;
    worker.stop().await;
    let expected: Vec<usize> = [1, 2, 0].into_iter().flat_map(|rest| [rest; 10]).collect();
    assert_eq!(*order.lock().await, expected);
}

#[tokio::test]
async fn urgent_work_that_was_put_off_does_not_hold_up_the_rest() {
    let fixture = Fixture::new().await;
    let later = NewJob { priority: 1, after: Duration::from_secs(3_600), ..job("later") };
    fixture.enqueue(&[later, job("now")]).await;
    let worker = fixture.start("w", Does(|_| async { done() }));
    until("the due job is done", || async { fixture.counts().await.done == 1 }).await;
    worker.stop().await;
    assert_eq!(fixture.job("later").await.state, State::Ready);
}

#[tokio::test]
async fn again_puts_a_job_off_without_counting_a_failure() {
    let fixture = Fixture::new().await;
    fixture.enqueue_many(1).await;
    let worker = fixture.start(
        "w",
        Does(|job: Job| async move {
            if job.looks < 8 {
                return Ok(Handled::Again { after: Duration::from_millis(5), reason: "settling".to_owned() });
            }
            assert_eq!(job.failures, 0);
            done()
        }),
    );
    fixture.until_ended(1).await;
    worker.stop().await;
    let job = fixture.job("0").await;
    assert_eq!((job.state, job.looks, job.failures), (State::Done, 8, 0));
    assert_eq!(fixture.endings().await, (1, 1));
}

#[tokio::test]
async fn a_handler_may_ack_in_the_transaction_of_its_effects() {
    let fixture = Fixture::new().await;
    fixture.enqueue_many(100).await;
    let queue = fixture.queue.clone();
    let worker = fixture.start(
        "w",
        Does(move |job: Job| {
            let queue = queue.clone();
            async move {
                let mut transaction = queue.pool().begin().await.map_err(|e| Failure::passing(e.to_string()))?;
                let held = trueup_queue::fence(&mut transaction, &[(job.id, job.lease)]).await.unwrap();
                assert!(held.contains(&job.id));
                let result = AckResult::Done { outcome: "repaired".to_owned() };
                let acked = queue.ack(&mut transaction, &[Ack { job: job.id, lease: job.lease, result }]).await.unwrap();
                assert!(acked.contains(&job.id));
                transaction.commit().await.unwrap();
                Ok(Handled::AlreadyAcked)
            }
        }),
    );
    fixture.until_ended(100).await;
    worker.stop().await;
    assert_eq!(fixture.job("5").await.outcome.as_deref(), Some("repaired"));
    assert_eq!(fixture.endings().await, (100, 100));
}

#[tokio::test]
async fn shutdown_lets_handlers_finish_and_gives_up_what_was_not_begun() {
    let fixture = Fixture::with(Settings { concurrency: 2, batch: 5, lease: Duration::from_secs(600), ..brisk() }).await;
    fixture.enqueue_many(40).await;
    let (begun, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let worker = fixture.start(
        "w",
        Does({
            let (begun, go_on) = (begun.clone(), go_on.clone());
            move |_: Job| {
                let (begun, go_on) = (begun.clone(), go_on.clone());
                async move {
                    begun.notify_one();
                    go_on.notified().await;
                    done()
                }
            }
        }),
    );
    begun.notified().await;
    until("batches wait ahead", || async { fixture.counts().await.leased > 5 }).await;
    worker.stop.cancel();
    until("two handlers hold on", || async {
        go_on.notify_waiters();
        fixture.counts().await.done >= 2
    })
    .await;
    worker.ended().await.unwrap();
    let counts = fixture.counts().await;
    assert_eq!((counts.leased, counts.dead, counts.ready + counts.done), (0, 0, 40));
    let released = fixture.job("39").await;
    assert_eq!((released.state, released.failures, released.suspicion), (State::Ready, 0, 0));
}

#[tokio::test]
async fn handlers_that_outlast_the_grace_are_cut_short_and_their_jobs_given_up() {
    let settings = Settings { drain_grace: Duration::from_millis(100), lease: Duration::from_secs(600), ..brisk() };
    let fixture = Fixture::with(settings).await;
    fixture.enqueue_many(3).await;
    let worker = fixture.start("w", Does(|_| std::future::pending()));
    until("the jobs are held", || async { fixture.counts().await.leased == 3 }).await;
    worker.stop().await;
    assert_eq!(fixture.counts().await.ready, 3);
}

#[tokio::test]
async fn a_payload_that_this_program_cannot_read_is_the_end_of_its_job_only() {
    let fixture = Fixture::new().await;
    fixture.enqueue_many(3).await;
    // Valid jsonb, beyond what a JSON number can be here.
    crate::engine::set_payload(fixture.pool(), fixture.job("1").await.id, &format!("1{}", "0".repeat(400))).await;
    let worker = fixture.start("w", Does(|_| async { done() }));
    fixture.until_ended(3).await;
    worker.stop().await;
    let job = fixture.job("1").await;
    assert_eq!(job.state, State::Dead);
    assert!(job.error.unwrap().contains("payload cannot be read"));
}

#[tokio::test]
async fn settings_that_cannot_work_are_refused_at_start() {
    let fixture = Fixture::with(Settings { batch: 0, ..brisk() }).await;
    let worker = fixture.start("w", Does(|_| async { done() }));
    let error = worker.ended().await.unwrap_err();
    assert!(matches!(error, Error::Settings(_)), "{error}");
    assert!(error.to_string().contains("batch"));
}

#[tokio::test]
async fn an_idle_worker_is_woken_by_enqueueing() {
    let fixture = Fixture::with(Settings { poll_every: Duration::from_secs(3_600), ..brisk() }).await;
    let worker = fixture.start("w", Does(|_| async { done() }));
    for number in 0..3 {
        fixture.enqueue(&[job(&number.to_string())]).await;
        fixture.until_ended(number + 1).await;
    }
    worker.stop().await;
}
