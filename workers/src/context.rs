use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::Mutex;
use trueup_chain::{Chain, EVENTS_PER_PAGE_MAX, Horizon, SurveyedEndpoint};
use trueup_database::{Kind, Pools};
use trueup_judge::EntityKind;
use trueup_queue::Queue;

use crate::contracts::KnownContracts;
use crate::events::Feeder;
use crate::meter::Meter;
use crate::progress::Progress;
use crate::settings::Settings;
use crate::throttle::{Throttle, is_of_sweep};

/// What scheduler and workers work with: the database, the chain, the kinds, the queue. Cheap to clone.
#[derive(Clone)]
pub struct Context {
    pub(crate) pools: Pools,
    pub(crate) chain: Chain,
    pub(crate) archive: Option<Arc<Horizon>>,
    pub(crate) kinds: Arc<BTreeMap<EntityKind, Arc<Kind>>>,
    pub(crate) queue: Queue,
    pub(crate) meter: Arc<Meter>,
    pub(crate) settings: Arc<Settings>,
    /// The contracts whose events are stored: all that a spec names for all its rows, or in its `[[touch]]`.
    pub(crate) event_contracts: Arc<Vec<String>>,
    /// One at a time in a process.
    pub(crate) feeder: Arc<Mutex<Feeder>>,
    pub(crate) contracts: Arc<KnownContracts>,
    pub(crate) throttle: Throttle,
}

impl Context {
    /// Puts the parts together. The queue is one over `pools.write`.
    #[must_use]
    pub fn new(pools: Pools, chain: Chain, kinds: Vec<Kind>, settings: Settings, queue_settings: trueup_queue::Settings) -> Self {
        Self::with_archive(pools, chain, None, kinds, settings, queue_settings)
    }

    /// The same, with an archive that is asked for transactions which are older than what the chain's endpoints keep.
    #[must_use]
    pub fn with_archive(
        pools: Pools,
        chain: Chain,
        archive: Option<Horizon>,
        kinds: Vec<Kind>,
        settings: Settings,
        queue_settings: trueup_queue::Settings,
    ) -> Self {
        let archive = archive.map(Arc::new);
        let throttle = Throttle::new(&settings.throttle, crate::handler::sweeping_batches(&settings, kinds.len()));
        pools.statements.watch({
            let throttle = throttle.clone();
            move |timed| {
                if is_of_sweep() {
                    throttle.hear(&timed);
                }
            }
        });
        let meter = Meter::new(Some(chain.clone()), pools.statements.clone()).and_archive(archive.clone());
        let meter = Arc::new(meter.and_throttle(throttle.clone()));
        let queue = Queue::new(pools.write.clone(), Arc::new(Progress::new(Arc::clone(&meter))), queue_settings);
        let kinds: BTreeMap<EntityKind, Arc<Kind>> = kinds.into_iter().map(|kind| (kind.spec().kind.clone(), Arc::new(kind))).collect();
        let mut event_contracts = crate::events::contracts(&kinds.values().map(Arc::as_ref).collect::<Vec<_>>());
        event_contracts.extend(kinds.values().flat_map(|kind| kind.spec().touching_contracts()).map(str::to_owned));
        event_contracts.sort();
        event_contracts.dedup();
        let feeder = Feeder::new(settings.events_per_page.clamp(1, EVENTS_PER_PAGE_MAX));
        Self {
            pools,
            chain,
            archive,
            kinds: Arc::new(kinds),
            queue,
            meter,
            settings: Arc::new(settings),
            event_contracts: Arc::new(event_contracts),
            feeder: Arc::new(Mutex::new(feeder)),
            contracts: Arc::default(),
            throttle,
        }
    }

    /// Makes sure that the queue's engine can be reached, and is the one that this database's jobs go through.
    ///
    /// # Errors
    /// It cannot be reached, or jobs wait in the other engine.
    pub async fn open_queue(&self) -> Result<(), trueup_queue::Error> {
        self.queue.open().await
    }

    /// The same, but for which engine it is: nothing changes.
    ///
    /// # Errors
    /// It cannot be reached.
    pub async fn reach_queue(&self) -> Result<(), trueup_queue::Error> {
        self.queue.reach().await
    }

    /// The kinds that have a spec here.
    #[must_use]
    pub fn kinds(&self) -> Vec<EntityKind> {
        self.kinds.keys().cloned().collect()
    }

    /// The kinds, bound to the database.
    pub fn bound_kinds(&self) -> impl Iterator<Item = &Kind> {
        self.kinds.values().map(Arc::as_ref)
    }

    /// The passphrase of the network that the chain is.
    #[must_use]
    pub fn network(&self) -> &str {
        &self.chain.network().passphrase
    }

    /// How each of the chain's endpoints is, asked now.
    pub async fn survey_endpoints(&self) -> Vec<SurveyedEndpoint> {
        self.chain.survey().await
    }

    /// The database.
    #[must_use]
    pub fn pools(&self) -> &Pools {
        &self.pools
    }

    /// Counts statements that were sent from here.
    pub(crate) fn count_statements(&self, statements: u64) {
        (0..statements).for_each(|_| self.pools.statements.add());
    }
}
