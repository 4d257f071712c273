use serde_json::{Value, json};
use stellar_xdr::{
    InnerTransactionResult, InnerTransactionResultExt, InnerTransactionResultPair, InnerTransactionResultResult, Limits, Preconditions,
    ReadXdr, TransactionResult, TransactionResultExt, TransactionResultResult, VecM, WriteXdr,
};
use trueup_chain::{History, ReadError, transaction_facts};
use trueup_judge::{Answer, LedgerTime, Retention};

use crate::double::{Double, PASSPHRASE, Reply};
use crate::envelopes::{base64, bumped, transaction};
use crate::fixtures::rows;

const HASH: &str = "32f7e5c3afd281fcaa99c0e990adf62f33e3bb341b1641a5c8b0b4a4dc55c487";

const RETENTION: Retention = Retention {
    oldest: LedgerTime { ledger: 100, close_time: 1_752_000_000 },
    latest: LedgerTime { ledger: 500, close_time: 1_752_722_000 },
};

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
    assert_eq!(reading.answer, Answer::Failed { code: "txBAD_SEQ".into() });
    assert_eq!(codes(&reading.values), ["FAILED", "txBAD_SEQ", "450", "2025-07-17T02:10:21Z", "100"]);
    assert_eq!((reading.ledger, reading.retention), (500, Some(RETENTION)));
}

#[tokio::test]
async fn not_found_is_an_answer_that_keeps_what_the_endpoint_keeps() {
    let double = Double::start(|_| Reply::Result(reply("NOT_FOUND", ""))).await;
    let reading = double.connect().await.transaction(&format!("0x{HASH}")).await.expect("a sound answer");
    assert_eq!(reading.answer, Answer::NotFound);
    assert_eq!(reading.retention, Some(RETENTION));
    assert!(reading.values.is_empty());
    assert_eq!(format!("http://{}", reading.endpoint), double.url);
}

#[tokio::test]
async fn an_answer_that_is_not_whole_is_garbage_and_never_an_outcome() {
    let spoil: [fn(&mut Value); 10] = [
        |reply| reply["status"] = json!("SUCCESS"),
        |reply| reply["oldestLedger"] = json!(501),
        |reply| reply["latestLedgerCloseTime"] = json!("soon"),
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

/// The result of a fee bump: fee 400, and what the inner transaction of that hash came to, with its own fee of 0.
fn bump_result(inner_hash: &str, succeeded: bool) -> String {
    let result = if succeeded {
        InnerTransactionResultResult::TxSuccess(VecM::default())
    } else {
        InnerTransactionResultResult::TxFailed(VecM::default())
    };
    let pair = InnerTransactionResultPair {
        transaction_hash: inner_hash.parse().expect("a hash"),
        result: InnerTransactionResult { fee_charged: 0, result, ext: InnerTransactionResultExt::V0 },
    };
    let result =
        if succeeded { TransactionResultResult::TxFeeBumpInnerSuccess(pair) } else { TransactionResultResult::TxFeeBumpInnerFailed(pair) };
    let result = TransactionResult { fee_charged: 400, result, ext: TransactionResultExt::V0 };
    result.to_xdr_base64(Limits::none()).expect("a result encodes")
}

#[tokio::test]
async fn the_inner_result_of_a_fee_bump_decides_under_either_hash() {
    let outer = "ee".repeat(32);
    for (status, code) in [("SUCCESS", "txSUCCESS"), ("FAILED", "txFAILED")] {
        let mut sent = reply(status, &bump_result(HASH, status == "SUCCESS"));
        // Asked for the inner hash, and answered with the outer one.
        sent["txHash"] = json!(outer);
        let chain = Double::start(move |_| Reply::Result(sent.clone())).await.connect().await;
        for hash in [HASH, &outer] {
            let reading = chain.transaction(hash).await.expect("a sound answer");
            assert_eq!(codes(&reading.values)[..2], [status, code]);
            assert_eq!(codes(&reading.values)[4], "400");
        }
        let error = chain.transaction(&"dd".repeat(32)).await.expect_err("neither of them");
        assert!(matches!(error, ReadError::Garbage { .. }), "{error}");
    }
}

#[tokio::test]
async fn both_hashes_of_a_fee_bump_are_asked_for_and_what_is_kept_is_what_both_keep() {
    let facts = transaction_facts(&base64(&bumped(transaction(1, 7, Preconditions::None), 2)), PASSPHRASE).expect("an envelope");
    let inner = facts.inner_hash.clone().expect("an inner hash");
    let of_inner = inner.clone();
    let double = Double::start(move |seen| {
        let mut sent = reply("NOT_FOUND", "");
        sent["txHash"] = seen.params["hash"].clone();
        if seen.params["hash"] == json!(of_inner) {
            sent["oldestLedger"] = json!(101);
        }
        Reply::Result(sent)
    })
    .await;
    let chain = double.connect().await;
    for hash in [&facts.hash, &inner] {
        let reading = chain.transaction_of(hash, Some(&facts)).await.expect("a sound answer");
        let retention = reading.retention.expect("an endpoint says what it keeps");
        assert_eq!((reading.answer, retention.oldest.ledger, retention.latest.ledger), (Answer::NotFound, 101, 500));
    }
    assert_eq!(double.count("getTransaction"), 4);
    chain.transaction_of(&facts.hash, None).await.expect("a sound answer");
    assert_eq!(double.count("getTransaction"), 5, "without its envelope there is one hash to ask for");
}

#[tokio::test]
async fn what_a_transaction_did_is_decoded_for_those_who_ask() {
    for row in rows("tx_meta_soroban.jsonl") {
        let hash = row["txHash"].as_str().expect("a hash").to_owned();
        let mut sent = reply("SUCCESS", row["resultXdr"].as_str().expect("a result"));
        sent["txHash"] = json!(hash);
        sent["resultMetaXdr"] = row["resultMetaXdr"].clone();
        let chain = Double::start(move |_| Reply::Result(sent.clone())).await.connect().await;
        let effects = chain.transaction(&hash).await.expect("a sound answer").effects().expect("a recorded meta");
        let returned = effects.return_value.map(|value| serde_json::to_value(value).expect("a value renders"));
        assert_eq!(returned.unwrap_or_default(), row["returnValueJson"]);
        assert!(effects.events.iter().all(|event| event.contract.starts_with('C') && !event.topics.is_empty()));
    }
    let double = Double::start(|_| Reply::Result(reply("FAILED", "AAAAAAAAAGT////7AAAAAA=="))).await;
    let reading = double.connect().await.transaction(HASH).await.expect("an outcome, whatever its meta");
    assert!(matches!(reading.effects(), Err(ReadError::Undecodable { .. })));
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
