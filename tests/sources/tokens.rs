//! `source = "asset_balance"` for tokens of contracts.

use stellar_xdr::{ContractDataDurability, ContractDataEntry, ExtensionPoint, LedgerEntryData, ScVal};
use trueup::Mode;
use trueup_devnet::scval;

use crate::sources::{check, deployment, not_judged};
use crate::support::Deployment;

const TABLES: &str = "CREATE TABLE wallets (wallet text PRIMARY KEY, tokens numeric)";

const SPEC: &str = r#"
kind  = "wallet"
table = "wallets"
key   = "wallet"

[chain]
source = "asset_balance"
asset  = { contract = "LENDING", decimals = 2 }
holder = "wallet"

[[field]]
column = "tokens"
value  = "balance"

[repair]
stale_value = "update"
"#;

/// Puts a balance where a token contract keeps it.
fn put_balance(deployment: &Deployment, contract: &str, holder: &str, value: ScVal) {
    let key = scval::vec(vec![scval::symbol("Balance").expect("a symbol"), scval::address(holder).expect("an address")]);
    let entry = ContractDataEntry {
        ext: ExtensionPoint::V0,
        contract: contract.parse().expect("an address"),
        key: key.expect("a key"),
        durability: ContractDataDurability::Persistent,
        val: value,
    };
    deployment.devnet.put_entry(&LedgerEntryData::ContractData(entry), Some(u32::MAX));
}

#[tokio::test]
async fn a_token_keeps_balances_of_accounts_and_contracts_alike_with_its_own_decimals() {
    let deployment = deployment(TABLES, SPEC).await;
    let (lending, pool) = (&deployment.contracts.lending, &deployment.contracts.pool);
    let [one, two] = [1, 2].map(|index| deployment.devnet.key(index).address());
    put_balance(&deployment, lending, &one, scval::i128(i128::from(u64::MAX) * 100 + 7));
    put_balance(&deployment, lending, pool, scval::i128(250));
    deployment.sql(&format!("INSERT INTO wallets VALUES ('{one}', 0), ('{pool}', 2.5), ('{two}', 0)")).await;
    let repaired = deployment.run(Mode::Repair).await;
    assert_eq!(repaired.found(), [format!("missing_on_chain  {two}"), format!("stale_value tokens {one}")]);
    let tokens: String = deployment.value(&format!("SELECT tokens::text FROM wallets WHERE wallet = '{one}'")).await;
    assert_eq!(tokens, "18446744073709551615.07");
}

#[tokio::test]
async fn accounts_have_no_balance_within_a_classic_assets_contract_and_that_is_said() {
    let deployment = deployment(TABLES, &SPEC.replace("LENDING", "USDC_CONTRACT").replace(", decimals = 2", "")).await;
    let (holder, pool) = (deployment.devnet.account(1).expect("funded"), deployment.contracts.pool.clone());
    deployment.devnet.trust(&holder, "USDC").expect("a trustline");
    deployment.devnet.issue("USDC", &holder.address(), 70_000_000).expect("issued");
    deployment.devnet.issue("USDC", &pool, 30_000_000).expect("minted");
    deployment.sql(&format!("INSERT INTO wallets VALUES ('{}', 0), ('{pool}', 3)", holder.address())).await;
    let repaired = deployment.run(Mode::Repair).await;
    assert_eq!((repaired.found(), not_judged(&repaired, "wallet")), (Vec::new(), vec!["unknown:undecodable 1".to_owned()]));
    let checked = check(&deployment).await;
    checked.expect_code(1);
    assert!(checked.stdout.contains("keeps balances of accounts as trustlines"), "{}", checked.stdout);
}

#[tokio::test]
async fn a_contract_that_is_not_there_has_no_balances_and_repairs_nothing() {
    let nowhere = stellar_xdr::ScAddress::Contract(stellar_xdr::ContractId(stellar_xdr::Hash([3; 32]))).to_string();
    let deployment = deployment(TABLES, &SPEC.replace("LENDING", &nowhere)).await;
    let one = deployment.devnet.key(1).address();
    deployment.sql(&format!("INSERT INTO wallets VALUES ('{one}', 0)")).await;
    let repaired = deployment.run(Mode::Repair).await;
    assert_eq!((repaired.found(), not_judged(&repaired, "wallet")), (Vec::new(), vec!["unknown:no_instance 1".to_owned()]));
}
