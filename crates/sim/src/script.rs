//! What a seed intends: deeds of users and application, faults of endpoints and database, and blows to processes,
//! each with its moment. Drawn at once, so that a seed always means the same.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::blows::Blow;
use crate::database_faults::DatabaseFault;
use crate::deeds::Deed;
use crate::episodes::Episode;
use crate::redis_faults::RedisFault;
use crate::rpc_faults::RpcFault;

/// How long users, application and faults are at it.
const TURMOIL_MS: std::ops::Range<u64> = 3_000..6_000;
/// Deeds in that time.
const DEEDS: std::ops::Range<usize> = 60..160;
/// Deeds before it, undisturbed.
const FIRST_DEEDS: usize = 40;
/// Faults of each sort in that time, at most.
const FAULTS_MAX: usize = 10;

/// Which of a schedule's runs look at every entity: all, many, or the first only, unless midnight is near.
const FULL_SWEEPS: [&str; 4] = ["always", "*/4 * * * * *", "0 0 * * *", "0 0 * * *"];

/// What the jobs of a seed wait in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Engine {
    Postgres,
    Redis,
}

/// Something at a moment, in milliseconds since the turmoil began.
#[derive(Debug, Clone)]
pub(crate) struct At<T> {
    pub(crate) ms: u64,
    pub(crate) what: T,
}

/// All that a seed intends.
#[derive(Debug)]
pub(crate) struct Script {
    pub(crate) turmoil_ms: u64,
    pub(crate) endpoints: usize,
    /// How many of them must show the same before a repair.
    pub(crate) confirm: usize,
    pub(crate) workers: usize,
    pub(crate) schedulers: usize,
    /// `full` of the schedules.
    pub(crate) full_sweeps: &'static str,
    /// Clocks of some processes are off by this many seconds, in the order of processes.
    pub(crate) clocks_off_secs: Vec<i64>,
    pub(crate) first_deeds: Vec<Deed>,
    pub(crate) deeds: Vec<At<Deed>>,
    pub(crate) rpc_faults: Vec<At<RpcFault>>,
    pub(crate) database_faults: Vec<At<DatabaseFault>>,
    pub(crate) blows: Vec<At<Blow>>,
    pub(crate) engine: Engine,
    /// Where it is Redis.
    pub(crate) redis_faults: Vec<At<RedisFault>>,
    /// What is played when the dust has settled.
    pub(crate) episodes: Vec<Episode>,
}

// === impl Script ===

impl Script {
    pub(crate) fn draw(seed: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let turmoil_ms = random.random_range(TURMOIL_MS);
        let workers = random.random_range(1..=3);
        let schedulers = random.random_range(1..=2);
        let clocks_off_secs =
            (0..workers + schedulers).map(|_| if random.random_ratio(1, 3) { random.random_range(-90_000..90_000) } else { 0 }).collect();
        let first_deeds = (0..FIRST_DEEDS).map(|index| Deed::draw_first(&mut random, index)).collect();
        let count = random.random_range(DEEDS);
        let deeds = moments(&mut random, count, turmoil_ms, Deed::draw);
        // One seed in eight has calm endpoints, one a calm database, one calm processes: a fault alone shows its own.
        let endpoints = random.random_range(1..=3);
        let confirm = if endpoints > 1 && random.random_ratio(2, 3) { 2 } else { 1 };
        // One endpoint may lie or be behind if another is asked before each repair, and no other one may: where all are
        // wrong, nothing can be known.
        let weak = (confirm == 2).then(|| random.random_range(0..endpoints));
        let rpc_faults = some(&mut random, turmoil_ms, |random| RpcFault::draw(random, endpoints, weak));
        let database_faults = some(&mut random, turmoil_ms, DatabaseFault::draw);
        let blows = some(&mut random, turmoil_ms, |random| Blow::draw(random, workers + schedulers));
        let episodes = Episode::ALL.into_iter().filter(|_| random.random_ratio(1, 4)).collect();
        let full_sweeps = FULL_SWEEPS[random.random_range(0..FULL_SWEEPS.len())];
        let engine = if random.random_ratio(1, 2) { Engine::Redis } else { Engine::Postgres };
        let redis_faults = some(&mut random, turmoil_ms, RedisFault::draw);
        Self {
            turmoil_ms,
            endpoints,
            confirm,
            episodes,
            workers,
            schedulers,
            full_sweeps,
            clocks_off_secs,
            first_deeds,
            deeds,
            rpc_faults,
            database_faults,
            blows,
            engine,
            redis_faults,
        }
    }
}

fn some<T>(random: &mut ChaCha8Rng, turmoil_ms: u64, draw: impl FnMut(&mut ChaCha8Rng) -> T) -> Vec<At<T>> {
    let count = if random.random_ratio(1, 8) { 0 } else { random.random_range(1..=FAULTS_MAX) };
    moments(random, count, turmoil_ms, draw)
}

fn moments<T>(random: &mut ChaCha8Rng, count: usize, until_ms: u64, mut draw: impl FnMut(&mut ChaCha8Rng) -> T) -> Vec<At<T>> {
    let mut moments: Vec<At<T>> = (0..count).map(|_| At { ms: random.random_range(0..until_ms), what: draw(random) }).collect();
    moments.sort_by_key(|at| at.ms);
    moments
}

#[cfg(test)]
mod tests {
    use super::Script;

    #[test]
    fn a_seed_always_means_the_same() {
        assert_eq!(format!("{:?}", Script::draw(7)), format!("{:?}", Script::draw(7)));
        assert_ne!(format!("{:?}", Script::draw(7)), format!("{:?}", Script::draw(8)));
    }
}
