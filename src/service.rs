use std::sync::Arc;

use anyhow::{Context as _, bail};
use tokio_util::sync::CancellationToken;
use trueup_chain::{Chain, Horizon, HorizonConfig};
use trueup_database::connect;
use trueup_database::runs::NewRun;
use trueup_database::touches::Origin;
use trueup_database::{Kind, Pools};
use trueup_judge::RunId;
use trueup_spec::Spec;
use trueup_workers::{
    Context, Document, NamedEntity, Schedule, Settings, Touching, feed_events, run_scheduler, run_toucher, run_worker, unless_forsaken,
};

use crate::Config;

/// trueup, connected: the specs are sound, fit the database, and the chain is the right network.
#[derive(Clone)]
pub struct Trueup {
    context: Context,
}

impl Trueup {
    /// Connects with the limits that the configuration says.
    ///
    /// # Errors
    /// See [`Trueup::connect_with`].
    pub async fn connect(config: &Config) -> anyhow::Result<Self> {
        Self::connect_with(config, config.worker_settings()?, config.queue_settings()?).await
    }

    /// Loads the specs, connects to the database and the chain, and checks that they fit.
    ///
    /// # Errors
    /// A spec is wrong or does not fit its table; the database or the chain cannot be reached, is not migrated, or is
    /// of another network. Each error says what, where, and the way out.
    pub async fn connect_with(config: &Config, settings: Settings, queue: trueup_queue::Settings) -> anyhow::Result<Self> {
        let trueup = Self::connect_unwarned(config, settings, queue).await?;
        trueup.context.open_queue().await?;
        for warning in trueup.context.bound_kinds().flat_map(Kind::warnings) {
            tracing::warn!("{warning}");
        }
        Ok(trueup)
    }

    /// The same, for a caller that shows the warnings itself.
    pub(crate) async fn connect_unwarned(config: &Config, settings: Settings, queue: trueup_queue::Settings) -> anyhow::Result<Self> {
        let specs = load_specs(config)?;
        let pools = connect_database(config).await?;
        let kinds = bind(&pools, specs).await?;
        let chain = connect_chain(config).await?;
        let archive = connect_archive(config, &chain).await?;
        Ok(Self { context: Context::with_archive(pools, chain, archive, kinds, settings, queue) })
    }

    /// What runs, jobs and reports are reached through.
    #[must_use]
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// Works on jobs until it is told to stop.
    ///
    /// # Errors
    /// The database could not be used for too long, or the chain not any more: all endpoints turned out to be of another
    /// network. No job is lost.
    pub async fn worker(self, name: &str, shutdown: CancellationToken) -> anyhow::Result<()> {
        let stop = shutdown.child_token();
        let role = async { Ok(run_worker(self.context.clone(), name, stop.clone()).await?) };
        unless_forsaken(&self.context, &stop, role).await
    }

    /// Starts the runs that are due, until it is told to stop.
    ///
    /// # Errors
    /// A schedule names a kind that has no spec, the database or the chain could not be used for too long, or the chain
    /// not any more: all endpoints turned out to be of another network.
    pub async fn scheduler(self, schedules: Vec<Schedule>, shutdown: CancellationToken) -> anyhow::Result<()> {
        let stop = shutdown.child_token();
        let role = run_scheduler(self.context.clone(), schedules, stop.clone());
        unless_forsaken(&self.context, &stop, role).await
    }

    /// Stores what the specs' contracts emit, until it is told to stop. Belongs beside a scheduler; several do no harm.
    pub async fn events(self, shutdown: CancellationToken) {
        feed_events(self.context, shutdown).await;
    }

    /// Looks at touched entities, until it is told to stop. Belongs beside a scheduler; several do no harm.
    pub async fn toucher(self, touching: Touching, shutdown: CancellationToken) {
        run_toucher(self.context, touching, shutdown).await;
    }

    /// Touches entities: they are looked at within moments, by whoever runs [`Trueup::toucher`] and workers. Gives back
    /// the ids of their touches.
    ///
    /// # Errors
    /// A kind has no spec, a name cannot be one; or what Postgres said.
    pub async fn touch(&self, entities: &[NamedEntity]) -> anyhow::Result<Vec<i64>> {
        trueup_workers::touch(&self.context, entities, Origin::Cli).await
    }

    /// The report of a run; none until it is written.
    ///
    /// # Errors
    /// What Postgres said.
    pub async fn report(&self, run: RunId) -> anyhow::Result<Option<Document>> {
        crate::cli::read_report(self.context.pools(), run).await
    }

    /// Starts a run and adds its jobs, for workers anywhere.
    ///
    /// # Errors
    /// A kind has no spec, or the database or the chain did not answer.
    pub async fn run(&self, run: NewRun) -> anyhow::Result<RunId> {
        trueup_workers::run_now(&self.context, run).await
    }
}

pub(crate) fn load_specs(config: &Config) -> anyhow::Result<Vec<Spec>> {
    Ok(trueup_spec::load(config.specs()?, &|name| std::env::var(name).ok())?)
}

pub(crate) async fn connect_database(config: &Config) -> anyhow::Result<Pools> {
    let pools = connect::pools(config.database_url()?, &config.pool_settings()?).await?;
    let pending = trueup_schema::pending(&pools.read).await.context("cannot read schema trueup, which holds jobs, runs and reports")?;
    if pending > 0 {
        bail!("the database lacks {pending} migration(s) of schema trueup: run `trueup migrate` with a role that may create it");
    }
    Ok(pools)
}

pub(crate) async fn connect_chain(config: &Config) -> anyhow::Result<Chain> {
    let mut chain = trueup_chain::Config { urls: config.rpc_endpoints()?, ..trueup_chain::Config::default() };
    chain.network_passphrase.clone_from(&config.network_passphrase);
    if let Some(calls_per_second) = config.rpc_calls_per_second {
        chain.calls_per_second = calls_per_second;
    }
    if let Some(calls) = config.rpc_calls_in_flight()? {
        chain.calls_in_flight = calls;
    }
    if let Some(timeout) = config.rpc_timeout()? {
        chain.timeout = timeout;
    }
    if let Some(confirm) = config.confirm {
        chain.confirm = confirm;
    }
    if let Some(max_lag_ledgers) = config.max_lag_ledgers {
        chain.max_lag_ledgers = max_lag_ledgers;
    }
    Ok(Chain::connect(chain).await?)
}

/// The archive must be of the chain's own network.
async fn connect_archive(config: &Config, chain: &Chain) -> anyhow::Result<Option<Horizon>> {
    let Some(url) = &config.horizon_url else { return Ok(None) };
    Ok(Some(Horizon::connect(HorizonConfig::new(url, &chain.network().passphrase)).await?))
}

pub(crate) async fn bind(pools: &Pools, specs: Vec<Spec>) -> anyhow::Result<Vec<Kind>> {
    let mut kinds = Vec::new();
    let mut errors = Vec::new();
    for spec in specs {
        match Kind::bind(&pools.read, Arc::new(spec), &pools.statements).await {
            Ok(kind) => kinds.push(kind),
            Err(error) => errors.push(error.to_string()),
        }
    }
    if errors.is_empty() { Ok(kinds) } else { bail!("{}", errors.join("\n\n")) }
}
