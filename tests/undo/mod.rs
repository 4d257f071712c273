//! Repairs are undone by id, by run and by filter: what has moved on is left, what is undone is held.

use crate::program::{Ended, Hold, Program};
use crate::support::Deployment;
use serde_json::Value;
use trueup::Mode;

async fn trueup(deployment: &Deployment, arguments: &[&str]) -> Ended {
    Program::start(&deployment.config, arguments).end().await
}

async fn active(deployment: &Deployment) -> i64 {
    deployment.value("SELECT count(*) FROM loans WHERE status = 'active'").await
}

/// A deployment of 10 loans whose run 1 has repaired the first five.
async fn repaired() -> Deployment {
    let deployment = Deployment::with_loans(10).await;
    deployment.sql("UPDATE loans SET status = 'active' WHERE id <= 5").await;
    assert_eq!(deployment.run(Mode::Repair).await.document.kinds["loan"].repairs["repaired"], 5);
    deployment
}

#[tokio::test]
async fn a_run_is_undone_but_for_the_row_that_has_moved_on() {
    let deployment = repaired().await;
    deployment.sql("UPDATE loans SET status = 'paid' WHERE id = 3").await;
    let undone = trueup(&deployment, &["repairs", "revert", "--run", "1", "--actor", "ada", "--reason", "wrong map", "--json"]).await;
    let undone: Value = serde_json::from_str(&undone.expect_code(4).stdout).expect("JSON");
    let order: Vec<i64> = undone["reverted"].as_array().expect("a list").iter().filter_map(|it| it["repair"].as_i64()).collect();
    assert_eq!(order.len(), 4);
    assert!(order.is_sorted_by(|one, other| one > other), "newest first: {order:?}");
    assert_eq!(undone["refused"].as_array().map(Vec::len), Some(1));
    assert!(undone["refused"][0]["why"].as_str().expect("a reason").contains("moved on"), "{undone}");
    let statuses: String = deployment.value("SELECT string_agg(status, ' ' ORDER BY id) FROM loans WHERE id <= 5").await;
    assert_eq!(statuses, "active active paid active active");
    let audited = "SELECT count(*) FROM trueup.repairs WHERE action = 'revert' AND actor = 'ada' AND reason = 'wrong map'";
    assert_eq!(deployment.value::<i64>(audited).await, 4);

    deployment.sql("UPDATE loans SET status = 'pending' WHERE id = 3").await;
    let swept = deployment.run(Mode::Repair).await;
    assert_eq!((swept.document.left(), active(&deployment).await), (4, 4), "what was undone is held");
    assert!(swept.drifts.iter().all(|drift| drift.withheld.as_deref() == Some("held")));
    let released = trueup(&deployment, &["repairs", "release", "--run", "1"]).await;
    assert!(released.expect_code(0).stdout.contains("4 column(s) released"), "{}", released.stdout);
    deployment.run(Mode::Repair).await;
    assert_eq!(active(&deployment).await, 0);
}

#[tokio::test]
async fn a_dry_run_says_what_would_be_and_changes_nothing() {
    let deployment = repaired().await;
    deployment.sql("UPDATE loans SET status = 'paid' WHERE id = 3").await;
    let dry = trueup(&deployment, &["repairs", "revert", "--kind", "loan", "--dry-run"]).await;
    assert!(dry.expect_code(4).stdout.contains("4 would be undone, 1 refused"), "{}", dry.stdout);
    assert_eq!(active(&deployment).await, 0);
    assert_eq!(deployment.value::<i64>("SELECT count(*) FROM trueup.repairs WHERE action = 'revert'").await, 0);
    assert_eq!(deployment.value::<i64>("SELECT count(*) FROM trueup.holds").await, 0);
}

#[tokio::test]
async fn several_repairs_of_one_row_are_undone_one_after_the_other() {
    let deployment = repaired().await;
    deployment.sql("UPDATE loans SET status = 'paid' WHERE id = 1").await;
    deployment.run(Mode::Repair).await;
    let dry = trueup(&deployment, &["repairs", "revert", "--row", "1", "--dry-run"]).await;
    assert!(dry.expect_code(4).stdout.contains("1 would be undone, 1 refused"), "{}", dry.stdout);
    let newest = trueup(&deployment, &["repairs", "revert", "--row", "1", "--since", "2020-01-01T00:00:00Z"]).await;
    newest.expect_code(4);
    assert_eq!(
        deployment.value::<String>("SELECT status FROM loans WHERE id = 1").await,
        "paid",
        "before the second repair, as the application left it"
    );
    let nothing = trueup(&deployment, &["repairs", "revert", "--until", "2020-01-01T00:00:00Z"]).await;
    assert!(nothing.expect_code(0).stdout.contains("no repair matches"), "{}", nothing.stdout);
}

#[tokio::test]
async fn what_was_undone_is_not_undone_again_and_no_revert_is() {
    let deployment = repaired().await;
    trueup(&deployment, &["repairs", "revert", "--class", "stale_status"]).await.expect_code(0);
    let again = trueup(&deployment, &["repairs", "revert", "--run", "1"]).await;
    assert!(again.expect_code(0).stdout.contains("no repair matches that is not undone already"), "{}", again.stdout);
    let named = trueup(&deployment, &["repairs", "revert", "1"]).await;
    assert!(named.expect_code(1).stderr.contains("repair 1 cannot be undone: repair 1 was reverted before"), "{}", named.stderr);
    let revert: i64 = deployment.value("SELECT min(id) FROM trueup.repairs WHERE action = 'revert'").await;
    let of_revert = trueup(&deployment, &["repairs", "revert", &revert.to_string()]).await;
    assert!(of_revert.expect_code(1).stderr.contains("is itself a revert"), "{}", of_revert.stderr);
    let unknown = trueup(&deployment, &["repairs", "revert", "1", "4711"]).await;
    assert!(unknown.expect_code(1).stderr.contains("there is no repair 4711"), "{}", unknown.stderr);
    trueup(&deployment, &["repairs", "revert"]).await.expect_code(1);
}

#[tokio::test]
async fn of_two_reverts_at_once_one_wins() {
    let deployment = repaired().await;
    let trueup = deployment.trueup().await;
    let kind = trueup.context().bound_kinds().next().expect("the loans");
    let mut first = deployment.pool().begin().await.expect("a transaction");
    let won = kind.revert(&mut first, 1, "ada", None).await.expect("an outcome");
    assert!(matches!(won, trueup_database::RevertOutcome::Reverted { .. }), "{won:?}");
    let second = async {
        let mut second = deployment.pool().begin().await.expect("a transaction");
        let outcome = kind.revert(&mut second, 1, "grace", None).await.expect("an outcome");
        second.commit().await.expect("committed");
        outcome
    };
    let commit = async {
        let waits = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)";
        while !deployment.value::<bool>(waits).await {
            tokio::task::yield_now().await;
        }
        first.commit().await.expect("committed");
    };
    let (lost, ()) = tokio::join!(second, commit);
    let trueup_database::RevertOutcome::Refused { why } = lost else { panic!("{lost:?}") };
    assert!(why.contains("repair 1 was reverted before, by repair 6"), "{why}");
    assert_eq!(deployment.value::<i64>("SELECT count(*) FROM trueup.repairs WHERE reverts = 1").await, 1);
}

#[tokio::test]
async fn a_revert_that_is_killed_in_its_midst_goes_on_where_it_was() {
    let deployment = repaired().await;
    let url = deployment.config.database_url.clone().expect("a database");
    deployment
        .sql(
            "CREATE FUNCTION stop() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_xact_lock(1); RETURN new; END $$;
              CREATE TRIGGER stop BEFORE UPDATE ON loans FOR EACH ROW WHEN (old.id = 3) EXECUTE FUNCTION stop()",
        )
        .await;
    // Whoever comes to the third row waits.
    let mut hold = Hold::at(&url, "false").await;
    let doomed = Program::start(&deployment.config, &["repairs", "revert", "--run", "1"]);
    hold.reached().await;
    doomed.kill().await;
    hold.release().await;
    let halfway = active(&deployment).await;
    assert!((1..5).contains(&halfway), "some are undone, and the one in its midst is not: {halfway}");
    trueup(&deployment, &["repairs", "revert", "--run", "1"]).await.expect_code(0);
    assert_eq!(active(&deployment).await, 5);
    assert_eq!(deployment.value::<i64>("SELECT count(*) FROM trueup.repairs WHERE action = 'revert'").await, 5);
}
