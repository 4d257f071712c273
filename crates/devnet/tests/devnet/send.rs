//! `sendTransaction`.

use crate::client::{from_base64, world, world_of};
use serde_json::json;
use stellar_xdr::{TransactionResult, TransactionResultResult};
use trueup_devnet::{AutoClose, BuildOptions, Built, Config, Devnet};

fn result(answer: &serde_json::Value) -> TransactionResultResult {
    let result: TransactionResult = from_base64(&answer["errorResultXdr"]);
    result.result
}

#[tokio::test]
async fn a_signed_transaction_is_pending_and_then_found() {
    let world = world().await;
    let built = world.devnet.build(&world.loan_call(1, 10), BuildOptions::default()).expect("built");
    let params = json!({ "transaction": built.envelope });
    let answer = world.result("sendTransaction", params.clone()).await;
    assert_eq!(answer["status"], "PENDING");
    assert_eq!(answer["hash"], built.hash);
    assert!(answer["latestLedgerCloseTime"].is_string());
    let found = world.result("getTransaction", json!({ "hash": built.hash })).await;
    assert_eq!(found["status"], "SUCCESS");
    let again = world.result("sendTransaction", params).await;
    assert_eq!(again["status"], "ERROR");
    assert_eq!(result(&again), TransactionResultResult::TxBadSeq);
}

#[tokio::test]
async fn a_waiting_transaction_is_a_duplicate_and_lands_when_the_ledger_closes() {
    let world = world_of(Config { auto_close: AutoClose::Manual, ..Config::default() }).await;
    let call = world.loan_call(1, 10);
    let send = async |built: &Built| {
        let params = json!({ "transaction": built.envelope });
        world.result("sendTransaction", params).await["status"].clone()
    };
    let first = world.devnet.build(&call, BuildOptions::default()).expect("built");
    assert_eq!(send(&first).await, "PENDING");
    assert_eq!(send(&first).await, "DUPLICATE");
    let second = world.devnet.build(&call, BuildOptions::default()).expect("built");
    assert_eq!(second.sequence, first.sequence + 1);
    let before = world.result("getTransaction", json!({ "hash": first.hash })).await;
    assert_eq!(before["status"], "NOT_FOUND");
    world.devnet.close_ledger();
    let after = world.result("getTransaction", json!({ "hash": first.hash })).await;
    assert_eq!(after["status"], "SUCCESS");
}

#[tokio::test]
async fn what_the_network_would_refuse_is_refused_with_its_result() {
    let world = world().await;
    let call = world.loan_call(1, 10);
    let refused = async |options: BuildOptions| {
        let built = world.devnet.build(&call, options).expect("built");
        let params = json!({ "transaction": built.envelope });
        result(&world.result("sendTransaction", params).await)
    };
    let past = BuildOptions { max_time: Some(world.devnet.latest().close_time), ..BuildOptions::default() };
    assert_eq!(refused(past).await, TransactionResultResult::TxTooLate);
    let gap = BuildOptions { sequence: Some(1), ..BuildOptions::default() };
    assert_eq!(refused(gap).await, TransactionResultResult::TxBadSeq);
    let (code, message) = world.error("sendTransaction", json!({ "transaction": "AAAA" })).await;
    assert_eq!((code, message.as_str()), (-32_602, "invalid_xdr"));
}

#[tokio::test]
async fn a_signature_for_another_network_is_refused() {
    let elsewhere = Devnet::new(Config { network_passphrase: "Elsewhere".to_owned(), ..Config::default() });
    let world = world().await;
    let mut call = world.loan_call(1, 10);
    // Deploying there makes the account exist, and the contract with another address.
    elsewhere.deploy_all().expect("deployed");
    call.source = elsewhere.account(1).expect("funded");
    call.contract = elsewhere.deploy_lending().expect("deployed");
    let here = world.devnet.build(&world.loan_call(1, 10), BuildOptions::default());
    let options = BuildOptions { sequence: Some(here.expect("built").sequence), max_time: None };
    let built = elsewhere.build(&call, options).expect("built");
    let answer = world.result("sendTransaction", json!({ "transaction": built.envelope })).await;
    assert_eq!(result(&answer), TransactionResultResult::TxBadAuth);
}
