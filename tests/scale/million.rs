//! A run of very many entities. `make million` runs it with a million; the assertions are the same.

use std::time::{Duration, Instant};

use sqlx::AssertSqlSafe;

use crate::kill::fleet::{Engine, Fleet, Pace, Role};
use crate::scale::book;

/// What a worker or a scheduler may hold in memory.
const MEMORY_LIMIT_KIB: u64 = 200 * 1024;
/// No run takes longer.
const RUN_LIMIT: Duration = Duration::from_secs(3_000);
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// The tables that runs fill.
const SIZES: &str = "
    SELECT c.relname || ': table ' || pg_size_pretty(pg_relation_size(c.oid)) || ', indexes ' || pg_size_pretty(pg_indexes_size(c.oid))
           || ', all ' || pg_size_pretty(pg_total_relation_size(c.oid))
    FROM pg_class AS c WHERE c.relnamespace = 'trueup'::regnamespace AND c.relkind = 'r' AND pg_relation_size(c.oid) > 100000
    ORDER BY pg_total_relation_size(c.oid) DESC";

/// A number that the environment may say.
fn number(name: &str, default: u32) -> u32 {
    std::env::var(name).map_or(default, |value| value.parse().unwrap_or_else(|_| panic!("{name} must be a number, not {value}")))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_of_any_size_takes_constant_memory_and_retention_leaves_nothing_of_it_but_its_report() {
    let entities = number("ENTITIES", 3_000);
    let runs = number("RUNS", 2);
    let drift_percent = number("DRIFT_PERCENT", 1);
    let deployment = book::with_loans(entities).await;
    for engine in Engine::ALL {
        let mut fleet = Fleet::start_with(&deployment.config, engine, Pace::Default, "keep_jobs_days = 0", 2, 1).await;
        for number in 1..=runs {
            let drifted = i64::from(entities / 100 * drift_percent);
            fleet.sql(&format!("UPDATE loans SET status = 'active' WHERE id <= {drifted}")).await;
            let run = fleet.open_full_run().await;
            until_finished(&mut fleet, run).await;
            let left: i64 = fleet.value("SELECT count(*) FROM loans WHERE status = 'active'").await;
            assert_eq!(left, 0, "all is repaired");
            let report = deployment.report(trueup::RunId(run)).await.document;
            assert_eq!(report.kinds["loan"].entities, u64::from(entities));
            assert_eq!(
                (report.total("drifted"), report.total("in_sync")),
                (drifted.unsigned_abs(), u64::from(entities) - drifted.unsigned_abs())
            );
            println!("run {number} of {entities} entities, {drifted} drifted: {} ms", report.run.duration_ms);
            until_purged(&mut fleet, run).await;
            sizes(&mut fleet).await;
        }
        let kept: i64 = fleet.value("SELECT count(*) FROM trueup.all_jobs").await;
        assert_eq!(kept, 0, "no job row is left of finished runs");
        for member in &fleet.members {
            let peak = member.program.peak_memory_kib().expect("it lives");
            println!("{} ({:?}): at most {} MiB in memory", member.name, member.role, peak / 1024);
            assert!(peak < MEMORY_LIMIT_KIB, "{} ({:?}) held {peak} KiB", member.name, member.role);
        }
        assert!(fleet.members.iter().any(|member| member.role == Role::Scheduler), "it was measured too");
        fleet.end().await;
    }
}

async fn until_finished(fleet: &mut Fleet, run: i64) {
    let began = Instant::now();
    let mut phase = String::new();
    while phase != "done" {
        assert!(began.elapsed() < RUN_LIMIT, "run {run} is still in phase {phase}");
        tokio::time::sleep(LOOK_EVERY).await;
        let now: String = fleet.value(&format!("SELECT phase FROM trueup.runs WHERE id = {run}")).await;
        if now != phase {
            println!("  {:>7} ms: {now}", began.elapsed().as_millis());
            phase = now;
        }
    }
}

async fn until_purged(fleet: &mut Fleet, run: i64) {
    let began = Instant::now();
    while !fleet.value::<bool>(&format!("SELECT purged FROM trueup.runs WHERE id = {run}")).await {
        assert!(began.elapsed() < RUN_LIMIT, "the job rows of run {run} are still there");
        tokio::time::sleep(LOOK_EVERY).await;
    }
    println!("  {:>7} ms: its job rows are gone", began.elapsed().as_millis());
}

async fn sizes(fleet: &mut Fleet) {
    let sizes: Vec<String> = sqlx::query_scalar(AssertSqlSafe(SIZES)).fetch_all(&mut fleet.connection).await.expect("the sizes");
    for size in sizes {
        println!("  {size}");
    }
}
