use reqwest::Url;

use crate::ChainError;

/// Where a chain is asked, and what it is called in stamps and messages.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    /// With whatever credentials it holds: never to be shown.
    pub(crate) url: Url,
    /// Host and port, and a number where several share them.
    pub(crate) name: String,
}

// === impl Endpoint ===

impl Endpoint {
    /// Parses several, none twice. Endpoints of one host and port, as behind a gateway, are told apart by a number.
    pub(crate) fn parse_all(urls: &[String]) -> Result<Vec<Self>, ChainError> {
        let mut endpoints: Vec<Self> = Vec::with_capacity(urls.len());
        for url in urls {
            let mut endpoint = Self::parse(url)?;
            if endpoints.iter().any(|it| it.url == endpoint.url) {
                return Err(ChainError::Config(format!("the RPC endpoint {} is given twice; give each once", endpoint.name)));
            }
            let of_host =
                |it: &&Self| it.url.host() == endpoint.url.host() && it.url.port_or_known_default() == endpoint.url.port_or_known_default();
            let before = endpoints.iter().filter(of_host).count();
            if before > 0 {
                endpoint.name = format!("{}#{}", endpoint.name, before + 1);
            }
            endpoints.push(endpoint);
        }
        if endpoints.is_empty() {
            return Err(ChainError::Config("no RPC URL is given".to_owned()));
        }
        Ok(endpoints)
    }

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
