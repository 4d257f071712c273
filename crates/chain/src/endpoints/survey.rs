use futures::future::join_all;
use tokio::time::{Duration, timeout};

use super::Endpoints;
use super::member::Member;
use crate::rpc::Rpc;
use crate::{Health, Network, PROTOCOL_SUPPORTED, ReadError, SurveyedEndpoint};

/// How long one endpoint may take to say how it is.
const SURVEY_TIMEOUT: Duration = Duration::from_secs(10);

impl Endpoints {
    /// Asks every endpoint how it is, whether it is used or not.
    pub(crate) async fn survey(&self) -> Vec<SurveyedEndpoint> {
        let after = SURVEY_TIMEOUT.min(self.pool.timeout);
        let asked = self.candidates().map(|(_, member)| async move {
            let late = || ReadError::Timeout { endpoint: member.rpc.endpoint().to_owned(), after };
            let answer = timeout(after, ask(&member.rpc)).await.unwrap_or_else(|_| Err(late()));
            (member, answer)
        });
        let answers = join_all(asked).await;
        let right = |network: &Network| network.passphrase == self.pool.passphrase;
        let tips = answers.iter().filter_map(|(_, answer)| answer.as_ref().ok().filter(|(network, _)| right(network)));
        let tip = tips.map(|(_, health)| health.latest_ledger).max().unwrap_or_default();
        answers.into_iter().map(|(member, answer)| self.surveyed(member, answer, tip)).collect()
    }

    fn surveyed(&self, member: &Member, answer: Result<(Network, Health), ReadError>, tip: u32) -> SurveyedEndpoint {
        let mut surveyed = SurveyedEndpoint { endpoint: member.rpc.endpoint().to_owned(), ..SurveyedEndpoint::default() };
        match answer {
            Err(error) => surveyed.problem = Some(error.to_string()),
            Ok((network, health)) => {
                let lag = tip.saturating_sub(health.latest_ledger);
                surveyed.ledger = Some(health.latest_ledger);
                surveyed.lag = Some(lag);
                surveyed.protocol_version = network.protocol_version;
                surveyed.problem = if network.passphrase != self.pool.passphrase {
                    Some(format!("it belongs to the network `{}`", network.passphrase))
                } else if lag > self.pool.max_lag {
                    Some(format!("it is {lag} ledgers behind, and may be {} behind", self.pool.max_lag))
                } else if network.protocol_version > Some(PROTOCOL_SUPPORTED) {
                    Some(format!("this version of trueup knows protocols up to {PROTOCOL_SUPPORTED}"))
                } else {
                    None
                };
            }
        }
        surveyed
    }
}

async fn ask(rpc: &Rpc) -> Result<(Network, Health), ReadError> {
    Ok((rpc.network().await?, rpc.health().await?))
}
