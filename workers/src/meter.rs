//! What a process has used of the RPC and the database since it last said so.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use trueup_chain::{Chain, Horizon};
use trueup_database::Statements;
use trueup_judge::RunId;

use crate::throttle::{HeldBack, Throttle};

/// The name under which a run's `usage` counts SQL statements; the other names are RPC methods.
pub const SQL_STATEMENTS: &str = "sql_statements";
/// The name under which it counts requests to the archive.
pub const ARCHIVE_REQUESTS: &str = "archive_requests";

/// The names under which it counts what sweeps were held back by: see [`HeldBack`].
pub(crate) const THROTTLED_MS: &str = "throttled_ms";
pub(crate) const THROTTLED_TIMES: &str = "throttled_times";
pub(crate) const THROTTLED_TOOK_PERCENT: &str = "throttled_took_percent";

/// Counts, and hands out what is new.
///
/// Reads are shared by all entities in flight, so that they cannot be split by run to the call; what is new goes to
/// the run whose outcomes are counted next, and the sums over runs are exact.
pub(crate) struct Meter {
    /// None in a process that only looks after the queue.
    chain: Option<Chain>,
    archive: Option<Arc<Horizon>>,
    throttle: Option<Throttle>,
    statements: Statements,
    told: Mutex<Told>,
}

#[derive(Default)]
struct Told {
    usage: BTreeMap<String, u64>,
    ledgers: HashMap<RunId, (u32, u32)>,
}

impl Meter {
    pub(crate) fn new(chain: Option<Chain>, statements: Statements) -> Self {
        Self { chain, archive: None, throttle: None, statements, told: Mutex::default() }
    }

    pub(crate) fn and_archive(self, archive: Option<Arc<Horizon>>) -> Self {
        Self { archive, ..self }
    }

    pub(crate) fn and_throttle(self, throttle: Throttle) -> Self {
        Self { throttle: Some(throttle), ..self }
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that a run's verdict rests on an observation of that ledger.
    pub(crate) fn saw_ledger(&self, run: RunId, ledger: u32) {
        self.told()
            .ledgers
            .entry(run)
            .and_modify(|(low, high)| {
                *low = (*low).min(ledger);
                *high = (*high).max(ledger);
            })
            .or_insert((ledger, ledger));
    }

    /// What was used since the last call.
    pub(crate) fn take_usage(&self) -> BTreeMap<String, u64> {
        let mut now: BTreeMap<String, u64> =
            self.chain.iter().flat_map(Chain::calls).map(|(method, calls)| (method.to_owned(), calls)).collect();
        now.extend(self.archive.iter().map(|archive| (ARCHIVE_REQUESTS.to_owned(), archive.calls())));
        now.insert(SQL_STATEMENTS.to_owned(), self.statements.total());
        let HeldBack { waited_ms, times, took_percent } = self.throttle.as_ref().map(Throttle::held_back).unwrap_or_default();
        now.extend([(THROTTLED_MS, waited_ms), (THROTTLED_TIMES, times), (THROTTLED_TOOK_PERCENT, took_percent)].map(own));
        let mut told = self.told();
        let fresh = now
            .iter()
            .map(|(name, total)| (name.clone(), total - told.usage.get(name).copied().unwrap_or_default()))
            .filter(|(_, fresh)| *fresh > 0)
            .collect();
        told.usage = now;
        fresh
    }

    /// The ledgers that were noted for a run since the last call.
    pub(crate) fn take_ledgers(&self, run: RunId) -> Option<(u32, u32)> {
        self.told().ledgers.remove(&run)
    }
}

fn own((name, count): (&str, u64)) -> (String, u64) {
    (name.to_owned(), count)
}
