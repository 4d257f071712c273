use stellar_xdr::LedgerKey;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use super::key::asked_keys;
use super::pending::{GroupAnswer, Waiter};
use super::task::{Batcher, Request};
use super::{AskedKey, Intent, Intents};
use crate::endpoints::Endpoints;
use crate::{Config, ReadError, Reading};

/// Where keys are handed in. The task behind it ends with the last clone, after it has answered everyone.
#[derive(Clone)]
pub(crate) struct Batch {
    requests: UnboundedSender<Request>,
    intents: Intents,
    keys_per_call: usize,
    /// Who is named where a read is lost within this process.
    endpoint: String,
}

// === impl Batch ===

impl Batch {
    /// Starts the task that gathers keys and asks these endpoints.
    pub(crate) fn start(endpoints: Endpoints, config: &Config) -> Self {
        let (requests, received) = unbounded_channel();
        let intents = Intents::default();
        let endpoint = endpoints.first().to_owned();
        let batcher = Batcher {
            endpoints,
            intents: intents.clone(),
            requests: received,
            keys_per_call: config.keys_per_call,
            calls_in_flight: config.calls_in_flight,
            linger: config.linger,
        };
        tokio::spawn(batcher.run());
        Self { requests, intents, keys_per_call: config.keys_per_call, endpoint }
    }

    /// Announces keys, for which its calls wait.
    pub(crate) fn intent(&self) -> Intent {
        self.intents.announce()
    }

    /// Reads these keys, in their order.
    pub(crate) async fn read(&self, keys: &[LedgerKey], intent: Option<Intent>) -> Vec<Result<Reading, ReadError>> {
        let alone = asked_keys(keys).into_iter().map(|asked| asked.map(|asked| vec![asked])).collect();
        let answers = self.gather(alone, intent).await.into_iter();
        answers
            .map(|answer| answer.and_then(|readings| readings.into_iter().next().ok_or_else(|| self.lost("the call answered nothing"))))
            .collect()
    }

    /// Reads these groups, in their order, each from one response.
    pub(super) async fn gather(&self, groups: Vec<Result<Vec<AskedKey>, stellar_xdr::Error>>, intent: Option<Intent>) -> Vec<GroupAnswer> {
        let (answers, mut received) = unbounded_channel();
        let mut results: Vec<Option<GroupAnswer>> = vec![None; groups.len()];
        let mut wanted: Vec<(Vec<AskedKey>, Waiter)> = Vec::with_capacity(groups.len());
        for (place, asked) in groups.into_iter().enumerate() {
            match asked {
                Ok(asked) if asked.is_empty() => results[place] = Some(Ok(Vec::new())),
                Ok(asked) => wanted.push((asked, Waiter { place, answers: answers.clone() })),
                Err(error) => results[place] = Some(Err(self.lost(&format!("the key cannot be encoded: {error}")))),
            }
        }
        drop(answers);
        if !wanted.is_empty() {
            // Fails only if the task is gone, and then the channel of answers ends at once.
            let _ = self.requests.send(Request { groups: wanted, intent });
        }
        while let Some((place, answer)) = received.recv().await {
            results[place] = Some(answer);
        }
        results.into_iter().map(|result| result.unwrap_or_else(|| Err(self.lost("the call was lost within this process")))).collect()
    }

    /// The most keys of one call, instances included.
    pub(super) const fn keys_per_call(&self) -> usize {
        self.keys_per_call
    }

    fn lost(&self, what: &str) -> ReadError {
        ReadError::Transport { endpoint: self.endpoint.clone(), what: what.to_owned() }
    }
}
