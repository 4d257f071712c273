//! `getEvents`: what is asked, how far a page proves, and which pages are none.

use serde_json::{Value, json};
use trueup_chain::{CONTRACTS_PER_CALL_MAX, EventPage, EventsFrom, ReadError};

use crate::double::{Double, Reply};
use crate::fixtures;

const CONTRACT: &str = "CDLZFC3SYJYDZT7K67VZ75HPJVIEUVNIXF47ZG2FB2RMQQVU2HHGCYSC";
const FROM_10: EventsFrom = EventsFrom::Ledger { start: 10, end: 1_000 };

fn id(ledger: u64, transaction: u64, event: u32) -> String {
    format!("{:019}-{event:010}", ledger << 32 | transaction << 12)
}

/// After everything in a ledger.
fn end_of(ledger: u64) -> String {
    format!("{:019}-{:010}", ledger << 32 | u64::from(u32::MAX), u32::MAX)
}

fn event(ledger: u64, transaction: u64, index: u32) -> Value {
    json!({
        "type": "contract",
        "ledger": ledger,
        "ledgerClosedAt": "2025-10-09T08:53:20Z",
        "contractId": CONTRACT,
        "id": id(ledger, transaction, index),
        "txHash": "AB".repeat(32),
        "inSuccessfulContractCall": true,
        "topic": ["AAAADwAAAAhMT0FOQ1JURA=="],
        "value": "AAAAAwAAAAc=",
    })
}

fn page(events: Vec<Value>, cursor: String) -> Value {
    json!({ "events": events, "cursor": cursor, "latestLedger": 50, "oldestLedger": 5, "latestLedgerCloseTime": "1760000000" })
}

async fn read(answer: Value, from: &EventsFrom, limit: usize) -> Result<EventPage, ReadError> {
    let double = Double::start(move |_| Reply::Result(answer.clone())).await;
    double.connect().await.events(&[CONTRACT.to_owned()], from, limit).await
}

async fn garbage(answer: Value, from: &EventsFrom) -> String {
    match read(answer, from, 3).await {
        Err(ReadError::Garbage { what, .. }) => what,
        other => panic!("this page is none: {other:?}"),
    }
}

#[tokio::test]
async fn contracts_are_spread_over_filters_and_a_cursor_takes_no_ledgers() {
    let double = Double::start(|_| Reply::Result(page(vec![], end_of(20)))).await;
    let contracts: Vec<String> = (0..CONTRACTS_PER_CALL_MAX).map(|n| format!("C{n}")).collect();
    let chain = double.connect().await;
    chain.events(&contracts, &FROM_10, 7).await.expect("a page");
    chain.events(&contracts[..1], &EventsFrom::Cursor(end_of(10)), 7).await.expect("a page");
    let seen = double.params("getEvents");
    let filters = seen[0]["filters"].as_array().expect("filters");
    assert_eq!(filters.len(), 5);
    assert!(filters.iter().all(|filter| filter["type"] == "contract" && filter["contractIds"].as_array().map(Vec::len) == Some(5)));
    assert_eq!(
        (&seen[0]["startLedger"], &seen[0]["endLedger"], &seen[0]["pagination"]),
        (&json!(10), &json!(1_000), &json!({ "limit": 7 }))
    );
    assert_eq!(seen[1]["pagination"], json!({ "cursor": end_of(10), "limit": 7 }));
    assert!(seen[1].get("startLedger").is_none() && seen[1].get("endLedger").is_none());
}

#[tokio::test]
async fn a_page_proves_what_it_has_looked_through() {
    let some = || vec![event(12, 1, 0), event(13, 1, 0)];
    let full = || vec![event(12, 1, 0), event(13, 1, 0), event(13, 1, 1)];
    let cases = [
        ("an empty one up to its cursor", page(vec![], end_of(40)), &FROM_10, 41),
        ("one that is not full up to its cursor", page(some(), end_of(40)), &FROM_10, 41),
        ("never past the tip", page(some(), end_of(70)), &FROM_10, 51),
        ("a full one up to its last ledger, which may hold more", page(full(), id(13, 1, 1)), &FROM_10, 13),
        (
            "a full one within its first ledger nothing",
            page(full().split_off(1).into_iter().chain([event(13, 2, 0)]).collect(), id(13, 2, 0)),
            &EventsFrom::Ledger { start: 13, end: 99 },
            13,
        ),
        ("a cursor within a ledger that ledger's beginning", page(vec![], id(20, 3, 0)), &FROM_10, 20),
        ("a list that is null is empty", json!({ "events": null, "cursor": end_of(40), "latestLedger": 50 }), &FROM_10, 41),
        ("after a cursor", page(vec![event(12, 1, 5)], end_of(40)), &EventsFrom::Cursor(id(12, 1, 4)), 41),
    ];
    for (name, answer, from, next_ledger) in cases {
        assert_eq!(read(answer, from, 3).await.expect(name).next_ledger, next_ledger, "{name}");
    }
}

#[tokio::test]
async fn a_page_that_contradicts_itself_or_the_question_is_garbage() {
    let with = |change: &dyn Fn(&mut Value)| {
        let mut event = event(12, 1, 0);
        change(&mut event);
        page(vec![event], end_of(40))
    };
    let cases = [
        (page(vec![event(13, 1, 0), event(12, 1, 0)], end_of(40)), "out of order"),
        (page(vec![event(12, 1, 0), event(12, 1, 0)], end_of(40)), "out of order"),
        (page(vec![event(9, 1, 0)], end_of(40)), "not within the ledgers 10 to 50"),
        (page(vec![event(51, 1, 0)], end_of(60)), "not within the ledgers 10 to 50"),
        (page(vec![event(12, 1, 0), event(12, 1, 1), event(12, 1, 2), event(12, 1, 3)], end_of(40)), "4 events on a page of at most 3"),
        (page(vec![event(12, 1, 0)], end_of(11)), "before the last event"),
        (page(vec![], "12".to_owned()), "`cursor` is 12"),
        (json!({ "events": [], "latestLedger": 50 }), "`cursor` is missing"),
        (json!({ "cursor": end_of(40), "latestLedger": 50 }), "`events` is missing"),
        (json!({ "events": [], "cursor": end_of(40) }), "`latestLedger` is missing"),
        (with(&|event| event["contractId"] = json!("CAAA")), "which nobody asked for"),
        (with(&|event| event["ledger"] = json!(13)), "is not of ledger 13"),
        (with(&|event| event["txHash"] = json!("ab")), "`txHash` is ab"),
        (with(&|event| event["ledgerClosedAt"] = json!("yesterday")), "`ledgerClosedAt`"),
        (with(&|event| event["id"] = json!("12-0")), "`id` is 12-0"),
        (with(&|event| event["value"] = json!("no base64")), "base64 of the data is broken"),
        (with(&|event| event["topic"] = json!(["*"])), "base64 of topic 0 is broken"),
        (with(&|event| event["topic"] = json!([1])), "`topic` is no list of texts"),
        (with(&|event| event["topic"] = json!(["AAAAAQ==", "AAAAAQ==", "AAAAAQ==", "AAAAAQ==", "AAAAAQ=="])), "has 5 topics"),
    ];
    for (answer, what) in cases {
        let said = garbage(answer, &FROM_10).await;
        assert!(said.contains(what), "{said} should say {what}");
    }
    assert!(garbage(page(vec![event(12, 1, 4)], end_of(40)), &EventsFrom::Cursor(id(12, 1, 4))).await.contains("out of order"));
}

#[tokio::test]
async fn what_has_no_json_form_is_kept_with_its_bytes_and_its_reason() {
    let mut odd = event(12, 1, 0);
    // A union that no protocol has, and a string that is not UTF-8.
    odd["topic"] = json!(["AAAADwAAAAhMT0FOQ1JURA==", "AAB//w==", "AAAADgAAAAH/AAAA"]);
    odd["value"] = json!("AAAAAQ==");
    let page = read(page(vec![odd.clone()], end_of(40)), &FROM_10, 3).await.expect("a page");
    let event = &page.events[0];
    assert_eq!(
        (event.name.as_deref(), &event.topics, &event.data),
        (Some("LOANCRTD"), &json!(["LOANCRTD", null, null]), &Some(Value::Null))
    );
    let why = event.unreadable.as_deref().expect("a reason");
    assert!(why.contains("topic 1 is not XDR") && why.contains("topic 2: ") && why.contains("not UTF-8"), "{why}");
    assert_eq!(json!(event.topics_xdr), odd["topic"]);
    odd["value"] = json!("AAB//w==");
    let page = read(self::page(vec![odd], end_of(40)), &FROM_10, 3).await.expect("a page");
    assert_eq!((&page.events[0].data, page.events[0].data_xdr.as_str()), (&None, "AAB//w=="));
}

#[tokio::test]
async fn a_call_that_failed_is_marked_and_a_server_that_does_not_say_means_success() {
    for (said, successful) in [(json!(true), true), (json!(false), false), (Value::Null, true)] {
        let mut event = event(12, 1, 0);
        event["inSuccessfulContractCall"] = said;
        let page = read(page(vec![event], end_of(40)), &FROM_10, 3).await.expect("a page");
        assert_eq!(page.events[0].successful, successful);
        assert_eq!(page.events[0].transaction, "ab".repeat(32));
    }
}

#[tokio::test]
async fn every_published_event_is_read() {
    let rows = fixtures::rows("events.jsonl");
    for row in rows {
        let event = row["event"].clone();
        let contract = event["contractId"].as_str().expect("a contract").to_owned();
        let ledger = u32::try_from(event["ledger"].as_u64().expect("a ledger")).expect("a ledger");
        let answer = json!({ "events": [event], "cursor": end_of(u64::from(ledger)), "latestLedger": ledger });
        let double = Double::start(move |_| Reply::Result(answer.clone())).await;
        let from = EventsFrom::Ledger { start: ledger, end: ledger + 1 };
        let page = double.connect().await.events(&[contract], &from, 10).await.expect("a page");
        assert_eq!(page.next_ledger, ledger + 1);
        assert_eq!(page.events[0].unreadable, None);
        assert_eq!(page.events[0].name.is_some(), row["topicJson"][0].get("symbol").is_some());
    }
}
