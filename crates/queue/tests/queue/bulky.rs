//! Bulky jobs: a worker holds a few, and leaves the rest to others.

use std::time::Duration;

use trueup_queue::{Job, NewJob, Settings};

use crate::support::{Does, Fixture, brisk, done, job, until};

const BULKY_HELD: usize = 3;

fn jobs(bulky: usize, others: usize) -> Vec<NewJob> {
    let bulky = (0..bulky).map(|key| NewJob { priority: NewJob::BULKY, ..job(&format!("bulky {key}")) });
    bulky.chain((0..others).map(|key| job(&format!("other {key}")))).collect()
}

#[tokio::test]
async fn a_worker_holds_a_few_bulky_jobs_and_any_number_of_others() {
    let fixture = Fixture::with(Settings { bulky_held: BULKY_HELD, ..brisk() }).await;
    fixture.enqueue(&jobs(20, 50)).await;
    let never_done = Does(|_: Job| std::future::pending());
    let (mut leased, mut workers) = (50, Vec::new());
    for name in ["a", "b", "c"] {
        workers.push(fixture.start(name, never_done.clone()));
        leased += BULKY_HELD as u64;
        until("its fill is leased", || async { fixture.counts().await.leased == leased }).await;
    }
    // Each has asked again and again meanwhile: workers look every 50 ms.
    assert_eq!(fixture.counts().await.ready, 20 - 3 * BULKY_HELD as u64);
}

#[tokio::test]
async fn whoever_has_done_a_bulky_job_takes_the_next_at_once() {
    let long = Duration::from_secs(600);
    let fixture = Fixture::with(Settings { bulky_held: BULKY_HELD, poll_every: long, ..brisk() }).await;
    fixture.enqueue(&jobs(20, 0)).await;
    let worker = fixture.start("w", Does(|_| async { done() }));
    fixture.until_ended(20).await;
    worker.stop().await;
}
