//! Accounts, ledgers and determinism.

use crate::client::{http, world, world_of};
use serde_json::json;
use std::time::Duration;
use stellar_xdr::{LedgerEntryData, Limits, ReadXdr};
use trueup_devnet::{AutoClose, Call, Config, Devnet, Error, Keypair, account_key};

fn sequence(devnet: &Devnet, key: &Keypair) -> i64 {
    let entry = devnet.entry(&account_key(key)).expect("an account");
    match LedgerEntryData::from_xdr(&entry.data, Limits::none()).expect("XDR") {
        LedgerEntryData::Account(account) => account.seq_num.0,
        other => panic!("no account: {other:?}"),
    }
}

#[tokio::test]
async fn every_transaction_consumes_one_sequence_number() {
    let world = world().await;
    let key = world.devnet.account(5).expect("funded");
    let before = sequence(&world.devnet, &key);
    world.create_loan(5, 10);
    world.create_loan(5, 10);
    assert_eq!(sequence(&world.devnet, &key), before + 2);
}

#[tokio::test]
async fn two_devnets_of_one_configuration_hold_the_same_bytes() {
    let mut dumps = Vec::new();
    for _ in 0..2 {
        let world = world().await;
        world.create_loan(1, 10);
        let mut dump = Vec::new();
        world.devnet.dump(&mut dump).expect("written");
        dumps.push((dump, world.devnet.latest()));
    }
    assert_eq!(dumps[0], dumps[1]);
}

#[tokio::test]
async fn many_calls_share_ledgers_and_come_back_in_order() {
    let world = world().await;
    let calls: Vec<Call> = (0..25).map(|n| world.loan_call(n % 3, 100 + i128::from(n))).collect();
    let before = world.devnet.latest().sequence;
    let done = world.devnet.invoke_many(calls, 10).await.expect("made");
    let ids: Vec<_> = done.iter().map(|one| one.return_value.clone()).collect();
    let expected: Vec<_> = (1..=25).map(|id| Some(stellar_xdr::ScVal::U64(id))).collect();
    assert_eq!(ids, expected);
    assert_eq!(world.devnet.latest().sequence, before + 3);
}

#[tokio::test]
async fn an_account_that_does_not_exist_cannot_call() {
    let world = world().await;
    let call = Call { source: world.devnet.key(77), ..world.loan_call(1, 10) };
    let refused = world.devnet.invoke(&call.source, &call.contract, &call.function, call.args);
    assert!(matches!(refused, Err(Error::NoAccount(_))), "{refused:?}");
}

#[tokio::test]
async fn the_friendbot_funds_once() {
    let world = world().await;
    let address = world.devnet.key(123).address();
    let url = format!("{}/friendbot?addr={address}", world.served.url);
    let first = http().get(&url).send().await.expect("an answer");
    assert!(first.status().is_success());
    let second = http().get(&url).send().await.expect("an answer");
    assert_eq!(second.status(), 400);
    assert!(second.text().await.expect("text").contains("createAccountAlreadyExist"));
    let bad = format!("{}/friendbot?addr=nobody", world.served.url);
    assert_eq!(http().get(&bad).send().await.expect("an answer").status(), 400);
}

#[tokio::test]
async fn ledgers_close_on_a_timer_if_so_configured() {
    let config = Config { auto_close: AutoClose::Every(Duration::from_millis(5)), ..Config::default() };
    let world = world_of(config).await;
    let start = world.devnet.latest().sequence;
    let closed = async {
        while world.devnet.latest().sequence < start + 3 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), closed).await.expect("ledgers close");
}

#[tokio::test]
async fn calls_are_counted_and_forgotten() {
    let world = world().await;
    world.result("getHealth", json!({})).await;
    world.result("getHealth", json!({})).await;
    world.result("getNetwork", json!({})).await;
    assert_eq!(world.devnet.calls()["getHealth"], 2);
    let url = format!("{}/calls", world.served.url);
    let counts: serde_json::Value = http().get(&url).send().await.expect("an answer").json().await.expect("JSON");
    assert_eq!(counts, json!({ "getHealth": 2, "getNetwork": 1 }));
    world.devnet.reset_calls();
    assert!(world.devnet.calls().is_empty());
}
