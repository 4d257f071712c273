use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Mutex;
use trueup_queue::{Ack, AckResult, Job, Queue, Settings, State, Worker, fence};

use crate::engine;
use crate::support::{Does, Fixture, WrittenDown, brisk, done, until};

/// Runs a worker that takes jobs and never finishes them, until it holds some; then it vanishes with its runtime, as
/// a killed process does. Returns the jobs as its handlers had them,
/// and its queue.
async fn vanish(fixture: &Fixture, batch: usize) -> (Vec<Job>, Queue) {
    let taken = Arc::new(Mutex::new(Vec::new()));
    let handler = Does({
        let taken = taken.clone();
        move |job: Job| {
            let taken = taken.clone();
            async move {
                taken.lock().await.push(job);
                std::future::pending().await
            }
        }
    });
    let queue = Queue::new(fixture.pool().clone(), Arc::new(WrittenDown), Settings { batch, batches_ahead: 1, ..brisk() });
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.spawn(Worker::new(queue.clone(), "victim", handler).run(tokio_util::sync::CancellationToken::new()));
    until("the victim has begun its jobs", || async { taken.lock().await.len() >= batch }).await;
    runtime.shutdown_background();
    (taken.lock().await.clone(), queue)
}

#[tokio::test]
async fn the_jobs_of_a_worker_that_vanished_are_taken_over_and_none_is_blamed() {
    let fixture = Fixture::new().await;
    fixture.enqueue_many(300).await;
    vanish(&fixture, 100).await;
    assert!(fixture.counts().await.leased >= 100);

    let worker = fixture.start("heir", Does(|_| async { done() }));
    fixture.until_ended(300).await;
    worker.stop().await;
    assert_eq!(fixture.counts().await.done, 300);
    assert_eq!(fixture.endings().await, (300, 300));
    let blamed = fixture.jobs().await.iter().filter(|job| job.crashes > 0 || job.failures > 0 || job.suspicion > 0).count();
    assert_eq!(blamed, 0);
}

#[tokio::test]
async fn suspects_run_apart_from_the_rest_and_healthy_ones_do_not_wait_for_a_lease_each() {
    let fixture = Fixture::with(Settings { lease: Duration::from_secs(3), suspects_together: 8, ..brisk() }).await;
    fixture.enqueue_many(300).await;
    // The first hundred are to run alone, the second hundred a few together, the third in a crowd.
    let ids: Vec<_> = fixture.jobs().await.iter().map(|job| job.id).collect();
    engine::suspect(fixture.pool(), &ids[..100], 2).await;
    engine::suspect(fixture.pool(), &ids[100..200], 1).await;
    // How many run now, and the most that ran beside a job of each hundred.
    let running = Arc::new(Mutex::new((0_usize, [0_usize; 3])));
    let started = std::time::Instant::now();
    let worker = fixture.start(
        "w",
        Does({
            let running = running.clone();
            move |job: Job| {
                let running = running.clone();
                async move {
                    running.lock().await.0 += 1;
                    tokio::task::yield_now().await;
                    let mut now = running.lock().await;
                    let (count, hundred) = (now.0, usize::try_from(job.id.0 - 1).unwrap() / 100);
                    now.1[hundred] = now.1[hundred].max(count);
                    now.0 -= 1;
                    done()
                }
            }
        }),
    );
    fixture.until_ended(300).await;
    assert!(started.elapsed() < Duration::from_secs(10), "200 suspects took {:?}", started.elapsed());
    worker.stop().await;
    let [alone, few, crowd] = running.lock().await.1;
    assert_eq!(alone, 1);
    assert!(few <= 8, "{few}");
    assert!(crowd <= 100, "{crowd}");
}

#[tokio::test]
async fn a_worker_that_lost_its_lease_can_neither_fence_nor_ack() {
    let fixture = Fixture::new().await;
    fixture.enqueue_many(1).await;
    let (mut jobs, zombies_queue) = vanish(&fixture, 1).await;
    let zombie = jobs.remove(0);

    let heir = fixture.start("heir", Does(|_| std::future::pending()));
    until("the heir holds the job", || async { fixture.job("0").await.lease.is_some_and(|lease| lease > zombie.lease) }).await;

    let mut transaction = fixture.pool().begin().await.unwrap();
    assert!(fence(&mut transaction, &[(zombie.id, zombie.lease)]).await.unwrap().is_empty());
    for result in [
        AckResult::Done { outcome: "late".to_owned() },
        AckResult::Again { after: Duration::ZERO, reason: "late".to_owned() },
        AckResult::Failed { error: "late".to_owned() },
        AckResult::Dead { error: "late".to_owned() },
    ] {
        let late = Ack { job: zombie.id, lease: zombie.lease, result };
        assert!(zombies_queue.ack(&mut transaction, std::slice::from_ref(&late)).await.unwrap().is_empty());
        assert!(fixture.queue.ack(&mut transaction, &[late]).await.unwrap().is_empty());
    }
    transaction.commit().await.unwrap();
    let job = fixture.job("0").await;
    assert_eq!((job.state, job.error, job.outcome), (State::Leased, None, None));
    assert_eq!(fixture.endings().await, (0, 0));
    heir.worker.abort();
}

#[tokio::test]
async fn a_worker_that_lives_keeps_its_leases_however_long_its_handlers_take() {
    let fixture = Fixture::new().await;
    fixture.enqueue_many(20).await;
    let slow = Settings::default().lease.min(brisk().lease) * 3;
    let worker = fixture.start(
        "slow",
        Does(move |_| async move {
            tokio::time::sleep(slow).await;
            done()
        }),
    );
    until("the slow worker holds all of them", || async { fixture.counts().await.leased == 20 }).await;
    let idle = fixture.start("idle", Does(|_| async { panic!("nothing is left for this worker") }));
    fixture.until_ended(20).await;
    assert_eq!(fixture.counts().await.done, 20);
    worker.stop().await;
    idle.stop().await;
}

#[tokio::test]
async fn a_job_whose_row_is_locked_by_a_fenced_transaction_is_not_taken_over_meanwhile() {
    let fixture = Fixture::new().await;
    fixture.enqueue_many(2).await;
    let (jobs, victims_queue) = vanish(&fixture, 2).await;
    let mut transaction = fixture.pool().begin().await.unwrap();
    let fenced = jobs.iter().find(|job| job.key == "0").unwrap();
    assert_eq!(fence(&mut transaction, &[(fenced.id, fenced.lease)]).await.unwrap().len(), 1);

    let heir = fixture.start("heir", Does(|_| async { done() }));
    if engine::TAKES_OVER_EACH_JOB {
        until("the other job is taken over", || async { fixture.counts().await.done == 1 }).await;
    } else {
        until("the lease has expired", || async {
            sqlx::query_scalar("SELECT until < now() - interval '1 second' FROM trueup.leases WHERE number = $1")
                .bind(fenced.lease)
                .fetch_one(fixture.pool())
                .await
                .unwrap()
        })
        .await;
        assert_eq!(fixture.counts().await.leased, 2, "nobody has taken anything over");
    }
    let ack = Ack { job: fenced.id, lease: fenced.lease, result: AckResult::Done { outcome: "in time".to_owned() } };
    assert_eq!(victims_queue.ack(&mut transaction, &[ack]).await.unwrap().len(), 1);
    transaction.commit().await.unwrap();
    fixture.until_ended(2).await;
    heir.stop().await;
    assert_eq!(fixture.job("0").await.outcome.as_deref(), Some("in time"));
    assert_eq!(fixture.endings().await, (2, 2));
}

#[tokio::test]
async fn handlers_that_block_their_threads_and_hold_the_whole_pool_do_not_cost_the_worker_its_leases() {
    let fixture = Fixture::new().await;
    fixture.enqueue_many(25).await;
    let handled = Arc::new(AtomicUsize::new(0));
    let pool = fixture.pool().clone();
    let hog = Does({
        let handled = handled.clone();
        move |job: Job| {
            let (handled, pool) = (handled.clone(), pool.clone());
            async move {
                handled.fetch_add(1, Ordering::SeqCst);
                let _held = pool.acquire().await.unwrap();
                if job.key == "0" {
                    // This runtime has one thread; for as long as this sleeps nothing of it moves.
                    std::thread::sleep(brisk().lease * 3);
                }
                tokio::time::sleep(brisk().lease).await;
                done()
            }
        }
    });
    let (hogging, idle) = (fixture.start("hog", hog.clone()), fixture.start("idle", hog));
    fixture.until_ended(25).await;
    hogging.stop().await;
    idle.stop().await;
    assert_eq!(handled.load(Ordering::SeqCst), 25);
    assert_eq!(fixture.endings().await, (25, 25));
}
