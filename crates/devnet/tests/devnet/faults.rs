//! Fault switches.

use crate::client::{World, answer, base64, from_base64, http, post, world};
use serde_json::{Value, json};
use std::time::Duration;
use stellar_xdr::{LedgerEntryData, Limits, ReadXdr};
use trueup_devnet::Faults;

const HEALTH: &str = r#"{"jsonrpc":"2.0","id":1,"method":"getHealth"}"#;

async fn health_status(world: &World) -> u16 {
    post(&world.served.url, HEALTH.to_owned()).await.0
}

async fn entries(url: &str, key: &str) -> Value {
    answer(url, "getLedgerEntries", json!({ "keys": [key] })).await["result"].clone()
}

#[tokio::test]
async fn the_next_requests_fail_and_then_no_more() {
    let world = world().await;
    world.devnet.faults().set(Faults { fail_next: 2, fail_status: 429, ..Faults::default() });
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(health_status(&world).await);
    }
    assert_eq!(statuses, [429, 429, 200]);
}

#[tokio::test]
async fn a_share_of_requests_fails_the_same_way_for_one_seed() {
    let world = world().await;
    let mut runs = Vec::new();
    for _ in 0..2 {
        world.devnet.faults().set(Faults { fail_percent: 50, seed: 7, ..Faults::default() });
        let mut run = Vec::new();
        for _ in 0..20 {
            run.push(health_status(&world).await);
        }
        runs.push(run);
    }
    assert_eq!(runs[0], runs[1]);
    assert!(runs[0].contains(&503) && runs[0].contains(&200));
}

#[tokio::test]
async fn garbage_is_no_json_and_a_hanging_request_never_ends() {
    let world = world().await;
    world.devnet.faults().update(|faults| faults.garbage_next = 1);
    let (status, text) = post(&world.served.url, HEALTH.to_owned()).await;
    assert_eq!(status, 200);
    assert!(serde_json::from_str::<Value>(&text).is_err());
    world.devnet.faults().update(|faults| faults.hang_next = 1);
    let hanging = tokio::time::timeout(Duration::from_millis(200), health_status(&world)).await;
    assert!(hanging.is_err());
    assert_eq!(health_status(&world).await, 200);
}

#[tokio::test]
async fn a_lagging_endpoint_answers_as_of_its_ledger_beside_one_that_does_not() {
    let world = world().await;
    let id = world.create_loan(1, 10);
    let key = base64(&world.loan_key(id));
    let old = entries(&world.served.url, &key).await;
    let lagging = world.devnet.serve_with("127.0.0.1:0", Faults { lag_ledgers: 1, ..Faults::default() }).await.expect("a port");
    world.devnet.archive(&world.loan_key(id));
    let behind = entries(&lagging.url, &key).await;
    assert_eq!(behind, old);
    let ahead = entries(&world.served.url, &key).await;
    assert_eq!(ahead["entries"][0]["liveUntilLedgerSeq"], 0);
    assert_eq!(ahead["latestLedger"].as_u64(), behind["latestLedger"].as_u64().map(|ledger| ledger + 1));
    lagging.shutdown().await;
}

#[tokio::test]
async fn endpoints_disagree_over_named_entries() {
    let world = world().await;
    let first = world.loan_key(world.create_loan(1, 10));
    let second = world.loan_key(world.create_loan(1, 20));
    let other = world.devnet.entry(&second).expect("a loan");
    let other = LedgerEntryData::from_xdr(&other.data, Limits::none()).expect("XDR");
    let faults = Faults { split_brain: [(base64(&first), Some(base64(&other))), (base64(&second), None)].into(), ..Faults::default() };
    let split = world.devnet.serve_with("127.0.0.1:0", faults).await.expect("a port");
    let shown = entries(&split.url, &base64(&first)).await;
    assert_eq!(shown["entries"][0]["xdr"], base64(&other));
    assert_eq!(entries(&split.url, &base64(&second)).await["entries"], json!([]));
    let honest = entries(&world.served.url, &base64(&second)).await;
    assert_eq!(honest["entries"][0]["xdr"], base64(&other));
}

#[tokio::test]
async fn entries_can_look_archived_or_be_of_an_unknown_protocol() {
    let world = world().await;
    let key = base64(&world.loan_key(world.create_loan(1, 10)));
    world.devnet.faults().update(|faults| {
        faults.archived.insert(key.clone());
    });
    let shown = entries(&world.served.url, &key).await;
    assert_eq!(shown["entries"][0]["liveUntilLedgerSeq"], 0);
    world.devnet.faults().set(Faults { unknown_unions: [key.clone()].into(), ..Faults::default() });
    let shown = entries(&world.served.url, &key).await;
    let text = shown["entries"][0]["xdr"].as_str().expect("text");
    assert!(LedgerEntryData::from_xdr_base64(text, Limits::none()).is_err());
    world.devnet.faults().clear();
    let shown = entries(&world.served.url, &key).await;
    let _: LedgerEntryData = from_base64(&shown["entries"][0]["xdr"]);
}

#[tokio::test]
async fn faults_are_switched_over_http() {
    let world = world().await;
    let call = world.loan_call(1, 10);
    let done = world.devnet.invoke(&call.source, &call.contract, &call.function, call.args).expect("made");
    let latest = world.devnet.latest().sequence;
    let url = format!("{}/faults", world.served.url);
    let faults = json!({ "passphrase": "Elsewhere", "oldestLedger": latest, "hideTransactions": true });
    let set = http().post(&url).body(faults.to_string()).send().await.expect("an answer");
    assert!(set.status().is_success());
    let network = world.result("getNetwork", json!({})).await;
    assert_eq!(network["passphrase"], "Elsewhere");
    assert_eq!(world.result("getHealth", json!({})).await["oldestLedger"], latest);
    let hidden = world.result("getTransaction", json!({ "hash": done.hash })).await;
    assert_eq!(hidden["status"], "NOT_FOUND");
    let bad = http().post(&url).body(r#"{"lagLedger":1}"#).send().await.expect("an answer");
    assert_eq!(bad.status(), 400);
    assert!(bad.text().await.expect("text").contains("unknown field"));
    http().post(&url).body("{}").send().await.expect("an answer");
    let found = world.result("getTransaction", json!({ "hash": done.hash })).await;
    assert_eq!(found["status"], "SUCCESS");
}

#[tokio::test]
async fn latency_delays_every_answer() {
    let world = world().await;
    world.devnet.faults().update(|faults| faults.latency_ms = 60);
    let start = std::time::Instant::now();
    assert_eq!(health_status(&world).await, 200);
    assert!(start.elapsed() >= Duration::from_millis(60));
}
