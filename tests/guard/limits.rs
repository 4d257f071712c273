use trueup::Mode;

use crate::guard::{active, guarded_by, trueup};
use crate::support::Deployment;

const STRICT: &str = "[guard]\nmax_share = \"10%\"\nfloor = 0\n";

#[tokio::test]
async fn a_run_that_would_write_a_larger_share_than_allowed_repairs_nothing_and_says_so() {
    let deployment = Deployment::with_spec(100, &guarded_by(STRICT)).await;
    deployment.sql("UPDATE loans SET status = 'active' WHERE id <= 11").await;
    let ended = trueup(&deployment, &["run", "--mode", "repair"]).await;
    ended.expect_code(4);
    assert!(ended.stdout.contains("HELD BACK: loan"), "{}", ended.stdout);
    assert!(
        ended.stdout.contains("11 of 100 entities would be written, and max_share of the spec's [guard] allows 10"),
        "{}",
        ended.stdout
    );
    assert_eq!(active(&deployment).await, 11);
    assert_eq!(deployment.value::<i64>("SELECT count(*) FROM trueup.repairs").await, 0);
    let withheld = "SELECT count(*) FROM trueup.plans WHERE verdict = 'drifted' AND repair = 'withheld' AND detail LIKE 'the guard held%'";
    assert_eq!(deployment.value::<i64>(withheld).await, 11, "each drift is confirmed and says why it is left");
    trueup(&deployment, &["report"]).await.expect_code(4);

    deployment.sql("UPDATE loans SET status = 'pending' WHERE id = 11").await;
    trueup(&deployment, &["run", "--mode", "repair"]).await.expect_code(0);
    assert_eq!(active(&deployment).await, 0, "exactly the share is allowed");
}

#[tokio::test]
async fn a_run_that_would_write_more_rows_than_counted_repairs_nothing() {
    let deployment = Deployment::with_spec(100, &guarded_by("[guard]\nmax_share = \"100%\"\nmax_count = 5\n")).await;
    deployment.sql("UPDATE loans SET status = 'active' WHERE id <= 4; DELETE FROM loans WHERE id IN (50, 51)").await;
    let tripped = deployment.run(Mode::Repair).await;
    let loans = &tripped.document.kinds["loan"];
    assert_eq!((loans.repairs["withheld"], loans.entities, loans.left), (6, 100, 6), "inserts count like updates");
    let guard = loans.guard.as_ref().expect("the guard was asked");
    assert_eq!((guard.tripped, guard.overridden, guard.guarded.plans, guard.guarded.allowed), (true, false, 6, 5));
    assert!(loans.held_back[0].contains("max_count"), "{:?}", loans.held_back);
    assert_eq!(deployment.value::<i64>("SELECT count(*) FROM loans").await, 98);
}

#[tokio::test]
async fn of_a_small_table_every_row_may_be_written_up_to_the_floor() {
    let deployment = Deployment::with_spec(50, &guarded_by("")).await;
    deployment.sql("UPDATE loans SET status = 'active'").await;
    let repaired = deployment.run(Mode::Repair).await;
    assert_eq!(repaired.document.kinds["loan"].repairs["repaired"], 50, "50 of 50 are the floor of a spec without [guard]");
    let guard = repaired.document.kinds["loan"].guard.as_ref().expect("the guard was asked");
    assert_eq!((guard.tripped, guard.guarded.allowed), (false, 50));
}

#[tokio::test]
async fn what_only_reports_does_not_count() {
    let spec = guarded_by("[guard]\nmax_share = \"2%\"\nfloor = 0\n").replace("stale_value  = \"update\"\n", "");
    let deployment = Deployment::with_spec(100, &spec).await;
    deployment.sql("UPDATE loans SET balance = 0 WHERE id <= 60; UPDATE loans SET status = 'active' WHERE id IN (1, 99)").await;
    let repaired = deployment.run(Mode::Repair).await;
    assert_eq!(repaired.document.kinds["loan"].repairs["repaired"], 2);
    assert_eq!(active(&deployment).await, 0);
}

#[tokio::test]
async fn one_run_is_let_through_by_somebody_who_says_why() {
    let deployment = Deployment::with_spec(100, &guarded_by(STRICT)).await;
    deployment.sql("UPDATE loans SET status = 'active' WHERE id <= 60").await;
    let detected = deployment.run(Mode::Detect).await;
    let loans = &detected.document.kinds["loan"];
    assert!(loans.guard.as_ref().expect("asked").tripped && loans.held_back.is_empty(), "a detect run only tells that a repair would trip");

    trueup(&deployment, &["run", "--mode", "repair", "--override-guard"]).await.expect_code(2);
    let blank = trueup(&deployment, &["run", "--mode", "repair", "--override-guard", "--reason", " "]).await;
    assert!(blank.expect_code(1).stderr.contains("--reason is empty"), "{}", blank.stderr);
    let detect = trueup(&deployment, &["run", "--override-guard", "--reason", "why not"]).await;
    assert!(detect.expect_code(1).stderr.contains("--mode repair"), "{}", detect.stderr);
    assert_eq!(active(&deployment).await, 60, "nothing was begun");

    let arguments =
        ["run", "--mode", "repair", "--override-guard", "--actor", "ada", "--reason", "the importer was down for a day", "--json"];
    let ended = trueup(&deployment, &arguments).await;
    ended.expect_code(0);
    assert_eq!(active(&deployment).await, 0);
    let report: serde_json::Value = serde_json::from_str(&ended.stdout).expect("JSON");
    assert_eq!(report["run"]["guard_override"]["actor"], "ada");
    assert_eq!(report["run"]["guard_override"]["reason"], "the importer was down for a day");
    let guard = &report["kinds"]["loan"]["guard"];
    assert_eq!((&guard["tripped"], &guard["overridden"], &guard["plans"]), (&true.into(), &true.into(), &60.into()));
    let shown = trueup(&deployment, &["report"]).await;
    assert!(shown.stdout.contains("GUARD OVERRIDDEN by ada: loan: 60 of 100"), "{}", shown.stdout);

    deployment.sql("UPDATE loans SET status = 'active' WHERE id <= 60").await;
    trueup(&deployment, &["run", "--mode", "repair"]).await.expect_code(4);
    assert_eq!(active(&deployment).await, 60, "the next run is guarded again");
}

#[tokio::test]
async fn dead_jobs_that_are_retried_are_measured_by_the_run_that_they_died_in() {
    let deployment = Deployment::with_spec(100, &guarded_by("[guard]\nmax_share = \"20%\"\nfloor = 0\n")).await;
    deployment.sql("UPDATE loans SET status = 'active' WHERE id <= 10").await;
    deployment.sql("ALTER TABLE loans ADD COLUMN broken int; UPDATE loans SET broken = 1 WHERE id <= 10").await;
    // Only these rows fail, for as long as what they read is not there.
    let spec = guarded_by("[guard]\nmax_share = \"20%\"\nfloor = 0\n").replace("${LENDING}", &deployment.contracts.lending);
    let failing = format!("{spec}\n[[condition]]\nname = \"sound\"\nholds = \"coalesce(1 / (db.broken - 1), 1) <> 0\"\n");
    std::fs::write(deployment.specs.path().join("loan.toml"), failing).expect("the spec");
    assert_eq!(deployment.run(Mode::Repair).await.document.total("failed"), 10);
    deployment.sql("UPDATE loans SET broken = NULL").await;
    trueup(&deployment, &["jobs", "retry", "--all"]).await.expect_code(0);
    let trueup = deployment.trueup().await;
    let retried = deployment.finish(&trueup, trueup::RunId(2)).await;
    assert_eq!(retried.document.kinds["loan"].repairs["repaired"], 10, "10 of 100, and not 10 of 10");
}
