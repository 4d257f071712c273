//! The contestants on Postgres: filled once, copied and drained in each run.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use apalis_postgres::PostgresStorage;
use sqlx::postgres::PgArguments;
use sqlx::{Arguments, PgPool};
use tokio::process::Command;
use trueup_queue::{Destination, GroupId, enqueue_from};

use super::contest::{Contest, Engine};
use super::{APALIS_ID_PREFIX, APALIS_QUEUE};
use crate::arguments::Size;
use crate::contestant::{Contestant, race};
use crate::node::Node;
use crate::postgres::Postgres;
use crate::role;

/// The database of the run that is measured.
const RUN: &str = "measured";
/// The group of the jobs that are drained; what lies behind them has another.
const GROUP: GroupId = GroupId(2);

const TRUEUP_BEHIND: &str = "
    INSERT INTO trueup.jobs (group_id, task, kind, key, priority, state, lease, ended_at, outcome)
    SELECT 1, 'detect', 'loan', n::text, 100, 'done', 1, now(), 'in_sync' FROM generate_series(1, $1) AS n";
const APALIS_READY: &str = "
    INSERT INTO apalis.jobs (id, job_type, job, status, attempts, max_attempts, run_at, priority, metadata)
    SELECT $2 || lpad(n::text, 10, '0'), $3, convert_to(n::text, 'UTF8'), 'Pending', 0, 25, now() - interval '1 minute', 0, ''
    FROM generate_series(1, $1) AS n";
const APALIS_BEHIND: &str = "
    INSERT INTO apalis.jobs (id, job_type, job, status, attempts, max_attempts, run_at, priority, metadata, done_at, last_result)
    SELECT $2 || lpad((1000000000 + n)::text, 10, '0'), $3, convert_to(n::text, 'UTF8'), 'Done', 1, 25, now() - interval '1 hour', 0, '',
           now() - interval '1 hour', 'null'
    FROM generate_series(1, $1) AS n";

/// Fills the templates that these contests need.
pub(super) async fn prepare(postgres: &Postgres, size: &Size, contests: &[Contest], node: Option<&Node>) -> anyhow::Result<()> {
    let mut prepared = Vec::new();
    for contest in contests {
        let template = contest.template();
        if prepared.contains(&template) {
            continue;
        }
        let pool = postgres.create(template).await?;
        match contest.engine {
            Engine::ApalisPostgres | Engine::ApalisPostgresBest => {
                fill_apalis(&pool, size, contest.behind).await.context("filling apalis-postgres")?
            }
            Engine::Graphile => fill_graphile(postgres, template, size, node).await?,
            _ => fill_trueup(&pool, size, contest.behind).await.context("filling trueup's queue")?,
        }
        sqlx::raw_sql("VACUUM ANALYZE").execute(&pool).await?;
        pool.close().await;
        prepared.push(template);
    }
    Ok(())
}

async fn fill_trueup(pool: &PgPool, size: &Size, behind: bool) -> anyhow::Result<()> {
    trueup_schema::migrate(pool).await?;
    let mut connection = pool.acquire().await?;
    if behind {
        sqlx::query(TRUEUP_BEHIND).bind(i64::try_from(size.behind)?).execute(&mut *connection).await?;
    }
    let into = Destination { group: GROUP, task: "detect".to_owned(), kind: "loan".to_owned(), priority: 100, trace: None };
    let mut binds = PgArguments::default();
    binds.add(i64::try_from(size.jobs)?).map_err(sqlx::Error::Encode)?;
    let enqueued = enqueue_from(&mut connection, &into, "SELECT n::text, n FROM generate_series(1, $1) AS n", binds).await?;
    ensure!(enqueued.inserted == size.jobs, "{} jobs were put in", enqueued.inserted);
    Ok(())
}

async fn fill_apalis(pool: &PgPool, size: &Size, behind: bool) -> anyhow::Result<()> {
    PostgresStorage::setup(pool).await?;
    if behind {
        let behind = i64::try_from(size.behind)?;
        sqlx::query(APALIS_BEHIND).bind(behind).bind(APALIS_ID_PREFIX).bind(APALIS_QUEUE).execute(pool).await?;
    }
    let jobs = i64::try_from(size.jobs)?;
    sqlx::query(APALIS_READY).bind(jobs).bind(APALIS_ID_PREFIX).bind(APALIS_QUEUE).execute(pool).await?;
    Ok(())
}

async fn fill_graphile(postgres: &Postgres, template: &str, size: &Size, node: Option<&Node>) -> anyhow::Result<()> {
    let node = node.context("graphile-worker needs Node.js")?;
    let status = node.command("graphile.mjs", &["fill", &postgres.url(template), &size.jobs.to_string()]).status().await?;
    ensure!(status.success(), "filling graphile-worker: {status}");
    Ok(())
}

/// Drains a fresh copy; how long it took.
pub(super) async fn run(postgres: &Postgres, size: &Size, contest: &Contest, node: Option<&Node>) -> anyhow::Result<Duration> {
    let pool = postgres.copy(contest.template(), RUN).await?;
    let raced = drain(postgres, &pool, size, contest, node).await;
    postgres.drop(RUN, pool).await?;
    raced.with_context(|| contest.name)
}

async fn drain(postgres: &Postgres, pool: &PgPool, size: &Size, contest: &Contest, node: Option<&Node>) -> anyhow::Result<Duration> {
    let mut contestants = Vec::with_capacity(contest.processes);
    for _ in 0..contest.processes {
        let mut contestant = Contestant::start(contest.name, command(contest.engine, &postgres.url(RUN), node)?)?;
        contestant.ready().await?;
        contestants.push(contestant);
    }
    let jobs = i64::try_from(size.jobs)?;
    let took = race(&mut contestants, size.jobs, async || {
        let done: i64 = sqlx::query_scalar(done(contest.engine)).bind(jobs).fetch_one(pool).await?;
        ensure!(done <= jobs, "{done} of {jobs} jobs are done");
        Ok(done == jobs)
    })
    .await?;
    for contestant in contestants {
        contestant.stop().await?;
    }
    Ok(took)
}

fn command(engine: Engine, url: &str, node: Option<&Node>) -> anyhow::Result<Command> {
    Ok(match engine {
        Engine::Trueup => role::command("trueup-queue", &[url])?,
        Engine::Bare => role::command("bare", &[url])?,
        Engine::Graphile => node.context("graphile-worker needs Node.js")?.command("graphile.mjs", &["work", url]),
        Engine::ApalisPostgresBest => role::command("apalis-postgres", &[url, "--no-locks"])?,
        _ => role::command("apalis-postgres", &[url])?,
    })
}

/// How many of the `$1` jobs are where an ended job of this engine belongs.
const fn done(engine: Engine) -> &'static str {
    match engine {
        Engine::ApalisPostgres | Engine::ApalisPostgresBest => {
            "SELECT count(*) FROM apalis.jobs WHERE status = 'Done' AND lock_by IS NOT NULL AND $1::bigint > 0"
        }
        // It deletes what has succeeded.
        Engine::Graphile => "SELECT $1::bigint - count(*) FROM graphile_worker._private_jobs",
        _ => "SELECT count(*) FROM trueup.jobs WHERE group_id = 2 AND state = 'done' AND $1::bigint > 0",
    }
}
