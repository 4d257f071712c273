//! `source = "asset_balance"` for classic assets.

use trueup::Mode;
use trueup_devnet::scval;

use crate::sources::{check, deployment, muxed, muxed_contract, not_judged};
use crate::support::Deployment;

/// Base units in one unit.
const UNIT: i64 = 10_000_000;

const TABLES: &str = "CREATE TABLE wallets (name text PRIMARY KEY, wallet text UNIQUE, usdc numeric(30,7), allowed boolean DEFAULT true)";

const SPEC: &str = r#"
kind  = "wallet"
table = "wallets"
key   = "wallet"

[chain]
source = "asset_balance"
asset  = "USDC:ISSUER"
holder = "wallet"

[[field]]
column = "usdc"
value  = "balance"

[[field]]
column = "allowed"
value  = "authorized"

[[condition]]
name  = "a limit where there is a trustline"
holds = "chain.limit > 0 and chain.selling_liabilities <= chain.balance"

[repair]
stale_value = "update"
"#;

async fn add(deployment: &Deployment, name: &str, wallet: Option<&str>, usdc: &str) {
    let wallet = wallet.map_or_else(|| "NULL".to_owned(), |wallet| format!("'{wallet}'"));
    deployment.sql(&format!("INSERT INTO wallets VALUES ('{name}', {wallet}, {usdc})")).await;
}

/// Wallets of every sort; what the chain holds for each is in its name.
async fn wallets() -> Deployment {
    let deployment = deployment(TABLES, SPEC).await;
    let chain = &deployment.devnet;
    let holders: Vec<_> = (1..4).map(|index| chain.account(index).expect("funded")).collect();
    for (holder, units) in holders.iter().zip([5, 7]) {
        chain.trust(holder, "USDC").expect("a trustline");
        chain.issue("USDC", &holder.address(), units * UNIT).expect("issued");
    }
    let (pool, lending) = (deployment.contracts.pool.clone(), deployment.contracts.lending.clone());
    chain.issue("USDC", &pool, 9 * UNIT + 1).expect("minted");
    add(&deployment, "five", Some(&holders[0].address()), "5").await;
    add(&deployment, "seven", Some(&holders[1].address()), "0").await;
    add(&deployment, "also seven", Some(&muxed(&holders[1], 8)), "6.9999999").await;
    add(&deployment, "nine and a bit of a contract", Some(&pool), "9").await;
    add(&deployment, "the same contract", Some(&muxed_contract(&pool, 3)), "9.0000001").await;
    add(&deployment, "nothing of a contract", Some(&lending), "0").await;
    add(&deployment, "no trustline", Some(&holders[2].address()), "0").await;
    add(&deployment, "no account", Some(&chain.key(77).address()), "0").await;
    add(&deployment, "the issuer", Some(&deployment.contracts.usdc_issuer), "0").await;
    add(&deployment, "no wallet", None, "0").await;
    add(&deployment, "no address", Some("rGoatOfTheWestRippleMain"), "0").await;
    deployment
}

#[tokio::test]
async fn balances_of_accounts_and_contracts_are_compared_where_each_is_kept() {
    let deployment = wallets().await;
    let repaired = deployment.run(Mode::Repair).await;
    assert_eq!(
        repaired.found(),
        [
            "missing_on_chain  nothing of a contract",
            "missing_on_chain no_account no account",
            "missing_on_chain no_trustline no trustline",
            "stale_value usdc also seven",
            "stale_value usdc nine and a bit of a contract",
            "stale_value usdc seven",
        ]
    );
    assert_eq!(not_judged(&repaired, "wallet"), ["failed 1", "skipped:issuer 1", "skipped:no_key 1"]);
    let balances: String = deployment.value("SELECT string_agg(trim_scale(usdc)::text, ' ' ORDER BY name) FROM wallets").await;
    assert_eq!(balances, "7 5 9.0000001 0 0 0 0 0 7 0 9.0000001", "what has no balance was not set to zero, nor deleted");
    assert_eq!(deployment.value::<i64>("SELECT count(*) FROM trueup.repairs").await, 3);
}

#[tokio::test]
async fn an_account_that_vanishes_between_the_reads_repairs_nothing() {
    let deployment = wallets().await;
    deployment.sql("DELETE FROM wallets WHERE name NOT IN ('seven')").await;
    let account = trueup_devnet::account_key(&deployment.devnet.key(2));
    assert!(deployment.devnet.remove_entry(&account));
    // The trustline alone is still there, and is what the balance is read from; without it too nothing is left.
    let found = deployment.run(Mode::Detect).await.found();
    assert_eq!(found, ["stale_value usdc seven"]);
}

#[tokio::test]
async fn a_check_shows_a_balance_beside_its_row() {
    let deployment = wallets().await;
    deployment.sql("DELETE FROM wallets WHERE name <> 'five'").await;
    let checked = check(&deployment).await;
    checked.expect_code(0);
    for shown in ["balance", "5.0000000", "authorized", "922337203685.4775807"] {
        assert!(checked.stdout.contains(shown), "{shown}\n{}", checked.stdout);
    }
}

const PORTFOLIO: &str = r#"
kind  = "holding"
table = "holdings"
key   = ["wallet", "code", "issuer"]

[chain]
source = "asset_balance"
asset  = { code = "code", issuer = "issuer" }
holder = "wallet"

[[field]]
column = "amount"
value  = "balance"

[repair]
stale_value = "update"
"#;

#[tokio::test]
async fn each_row_may_name_its_own_asset() {
    let tables = "CREATE TABLE holdings (wallet text, code text, issuer text, amount numeric, PRIMARY KEY (wallet, code, issuer))";
    let deployment = deployment(tables, PORTFOLIO).await;
    let chain = &deployment.devnet;
    let (holder, issuer) = (chain.account(1).expect("funded"), &deployment.contracts.usdc_issuer);
    for (code, units) in [("USDC", 5), ("EURTEST", 6)] {
        chain.trust(&holder, code).expect("a trustline");
        chain.issue(code, &holder.address(), units * UNIT).expect("issued");
    }
    let wallet = holder.address();
    for (code, issuer) in [("USDC", issuer.as_str()), ("EURTEST", issuer), ("XLM", ""), ("native", ""), ("USDC", ""), ("NONE", issuer)] {
        deployment.sql(&format!("INSERT INTO holdings VALUES ('{wallet}', '{code}', '{issuer}', 0)")).await;
    }
    let repaired = deployment.run(Mode::Repair).await;
    let classes: Vec<&str> = repaired.drifts.iter().map(|drift| drift.class.as_str()).collect();
    assert_eq!(classes.iter().filter(|class| **class == "stale_value").count(), 4, "{:?}", repaired.found());
    assert_eq!(classes.iter().filter(|class| **class == "missing_on_chain").count(), 1, "{:?}", repaired.found());
    assert_eq!(not_judged(&repaired, "holding"), ["skipped:no_key 1"], "an asset without its issuer is none");
    let amounts: String = deployment
        .value("SELECT string_agg(code || ' ' || trim_scale(amount), ', ' ORDER BY code, issuer) FROM holdings WHERE issuer <> ''")
        .await;
    assert_eq!(amounts, "EURTEST 6, NONE 0, USDC 5");
    let native: i64 =
        deployment.value("SELECT count(DISTINCT amount) FROM holdings WHERE code IN ('XLM', 'native') AND amount > 9000").await;
    assert_eq!(native, 1, "both words mean the account's own balance");
}

#[tokio::test]
async fn an_archived_balance_of_a_contract_is_compared_and_flagged() {
    let deployment = wallets().await;
    deployment.sql("DELETE FROM wallets WHERE name NOT LIKE 'nine%'").await;
    let pool = scval::address(&deployment.contracts.pool).expect("an address");
    let key = scval::vec(vec![scval::symbol("Balance").expect("a symbol"), pool]).expect("a key");
    assert!(deployment.devnet.archive(&scval::data_key(&deployment.contracts.usdc, key).expect("a key")));
    let found = deployment.run(Mode::Detect).await;
    assert_eq!((found.found().len(), found.document.kinds["wallet"].archived), (1, 1));
}

#[tokio::test]
async fn the_ready_spec_of_usdc_balances_finds_and_mends_a_stale_balance() {
    let spec = include_str!("../../specs/balances/usdc.toml").replace("${USDC_ASSET}", "USDC:ISSUER");
    let deployment = deployment(include_str!("../../specs/balances/application.sql"), &spec).await;
    let (holder, other) = (deployment.devnet.account(1).expect("funded"), deployment.devnet.account(2).expect("funded"));
    deployment.devnet.trust(&holder, "USDC").expect("a trustline");
    deployment.devnet.issue("USDC", &holder.address(), 5 * UNIT).expect("issued");
    for (address, balance) in [(holder.address(), "4.5"), (other.address(), "NULL")] {
        let values = format!("'{address}', {balance}, true, now() - interval '1 hour'");
        deployment.sql(&format!("INSERT INTO wallets (address, usdc_balance, usdc_enabled, updated_at) VALUES ({values})")).await;
    }
    let repaired = deployment.run(Mode::Repair).await;
    assert_eq!((repaired.found(), repaired.document.left()), (vec!["stale_value usdc_balance 1".to_owned()], 0));
}
