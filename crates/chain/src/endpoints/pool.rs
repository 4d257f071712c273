use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::member::{Known, Member};
use crate::rpc::Rpc;
use crate::{Config, Network, ReadError};

/// The endpoints of one chain. Cheap to clone; see the module's documentation for how to ask.
#[derive(Clone)]
pub(crate) struct Endpoints {
    pub(super) pool: Arc<Pool>,
    /// The endpoint that is not asked here.
    pub(super) without: Option<Arc<str>>,
}

/// What all clones share.
pub(crate) struct Pool {
    /// In the order in which they are preferred.
    pub(super) members: Vec<Member>,
    /// The network that all of them must belong to.
    pub(super) passphrase: String,
    pub(super) max_lag: u32,
    pub(super) timeout: Duration,
    pub(super) watch_every: Duration,
    pub(super) network_check_every: Duration,
    /// When the endpoints were compared last.
    pub(super) watched: Mutex<Instant>,
    /// Held while they are.
    pub(super) watching: Arc<tokio::sync::Mutex<()>>,
    /// Told when a member is found to be of another network.
    turned: Arc<Notify>,
}

// === impl Endpoints ===

impl Endpoints {
    pub(super) fn new(members: Vec<Member>, turned: Arc<Notify>, passphrase: String, config: &Config) -> Self {
        let pool = Pool {
            members,
            passphrase,
            max_lag: config.max_lag_ledgers,
            timeout: config.timeout,
            watch_every: config.watch_every,
            network_check_every: config.network_check_every,
            watched: Mutex::new(Instant::now()),
            watching: Arc::default(),
            turned,
        };
        Self { pool: Arc::new(pool), without: None }
    }

    /// The same pool without that endpoint: what it answers, another endpoint has answered.
    pub(crate) fn apart_from(&self, endpoint: &str) -> Self {
        Self { pool: Arc::clone(&self.pool), without: Some(Arc::from(endpoint)) }
    }

    /// How long one attempt may take.
    pub(crate) fn timeout(&self) -> Duration {
        self.pool.timeout
    }

    /// The name of the endpoint that is preferred.
    pub(crate) fn first(&self) -> &str {
        self.candidates().next().map_or("", |(_, member)| member.rpc.endpoint())
    }

    /// The names of all endpoints, in the order in which they are preferred.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.candidates().map(|(_, member)| member.rpc.endpoint())
    }

    /// The network, as the first endpoint that is known to belong to it said last.
    pub(crate) fn network(&self) -> Network {
        let known = self.pool.members.iter().find_map(Member::network);
        known.unwrap_or_else(|| Network { passphrase: self.pool.passphrase.clone(), protocol_version: None })
    }

    /// The network, as every endpoint says it now: the newest protocol that one of them runs. One that is of another
    /// network is set aside; it is an error only if none is left.
    pub(crate) async fn network_now(&self) -> Result<Network, ReadError> {
        let members = &self.pool.members;
        let verified = futures::future::join_all(members.iter().map(|it| it.verify(&self.pool.passphrase, Duration::ZERO))).await;
        let right = members.iter().zip(&verified).filter(|(_, verified)| verified.is_ok());
        match right.filter_map(|(member, _)| member.network()).max_by_key(|network| network.protocol_version) {
            Some(network) => Ok(network),
            None => Err(verified.into_iter().find_map(Result::err).unwrap_or(ReadError::NoEndpoint { without: None })),
        }
    }

    /// Waits until every endpoint was found to be of another network, so that none will be asked again; says what is
    /// wrong with one of them.
    pub(crate) async fn forsaken(&self) -> ReadError {
        loop {
            let mut turned = std::pin::pin!(self.pool.turned.notified());
            // From here on nothing is missed, so that it is looked at first.
            turned.as_mut().enable();
            let refusals: Vec<ReadError> = self.pool.members.iter().filter_map(Member::refusal).collect();
            if let (true, Some(first)) = (refusals.len() == self.pool.members.len(), refusals.into_iter().next()) {
                return first;
            }
            turned.await;
        }
    }

    /// The network of every endpoint that is known to belong to it, by name.
    pub(crate) fn networks(&self) -> Vec<(&str, Network)> {
        self.pool.members.iter().filter_map(|member| Some((member.rpc.endpoint(), member.network()?))).collect()
    }

    /// The endpoints that were not used for some of that time up to now, each with its latest reason.
    pub(crate) fn set_aside_within(&self, time: Duration) -> Vec<String> {
        let of = |member: &Member| {
            let standing = member.standing();
            let then = || standing.history().iter().rfind(|(at, _)| at.elapsed() <= time);
            let (_, why) = standing.aside().or_else(then)?;
            Some(format!("{}: {why}", member.rpc.endpoint()))
        };
        self.pool.members.iter().filter_map(of).collect()
    }

    /// Requests really sent, by JSON-RPC method, over all endpoints.
    pub(crate) fn sent(&self) -> BTreeMap<&'static str, u64> {
        let mut total = BTreeMap::new();
        for (method, sent) in self.pool.members.iter().flat_map(|member| member.rpc.sent()) {
            *total.entry(method).or_default() += sent;
        }
        total
    }

    /// Asks the best endpoint, and others where it does not answer. See the module's documentation.
    ///
    /// # Errors
    /// What the endpoint that was asked last said; or that all are behind or of another network.
    pub(crate) async fn any<T: super::AsOf, F>(&self, read: impl Fn(Arc<Rpc>) -> F) -> Result<(Arc<Rpc>, T), ReadError>
    where
        F: Future<Output = Result<T, ReadError>>,
    {
        self.failover(crate::rpc::RETRIES_MAX, read).await
    }

    /// Asks the best endpoint, once.
    ///
    /// # Errors
    /// See [`any`](Self::any).
    pub(crate) async fn once<T: super::AsOf, F>(&self, read: impl Fn(Arc<Rpc>) -> F) -> Result<(Arc<Rpc>, T), ReadError>
    where
        F: Future<Output = Result<T, ReadError>>,
    {
        self.failover(0, read).await
    }

    /// The endpoints that may be asked here, with their places.
    pub(super) fn candidates(&self) -> impl Iterator<Item = (usize, &Member)> {
        let without = self.without.as_deref();
        self.pool.members.iter().enumerate().filter(move |(_, member)| Some(member.rpc.endpoint()) != without)
    }
}

// === impl Pool ===

impl Pool {
    /// What answers to what is asked now are held against.
    pub(super) fn known(&self) -> Known {
        let tip = self.members.iter().map(|member| member.standing().tip()).max().unwrap_or_default();
        Known { tip, max_lag: self.max_lag, is_alone: self.is_single() }
    }

    /// There is one endpoint, and nobody to go to or to be compared with.
    pub(super) fn is_single(&self) -> bool {
        self.members.len() == 1
    }

    pub(super) fn watched(&self) -> Instant {
        *self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set_watched(&self, at: Instant) {
        *self.watched.lock().unwrap_or_else(PoisonError::into_inner) = at;
    }
}
