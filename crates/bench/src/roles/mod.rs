//! What the program does as a child of itself. Whatever is measured runs in a process of its own.

use clap::Subcommand;

mod apalis_postgres;
mod apalis_redis;
mod bare;
mod devnet;
mod floor;
mod ledger_calls;
mod stage;
mod trueup_queue;
mod usual;

/// Who is measured, or takes part.
#[derive(Subcommand)]
pub(crate) enum Role {
    /// trueup's queue on Postgres, or on Redis if one is named: one worker whose jobs do nothing
    TrueupQueue { url: String, redis: Option<String> },
    /// The same table by plain SQL, on two connections
    Bare { url: String },
    /// The stock storage of apalis for Postgres
    ApalisPostgres {
        url: String,
        /// Without a lock of its own for each task
        #[arg(long)]
        no_locks: bool,
    },
    /// The stock storage of apalis for Redis
    ApalisRedis { url: String, jobs: u64 },
    /// A chain with that many loans
    Devnet { loans: u64, latency_ms: u64 },
    /// A reconciler as teams write it: entity by entity, five at a time
    Usual { database: String, rpc: String, contract: String, entities: u64 },
    /// The reads of a reconciliation and nothing else
    Floor { database: String, rpc: String, contract: String, entities: u64 },
}

pub(crate) async fn play(role: Role) -> anyhow::Result<()> {
    match role {
        Role::TrueupQueue { url, redis } => trueup_queue::play(&url, redis).await,
        Role::Bare { url } => bare::play(&url).await,
        Role::ApalisPostgres { url, no_locks } => apalis_postgres::play(&url, !no_locks).await,
        Role::ApalisRedis { url, jobs } => apalis_redis::play(&url, jobs).await,
        Role::Devnet { loans, latency_ms } => devnet::play(loans, latency_ms).await,
        Role::Usual { database, rpc, contract, entities } => usual::play(&database, &rpc, &contract, entities).await,
        Role::Floor { database, rpc, contract, entities } => floor::play(&database, &rpc, &contract, entities).await,
    }
}
