//! An RPC server that misbehaves as a test wants it to.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use trueup_chain::{Chain, Config};

pub const PASSPHRASE: &str = "Test Network ; November 2026";

/// One request, as it arrived.
#[derive(Debug, Clone)]
pub struct Seen {
    pub method: String,
    pub params: Value,
    /// Which request of this method it is, from 0.
    pub nth: usize,
}

impl Seen {
    pub fn keys(&self) -> Vec<String> {
        let keys = self.params["keys"].as_array().expect("getLedgerEntries has keys");
        keys.iter().map(|key| key.as_str().expect("a key is a text").to_owned()).collect()
    }
}

/// What the server does with it.
pub enum Reply {
    Result(Value),
    Error(i64, &'static str),
    Status(u16, &'static [(&'static str, &'static str)]),
    Body(String),
    WrongId(Value),
    Hang,
}

pub struct Double {
    pub url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Double {
    /// Serves `answer` on a free port; `getNetwork` is answered already.
    pub async fn start(answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        Self::start_bare(move |seen| match seen.method.as_str() {
            "getNetwork" => Reply::Result(json!({ "passphrase": PASSPHRASE, "protocolVersion": 30 })),
            _ => answer(seen),
        })
        .await
    }

    pub async fn start_bare(answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let counts: Arc<Mutex<HashMap<String, usize>>> = Arc::default();
        let answer = Arc::new(answer);
        let recorded = Arc::clone(&seen);
        let handler = move |body: Bytes| {
            let (recorded, counts, answer) = (Arc::clone(&recorded), Arc::clone(&counts), Arc::clone(&answer));
            async move {
                let request: Value = serde_json::from_slice(&body).expect("the client sends JSON");
                let method = request["method"].as_str().expect("a method").to_owned();
                let nth = {
                    let mut counts = counts.lock().expect("not poisoned");
                    let count = counts.entry(method.clone()).or_default();
                    *count += 1;
                    *count - 1
                };
                let one = Seen { method, params: request["params"].clone(), nth };
                recorded.lock().expect("not poisoned").push(one.clone());
                respond(answer(&one), &request["id"]).await
            }
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let router = Router::new().route("/", axum::routing::post(handler));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, seen }
    }

    pub fn config(&self) -> Config {
        Config { calls_per_second: 10_000, ..Config::new(&self.url) }
    }

    pub async fn connect(&self) -> Chain {
        Chain::connect(self.config()).await.expect("the double answers getNetwork")
    }

    /// The keys of every `getLedgerEntries` so far, call by call.
    pub fn calls(&self) -> Vec<Vec<String>> {
        let seen = self.seen.lock().expect("not poisoned");
        seen.iter().filter(|seen| seen.method == "getLedgerEntries").map(Seen::keys).collect()
    }

    /// The parameters of every call of a method so far.
    pub fn params(&self, method: &str) -> Vec<Value> {
        let seen = self.seen.lock().expect("not poisoned");
        seen.iter().filter(|seen| seen.method == method).map(|seen| seen.params.clone()).collect()
    }

    pub fn count(&self, method: &str) -> usize {
        self.seen.lock().expect("not poisoned").iter().filter(|seen| seen.method == method).count()
    }
}

async fn respond(reply: Reply, id: &Value) -> Response {
    let json = |value: Value| ([(header::CONTENT_TYPE, "application/json")], value.to_string()).into_response();
    match reply {
        Reply::Result(result) => json(json!({ "jsonrpc": "2.0", "id": id, "result": result })),
        Reply::Error(code, message) => json(json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": message } })),
        Reply::WrongId(result) => json(json!({ "jsonrpc": "2.0", "id": 999_999, "result": result })),
        Reply::Body(body) => body.into_response(),
        Reply::Status(status, headers) => {
            let mut map = HeaderMap::new();
            for (name, value) in headers {
                map.insert(*name, value.parse().expect("a header value"));
            }
            (StatusCode::from_u16(status).expect("a status"), map, "the double refuses").into_response()
        }
        Reply::Hang => std::future::pending().await,
    }
}
