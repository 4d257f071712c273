use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::redirect::Policy;
use rustls::RootCertStore;

use super::envelope::beginning;
use super::retry::RETRY_AFTER_MAX;
use crate::endpoint::Endpoint;
use crate::{ChainError, Config, ReadError};

/// How long a connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How much of the body of a refusal is read, for its message.
const REFUSAL_BYTES_MAX: usize = 4 * 1024;

/// One endpoint over HTTP, one attempt at a time.
pub(crate) struct Http {
    client: reqwest::Client,
    endpoint: Endpoint,
    timeout: Duration,
    body_limit_bytes: usize,
}

// === impl Http ===

impl Http {
    pub(crate) fn new(endpoint: Endpoint, config: &Config) -> Result<Self, ChainError> {
        // A provider that the program has chosen stays.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut client = reqwest::Client::builder()
            .timeout(config.timeout)
            .connect_timeout(CONNECT_TIMEOUT.min(config.timeout))
            .redirect(Policy::none())
            .user_agent(concat!("trueup/", env!("CARGO_PKG_VERSION")));
        if endpoint.url.scheme() == "http" {
            // The system's certificates are not needed then, and a machine without any is no error.
            let no_roots = rustls::ClientConfig::builder().with_root_certificates(RootCertStore::empty()).with_no_client_auth();
            client = client.tls_backend_preconfigured(no_roots);
        }
        let client = client.build().map_err(|error| {
            let what = causes(&error.without_url());
            ChainError::Config(format!("no HTTPS client: {what}; are the system's certificates installed (ca-certificates)?"))
        })?;
        Ok(Self { client, endpoint, timeout: config.timeout, body_limit_bytes: config.body_limit_bytes })
    }

    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint.name
    }

    /// Posts a JSON body and gives back the answer's.
    pub(crate) async fn post(&self, body: Vec<u8>) -> Result<Vec<u8>, ReadError> {
        self.send(self.client.post(self.endpoint.url.clone()).header(CONTENT_TYPE, "application/json").body(body)).await
    }

    /// Gets what is at a path below the endpoint's own.
    pub(crate) async fn get(&self, path: &str) -> Result<Vec<u8>, ReadError> {
        let mut url = self.endpoint.url.clone();
        url.set_path(&format!("{}/{path}", self.endpoint.url.path().trim_end_matches('/')));
        self.send(self.client.get(url).header(ACCEPT, "application/json")).await
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<Vec<u8>, ReadError> {
        let response = request.send().await.map_err(|error| self.failure(error))?;
        let status = response.status();
        if status.is_success() {
            return self.body(response, self.body_limit_bytes).await;
        }
        let retry_after = retry_after(response.headers());
        let refusal = self.body(response, REFUSAL_BYTES_MAX).await.unwrap_or_default();
        Err(ReadError::Http { endpoint: self.endpoint.name.clone(), status: status.as_u16(), what: beginning(&refusal), retry_after })
    }

    async fn body(&self, mut response: reqwest::Response, limit_bytes: usize) -> Result<Vec<u8>, ReadError> {
        let too_large = || ReadError::TooLarge { endpoint: self.endpoint.name.clone(), limit_bytes };
        let announced = response.content_length().unwrap_or_default();
        if announced > limit_bytes as u64 {
            return Err(too_large());
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.failure(error))? {
            if body.len() + chunk.len() > limit_bytes {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    fn failure(&self, error: reqwest::Error) -> ReadError {
        let endpoint = self.endpoint.name.clone();
        if error.is_timeout() && !error.is_connect() {
            return ReadError::Timeout { endpoint, after: self.timeout };
        }
        ReadError::Transport { endpoint, what: causes(&error.without_url()) }
    }
}

/// The pause that a server asks for, in seconds, bounded.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(RETRY_AFTER_MAX))
}

/// An error with what caused it: the HTTP client's own words end where the reason begins.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
