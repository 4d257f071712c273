use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::Value;
use tokio::sync::Semaphore;

use super::envelope::{self, Answer};
use super::http::Http;
use super::{CallRate, Method, Retry};
use crate::endpoint::Endpoint;
use crate::{ChainError, Config, ReadError};

/// JSON-RPC at one endpoint: bounded in flight and in rate, and counted.
pub(crate) struct Rpc {
    http: Http,
    in_flight: Semaphore,
    rate: CallRate,
    next_id: AtomicU64,
    /// Attempts really sent, by the method's place in `Method::ALL`.
    sent: [AtomicU64; Method::ALL.len()],
    /// There is no other endpoint to go to, so that requests are retried here.
    is_single: bool,
}

// === impl Rpc ===

impl Rpc {
    pub(crate) fn new(endpoint: Endpoint, config: &Config, is_single: bool) -> Result<Self, ChainError> {
        let refused = |what: &str| ChainError::Config(what.to_owned());
        let per_second = NonZeroU32::new(config.calls_per_second).ok_or_else(|| refused("calls per second must be at least 1"))?;
        if config.calls_in_flight == 0 || config.calls_in_flight > Semaphore::MAX_PERMITS {
            return Err(refused("calls in flight must be at least 1"));
        }
        if config.timeout.is_zero() {
            return Err(refused("the RPC timeout must be longer than nothing"));
        }
        let rate = CallRate::new(&endpoint.name, per_second);
        Ok(Self {
            http: Http::new(endpoint, config)?,
            in_flight: Semaphore::new(config.calls_in_flight),
            rate,
            next_id: AtomicU64::new(1),
            sent: Default::default(),
            is_single,
        })
    }

    /// Host and port.
    pub(crate) fn endpoint(&self) -> &str {
        self.http.endpoint()
    }

    pub(crate) fn sent(&self) -> BTreeMap<&'static str, u64> {
        Method::ALL.into_iter().map(|method| (method.as_str(), self.sent[method as usize].load(Ordering::Relaxed))).collect()
    }

    /// Calls a method and gives back its result. The one way to send: what is read goes through here, on an endpoint
    /// that [`Endpoints::any`](crate::endpoints::Endpoints::any) has chosen.
    ///
    /// `retry` is for a single endpoint. Where there are several, the request is tried again by who chose this one,
    /// on the next.
    pub(crate) async fn call(&self, method: Method, params: Option<&Value>, retry: Retry) -> Result<Value, ReadError> {
        let retry = if self.is_single { retry } else { Retry::Never };
        retry.run(|| self.attempt(method, params)).await
    }

    /// An answer that is not what the method answers.
    pub(crate) fn garbage(&self, method: Method, what: &str) -> ReadError {
        ReadError::Garbage { endpoint: self.endpoint().to_owned(), what: format!("{}: {what}", method.as_str()) }
    }

    async fn attempt(&self, method: Method, params: Option<&Value>) -> Result<Value, ReadError> {
        // Who asks how the endpoint is does not wait for those who keep it busy. The semaphore is never closed.
        let _permit = if method.is_probe() { None } else { self.in_flight.acquire().await.ok() };
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let request = async {
            self.sent[method as usize].fetch_add(1, Ordering::Relaxed);
            self.http.post(envelope::request(id, method, params)).await
        };
        let body = self.rate.send(request).await?;
        match envelope::open(&body, id).map_err(|what| self.garbage(method, &what))? {
            Answer::Result(result) => Ok(result),
            Answer::Error { code, message } => {
                Err(ReadError::Rpc { endpoint: self.endpoint().to_owned(), method: method.as_str(), code, message })
            }
        }
    }
}
