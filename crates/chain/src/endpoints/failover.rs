use std::sync::Arc;

use tokio::time::{Instant, sleep, sleep_until};

use super::choice::{Choice, choose};
use super::{AsOf, Endpoints};
use crate::ReadError;
use crate::rpc::{Rpc, pause_before};

impl Endpoints {
    /// Asks the best endpoint and, up to `retries` times, the next best. The same one is asked again only where that
    /// may help, after a pause.
    pub(super) async fn failover<T: AsOf, F>(&self, retries: usize, read: impl Fn(Arc<Rpc>) -> F) -> Result<(Arc<Rpc>, T), ReadError>
    where
        F: Future<Output = Result<T, ReadError>>,
    {
        self.keep_watch().await;
        let mut tried: Vec<usize> = Vec::with_capacity(retries + 1);
        let mut last: Option<ReadError> = None;
        while tried.len() <= retries {
            let place = match self.choose(&tried) {
                Ok(Choice::AskAt(place, until)) => {
                    sleep_until(until).await;
                    place
                }
                Ok(Choice::Ask(place)) => place,
                Ok(_) => break,
                Err(error) => return Err(last.unwrap_or(error)),
            };
            if let Some(error) = last.as_ref().filter(|_| tried.contains(&place)) {
                if !error.may_pass() {
                    break;
                }
                sleep(pause_before(tried.len())).await;
            }
            tried.push(place);
            match self.ask(place, &read).await {
                Ok(answer) => return Ok(answer),
                Err(error) => {
                    if !self.goes_on(&error) {
                        return Err(error);
                    }
                    tracing::debug!(%error, "the read is tried again, elsewhere if there is an elsewhere");
                    last = Some(error);
                }
            }
        }
        Err(last.unwrap_or_else(|| ReadError::NoEndpoint { without: self.without.as_deref().map(str::to_owned) }))
    }

    /// Whom to ask next, or why nobody.
    fn choose(&self, tried: &[usize]) -> Result<Choice, ReadError> {
        let now = Instant::now();
        let candidates: Vec<_> = self.candidates().map(|(place, member)| (place, member.standing().fitness(now))).collect();
        match choose(&candidates, tried) {
            Choice::AllLag => {
                let known = self.pool.known();
                let (_, best) = self.candidates().max_by_key(|(_, member)| member.standing().tip()).ok_or_else(|| self.nobody())?;
                let ledger = best.standing().tip();
                Err(ReadError::Lagging { endpoint: best.rpc.endpoint().to_owned(), ledger, known: known.tip })
            }
            Choice::AllWrong => Err(self.candidates().find_map(|(_, member)| member.refusal()).unwrap_or_else(|| self.nobody())),
            Choice::Nobody => Err(self.nobody()),
            choice => Ok(choice),
        }
    }

    async fn ask<T: AsOf, F>(&self, place: usize, read: &impl Fn(Arc<Rpc>) -> F) -> Result<(Arc<Rpc>, T), ReadError>
    where
        F: Future<Output = Result<T, ReadError>>,
    {
        let member = &self.pool.members[place];
        member.verify(&self.pool.passphrase, self.pool.network_check_every).await?;
        let answer = member.ask(self.pool.known(), read(Arc::clone(&member.rpc))).await?;
        Ok((Arc::clone(&member.rpc), answer))
    }

    /// Whether the read goes on after this error. A single endpoint has retried by itself what may pass.
    fn goes_on(&self, error: &ReadError) -> bool {
        match error {
            ReadError::Lagging { .. } => true,
            error => !self.pool.is_single() && error.may_be_better_elsewhere(),
        }
    }

    fn nobody(&self) -> ReadError {
        ReadError::NoEndpoint { without: self.without.as_deref().map(str::to_owned) }
    }
}
