//! Jobs that a run cannot finish by itself: second looks that died, and jobs that no worker here can do.

use trueup::{Mode, Settings, ThrottleSettings};
use trueup_queue::inspect::{self, Filter, LIST_LIMIT};
use trueup_workers::{Retried, enqueue_run, retry_jobs, start_run};

use crate::lifecycle::roles::{Roles, until};
use crate::support::{self, Deployment, SPEC, new_run};

const TIMEOUT_SECS: i64 = 60;

#[tokio::test]
async fn a_dead_second_look_begins_again_with_a_first_look_at_its_row_or_its_key() {
    let deployment = Deployment::with_loans(5).await;
    deployment.sql("UPDATE loans SET status = 'active' WHERE loan_id = '2'; DELETE FROM loans WHERE loan_id = '4'").await;
    let first = deployment.run(Mode::Detect).await;
    assert_eq!(first.found(), ["missing_row  4", "stale_status status 2"]);
    support::jobs::end(&deployment, "task = 'confirm'", "dead", "no answer").await;

    let mut connection = deployment.pool().acquire().await.expect("a connection");
    let jobs = inspect::list(&mut connection, &Filter::default(), LIST_LIMIT, None).await.expect("all jobs");
    drop(connection);
    let others = u64::try_from(jobs.len() - 2).expect("few");
    let Retried { runs, jobs, left_alone, unreported } = retry_jobs(deployment.pool(), &jobs, TIMEOUT_SECS).await.expect("retried");
    assert_eq!((runs.len(), jobs, left_alone, unreported), (1, 2, others, Vec::new()), "only what is dead is retried");
    let tasks = format!("SELECT string_agg(task || ' ' || key, ', ' ORDER BY task) FROM trueup.all_jobs WHERE group_id = {}", runs[0]);
    assert_eq!(deployment.value::<String>(&tasks).await, "detect 2, discover 4");

    let trueup = deployment.trueup().await;
    let again = deployment.finish(&trueup, runs[0]).await;
    assert_eq!((again.found(), again.document.kinds["loan"].entities), (first.found(), 2));
    let dead = "SELECT count(*) FROM trueup.all_jobs WHERE task = 'confirm' AND state = 'dead'";
    assert_eq!(deployment.value::<i64>(dead).await, 2, "they stay for the record");
}

#[tokio::test]
async fn a_job_that_nobody_here_can_do_dies_and_says_why() {
    let deployment = Deployment::with_loans(2).await;
    let trueup = deployment.trueup_row_by_row().await;
    let run = start_run(trueup.context(), new_run(Mode::Detect)).await.expect("a run");
    enqueue_run(trueup.context(), run).await.expect("enqueued");
    // As a newer version, and a replica with more specs, would have added them.
    support::jobs::rename(&deployment, &support::jobs::row(1), "sing", "loan").await;
    support::jobs::rename(&deployment, &support::jobs::row(2), "detect", "ship").await;
    let roles = Roles::of(&deployment).await.worker("test");
    until(&deployment, "(SELECT count(*) FROM trueup.all_jobs WHERE state = 'dead') = 2").await;
    roles.end().await;
    let error = |task: &str| format!("SELECT error FROM trueup.all_jobs WHERE task = '{task}' AND state = 'dead'");
    assert_eq!(deployment.value::<String>(&error("sing")).await, "`sing` is no task of this version of trueup");
    let of_another = deployment.value::<String>(&error("detect")).await;
    assert!(of_another.contains("no spec for kind `ship`; start every replica with the same specs"), "{of_another}");
}

#[tokio::test]
async fn a_repair_that_never_gets_through_in_time_fails_alone() {
    let deployment = Deployment::with_loans(6).await;
    deployment
        .sql(
            "UPDATE loans SET status = 'active' WHERE loan_id <> '6';
             CREATE FUNCTION stall() RETURNS trigger LANGUAGE plpgsql AS
                 $$ BEGIN PERFORM pg_cancel_backend(pg_backend_pid()); PERFORM pg_sleep(60); RETURN new; END $$;
             CREATE TRIGGER stall BEFORE UPDATE ON loans FOR EACH ROW WHEN (old.loan_id = '3') EXECUTE FUNCTION stall()",
        )
        .await;
    let report = deployment.run(Mode::Repair).await.document;
    let loans = &report.kinds["loan"];
    assert_eq!((loans.entities, loans.verdicts["in_sync"], loans.verdicts["drifted"], loans.verdicts["failed"]), (6, 1, 4, 1));
    assert_eq!(loans.repairs["repaired"], 4);
    let left = "SELECT string_agg(loan_id, ', ') FROM loans WHERE status = 'active'";
    assert_eq!(deployment.value::<String>(left).await, "3");
}

/// Each row of which a statement reads whether it is exempt is counted.
const COUNTED: &str = "
    DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET track_functions = ''all''', current_database()); END $$;
    CREATE FUNCTION counted() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RETURN true; END $$";

/// How many rows were read after one more sweep.
async fn rows_read(deployment: &Deployment) -> i64 {
    // Nobody looks who else is at work, in a session that ends seconds later.
    let throttle = ThrottleSettings { enabled: false, ..ThrottleSettings::default() };
    let trueup = deployment.trueup_with(Settings { throttle, ..Settings::default() }).await;
    let run = start_run(trueup.context(), new_run(Mode::Detect)).await.expect("a run");
    deployment.finish(&trueup, run).await;
    // A session tells what it has counted at its end at the latest.
    trueup.context().pools().close().await;
    until(deployment, "(SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'trueup%') = 0")
        .await;
    deployment.value("SELECT coalesce((SELECT calls FROM pg_stat_user_functions WHERE funcname = 'counted'), 0)").await
}

#[tokio::test]
async fn a_second_look_at_a_row_reads_that_row_and_not_the_table() {
    let rows = 300;
    let spec = SPEC.replace("changed = \"updated_at\"", "changed = \"updated_at\"\nwhere = \"counted()\"");
    let deployment = Deployment::with_spec(rows, &spec).await;
    deployment.sql(COUNTED).await;
    let first = rows_read(&deployment).await;
    let clean = rows_read(&deployment).await - first;
    assert!(clean >= i64::from(rows), "{clean}");
    deployment.sql("UPDATE loans SET status = 'active' WHERE loan_id = '2'").await;
    let drifted = rows_read(&deployment).await - clean - first;
    assert!(drifted < clean + i64::from(rows) / 2, "{drifted} rows instead of {clean}");
}
