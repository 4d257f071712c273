use trueup::Mode;
use trueup_devnet::scval;

use crate::guard::{active, guarded_by, trueup};
use crate::support::Deployment;

/// What the devnet's contract is replaced by.
const OTHER_CODE: [u8; 32] = [0xab; 32];

fn other_code() -> String {
    "ab".repeat(32)
}

async fn deployment() -> Deployment {
    Deployment::with_spec(20, &guarded_by("")).await
}

#[tokio::test]
async fn what_a_contract_runs_is_accepted_at_first_sight_and_recorded() {
    let deployment = deployment().await;
    deployment.run(Mode::Detect).await;
    let recorded: String = deployment
        .value("SELECT concat_ws(' ', contract, length(executable), actor, previous IS NULL, reason IS NULL) FROM trueup.contracts")
        .await;
    assert_eq!(recorded, format!("{} 64 first sight t t", deployment.contracts.lending));
    deployment.run(Mode::Detect).await;
    assert_eq!(deployment.value::<i64>("SELECT count(*) FROM trueup.contracts").await, 1);
}

#[tokio::test]
async fn nothing_is_repaired_that_rests_on_changed_code_until_somebody_accepts_it() {
    let deployment = deployment().await;
    let contract = deployment.contracts.lending.clone();
    deployment.run(Mode::Detect).await;
    let before: String = deployment.value("SELECT executable FROM trueup.contracts").await;
    deployment.sql("UPDATE loans SET status = 'active' WHERE id <= 2").await;
    assert!(deployment.devnet.replace_code(&contract, OTHER_CODE).expect("a contract"));

    let held = trueup(&deployment, &["run", "--mode", "repair"]).await;
    held.expect_code(4);
    for part in [before.as_str(), &other_code(), &format!("trueup accept {contract} --wasm {}", other_code())] {
        assert!(held.stdout.contains(part), "{part}:\n{}", held.stdout);
    }
    assert_eq!(active(&deployment).await, 2);
    assert_eq!(deployment.value::<i64>("SELECT count(*) FROM trueup.plans WHERE repair = 'withheld'").await, 2);

    let shown = trueup(&deployment, &["accept", &contract]).await;
    assert!(shown.expect_code(4).stdout.contains(&format!("on chain  {}\naccepted  {before}", other_code())), "{}", shown.stdout);
    let wrong = trueup(&deployment, &["accept", &contract, "--wasm", &"cd".repeat(32), "--reason", "reviewed"]).await;
    assert!(wrong.expect_code(1).stderr.contains("only what the chain shows now can be accepted"), "{}", wrong.stderr);
    trueup(&deployment, &["accept", &contract, "--wasm", &other_code()]).await.expect_code(2);
    trueup(&deployment, &["run", "--mode", "repair"]).await.expect_code(4);

    let accept = ["accept", &contract, "--wasm", &other_code(), "--actor", "ada", "--reason", "release 2, entries unchanged"];
    trueup(&deployment, &accept).await.expect_code(0);
    let again = trueup(&deployment, &accept).await;
    assert!(again.expect_code(0).stdout.contains("accepted already"), "{}", again.stdout);
    trueup(&deployment, &["run", "--mode", "repair"]).await.expect_code(0);
    assert_eq!(active(&deployment).await, 0);
    let history = "SELECT string_agg(actor || ' ' || coalesce(previous, '-'), ', ' ORDER BY id) FROM trueup.contracts";
    assert_eq!(deployment.value::<String>(history).await, format!("first sight -, ada {before}"));
    let listed = trueup(&deployment, &["accept", "--list", "--json"]).await;
    let listed: serde_json::Value = serde_json::from_str(&listed.expect_code(0).stdout).expect("JSON");
    assert_eq!((&listed[0]["executable"], &listed[0]["reason"]), (&other_code().into(), &"release 2, entries unchanged".into()));
}

#[tokio::test]
async fn changed_code_is_told_even_where_nothing_drifts() {
    let deployment = deployment().await;
    deployment.run(Mode::Detect).await;
    deployment.devnet.replace_code(&deployment.contracts.lending, OTHER_CODE).expect("a contract");
    let ended = trueup(&deployment, &["run"]).await;
    assert!(ended.expect_code(4).stdout.contains("HELD BACK: loan"), "{}", ended.stdout);
}

#[tokio::test]
async fn code_that_changes_between_the_plan_and_the_write_is_noticed_before_the_write() {
    let deployment = deployment().await;
    deployment.sql("UPDATE loans SET status = 'active' WHERE id <= 2").await;
    let url = deployment.config.database_url.clone().expect("a database");
    let mut hold = crate::program::Hold::at(&url, "old.phase = 'match'").await;
    let run = crate::program::Program::start(&deployment.config, &["run", "--mode", "repair"]);
    hold.reached().await;
    deployment.devnet.replace_code(&deployment.contracts.lending, OTHER_CODE).expect("a contract");
    hold.release().await;
    let ended = run.end().await;
    ended.expect_code(4);
    assert_eq!(active(&deployment).await, 2);
    assert_eq!(
        deployment.value::<i64>("SELECT count(*) FROM trueup.plans WHERE repair = 'withheld' AND detail LIKE 'contract %'").await,
        2
    );
}

#[tokio::test]
async fn a_contract_whose_storage_changed_runs_what_it_ran() {
    let deployment = deployment().await;
    deployment.run(Mode::Detect).await;
    // The counter of loans stands in the instance's storage.
    let borrower = deployment.devnet.account(1).expect("funded");
    let args = vec![scval::address(&borrower.address()).expect("an address"), scval::i128(10_000_000), stellar_xdr::ScVal::U32(1)];
    deployment.devnet.invoke(&borrower, &deployment.contracts.lending, "create", args).expect("a loan");
    let repaired = deployment.run(Mode::Repair).await;
    assert_eq!(repaired.document.kinds["loan"].repairs["repaired"], 1);
}

#[tokio::test]
async fn what_cannot_be_accepted_is_refused_with_the_reason() {
    let deployment = deployment().await;
    let loans = deployment.contracts.lending.clone();
    let elsewhere = stellar_strkey_of([7; 32]);
    for (arguments, part) in [
        (vec!["accept", "CABC"], "not the address of a contract"),
        (vec!["accept", elsewhere.as_str()], "is not on this network"),
        (vec!["accept", loans.as_str(), "--wasm", "12", "--reason", "x"], "no Wasm hash"),
    ] {
        let ended = trueup(&deployment, &arguments).await;
        assert!(ended.expect_code(1).stderr.contains(part), "{arguments:?}: {}", ended.stderr);
    }
    assert_eq!(deployment.value::<i64>("SELECT count(*) FROM trueup.contracts").await, 0);
}

fn stellar_strkey_of(id: [u8; 32]) -> String {
    stellar_xdr::ScAddress::Contract(stellar_xdr::ContractId(stellar_xdr::Hash(id))).to_string()
}
