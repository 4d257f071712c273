use reqwest::Url;

use crate::ChainError;

/// Where a chain is asked, and what it is called in stamps and messages.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    /// With whatever credentials it holds: never to be shown.
    pub(crate) url: Url,
    /// Host and port.
    pub(crate) name: String,
}

// === impl Endpoint ===

impl Endpoint {
    /// The URL's own text stays out of the errors: a mistyped one may hold a password or a key.
    pub(crate) fn parse(url: &str) -> Result<Self, ChainError> {
        let refused = |why: &str| ChainError::Config(format!("the RPC URL {why}; give one like https://host:port/path"));
        let url = Url::parse(url.trim()).map_err(|error| refused(&format!("is not a URL ({error})")))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(refused(&format!("has the scheme `{}`", url.scheme())));
        }
        match (url.host_str(), url.port_or_known_default()) {
            (Some(host), Some(port)) => Ok(Self { name: format!("{host}:{port}"), url }),
            _ => Err(refused("names no host")),
        }
    }
}
