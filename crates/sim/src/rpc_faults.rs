//! What endpoints do wrong.

use std::time::Duration;

use rand::{Rng, RngExt};
use trueup_devnet::Faults;

use crate::kind::Kind;
use crate::script::At;
use crate::story::Story;
use crate::world::World;

/// A fault of one endpoint for a while. Faults of one endpoint that overlap replace one another.
#[derive(Debug, Clone)]
pub(crate) struct RpcFault {
    pub(crate) lasts_ms: u64,
    pub(crate) endpoint: usize,
    pub(crate) sort: Sort,
}

#[derive(Debug, Clone)]
pub(crate) enum Sort {
    Slow {
        ms: u64,
    },
    Failing {
        percent: u8,
        status: u16,
    },
    Hanging {
        requests: u32,
    },
    Garbage {
        requests: u32,
    },
    /// Behind by so many ledgers.
    Lagging {
        ledgers: u32,
    },
    /// History begins so many ledgers ago.
    Pruned {
        kept: u32,
    },
    /// These loans are shown as archived.
    Archived {
        loans: Vec<u32>,
    },
    /// These loans have a shape that no reader knows.
    Unreadable {
        loans: Vec<u32>,
    },
    /// Of another network.
    Foreign,
    /// Transactions are not found.
    Forgetful,
    /// These entries hold something else.
    Lying {
        entries: Vec<(Kind, u32)>,
    },
}

// === impl RpcFault ===

impl RpcFault {
    /// A fault of one of so many endpoints, of which only the `weak` one lies, and is behind where there is a weak one.
    pub(crate) fn draw(random: &mut impl Rng, endpoints: usize, weak: Option<usize>) -> Self {
        let endpoint = random.random_range(0..endpoints);
        let some = |random: &mut _| -> Vec<u32> { (0..8).map(|_| RngExt::random::<u32>(random) >> 1).collect() };
        let sort = match random.random_range(0..if weak == Some(endpoint) { 14 } else { 10 }) {
            0 => Sort::Slow { ms: random.random_range(50..900) },
            1 => Sort::Failing { percent: random.random_range(20..=100), status: [429, 500, 502, 503][random.random_range(0..4)] },
            2 => Sort::Hanging { requests: random.random_range(1..6) },
            3 => Sort::Garbage { requests: random.random_range(1..8) },
            4 if weak.is_none_or(|weak| weak == endpoint) => Sort::Lagging { ledgers: random.random_range(2..40) },
            5 => Sort::Pruned { kept: random.random_range(1..30) },
            6 => Sort::Archived { loans: some(random) },
            7 => Sort::Unreadable { loans: some(random) },
            8 => Sort::Foreign,
            10.. => {
                let entries = (0..12).map(|_| {
                    let kind = [Kind::Loan, Kind::Loan, Kind::Position, Kind::Score][random.random_range(0..4)];
                    (kind, RngExt::random::<u32>(random) >> 1)
                });
                Sort::Lying { entries: entries.collect() }
            }
            _ => Sort::Forgetful,
        };
        let longest = if matches!(sort, Sort::Lying { .. }) { 4_000 } else { 1_500 };
        Self { lasts_ms: random.random_range(200..longest), endpoint, sort }
    }

    fn faults(&self, world: &World) -> Faults {
        let keys = |loans: &[u32]| loans.iter().filter_map(|loan| world.loan_key_text(*loan)).collect();
        match &self.sort {
            Sort::Slow { ms } => Faults { latency_ms: *ms, ..Faults::default() },
            Sort::Failing { percent, status } => Faults { fail_percent: *percent, fail_status: *status, ..Faults::default() },
            Sort::Hanging { requests } => Faults { hang_next: *requests, ..Faults::default() },
            Sort::Garbage { requests } => Faults { garbage_next: *requests, ..Faults::default() },
            Sort::Lagging { ledgers } => Faults { lag_ledgers: *ledgers, ..Faults::default() },
            Sort::Pruned { kept } => {
                Faults { oldest_ledger: Some(world.devnet.latest().sequence.saturating_sub(*kept)), ..Faults::default() }
            }
            Sort::Archived { loans } => Faults { archived: keys(loans), ..Faults::default() },
            Sort::Unreadable { loans } => Faults { unknown_unions: keys(loans), ..Faults::default() },
            Sort::Foreign => Faults { passphrase: Some("Another Network ; January 2020".to_owned()), ..Faults::default() },
            Sort::Lying { entries } => {
                let split_brain = entries.iter().filter_map(|(kind, pick)| world.lie(*kind, *pick)).collect();
                Faults { split_brain, ..Faults::default() }
            }
            Sort::Forgetful => Faults { hide_transactions: true, ..Faults::default() },
        }
    }
}

/// Lets endpoints go wrong, each fault at its moment, until all are over.
pub(crate) async fn disturb(world: &World, faults: &[At<RpcFault>], story: &Story) {
    let began = tokio::time::Instant::now();
    for (ms, step) in steps(faults) {
        tokio::time::sleep_until(began + Duration::from_millis(ms)).await;
        match step {
            Step::End(endpoint) => world.endpoints[endpoint].faults.clear(),
            Step::Begin(fault) => {
                story.tell(format!("endpoint {}: {:?} for {} ms", fault.endpoint, fault.sort, fault.lasts_ms));
                match fault.sort {
                    Sort::Lagging { .. } => world.lagged(),
                    Sort::Pruned { .. } => world.pruned(),
                    _ => {}
                }
                world.endpoints[fault.endpoint].faults.set(fault.faults(world));
            }
        }
    }
    for endpoint in &world.endpoints {
        endpoint.faults.clear();
    }
}

enum Step<'a> {
    End(usize),
    Begin(&'a RpcFault),
}

/// When what begins and ends, in order; an end goes before a beginning of the same moment.
fn steps(faults: &[At<RpcFault>]) -> Vec<(u64, Step<'_>)> {
    let mut steps = Vec::with_capacity(2 * faults.len());
    for (index, at) in faults.iter().enumerate() {
        let next = faults[index + 1..].iter().find(|later| later.what.endpoint == at.what.endpoint);
        let ends = at.ms + at.what.lasts_ms;
        if next.is_none_or(|next| next.ms > ends) {
            steps.push((ends, Step::End(at.what.endpoint)));
        }
        steps.push((at.ms, Step::Begin(&at.what)));
    }
    steps.sort_by_key(|(ms, step)| (*ms, matches!(step, Step::Begin(_))));
    steps
}
