//! The HTTP server: JSON-RPC at `/`, and beside it what drives a devnet from
//! another process: `/friendbot`, `/calls`, `/faults`.

use crate::address;
use crate::devnet::Devnet;
use crate::error::Error;
use crate::faults::{Fate, FaultSwitch, Faults};
use crate::rpc::Endpoint;
use crate::rpc::protocol::Body;
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::{TcpListener, ToSocketAddrs};
use tokio::task::JoinHandle;

/// A served endpoint. It stops when it is dropped.
#[derive(Debug)]
pub struct Served {
    /// Where it listens: `http://127.0.0.1:8000`.
    pub url: String,
    /// Its socket address.
    pub addr: SocketAddr,
    /// Its fault switches.
    pub faults: FaultSwitch,
    task: JoinHandle<()>,
}

// === impl Served ===

impl Served {
    /// Stops serving, open requests included, and waits until the port is free.
    pub async fn shutdown(mut self) {
        self.task.abort();
        // Cancelled is how it ends.
        let _ = (&mut self.task).await;
    }

    /// Waits until the server ends, which by itself it does not.
    pub async fn wait(mut self) {
        let _ = (&mut self.task).await;
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Devnet {
    /// Serves the chain at an address (port 0: any free one), behind
    /// [`Devnet::faults`].
    ///
    /// # Errors
    /// [`Error::Io`] if the address cannot be bound.
    pub async fn serve(&self, addr: impl ToSocketAddrs) -> Result<Served, Error> {
        let listener = TcpListener::bind(addr).await?;
        self.serve_on(listener, self.faults().clone())
    }

    /// Serves the chain at one more address with faults of its own.
    ///
    /// # Errors
    /// [`Error::Io`] if the address cannot be bound.
    pub async fn serve_with(&self, addr: impl ToSocketAddrs, faults: Faults) -> Result<Served, Error> {
        let listener = TcpListener::bind(addr).await?;
        self.serve_on(listener, FaultSwitch::new(faults))
    }

    /// Serves the chain on a listener.
    ///
    /// # Errors
    /// [`Error::Io`] if the listener has no address.
    pub fn serve_on(&self, listener: TcpListener, faults: FaultSwitch) -> Result<Served, Error> {
        let addr = listener.local_addr()?;
        let url = format!("http://{addr}");
        let endpoint = Endpoint { devnet: self.clone(), faults: faults.clone(), url: url.clone() };
        let router = axum::Router::new()
            .route("/", post(rpc))
            .route("/friendbot", get(friendbot).post(friendbot))
            .route("/calls", get(calls).delete(reset_calls))
            .route("/faults", get(get_faults).post(set_faults))
            .with_state(endpoint);
        let task = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%error, "the devnet's server ended");
            }
        });
        Ok(Served { url, addr, faults, task })
    }
}

async fn rpc(State(endpoint): State<Endpoint>, body: Bytes) -> Response {
    let parsed = Body::parse(&body);
    if let Ok(body) = &parsed {
        for method in body.methods() {
            endpoint.devnet.count_call(method);
        }
    }
    let (fate, latency_ms) = endpoint.faults.fate();
    if latency_ms > 0 {
        tokio::time::sleep(Duration::from_millis(latency_ms)).await;
    }
    match fate {
        Fate::Answer => {}
        Fate::Hang => std::future::pending().await,
        Fate::Fail(status) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            return (status, "fault switch: this request fails").into_response();
        }
        Fate::Garbage => return (StatusCode::OK, "<html>fault switch</html>").into_response(),
    }
    let answer = match parsed {
        Err(answer) => Some(answer),
        // A call may wait for a ledger to close, or run the host.
        Ok(body) => {
            let answered = tokio::task::spawn_blocking(move || body.answer(|method, params| endpoint.call(method, params)));
            match answered.await {
                Ok(answer) => answer,
                Err(_) => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
            }
        }
    };
    match answer {
        Some(answer) => ([(header::CONTENT_TYPE, "application/json")], answer.to_string()).into_response(),
        None => StatusCode::NO_CONTENT.into_response(),
    }
}

#[derive(Deserialize)]
struct Fund {
    addr: String,
}

async fn friendbot(State(endpoint): State<Endpoint>, Query(fund): Query<Fund>) -> Response {
    let refuse = |detail: String| {
        let body = json!({ "status": 400, "title": "Bad Request", "detail": detail });
        (StatusCode::BAD_REQUEST, Json(body)).into_response()
    };
    let id = match address::parse_account(&fund.addr) {
        Ok(id) => id,
        Err(error) => return refuse(error.to_string()),
    };
    let funded = tokio::task::spawn_blocking(move || endpoint.devnet.fund(&[id])).await;
    match funded {
        Ok(Ok(Some(done))) => Json(json!({ "hash": done.hash, "ledger": done.ledger, "successful": true })).into_response(),
        Ok(Ok(None)) => refuse("createAccountAlreadyExist: the account exists".to_owned()),
        Ok(Err(error)) => refuse(error.to_string()),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn calls(State(endpoint): State<Endpoint>) -> Json<Value> {
    Json(json!(endpoint.devnet.calls()))
}

async fn reset_calls(State(endpoint): State<Endpoint>) -> StatusCode {
    endpoint.devnet.reset_calls();
    StatusCode::NO_CONTENT
}

async fn get_faults(State(endpoint): State<Endpoint>) -> Json<Faults> {
    Json(endpoint.faults.get())
}

/// Replaces the endpoint's faults; what the body leaves out is off.
async fn set_faults(State(endpoint): State<Endpoint>, body: Bytes) -> Response {
    match serde_json::from_slice::<Faults>(&body) {
        Ok(faults) => {
            endpoint.faults.set(faults);
            Json(endpoint.faults.get()).into_response()
        }
        Err(error) => (StatusCode::BAD_REQUEST, Json(json!({ "error": format!("faults: {error}") }))).into_response(),
    }
}
