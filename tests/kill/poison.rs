//! A job that kills every process that tries it: a row that holds more than the process may have in memory.

use crate::kill::fleet::Engine;
use crate::program::{Program, until};
use crate::support::Deployment;
use sqlx::{Connection, PgConnection};

const LOANS: u32 = 1_200;
/// What the row holds, in bytes: read into a buffer that doubles as it grows, the end of a process that may have ...
const POISON_BYTES: u32 = 100_000_000;
/// ... so much address space, in KiB.
const ADDRESS_SPACE_KIB: u32 = 450_000;
/// The program, with its memory bounded as a container's is. More arenas would only be room that it reserves.
const BOUNDED: &str = "ulimit -v \"$0\"; MALLOC_ARENA_MAX=2 exec \"$@\"";
const QUICK: &str = "[queue]\nlease_secs = 1\npoll_ms = 50\nmax_failures = 3\nretry_base_ms = 50\nretry_cap_secs = 1";

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_kills_every_process_ends_dead_and_all_others_are_repaired() {
    poison(Engine::Postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_redis_a_row_that_kills_every_process_ends_dead_and_all_others_are_repaired() {
    poison(Engine::Redis).await;
}

async fn poison(engine: Engine) {
    let mut deployment = Deployment::with_loans(LOANS).await;
    deployment.config = engine.of(&deployment.config);
    deployment.sql("UPDATE loans SET status = 'active'").await;
    deployment.sql(&format!("UPDATE loans SET wallet = repeat('x', {POISON_BYTES}) WHERE loan_id = '700'")).await;
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), QUICK).expect("the configuration");
    let path = file.path().to_str().expect("a path");
    let limit = ADDRESS_SPACE_KIB.to_string();
    let program = env!("CARGO_BIN_EXE_trueup");
    let worker = ["-c", BOUNDED, &limit, program, "worker", "--name", "doomed", "--config", path];
    // As an orchestrator does it: who dies is started again.
    let start = || Program::start_silent("/bin/sh", &deployment.config, &worker);

    let scheduler = Program::start_silent(program, &deployment.config, &["scheduler", "--config", path]);
    Program::start(&deployment.config, &["run", "--mode", "repair", "--detach", "--config", path]).end().await.expect_code(0);
    let mut connection = PgConnection::connect(deployment.database.url()).await.expect("a connection");
    let mut workers = [start(), start()];
    let mut deaths = 0;
    let reported = until(&mut connection, "EXISTS (SELECT FROM trueup.reports)");
    tokio::pin!(reported);
    while tokio::time::timeout(std::time::Duration::from_millis(50), &mut reported).await.is_err() {
        for worker in &mut workers {
            if worker.has_ended() {
                deaths += 1;
                *worker = start();
            }
        }
    }
    for process in workers.into_iter().chain([scheduler]) {
        process.kill().await;
    }

    let dead: Vec<(String, String)> =
        sqlx::query_as("SELECT key, error FROM trueup.all_jobs WHERE state = 'dead'").fetch_all(deployment.pool()).await.expect("the dead");
    assert_eq!(dead, [("700".to_owned(), "the process died 3 times while this job ran alone".to_owned())]);
    let report = deployment.report(trueup::RunId(1)).await.document;
    assert_eq!((report.total("failed"), report.total("drifted")), (1, u64::from(LOANS) - 1));
    assert_eq!(report.kinds["loan"].repairs["repaired"], u64::from(LOANS) - 1);
    assert_eq!(deployment.value::<i64>("SELECT count(*) FROM trueup.repairs").await, i64::from(LOANS) - 1);
    assert!(deaths >= 5, "{deaths}: in a crowd, among few, and three times alone");
}
