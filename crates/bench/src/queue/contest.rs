//! Who runs against whom.

pub(super) const TRUEUP_ONE: &str = "trueup on Postgres, 1 worker";
pub(super) const TRUEUP_TWO: &str = "trueup on Postgres, 2 workers";
pub(super) const TRUEUP_TWO_BEHIND: &str = "trueup on Postgres, 2 workers, behind";
pub(super) const BARE: &str = "bare SQL, 2 connections";
pub(super) const BARE_BEHIND: &str = "bare SQL, 2 connections, behind";
pub(super) const APALIS_POSTGRES: &str = "apalis-postgres, batch 500";
pub(super) const APALIS_POSTGRES_BEST: &str = "apalis-postgres, batch 500, no locks";
pub(super) const APALIS_POSTGRES_BEHIND: &str = "apalis-postgres, batch 500, no locks, behind";
pub(super) const GRAPHILE_ONE: &str = "graphile-worker, 1 process";
pub(super) const GRAPHILE_TWO: &str = "graphile-worker, 2 processes";
pub(super) const TRUEUP_REDIS_ONE: &str = "trueup on Redis, 1 worker";
pub(super) const TRUEUP_REDIS_TWO: &str = "trueup on Redis, 2 workers";
pub(super) const APALIS_REDIS: &str = "apalis-redis";
pub(super) const BULLMQ_ONE: &str = "BullMQ, 1 process";
pub(super) const BULLMQ_TWO: &str = "BullMQ, 2 processes";

/// What runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Engine {
    Trueup,
    TrueupRedis,
    Bare,
    /// Its defaults but for the batch.
    ApalisPostgres,
    /// What it can do at most.
    ApalisPostgresBest,
    Graphile,
    ApalisRedis,
    BullMq,
}

/// One contestant.
#[derive(Debug, Clone, Copy)]
pub(super) struct Contest {
    pub(super) name: &'static str,
    pub(super) engine: Engine,
    /// How many processes of it run.
    pub(super) processes: usize,
    /// Whether ended jobs lie in the table too.
    pub(super) behind: bool,
}

const fn contest(name: &'static str, engine: Engine, processes: usize, behind: bool) -> Contest {
    Contest { name, engine, processes, behind }
}

/// Neighbours in a ratio stand together, so that they run soon after each other.
pub(super) fn on_postgres(with_node: bool) -> Vec<Contest> {
    let all = [
        contest(TRUEUP_ONE, Engine::Trueup, 1, false),
        contest(BARE, Engine::Bare, 1, false),
        contest(TRUEUP_TWO, Engine::Trueup, 2, false),
        contest(GRAPHILE_ONE, Engine::Graphile, 1, false),
        contest(GRAPHILE_TWO, Engine::Graphile, 2, false),
        contest(TRUEUP_TWO_BEHIND, Engine::Trueup, 2, true),
        contest(BARE_BEHIND, Engine::Bare, 1, true),
        contest(APALIS_POSTGRES, Engine::ApalisPostgres, 1, false),
        contest(APALIS_POSTGRES_BEST, Engine::ApalisPostgresBest, 1, false),
        contest(APALIS_POSTGRES_BEHIND, Engine::ApalisPostgresBest, 1, true),
    ];
    all.into_iter().filter(|contest| with_node || contest.engine != Engine::Graphile).collect()
}

pub(super) fn on_redis(with_node: bool) -> Vec<Contest> {
    let all = [
        contest(TRUEUP_REDIS_ONE, Engine::TrueupRedis, 1, false),
        contest(TRUEUP_REDIS_TWO, Engine::TrueupRedis, 2, false),
        contest(APALIS_REDIS, Engine::ApalisRedis, 1, false),
        contest(BULLMQ_ONE, Engine::BullMq, 1, false),
        contest(BULLMQ_TWO, Engine::BullMq, 2, false),
    ];
    all.into_iter().filter(|contest| with_node || contest.engine != Engine::BullMq).collect()
}

// === impl Contest ===

impl Contest {
    /// The database that its runs are copied from.
    pub(super) const fn template(&self) -> &'static str {
        match (self.engine, self.behind) {
            (Engine::ApalisPostgres | Engine::ApalisPostgresBest, false) => "apalis_filled",
            (Engine::ApalisPostgres | Engine::ApalisPostgresBest, true) => "apalis_behind",
            (Engine::Graphile, _) => "graphile_filled",
            (_, false) => "trueup_filled",
            (_, true) => "trueup_behind",
        }
    }
}
