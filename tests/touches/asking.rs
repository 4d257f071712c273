use std::process::Stdio;

use tokio::io::AsyncWriteExt;
use trueup::Mode;

use super::{Service, by_key, by_row, connected, repairs, runs, settled};
use crate::incremental::remember;
use crate::program::Program;
use crate::support::Deployment;

#[tokio::test]
async fn what_is_touched_is_looked_at_and_repaired_and_nothing_else_is() {
    let deployment = Deployment::with_loans(12).await;
    deployment.sql("UPDATE loans SET status = 'active' WHERE id <= 5; DELETE FROM loans WHERE loan_id = '9'").await;
    let service = Service::start(&deployment, Mode::Repair).await;
    service.touch(&[by_key("2"), by_row("4"), by_key("9"), by_key("12")]).await;
    settled(&deployment).await;
    service.end().await;
    assert_eq!(
        deployment.value::<Vec<String>>("SELECT array_agg(loan_id ORDER BY id) FROM loans WHERE status = 'active'").await,
        ["1", "3", "5"]
    );
    assert_eq!(repairs(&deployment).await.len(), 3, "two updates and the missing row");
    assert_eq!(deployment.value::<i64>("SELECT count(*) FROM loans WHERE loan_id = '9'").await, 1);
    let looked_at: i64 = deployment.value("SELECT sum(detect_total)::bigint FROM trueup.runs").await;
    assert_eq!(looked_at, 4);
}

#[tokio::test]
async fn what_is_touched_is_looked_at_also_if_a_sweep_would_pass_it_over() {
    let deployment = Deployment::with_loans(3).await;
    remember(&deployment, 3).await;
    let service = Service::start(&deployment, Mode::Repair).await;
    service.touch(&[by_key("2"), by_row("3")]).await;
    settled(&deployment).await;
    service.end().await;
    let looked_at = "SELECT array_agg(concat_ws(' ', task, key, outcome) ORDER BY key) FROM trueup.all_jobs
                     WHERE task IN ('detect', 'sieve') AND group_id IN (SELECT id FROM trueup.runs WHERE touches)";
    assert_eq!(deployment.value::<Vec<String>>(looked_at).await, ["detect 2 in_sync", "detect 3 in_sync"]);
    let passed_over = "SELECT count(*) FROM trueup.runs WHERE touches AND (sweep <> 'full' OR unmoved <> '{}')";
    assert_eq!(deployment.value::<i64>(passed_over).await, 0);
}

#[tokio::test]
async fn touches_of_one_entity_that_wait_are_one_and_a_later_one_is_another() {
    let deployment = Deployment::with_loans(3).await;
    let trueup = connected(&deployment).await;
    let first = trueup.touch(&[by_key("2"), by_key("2"), by_row("2")]).await.expect("touched");
    assert_eq!(first[0], first[1], "it waits already");
    trueup.touch(&[by_key("2")]).await.expect("touched");
    let waiting = "SELECT array_agg(concat_ws(' ', named_by, entity, count) ORDER BY named_by) FROM trueup.touches";
    assert_eq!(deployment.value::<Vec<String>>(waiting).await, ["key 2 2", "row 2 1"]);
    let service = Service::start(&deployment, Mode::Detect).await;
    settled(&deployment).await;
    assert_eq!(runs(&deployment).await, 1);
    assert_eq!(deployment.value::<i64>("SELECT detect_total FROM trueup.runs").await, 1, "key and row are one entity");
    service.touch(&[by_key("2")]).await;
    settled(&deployment).await;
    service.end().await;
    assert_eq!(runs(&deployment).await, 2);
}

#[tokio::test]
async fn many_touchers_look_at_each_touch_once() {
    let deployment = Deployment::with_loans(60).await;
    let services = [
        Service::start(&deployment, Mode::Detect).await,
        Service::start(&deployment, Mode::Detect).await,
        Service::start(&deployment, Mode::Detect).await,
    ];
    for loan in 1..=60 {
        services[0].touch(&[by_key(&loan.to_string())]).await;
    }
    settled(&deployment).await;
    for service in services {
        service.end().await;
    }
    assert_eq!(deployment.value::<i64>("SELECT count(*) FROM trueup.touches WHERE run IS NOT NULL").await, 60);
    assert_eq!(deployment.value::<i64>("SELECT count(*) FROM trueup.all_jobs WHERE task = 'detect' AND state = 'done'").await, 60);
}

#[tokio::test]
async fn the_command_tells_what_came_of_it() {
    let mut deployment = Deployment::with_loans(6).await;
    deployment.sql("UPDATE loans SET status = 'active' WHERE id = 2").await;
    let file = deployment.specs.path().join("../touch.toml");
    let file = file.parent().expect("a folder").join(format!("touch-{}.toml", std::process::id()));
    std::fs::write(&file, "[touch]\nmode = 'repair'\nevery_ms = 20\n").expect("the configuration");
    let path = file.to_str().expect("UTF-8").to_owned();
    let all = Program::start(&deployment.config, &["--config", &path, "all"]);
    let ended = Program::start(&deployment.config, &["touch", "loan", "2", "3", "77", "--wait", "--json"]).end().await;
    ended.expect_code(0);
    let outcomes: serde_json::Value = serde_json::from_str(&ended.stdout).expect("JSON");
    let said: Vec<String> =
        outcomes.as_array().expect("a list").iter().map(|it| format!("{} {} {}", it["entity"], it["verdict"], it["repair"])).collect();
    assert_eq!(said, [r#""2" "drifted" "repaired""#, r#""3" "in_sync" null"#, r#""77" "skipped:not_on_chain" null"#]);
    all.terminate();
    all.end().await.expect_code(0);
    std::fs::remove_file(file).expect("removed");

    let unknown = Program::start(&deployment.config, &["touch", "lone", "2"]).end().await;
    assert!(unknown.expect_code(1).stderr.contains("there is no spec for kind `lone`; there are specs for loan"), "{}", unknown.stderr);
    let late = Program::start(&deployment.config, &["touch", "loan", "2", "--wait", "--timeout", "1"]).end().await;
    assert!(late.expect_code(1).stderr.contains("Does a scheduler run"), "{}", late.stderr);
    deployment.config.specs.clear();
}

#[tokio::test]
async fn entities_are_named_on_the_standard_input_too() {
    let deployment = Deployment::with_loans(4).await;
    let mut child = tokio::process::Command::new(env!("CARGO_BIN_EXE_trueup"))
        .args(["touch", "loan", "--row", "--json"])
        .env("DATABASE_URL", deployment.config.database_url.as_deref().expect("a database"))
        .env("TRUEUP_RPC_URL", &deployment.rpc.url)
        .env("TRUEUP_SPECS", &deployment.config.specs[0])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program");
    child.stdin.take().expect("its input").write_all(b"1\n\n 2 \n3\n").await.expect("written");
    assert!(child.wait_with_output().await.expect("it ends").status.success());
    let waiting = "SELECT array_agg(concat_ws(' ', kind, named_by, entity, origin) ORDER BY id) FROM trueup.touches";
    assert_eq!(deployment.value::<Vec<String>>(waiting).await, ["loan row 1 cli", "loan row 2 cli", "loan row 3 cli"]);
}
