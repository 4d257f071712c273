//! Proposals: approved or rejected by people, each once, and executed only if they are still what was approved.

use crate::program::{Ended, Hold, Program};
use crate::support::{Deployment, SPEC};
use serde_json::Value;

async fn trueup(deployment: &Deployment, arguments: &[&str]) -> Ended {
    Program::start(&deployment.config, arguments).end().await
}

/// A deployment of 20 loans of which so many are proposed to be repaired, by grace.
async fn proposed(drifted: u32) -> Deployment {
    let deployment = Deployment::with_loans(20).await;
    deployment.sql(&format!("UPDATE loans SET status = 'active' WHERE id <= {drifted}")).await;
    trueup(&deployment, &["run", "--mode", "propose", "--actor", "grace"]).await.expect_code(3);
    assert_eq!(active(&deployment).await, i64::from(drifted), "proposing writes nothing");
    deployment
}

async fn active(deployment: &Deployment) -> i64 {
    deployment.value("SELECT count(*) FROM loans WHERE status = 'active'").await
}

async fn listed(deployment: &Deployment, arguments: &[&str]) -> Vec<Value> {
    let ended = trueup(deployment, &[&["repairs", "proposed", "--json"], arguments].concat()).await;
    serde_json::from_str(&ended.expect_code(0).stdout).expect("JSON")
}

const APPROVE: [&str; 7] = ["repairs", "approve", "--actor", "ada", "--reason", "as agreed", "--work"];

#[tokio::test]
async fn what_is_proposed_is_listed_approved_looked_at_again_and_repaired() {
    let deployment = proposed(3).await;
    let open = listed(&deployment, &[]).await;
    assert_eq!(open.len(), 3);
    assert_eq!(
        (&open[0]["proposer"], &open[0]["action"], &open[0]["plan"]["action"]["set"]["status"]),
        (&"grace".into(), &"update".into(), &"pending".into())
    );
    let plan = open[0]["id"].to_string();

    let ended = trueup(&deployment, &[&APPROVE[..], &[&plan, "--json"]].concat()).await;
    let report: Value = serde_json::from_str(&ended.expect_code(0).stdout).expect("JSON");
    assert_eq!(
        (&report["run"]["origin"], &report["run"]["follows"], &report["run"]["actor"]),
        (&"approval of run 1".into(), &1.into(), &"ada".into())
    );
    assert_eq!((&report["kinds"]["loan"]["entities"], &report["kinds"]["loan"]["repairs"]["repaired"]), (&1.into(), &1.into()));
    assert_eq!((&report["repairs"][0]["actor"], &report["repairs"][0]["reason"]), (&"ada".into(), &"as agreed".into()));
    assert_eq!(active(&deployment).await, 2);

    let approved = listed(&deployment, &["--state", "approved"]).await;
    assert_eq!((&approved[0]["decided_by"], &approved[0]["decision_run"]), (&"ada".into(), &2.into()));
    let again = trueup(&deployment, &[&APPROVE[..], &[&plan]].concat()).await;
    assert!(again.expect_code(1).stderr.contains("was approved by ada already; nothing was decided"), "{}", again.stderr);
    assert_eq!(listed(&deployment, &[]).await.len(), 2);
}

#[tokio::test]
async fn a_whole_run_is_approved_for_workers_elsewhere() {
    let deployment = proposed(3).await;
    let approved = trueup(&deployment, &["repairs", "approve", "--run", "1", "--class", "stale_status", "--reason", "as agreed"]).await;
    assert!(approved.expect_code(0).stdout.contains("run 2 executes 3 approved plan(s)"), "{}", approved.stdout);
    assert_eq!(active(&deployment).await, 3, "nobody has worked on it yet");
    let connected = deployment.trueup().await;
    let stop = tokio_util::sync::CancellationToken::new();
    let worker = tokio::spawn(connected.clone().worker("elsewhere", stop.clone()));
    let report = deployment.await_report(&connected, trueup::RunId(2)).await;
    stop.cancel();
    worker.await.expect("no panic").expect("ends well");
    assert_eq!(report.document.kinds["loan"].repairs["repaired"], 3);
    assert_eq!(active(&deployment).await, 0);
}

#[tokio::test]
async fn what_is_no_longer_what_was_approved_is_left_alone() {
    let deployment = proposed(4).await;
    deployment.sql("UPDATE loans SET balance = 9 WHERE id = 1").await; // another drift beside it
    deployment.sql("UPDATE loans SET status = 'paid' WHERE id = 2").await; // another value
    deployment.sql("UPDATE loans SET status = 'pending' WHERE id = 3").await; // mended by somebody else
    let ended = trueup(&deployment, &[&APPROVE[..], &["--all", "--json"]].concat()).await;
    let report: Value = serde_json::from_str(&ended.expect_code(4).stdout).expect("JSON");
    let loans = &report["kinds"]["loan"];
    assert_eq!((&loans["repairs"]["repaired"], &loans["repairs"]["superseded"]), (&1.into(), &2.into()), "{loans}");
    assert_eq!((&loans["verdicts"]["in_sync"], &loans["not_judged"]["settling:superseded"]), (&1.into(), &2.into()), "{loans}");
    let rows: String = deployment.value("SELECT string_agg(status || ' ' || balance, ', ' ORDER BY id) FROM loans WHERE id <= 4").await;
    assert_eq!(rows, "active 9, paid 2, pending 3, pending 4");
    assert_eq!(deployment.value::<i64>("SELECT count(*) FROM trueup.repairs").await, 1);
}

#[tokio::test]
async fn what_is_rejected_is_never_executed() {
    let deployment = proposed(2).await;
    let rejected = trueup(&deployment, &["repairs", "reject", "--row", "1", "--actor", "ada", "--reason", "disputed"]).await;
    assert!(rejected.expect_code(0).stdout.contains("1 proposal(s) rejected"), "{}", rejected.stdout);
    trueup(&deployment, &[&APPROVE[..], &["--all"]].concat()).await.expect_code(0);
    let left: String = deployment.value("SELECT string_agg(loan_id, ' ') FROM loans WHERE status = 'active'").await;
    assert_eq!(left, "1");
    // First looks go on side by side: the plan of row 1 need not be the first one.
    let plan: i64 = deployment.value("SELECT id FROM trueup.plans WHERE run = 1 AND identity = '1'").await;
    let again = trueup(&deployment, &["repairs", "approve", &plan.to_string(), "--reason", "after all"]).await;
    assert!(again.expect_code(1).stderr.contains("was rejected by ada already"), "{}", again.stderr);
}

#[tokio::test]
async fn a_decision_needs_a_reason_and_says_about_what() {
    let deployment = proposed(1).await;
    trueup(&deployment, &["repairs", "approve", "1"]).await.expect_code(2);
    let nothing = trueup(&deployment, &["repairs", "approve", "--reason", "as agreed"]).await;
    assert!(nothing.expect_code(1).stderr.contains("say which proposals"), "{}", nothing.stderr);
    let none = trueup(&deployment, &["repairs", "approve", "1", "77", "--reason", "as agreed"]).await;
    assert!(none.expect_code(1).stderr.contains("there is no plan 77; nothing was decided"), "{}", none.stderr);
    assert_eq!(listed(&deployment, &[]).await.len(), 1);
    deployment.run(trueup::Mode::Detect).await;
    let detected = trueup(&deployment, &["repairs", "approve", "2", "--reason", "as agreed"]).await;
    assert!(detected.expect_code(1).stderr.contains("whose mode is detect and not propose"), "{}", detected.stderr);
}

#[tokio::test]
async fn four_eyes_see_more_than_two() {
    let deployment = proposed(2).await;
    let file = deployment.specs.path().join("trueup.config");
    std::fs::write(&file, "[approval]\nfour_eyes = true\n").expect("the configuration");
    let file = file.to_str().expect("a path");
    let own = trueup(&deployment, &["repairs", "approve", "--all", "--actor", "grace", "--reason", "mine", "--config", file]).await;
    assert!(own.expect_code(1).stderr.contains("was proposed by grace in run 1"), "{}", own.stderr);
    assert_eq!(listed(&deployment, &[]).await.len(), 2, "nothing was approved");
    trueup(&deployment, &[&APPROVE[..], &["--all", "--config", file]].concat()).await.expect_code(0);
    assert_eq!(active(&deployment).await, 0);
}

#[tokio::test]
async fn an_approval_is_guarded_by_the_entities_of_the_run_that_proposed_it() {
    let spec = SPEC.replace("max_share = \"100%\"\n", "max_share = \"10%\"\nfloor = 0\n");
    let deployment = Deployment::with_spec(20, &spec).await;
    deployment.sql("UPDATE loans SET status = 'active' WHERE id <= 5").await;
    trueup(&deployment, &["run", "--mode", "propose"]).await.expect_code(3);
    trueup(&deployment, &[&APPROVE[..], &["1", "2"]].concat()).await.expect_code(0);
    assert_eq!(active(&deployment).await, 3, "2 of 20 are allowed");
    trueup(&deployment, &[&APPROVE[..], &["--run", "1"]].concat()).await.expect_code(4);
    assert_eq!(active(&deployment).await, 3, "3 of 20 are not");

    trueup(&deployment, &["run", "--mode", "propose"]).await.expect_code(3);
    trueup(&deployment, &[&APPROVE[..], &["--all", "--override-guard"]].concat()).await.expect_code(0);
    assert_eq!(active(&deployment).await, 0);
}

#[tokio::test]
async fn an_approval_that_is_killed_in_its_midst_is_executed_once_by_whoever_is_there() {
    let deployment = proposed(3).await;
    let url = deployment.config.database_url.clone().expect("a database");
    let mut hold = Hold::at(&url, "old.phase = 'confirm'").await;
    let doomed = Program::start(&deployment.config, &[&APPROVE[..], &["--all"]].concat());
    hold.reached().await;
    doomed.kill().await;
    hold.release().await;
    let connected = deployment.trueup().await;
    let report = deployment.finish(&connected, trueup::RunId(2)).await;
    assert_eq!(report.document.kinds["loan"].repairs["repaired"], 3);
    assert_eq!(deployment.value::<i64>("SELECT count(*) FROM trueup.repairs").await, 3);
    assert_eq!(active(&deployment).await, 0);
}
