//! Transactions, ledgers and events of the past.

use crate::client::{World, base64, from_base64, world, world_of};
use serde_json::{Value, json};
use stellar_xdr::{LedgerCloseMeta, LedgerHeaderHistoryEntry, TransactionResult};
use trueup_devnet::{BuildOptions, Config, scval};

async fn loans(world: &World, count: i128) {
    let calls = (0..count).map(|n| world.loan_call(1, 100 + n)).collect();
    world.devnet.invoke_many(calls, 2).await.expect("made");
}

#[tokio::test]
async fn a_transaction_is_found_with_times_as_strings() {
    let world = world().await;
    let call = world.loan_call(1, 10);
    let done = world.devnet.invoke(&call.source, &call.contract, &call.function, call.args).expect("made");
    let answer = world.result("getTransaction", json!({ "hash": done.hash })).await;
    assert_eq!(answer["status"], "SUCCESS");
    assert_eq!(answer["ledger"], done.ledger);
    assert_eq!(answer["applicationOrder"], 1);
    assert_eq!(answer["feeBump"], false);
    assert_eq!(answer["createdAt"], world.devnet.latest().close_time.to_string());
    let result: TransactionResult = from_base64(&answer["resultXdr"]);
    assert!(result.fee_charged > 0);
}

#[tokio::test]
async fn a_transaction_that_was_never_sent_is_not_found_within_a_range() {
    let world = world().await;
    let built = world.devnet.build(&world.loan_call(1, 10), BuildOptions::default()).expect("built");
    let answer = world.result("getTransaction", json!({ "hash": built.hash })).await;
    assert_eq!(answer["status"], "NOT_FOUND");
    let latest = world.devnet.latest();
    assert_eq!(answer["latestLedger"], latest.sequence);
    assert_eq!(answer["latestLedgerCloseTime"], latest.close_time.to_string());
    assert_eq!(answer["oldestLedger"], world.devnet.config().start_ledger);
    assert!(answer["oldestLedgerCloseTime"].is_string());
    assert!(answer.get("envelopeXdr").is_none());
}

#[tokio::test]
async fn a_failed_transaction_says_so() {
    let world = world().await;
    let source = world.devnet.account(1).expect("funded");
    let done =
        world.devnet.invoke(&source, &world.contracts.lending, "repay", vec![stellar_xdr::ScVal::U64(404), scval::i128(1)]).expect("made");
    let answer = world.result("getTransaction", json!({ "hash": done.hash })).await;
    assert_eq!(answer["status"], "FAILED");
    assert_eq!(answer["events"], json!({}));
}

#[tokio::test]
async fn transactions_are_paged_with_times_as_numbers() {
    let world = world().await;
    let start = world.devnet.latest().sequence + 1;
    loans(&world, 7).await;
    let start = start + 1; // The first ledger after it funds the borrower.
    let mut seen = Vec::new();
    let mut params = json!({ "startLedger": start, "pagination": { "limit": 3 } });
    loop {
        let page = world.result("getTransactions", params).await;
        let found = page["transactions"].as_array().expect("a list").clone();
        if found.is_empty() {
            break;
        }
        assert!(found[0]["createdAt"].is_u64());
        assert!(page["latestLedgerCloseTimestamp"].is_u64());
        seen.extend(found.iter().map(|tx| tx["txHash"].as_str().expect("a hash").to_owned()));
        params = json!({ "pagination": { "limit": 3, "cursor": page["cursor"] } });
    }
    assert_eq!(seen.len(), 7);
    seen.dedup();
    assert_eq!(seen.len(), 7);
}

#[tokio::test]
async fn pages_have_limits() {
    let world = world().await;
    let start = world.devnet.latest().sequence;
    for method in ["getTransactions", "getLedgers"] {
        let error = |params: Value| world.error(method, params);
        let many = json!({ "startLedger": start, "pagination": { "limit": 201 } });
        assert_eq!(error(many).await, (-32_600, "limit must not exceed 200".into()));
        assert_eq!(error(json!({ "startLedger": 1_000_000 })).await.0, -32_600);
        let both = json!({ "startLedger": start, "pagination": { "cursor": "1" } });
        assert_eq!(error(both).await.0, -32_600);
        let bad = json!({ "pagination": { "cursor": "x" } });
        assert_eq!(error(bad).await.0, -32_602);
    }
}

#[tokio::test]
async fn ledgers_chain_by_their_hashes() {
    let world = world().await;
    loans(&world, 3).await;
    let start = world.devnet.config().start_ledger;
    let answer = world.result("getLedgers", json!({ "startLedger": start })).await;
    let ledgers = answer["ledgers"].as_array().expect("a list");
    assert_eq!(ledgers.len() as u64, answer["latestLedger"].as_u64().expect("n") - u64::from(start) + 1);
    let mut previous: Option<String> = None;
    for ledger in ledgers {
        let header: LedgerHeaderHistoryEntry = from_base64(&ledger["headerXdr"]);
        let meta: LedgerCloseMeta = from_base64(&ledger["metadataXdr"]);
        assert_eq!(ledger["hash"], header.hash.to_string());
        if let Some(previous) = previous {
            assert_eq!(header.header.previous_ledger_hash.to_string(), previous);
        }
        let LedgerCloseMeta::V2(meta) = meta else {
            panic!("not V2");
        };
        assert_eq!(meta.ledger_header, header);
        previous = Some(header.hash.to_string());
    }
    assert_eq!(answer["cursor"], answer["latestLedger"].to_string());
}

#[tokio::test]
async fn events_are_filtered_by_contract_and_topic() {
    let world = world().await;
    loans(&world, 4).await;
    let created = base64(&scval::symbol("LOANCRTD").expect("short"));
    let borrower = base64(&scval::address(&world.devnet.key(1).address()).expect("address"));
    let other = base64(&scval::address(&world.devnet.key(2).address()).expect("address"));
    let start = world.devnet.config().start_ledger;
    let count = async |topics: Value| {
        let filter = json!({
            "type": "contract",
            "contractIds": [world.contracts.lending],
            "topics": [topics],
        });
        let params = json!({ "startLedger": start, "filters": [filter] });
        let answer = world.result("getEvents", params).await;
        answer["events"].as_array().expect("a list").len()
    };
    assert_eq!(count(json!([created, borrower])).await, 4);
    assert_eq!(count(json!([created, "*"])).await, 4);
    assert_eq!(count(json!([created, "**"])).await, 4);
    assert_eq!(count(json!([created])).await, 0);
    assert_eq!(count(json!([created, other])).await, 0);
}

#[tokio::test]
async fn events_are_paged_by_cursor_and_end_before_the_end_ledger() {
    let world = world().await;
    loans(&world, 5).await;
    let start = world.devnet.config().start_ledger;
    let filters = json!([{ "contractIds": [world.contracts.lending] }]);
    let mut params = json!({ "startLedger": start, "filters": filters, "pagination": { "limit": 2 } });
    let mut ids = Vec::new();
    for _ in 0..4 {
        let page = world.result("getEvents", params).await;
        assert!(page["latestLedgerCloseTime"].is_string());
        let events = page["events"].as_array().expect("a list");
        ids.extend(events.iter().map(|event| event["id"].as_str().expect("id").to_owned()));
        params = json!({ "filters": filters, "pagination": { "limit": 2, "cursor": page["cursor"] } });
    }
    assert_eq!(ids.len(), 5);
    assert!(ids.is_sorted());
    let latest = world.devnet.latest().sequence;
    let params = json!({ "startLedger": start, "endLedger": latest, "filters": filters });
    let page = world.result("getEvents", params).await;
    assert_eq!(page["events"].as_array().expect("a list").len(), 4);
}

#[tokio::test]
async fn bad_event_requests_are_refused() {
    let world = world().await;
    let error = |params: Value| world.error("getEvents", params);
    let start = world.devnet.config().start_ledger;
    assert_eq!(error(json!({})).await, (-32_602, "startLedger must be positive".into()));
    let many = json!({ "startLedger": start, "pagination": { "limit": 10_001 } });
    assert_eq!(error(many).await, (-32_602, "limit must not exceed 10000".into()));
    let filters = json!({ "startLedger": start, "filters": [{}, {}, {}, {}, {}, {}] });
    assert_eq!(error(filters).await, (-32_602, "maximum 5 filters per request".into()));
    let early = json!({ "startLedger": start - 1 });
    let (code, message) = error(early).await;
    assert_eq!(code, -32_600);
    assert!(message.starts_with("startLedger must be within the ledger range: "), "{message}");
    let both = json!({ "startLedger": start, "pagination": { "cursor": "0000000000000000000-0000000000" } });
    assert_eq!(error(both).await.0, -32_602);
    let stars = json!({ "startLedger": start, "filters": [{ "topics": [["**", "*"]] }] });
    assert_eq!(error(stars).await.0, -32_602);
}

#[tokio::test]
async fn history_beyond_retention_is_pruned() {
    let world = world_of(Config { retention_ledgers: 3, ..Config::default() }).await;
    let call = world.loan_call(1, 10);
    let done = world.devnet.invoke(&call.source, &call.contract, &call.function, call.args).expect("made");
    for _ in 0..3 {
        world.devnet.close_ledger();
    }
    let answer = world.result("getTransaction", json!({ "hash": done.hash })).await;
    assert_eq!(answer["status"], "NOT_FOUND");
    assert_eq!(answer["oldestLedger"], world.devnet.latest().sequence - 2);
}

#[tokio::test]
async fn health_fees_and_versions_are_told() {
    let world = world().await;
    world.create_loan(1, 10);
    let health = world.result("getHealth", Value::Null).await;
    assert_eq!(health["status"], "healthy");
    assert_eq!(health["latestLedger"], world.devnet.latest().sequence);
    let fees = world.result("getFeeStats", Value::Null).await;
    assert_eq!(fees["sorobanInclusionFee"]["max"], "100");
    let version = world.result("getVersionInfo", Value::Null).await;
    assert_eq!(version["protocolVersion"], world.devnet.config().protocol_version);
}
