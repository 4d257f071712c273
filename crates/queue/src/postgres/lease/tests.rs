use std::time::Instant;

use sqlx::{AssertSqlSafe, Connection, PgConnection};
use trueup_sandbox::TestDatabase;

use super::*;

async fn database() -> (TestDatabase, PgConnection) {
    let database = TestDatabase::create().await;
    trueup_schema::migrate(database.pool()).await.unwrap();
    let conn = PgConnection::connect(database.url()).await.unwrap();
    (database, conn)
}

async fn run(conn: &mut PgConnection, statement: &'static str) {
    sqlx::raw_sql(statement).execute(conn).await.unwrap();
}

/// The lease statement's plan, as a worker's connection gets it.
async fn plan(conn: &mut PgConnection) -> String {
    run(conn, "SET plan_cache_mode = force_custom_plan").await;
    sqlx::raw_sql(AssertSqlSafe(format!("PREPARE lease(bigint, text, bigint, bigint) AS {LEASE}"))).execute(&mut *conn).await.unwrap();
    let lines: Vec<String> =
        sqlx::query_scalar("EXPLAIN (COSTS off) EXECUTE lease(500, 'w', 20000, 6)").persistent(false).fetch_all(&mut *conn).await.unwrap();
    run(conn, "DEALLOCATE lease").await;
    lines.join("\n")
}

const DONE: &str = "
    INSERT INTO trueup.jobs (group_id, task, kind, key, priority, state, ended_at)
    SELECT 1, 'detect', 'loan', n::text, 100, 'done', now() FROM generate_series(1, 200000) n";

#[tokio::test]
async fn the_plan_never_scans_the_table_whatever_lies_behind_the_queue() {
    let (_database, mut conn) = database().await;
    run(&mut conn, DONE).await;
    run(&mut conn, "INSERT INTO trueup.jobs (group_id, task, kind, key, priority) SELECT 2, 'detect', 'loan', n::text, 100 FROM generate_series(1, 1000) n").await;
    for _ in 0..2 {
        let plan = plan(&mut conn).await;
        assert!(plan.contains("Index Scan using jobs_ready"), "{plan}");
        assert!(!plan.contains("Seq Scan"), "{plan}");
        run(&mut conn, "ANALYZE trueup.jobs").await;
    }
}

/// The pages that leasing one batch reads.
async fn pages_read(conn: &mut PgConnection) -> i64 {
    sqlx::raw_sql(AssertSqlSafe(format!("PREPARE lease(bigint, text, bigint, bigint) AS {LEASE}"))).execute(&mut *conn).await.unwrap();
    let explained: serde_json::Value = sqlx::query_scalar("EXPLAIN (ANALYZE, BUFFERS, FORMAT json) EXECUTE lease(10, 'w', 20000, 6)")
        .persistent(false)
        .fetch_one(&mut *conn)
        .await
        .unwrap();
    run(conn, "DEALLOCATE lease").await;
    let top = &explained[0]["Plan"];
    top["Shared Hit Blocks"].as_i64().unwrap() + top["Shared Read Blocks"].as_i64().unwrap()
}

#[tokio::test]
async fn jobs_put_off_at_an_urgent_priority_are_not_walked_over() {
    let (_database, mut conn) = database().await;
    run(&mut conn, "INSERT INTO trueup.jobs (group_id, task, kind, key, priority) SELECT 2, 'detect', 'loan', n::text, 100 FROM generate_series(1, 1000) n").await;
    let before = pages_read(&mut conn).await;
    run(&mut conn, "INSERT INTO trueup.jobs (group_id, task, kind, key, priority, run_at) SELECT 1, 'detect', 'loan', n::text, 1, now() + interval '1 hour' FROM generate_series(1, 100000) n").await;
    run(&mut conn, "ANALYZE trueup.jobs").await;
    let after = pages_read(&mut conn).await;
    assert!(after < before + 100, "{before} pages before, {after} after");
}

#[tokio::test]
async fn a_drained_sweep_leaves_no_slow_lease_behind() {
    let (_database, mut conn) = database().await;
    run(&mut conn, "INSERT INTO trueup.jobs (group_id, task, kind, key, priority) SELECT 1, 'detect', 'loan', n::text, 100 FROM generate_series(1, 200000) n").await;
    run(&mut conn, "UPDATE trueup.jobs SET state = 'done'").await;
    run(&mut conn, "INSERT INTO trueup.jobs (group_id, task, kind, key, priority) SELECT 2, 'detect', 'loan', n::text, 100 FROM generate_series(1, 5000) n").await;
    // The first leases walk over the dead entries once and mark them.
    for _ in 0..3 {
        lease(&mut conn, "w", Room { jobs: 500, bulky: 6 }, Duration::from_secs(20)).await.unwrap();
    }
    let started = Instant::now();
    let batch = lease(&mut conn, "w", Room { jobs: 500, bulky: 6 }, Duration::from_secs(20)).await.unwrap();
    assert_eq!(batch.jobs.len(), 500);
    assert!(started.elapsed() < Duration::from_millis(200), "{:?}", started.elapsed());
}

#[test]
fn the_statement_and_the_program_mean_the_same_by_bulky() {
    assert!(LEASE.contains(&format!("level.priority < {} ", NewJob::BULKY)));
}
