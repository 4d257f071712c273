use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::AsOf;
use super::standing::{Identity, Standing, Turn};
use crate::rpc::Rpc;
use crate::{Network, ReadError};

/// One endpoint of a pool.
pub(crate) struct Member {
    pub(crate) rpc: Arc<Rpc>,
    standing: Mutex<Standing>,
    /// Held while its network is asked for, so that it is asked once.
    checking: tokio::sync::Mutex<()>,
    /// Told when it is found to be of another network.
    turned: Arc<Notify>,
}

/// What answers are held against, as it was known when they were asked for: what comes in meanwhile makes none stale.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known {
    /// The newest ledger of any endpoint.
    pub(crate) tip: u32,
    /// How far behind it an endpoint may be.
    pub(crate) max_lag: u32,
    /// There is no other endpoint: nobody to ask instead, and nobody to be compared with later.
    pub(crate) is_alone: bool,
}

// === impl Member ===

impl Member {
    pub(crate) fn new(rpc: Rpc, turned: Arc<Notify>) -> Self {
        Self { rpc: Arc::new(rpc), standing: Mutex::default(), checking: tokio::sync::Mutex::default(), turned }
    }

    pub(crate) fn standing(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks it, and takes note of how it went. An answer that is too old is not one.
    pub(crate) async fn ask<T: AsOf>(&self, known: Known, read: impl Future<Output = Result<T, ReadError>>) -> Result<T, ReadError> {
        let said = self.standing().said(T::METHOD);
        let answer = read.await.inspect_err(|error| self.note_failure(error))?;
        let ledger = answer.ledger();
        // One that is alone is asked again at once: nothing else could show that it has caught up.
        if behind(ledger, known) && !known.is_alone {
            let turn = self.standing().compared(Some(lag(ledger, known.tip)), Instant::now());
            self.tell(turn);
        }
        if ledger < said || behind(ledger, known) {
            return Err(ReadError::Lagging { endpoint: self.rpc.endpoint().to_owned(), ledger, known: said.max(known.tip) });
        }
        let turn = self.standing().answered(T::METHOD, ledger);
        self.tell(turn);
        Ok(answer)
    }

    /// Compares it with the others, by what it last said.
    pub(crate) fn compare(&self, known: Known) {
        let turn = {
            let mut standing = self.standing();
            let tip = standing.tip();
            standing.compared(behind(tip, known).then(|| lag(tip, known.tip)), Instant::now())
        };
        self.tell(turn);
    }

    /// Makes sure that it belongs to the network, if that is not known or was asked long ago.
    pub(crate) async fn verify(&self, expected: &str, every: Duration) -> Result<(), ReadError> {
        if self.is_verified(every)? {
            return Ok(());
        }
        let _checking = self.checking.lock().await;
        if self.is_verified(every)? {
            return Ok(());
        }
        let network = self.rpc.network().await.inspect_err(|error| self.note_failure(error))?;
        self.identify(expected, network)
    }

    /// Takes note of the network that it says it is of.
    pub(crate) fn identify(&self, expected: &str, network: Network) -> Result<(), ReadError> {
        if network.passphrase == expected {
            self.standing().identity = Identity::Right { network, checked: Instant::now() };
            return Ok(());
        }
        let turn = self.standing().is_of_another_network(expected, &network.passphrase, Instant::now());
        self.tell(turn);
        self.turned.notify_waiters();
        Err(self.wrong_network(expected, &network.passphrase))
    }

    /// The network that it said it is of, if that was the right one.
    pub(crate) fn network(&self) -> Option<Network> {
        match &self.standing().identity {
            Identity::Right { network, .. } => Some(network.clone()),
            _ => None,
        }
    }

    /// Why it is not asked at all, if it is not.
    pub(crate) fn refusal(&self) -> Option<ReadError> {
        self.is_verified(Duration::MAX).err()
    }

    fn is_verified(&self, every: Duration) -> Result<bool, ReadError> {
        match &self.standing().identity {
            Identity::Unchecked => Ok(false),
            Identity::Right { checked, .. } => Ok(checked.elapsed() < every),
            Identity::Wrong { expected, found } => Err(self.wrong_network(expected, found)),
        }
    }

    fn wrong_network(&self, expected: &str, found: &str) -> ReadError {
        ReadError::WrongNetwork { endpoint: self.rpc.endpoint().to_owned(), expected: expected.to_owned(), found: found.to_owned() }
    }

    pub(crate) fn note_failure(&self, error: &ReadError) {
        if error.is_of_the_endpoint() {
            let turn = self.standing().failed(error, Instant::now());
            self.tell(turn);
        }
    }

    fn tell(&self, turn: Turn) {
        let endpoint = self.rpc.endpoint();
        let (aside, is_wrong) = {
            let standing = self.standing();
            (standing.aside().map(|(_, why)| why.clone()), matches!(standing.identity, Identity::Wrong { .. }))
        };
        let reason = aside.unwrap_or_default();
        match turn {
            Turn::SetAside if is_wrong => {
                tracing::error!(endpoint, reason, "the RPC endpoint is not used any more: correct its URL, and start again");
            }
            Turn::SetAside => tracing::warn!(endpoint, reason, "the RPC endpoint is set aside"),
            Turn::Returned => tracing::info!(endpoint, "the RPC endpoint is used again"),
            Turn::None => {}
        }
    }
}

fn behind(ledger: u32, known: Known) -> bool {
    ledger.saturating_add(known.max_lag) < known.tip
}

fn lag(ledger: u32, tip: u32) -> String {
    format!("it is at ledger {ledger}, {} behind the newest known, {tip}", tip.saturating_sub(ledger))
}
