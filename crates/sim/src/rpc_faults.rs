//! What endpoints do wrong.

use std::time::Duration;

use rand::{Rng, RngExt};
use trueup_devnet::Faults;

use crate::script::At;
use crate::story::Story;
use crate::world::World;

/// A fault for a while. Faults that overlap replace one another.
#[derive(Debug, Clone)]
pub(crate) struct RpcFault {
    pub(crate) lasts_ms: u64,
    /// Which endpoint; modulo how many there are.
    pub(crate) endpoint: u32,
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
}

// === impl RpcFault ===

impl RpcFault {
    pub(crate) fn draw(random: &mut impl Rng) -> Self {
        let some = |random: &mut _| -> Vec<u32> { (0..8).map(|_| RngExt::random::<u32>(random) >> 1).collect() };
        let sort = match random.random_range(0..10) {
            0 => Sort::Slow { ms: random.random_range(50..900) },
            1 => Sort::Failing { percent: random.random_range(20..=100), status: [429, 500, 502, 503][random.random_range(0..4)] },
            2 => Sort::Hanging { requests: random.random_range(1..6) },
            3 => Sort::Garbage { requests: random.random_range(1..8) },
            4 => Sort::Lagging { ledgers: random.random_range(2..40) },
            5 => Sort::Pruned { kept: random.random_range(1..30) },
            6 => Sort::Archived { loans: some(random) },
            7 => Sort::Unreadable { loans: some(random) },
            8 => Sort::Foreign,
            _ => Sort::Forgetful,
        };
        Self { lasts_ms: random.random_range(200..1_500), endpoint: random.random::<u32>() >> 1, sort }
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
            Sort::Forgetful => Faults { hide_transactions: true, ..Faults::default() },
        }
    }
}

/// Lets endpoints go wrong, each fault at its moment, until all are over.
pub(crate) async fn disturb(world: &World, faults: &[At<RpcFault>], story: &Story) {
    let began = tokio::time::Instant::now();
    for (index, at) in faults.iter().enumerate() {
        tokio::time::sleep_until(began + Duration::from_millis(at.ms)).await;
        let place = at.what.endpoint as usize % world.endpoints.len();
        let endpoint = &world.endpoints[place].faults;
        story.tell(format!("endpoint {place}: {:?} for {} ms", at.what.sort, at.what.lasts_ms));
        endpoint.set(at.what.faults(world));
        if matches!(at.what.sort, Sort::Lagging { .. }) {
            world.lagged();
        }
        let next = faults.get(index + 1).map_or(u64::MAX, |next| next.ms);
        let ends = (at.ms + at.what.lasts_ms).min(next);
        tokio::time::sleep_until(began + Duration::from_millis(ends)).await;
        endpoint.clear();
    }
    for endpoint in &world.endpoints {
        endpoint.faults.clear();
    }
}
