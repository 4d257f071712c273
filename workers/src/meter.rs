//! What a process has used of the RPC and the database since it last said so.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use trueup_chain::{Chain, Horizon};
use trueup_database::Statements;
use trueup_judge::RunId;

/// The name under which a run's `usage` counts SQL statements; the other names are RPC methods.
pub const SQL_STATEMENTS: &str = "sql_statements";
/// The name under which it counts requests to the archive.
pub const ARCHIVE_REQUESTS: &str = "archive_requests";

/// Counts, and hands out what is new.
///
/// Reads are shared by all entities in flight, so that they cannot be split by run to the call; what is new goes to
/// the run whose outcomes are counted next, and the sums over runs are exact.
pub(crate) struct Meter {
    /// None in a process that only looks after the queue.
    chain: Option<Chain>,
    archive: Option<Arc<Horizon>>,
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
        Self { chain, archive: None, statements, told: Mutex::default() }
    }

    pub(crate) fn and_archive(self, archive: Option<Arc<Horizon>>) -> Self {
        Self { archive, ..self }
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
