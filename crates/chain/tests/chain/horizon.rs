//! Horizon as an archive. The double speaks its JSON.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use serde_json::{Value, json};
use stellar_xdr::Preconditions;
use trueup_chain::{ChainError, History, Horizon, HorizonConfig, ReadError, transaction_facts};
use trueup_judge::Answer;

use crate::double::PASSPHRASE;
use crate::envelopes::{base64, bumped, plain, transaction};

/// Fee 100, txSUCCESS without operations.
const SUCCESS: &str = "AAAAAAAAAGQAAAAAAAAAAAAAAAA=";
/// Fee 100, txBAD_SEQ.
const BAD_SEQ: &str = "AAAAAAAAAGT////7AAAAAA==";

struct Archive {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Archive {
    async fn serve(passphrase: &'static str, answer: impl Fn(&str) -> Response + Send + Sync + 'static) -> Self {
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let (seen, answer) = (Arc::clone(&asked), Arc::new(answer));
        let transaction = move |Path(hash): Path<String>| {
            seen.lock().expect("not poisoned").push(hash.clone());
            let answer = answer(&hash);
            async move { answer }
        };
        let root = move || async move { Json(json!({ "network_passphrase": passphrase })) };
        let router = Router::new().route("/horizon/", get(root)).route("/horizon/transactions/{hash}", get(transaction));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}/horizon", listener.local_addr().expect("an address"));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, asked }
    }

    async fn connect(&self) -> Horizon {
        let config = HorizonConfig { calls_per_second: 10_000, ..HorizonConfig::new(&self.url, PASSPHRASE) };
        Horizon::connect(config).await.expect("the double answers at its root")
    }
}

fn record(envelope: &str, result: &str) -> Value {
    json!({
        "successful": result == SUCCESS, "ledger": 450, "created_at": "2025-07-17T02:10:21Z", "fee_charged": "100",
        "envelope_xdr": envelope, "result_xdr": result,
    })
}

fn missing() -> Response {
    (StatusCode::NOT_FOUND, Json(json!({ "status": 404, "title": "Resource Missing" }))).into_response()
}

#[tokio::test]
async fn a_transaction_is_read_as_from_an_rpc() {
    let envelope = base64(&plain(transaction(1, 7, Preconditions::None)));
    let hash = transaction_facts(&envelope, PASSPHRASE).expect("an envelope").hash;
    for (result, answer, values) in [
        (SUCCESS, Answer::Success, ["SUCCESS", "txSUCCESS", "450", "2025-07-17T02:10:21Z", "100"]),
        (BAD_SEQ, Answer::Failed { code: "txBAD_SEQ".into() }, ["FAILED", "txBAD_SEQ", "450", "2025-07-17T02:10:21Z", "100"]),
    ] {
        let record = record(&envelope, result);
        let archive = Archive::serve(PASSPHRASE, move |_| Json(record.clone()).into_response()).await;
        let horizon = archive.connect().await;
        let reading = horizon.transaction(&format!("0x{hash}")).await.expect("a sound answer");
        assert_eq!((reading.answer, reading.result_xdr.as_deref(), reading.retention), (answer, Some(result), None));
        assert_eq!(reading.values.iter().flatten().collect::<Vec<_>>(), values);
        assert_eq!((archive.asked.lock().expect("not poisoned").clone(), horizon.calls()), (vec![hash.clone()], 2));
    }
}

#[tokio::test]
async fn what_it_does_not_have_is_not_found_and_no_error() {
    for status in [StatusCode::NOT_FOUND, StatusCode::GONE] {
        let archive = Archive::serve(PASSPHRASE, move |_| status.into_response()).await;
        let reading = archive.connect().await.transaction(&"ab".repeat(32)).await.expect("an answer");
        assert_eq!((reading.answer, reading.values.len()), (Answer::NotFound, 0));
    }
}

#[tokio::test]
async fn a_fee_bump_is_found_by_either_hash() {
    let tx = transaction(1, 7, Preconditions::None);
    let (inner, outer) = (base64(&plain(tx.clone())), base64(&bumped(tx, 2)));
    let facts = transaction_facts(&outer, PASSPHRASE).expect("an envelope");
    let inner_hash = facts.inner_hash.clone().expect("an inner hash");
    // The inner transaction landed by itself.
    let (record, landed) = (record(&inner, SUCCESS), inner_hash.clone());
    let archive =
        Archive::serve(PASSPHRASE, move |hash| if hash == landed { Json(record.clone()).into_response() } else { missing() }).await;
    let horizon = archive.connect().await;
    assert_eq!(horizon.transaction(&facts.hash).await.expect("an answer").answer, Answer::NotFound);
    assert_eq!(horizon.transaction_of(&facts.hash, Some(&facts)).await.expect("an answer").answer, Answer::Success);
    let asked = archive.asked.lock().expect("not poisoned").clone();
    assert_eq!(asked, [facts.hash.clone(), facts.hash, inner_hash]);
}

#[tokio::test]
async fn a_record_that_is_not_whole_or_anothers_is_an_error() {
    let envelope = base64(&plain(transaction(1, 7, Preconditions::None)));
    let hash = transaction_facts(&envelope, PASSPHRASE).expect("an envelope").hash;
    let spoil: [fn(&mut Value); 8] = [
        |record| record["successful"] = json!(false),
        |record| record["successful"] = json!(null),
        |record| record["result_xdr"] = json!("AAAA"),
        |record| record["envelope_xdr"] = json!("AAAA"),
        |record| record["envelope_xdr"] = json!(base64(&plain(transaction(1, 8, Preconditions::None)))),
        |record| record["ledger"] = json!("450"),
        |record| record["created_at"] = json!("yesterday"),
        |record| *record = json!([]),
    ];
    for spoil in spoil {
        let mut record = record(&envelope, SUCCESS);
        spoil(&mut record);
        let archive = Archive::serve(PASSPHRASE, move |_| Json(record.clone()).into_response()).await;
        let error = archive.connect().await.transaction(&hash).await.expect_err("it is not whole");
        assert!(matches!(error, ReadError::Archive { transient: true, .. }), "{error}");
    }
}

#[tokio::test]
async fn a_server_that_fails_has_not_answered() {
    let archive = Archive::serve(PASSPHRASE, |_| StatusCode::BAD_GATEWAY.into_response()).await;
    let error = archive.connect().await.transaction(&"ab".repeat(32)).await.expect_err("no answer");
    assert!(error.to_string().starts_with("the archive 127.0.0.1:"), "{error}");
    assert!(error.is_transient());
    assert_eq!(archive.asked.lock().expect("not poisoned").len(), 4, "it was tried again a little");
    let none = archive.connect().await.transaction("abc").await;
    assert!(matches!(none, Err(ReadError::NotAHash { .. })));
}

#[tokio::test]
async fn the_archive_must_be_of_the_chains_network() {
    let archive = Archive::serve("Another Network", |_| missing()).await;
    let error = Horizon::connect(HorizonConfig::new(&archive.url, PASSPHRASE)).await.expect_err("another network");
    assert!(matches!(error, ChainError::ArchiveOfAnotherNetwork { .. }), "{error}");
    let elsewhere = Horizon::connect(HorizonConfig::new(archive.url.replace("/horizon", "/"), PASSPHRASE)).await;
    assert!(matches!(elsewhere, Err(ChainError::Read(ReadError::Archive { .. }))));
    for (url, word) in [("ftp://horizon.example", "ftp"), ("horizon", "URL of Horizon")] {
        let error = Horizon::connect(HorizonConfig::new(url, PASSPHRASE)).await.expect_err("no URL");
        assert!(error.to_string().contains(word), "{error}");
    }
}
