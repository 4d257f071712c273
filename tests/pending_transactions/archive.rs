//! A local double that speaks Horizon's JSON.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use serde_json::{Value, json};

/// An archive with records by hash.
pub struct Archive {
    pub url: String,
    records: Arc<Mutex<BTreeMap<String, Value>>>,
    fails: Arc<Mutex<bool>>,
}

impl Archive {
    pub async fn serve(passphrase: &str) -> Self {
        let records: Arc<Mutex<BTreeMap<String, Value>>> = Arc::default();
        let fails: Arc<Mutex<bool>> = Arc::default();
        let root = json!({ "horizon_version": "test", "network_passphrase": passphrase });
        let (known, broken) = (Arc::clone(&records), Arc::clone(&fails));
        let transaction = move |Path(hash): Path<String>| {
            let answer = answer(&known.lock().expect("not poisoned"), *broken.lock().expect("not poisoned"), &hash);
            async move { answer }
        };
        let root = move || {
            let root = root.clone();
            async move { Json(root) }
        };
        let router = Router::new().route("/", get(root)).route("/transactions/{hash}", get(transaction));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, records, fails }
    }

    pub fn keep(&self, hash: &str, ledger: u32, envelope: &str, result: &str, successful: bool) {
        let record = json!({
            "hash": hash, "successful": successful, "ledger": ledger, "created_at": "2025-10-09T09:00:00Z",
            "envelope_xdr": envelope, "result_xdr": result,
        });
        self.records.lock().expect("not poisoned").insert(hash.to_owned(), record);
    }

    pub fn fail(&self) {
        *self.fails.lock().expect("not poisoned") = true;
    }
}

fn answer(records: &BTreeMap<String, Value>, fails: bool, hash: &str) -> Response {
    match records.get(hash) {
        _ if fails => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Some(record) => Json(record.clone()).into_response(),
        None => (StatusCode::NOT_FOUND, Json(json!({ "status": 404, "title": "Resource Missing" }))).into_response(),
    }
}
