use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use tokio::sync::Notify;
use tokio::time::timeout;

use super::Endpoints;
use super::member::Member;
use crate::endpoint::Endpoint;
use crate::rpc::{Retry, Rpc};
use crate::{ChainError, Config, Network, ReadError};

/// How long one of several endpoints may take at the start; it is used once it answers.
const START_TIMEOUT: Duration = Duration::from_secs(10);

impl Endpoints {
    /// Asks every endpoint which network it belongs to. One of another network is an error; one that does not answer
    /// is a warning, as long as another does.
    pub(crate) async fn connect(config: &Config) -> Result<Self, ChainError> {
        let endpoints = Endpoint::parse_all(&config.urls)?;
        let is_single = endpoints.len() == 1;
        let turned = Arc::new(Notify::new());
        let members = endpoints.into_iter().map(|it| Ok(Member::new(Rpc::new(it, config, is_single)?, Arc::clone(&turned))));
        let members: Vec<Member> = members.collect::<Result<_, ChainError>>()?;
        let networks = if is_single {
            vec![members[0].rpc.network().await]
        } else {
            Retry::Few.run(|| ask_all(&members, config)).await.map_err(|error| none_answered(error, &members))?
        };
        let found = || members.iter().zip(&networks);
        let answered = || found().filter_map(|(member, network)| Some((member, network.as_ref().ok()?)));
        let Some((_, first)) = answered().next() else {
            return Err(networks.into_iter().find_map(Result::err).map_or_else(|| ChainError::Config("no RPC URL".to_owned()), Into::into));
        };
        let expected = config.network_passphrase.clone().unwrap_or_else(|| first.passphrase.clone());
        if let Some((member, network)) = answered().find(|(_, network)| network.passphrase != expected) {
            let (endpoint, found) = (member.rpc.endpoint().to_owned(), network.passphrase.clone());
            return Err(ChainError::WrongNetwork { endpoint, expected, found });
        }
        for (member, network) in members.iter().zip(networks) {
            match network {
                Ok(network) => member.identify(&expected, network)?,
                Err(error) => {
                    member.note_failure(&error);
                    tracing::warn!(%error, "the RPC endpoint is not used until it answers and its network is known");
                }
            }
        }
        let endpoints = Self::new(members, turned, expected, config);
        endpoints.watch_now().await;
        Ok(endpoints)
    }
}

/// Asks all at once; fails if none answers.
async fn ask_all(members: &[Member], config: &Config) -> Result<Vec<Result<Network, ReadError>>, ReadError> {
    let after = START_TIMEOUT.min(config.timeout);
    let asked = members.iter().map(|member| async move {
        let late = || ReadError::Timeout { endpoint: member.rpc.endpoint().to_owned(), after };
        timeout(after, member.rpc.network()).await.unwrap_or_else(|_| Err(late()))
    });
    let answers = join_all(asked).await;
    match answers.iter().find_map(|answer| answer.as_ref().err()) {
        Some(error) if answers.iter().all(Result::is_err) => Err(error.clone()),
        _ => Ok(answers),
    }
}

fn none_answered(error: ReadError, members: &[Member]) -> ChainError {
    let endpoints = members.iter().map(|member| member.rpc.endpoint()).collect::<Vec<_>>().join(", ");
    ChainError::NoneAnswers { endpoints, error }
}
