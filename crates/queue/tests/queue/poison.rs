use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use trueup_queue::{Job, Queue, Settings, State, Worker};

use crate::support::{Does, Fixture, WrittenDown, brisk, done, job, until};

/// Makes the test program a worker's process instead: the database to work on.
const DATABASE: &str = "TRUEUP_QUEUE_POISONED_DATABASE";
const POISON: &str = "poison";

/// Not a test of its own: what the child process of the next one runs.
#[tokio::test]
async fn a_process_that_dies_of_one_job() {
    let Ok(url) = std::env::var(DATABASE) else { return };
    let pool = PgPool::connect(&url).await.unwrap();
    let settings = Settings { max_failures: 3, ..brisk() };
    let handler = Does(|job: Job| async move {
        if job.key == POISON {
            std::process::abort();
        }
        done()
    });
    Worker::new(Queue::new(pool, Arc::new(WrittenDown), settings), "child", handler).run(CancellationToken::new()).await.unwrap();
}

struct Process(Child);

impl Process {
    fn start(url: &str) -> Self {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "poison::a_process_that_dies_of_one_job", "--nocapture"])
            .env(DATABASE, url)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self(child)
    }

    fn is_dead(&mut self) -> bool {
        self.0.try_wait().unwrap().is_some()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn a_job_that_kills_its_process_ends_dead_and_its_499_batch_mates_are_done() {
    let fixture = Fixture::new().await;
    let mut jobs: Vec<_> = (0..499).map(|key| job(&key.to_string())).collect();
    jobs.insert(250, job(POISON));
    fixture.enqueue(&jobs).await;

    let mut process = Process::start(fixture.database.url());
    let mut deaths = 0;
    until("every job has ended", || {
        if process.is_dead() {
            deaths += 1;
            process = Process::start(fixture.database.url());
        }
        async {
            let counts = fixture.counts().await;
            counts.done + counts.dead == 500
        }
    })
    .await;
    drop(process);

    let poison = fixture.job(POISON).await;
    assert_eq!((poison.state, poison.crashes), (State::Dead, 3));
    assert_eq!(poison.error.as_deref(), Some("the process died 3 times while this job ran alone"));
    assert_eq!(fixture.counts().await.done, 499);
    assert_eq!(fixture.endings().await, (500, 500));
    // A child that is merely slow may lose a lease without dying.
    assert!(deaths <= 5, "{deaths}: at most once in a crowd, once among few and three times alone");
}
