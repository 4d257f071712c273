use serde_json::{Value, json};
use stellar_xdr::{Limits, ReadXdr, TransactionResult};
use trueup_chain::ReadError;
use trueup_judge::{Answer, Retention};

use crate::double::{Double, Reply};
use crate::fixtures::rows;

const HASH: &str = "32f7e5c3afd281fcaa99c0e990adf62f33e3bb341b1641a5c8b0b4a4dc55c487";

/// An answer of `getTransaction`, with a close time of 2025-07-17T02:10:21Z where it is final.
fn reply(status: &str, result_xdr: &str) -> Value {
    let mut reply = json!({
        "status": status, "txHash": HASH, "latestLedger": 500, "latestLedgerCloseTime": "1752722000",
        "oldestLedger": 100, "oldestLedgerCloseTime": "1752000000",
    });
    if status != "NOT_FOUND" {
        reply["ledger"] = json!(450);
        reply["createdAt"] = json!("1752718221");
        reply["resultXdr"] = json!(result_xdr);
    }
    reply
}

fn codes(values: &[Option<String>]) -> Vec<&str> {
    values.iter().map(|value| value.as_deref().unwrap_or("NULL")).collect()
}

#[tokio::test]
async fn every_recorded_transaction_is_read_with_its_result_code_and_fee() {
    for row in rows("tx_meta_soroban.jsonl") {
        let hash = row["txHash"].as_str().expect("a hash").to_owned();
        let xdr = row["resultXdr"].as_str().expect("a result").to_owned();
        let fee = TransactionResult::from_xdr_base64(&xdr, Limits::none()).expect("XDR").fee_charged.to_string();
        let mut sent = reply(row["extra"]["status"].as_str().expect("a status"), &xdr);
        sent["txHash"] = json!(hash);
        // Some servers write the time as a number.
        sent["createdAt"] = row["extra"]["createdAt"].clone();
        sent["ledger"] = row["extra"]["ledger"].clone();
        let chain = Double::start(move |_| Reply::Result(sent.clone())).await.connect().await;
        let reading = chain.transaction(&hash).await.expect("a sound answer");
        assert_eq!(reading.answer, Answer::Success);
        assert_eq!(reading.result_xdr, Some(xdr));
        let values = codes(&reading.values);
        assert_eq!((values[0], values[1], values[4]), ("SUCCESS", "txSUCCESS", fee.as_str()));
        assert_eq!(values[2], row["extra"]["ledger"].to_string());
    }
}

#[tokio::test]
async fn a_failed_transaction_keeps_its_code_and_everything_else_in_the_fixed_order() {
    // Fee 100, and the result's union: txBAD_SEQ.
    let bad_seq = "AAAAAAAAAGT////7AAAAAA==";
    let double = Double::start(move |_| Reply::Result(reply("FAILED", bad_seq))).await;
    let reading = double.connect().await.transaction(&format!("\\x{}", HASH.to_uppercase())).await.expect("a sound answer");
    assert_eq!(reading.answer, Answer::Failed);
    assert_eq!(codes(&reading.values), ["FAILED", "txBAD_SEQ", "450", "2025-07-17T02:10:21Z", "100"]);
    assert_eq!((reading.ledger, reading.retention), (500, Retention { oldest_close_time: 1_752_000_000 }));
}

#[tokio::test]
async fn not_found_is_an_answer_that_keeps_what_the_endpoint_keeps() {
    let double = Double::start(|_| Reply::Result(reply("NOT_FOUND", ""))).await;
    let reading = double.connect().await.transaction(&format!("0x{HASH}")).await.expect("a sound answer");
    assert_eq!(reading.answer, Answer::NotFound);
    assert_eq!(reading.retention, Retention { oldest_close_time: 1_752_000_000 });
    assert!(reading.values.is_empty());
    assert_eq!(format!("http://{}", reading.endpoint), double.url);
}

#[tokio::test]
async fn an_answer_that_is_not_whole_is_garbage_and_never_an_outcome() {
    let spoil: [fn(&mut Value); 7] = [
        |reply| reply["status"] = json!("MAYBE"),
        |reply| reply["status"] = json!(null),
        |reply| reply["latestLedger"] = json!("500"),
        |reply| reply["oldestLedgerCloseTime"] = json!(null),
        |reply| reply["resultXdr"] = json!("AAAA"),
        |reply| reply["createdAt"] = json!(null),
        |reply| reply["txHash"] = json!("00".repeat(32)),
    ];
    for spoil in spoil {
        let mut spoilt = reply("FAILED", "AAAAAAAAAGT////7AAAAAA==");
        spoil(&mut spoilt);
        let chain = Double::start(move |_| Reply::Result(spoilt.clone())).await.connect().await;
        let error = chain.transaction(HASH).await.expect_err("it is not whole");
        assert!(matches!(error, ReadError::Garbage { .. }), "{error}");
    }
}

#[tokio::test]
async fn a_text_that_is_no_hash_is_refused_without_a_call() {
    let double = Double::start(|_| Reply::Result(json!({}))).await;
    let chain = double.connect().await;
    for given in ["", "pending", &HASH[1..], "é"] {
        let error = chain.transaction(given).await.expect_err("no hash");
        assert!(matches!(error, ReadError::NotAHash { .. }), "{error}");
    }
    assert_eq!(double.count("getTransaction"), 0);
}
