//! The whole program with its queue on Redis.

use trueup::Mode;
use trueup_queue::State;
use trueup_queue::inspect::{self, Filter, LIST_LIMIT};
use trueup_sandbox::RedisServer;
use trueup_workers::{cancel, enqueue_run, retry_jobs, start_run};

use crate::kill::outcome;
use crate::kill::template::{REPAIR, Template};
use crate::program::{Hold, Program};
use crate::support::redis::{on, shared_url};
use crate::support::{Deployment, new_run};

const TIMEOUT_SECS: i64 = 60;

#[tokio::test(flavor = "multi_thread")]
async fn on_redis_it_finds_repairs_and_reports_the_same() {
    let template = Template::create().await;
    let on_postgres = template.copy("on_postgres").await;
    Program::start(&on_postgres, REPAIR).end().await.expect_code(3);
    let on_redis = on(&shared_url(), template.copy("on_redis").await);
    Program::start(&on_redis, &["check"]).end().await.expect_code(0);
    Program::start(&on_redis, REPAIR).end().await.expect_code(3);
    let expected = outcome::of(&on_postgres).await;
    expected.assert_worth_comparing();
    outcome::of(&on_redis).await.assert_is(&expected, "on Redis");
}

#[tokio::test(flavor = "multi_thread")]
async fn on_redis_a_killed_program_ends_as_if_nothing_had_happened() {
    let template = Template::create().await;
    let undisturbed = template.copy("undisturbed").await;
    Program::start(&undisturbed, REPAIR).end().await.expect_code(3);
    let expected = outcome::of(&undisturbed).await;
    let points = ["old.phase = 'detect' AND new.detect_done > 60", "old.phase = 'match'", "old.phase = 'confirm' AND old.confirm_done > 0"];
    for (number, point) in points.into_iter().enumerate() {
        let copy = on(&shared_url(), template.copy(&format!("killed_{number}")).await);
        let mut hold = Hold::at(copy.database_url.as_deref().expect("a database"), point).await;
        let doomed = Program::start(&copy, REPAIR);
        hold.reached().await;
        doomed.kill().await;
        hold.release().await;
        Program::start(&copy, REPAIR).end().await.expect_code(3);
        outcome::of(&copy).await.assert_is(&expected, point);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_loses_its_memory_in_the_middle_of_a_run_changes_nothing() {
    let mut redis = RedisServer::start().expect("a Redis server");
    let template = Template::create().await;
    let undisturbed = template.copy("undisturbed").await;
    Program::start(&undisturbed, REPAIR).end().await.expect_code(3);
    let expected = outcome::of(&undisturbed).await;
    for (number, point) in
        ["old.phase = 'detect' AND new.detect_done > 60", "old.phase = 'confirm' AND old.confirm_done > 0"].into_iter().enumerate()
    {
        let copy = on(&redis.url(), template.copy(&format!("lost_{number}")).await);
        let mut hold = Hold::at(copy.database_url.as_deref().expect("a database"), point).await;
        let program = Program::start(&copy, REPAIR);
        hold.reached().await;
        redis.restart().expect("it comes back, empty");
        hold.release().await;
        program.end().await.expect_code(3);
        outcome::of(&copy).await.assert_is(&expected, point);
    }
}

#[tokio::test]
async fn on_redis_dead_jobs_are_shown_and_retried_in_a_run_of_their_own() {
    let mut deployment = Deployment::with_loans(10).await;
    deployment.config = on(&shared_url(), deployment.config.clone());
    deployment.sql("UPDATE loans SET status = 'active' WHERE id <= 4").await;
    let trueup = deployment.trueup().await;
    let first = start_run(trueup.context(), new_run(Mode::Repair)).await.expect("a run");
    enqueue_run(trueup.context(), first).await.expect("enqueued");
    deployment.devnet.faults().update(|faults| (faults.fail_percent, faults.fail_status) = (100, 503));
    assert_eq!(deployment.finish(&trueup, first).await.document.total("failed"), 10);
    deployment.devnet.faults().clear();

    let listed = Program::start(&deployment.config, &["jobs", "list", "--state", "dead"]).end().await;
    listed.expect_code(0);
    assert_eq!(listed.stdout.matches(" dead ").count(), 10, "{}", listed.stdout);
    let dead = async || {
        let mut connection = deployment.pool().acquire().await.expect("a connection");
        let filter = Filter { state: Some(State::Dead), ..Filter::default() };
        inspect::list(&mut connection, &filter, LIST_LIMIT, None).await.expect("the dead jobs")
    };
    let retried = retry_jobs(deployment.pool(), &dead().await, TIMEOUT_SECS).await.expect("retried");
    assert_eq!((retried.runs.len(), retried.jobs, retried.left_alone), (1, 10, 0));
    let second = deployment.finish(&trueup, retried.runs[0]).await;
    let loans = &second.document.kinds["loan"];
    assert_eq!((loans.entities, loans.verdicts["in_sync"], loans.repairs["repaired"]), (10, 6, 4));
    assert_eq!(deployment.report(first).await.document.total("failed"), 10, "what was reported stays as it was");
    assert!(dead().await.is_empty());
}

#[tokio::test]
async fn on_redis_a_cancelled_run_is_reported_as_partial_and_its_jobs_do_not_run() {
    let mut deployment = Deployment::with_loans(5).await;
    deployment.config = on(&shared_url(), deployment.config.clone());
    let trueup = deployment.trueup().await;
    let run = start_run(trueup.context(), new_run(Mode::Repair)).await.expect("a run");
    enqueue_run(trueup.context(), run).await.expect("enqueued");
    assert!(cancel(trueup.context().pools(), run).await.expect("cancelled"));
    let report = deployment.finish(&trueup, run).await.document;
    assert!(report.run.partial);
    assert_eq!((report.kinds["loan"].ranges_missed, report.total("unjudged")), (1, 1));
}

#[tokio::test]
async fn a_redis_that_cannot_be_reached_is_named_at_start() {
    let deployment = Deployment::with_loans(1).await;
    let config = on("redis://user:secret@127.0.0.1:1", deployment.config.clone());
    for command in [&["check"][..], &["worker"], &["run"]] {
        let ended = Program::start(&config, command).end().await;
        ended.expect_code(1);
        assert!(ended.stderr.contains("Redis at redis://127.0.0.1:1 cannot be used"), "{}", ended.stderr);
        assert!(!ended.stderr.contains("secret"), "{}", ended.stderr);
    }
}
