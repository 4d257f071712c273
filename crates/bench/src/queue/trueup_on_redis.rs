//! trueup's queue on Redis: a fresh server and a fresh database for each run, since what must not be lost is there.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use sqlx::postgres::PgArguments;
use sqlx::{Arguments, PgPool};
use trueup_queue::{Destination, GroupId, NoEnding, Queue, RedisSettings, Settings, enqueue_from};

use super::contest::Contest;
use crate::arguments::Size;
use crate::contestant::{Contestant, race};
use crate::postgres::Postgres;
use crate::redis_server::Redis;
use crate::role;

/// The database of the run that is measured.
const RUN: &str = "measured_on_redis";
const GROUP: GroupId = GroupId(1);

/// Drains jobs that were added and are not in Redis yet; how long it took.
pub(super) async fn run(postgres: &Postgres, size: &Size, contest: &Contest) -> anyhow::Result<Duration> {
    let pool = postgres.create(RUN).await?;
    let raced = drain(postgres, &pool, size, contest).await;
    postgres.drop(RUN, pool).await?;
    raced.with_context(|| contest.name)
}

async fn drain(postgres: &Postgres, pool: &PgPool, size: &Size, contest: &Contest) -> anyhow::Result<Duration> {
    let redis = Redis::start().await?;
    fill(pool, size, &redis.url).await?;
    let mut contestants = Vec::with_capacity(contest.processes);
    for _ in 0..contest.processes {
        let mut contestant = Contestant::start(contest.name, role::command("trueup-queue", &[&postgres.url(RUN), &redis.url])?)?;
        contestant.ready().await?;
        contestants.push(contestant);
    }
    let jobs = i64::try_from(size.jobs)?;
    let took = race(&mut contestants, size.jobs, async || {
        let done: i64 = sqlx::query_scalar("SELECT count(*) FROM trueup.outcomes WHERE state = 'done'").fetch_one(pool).await?;
        ensure!(done <= jobs, "{done} of {jobs} jobs are done");
        Ok(done == jobs)
    })
    .await?;
    for contestant in contestants {
        contestant.stop().await?;
    }
    Ok(took)
}

async fn fill(pool: &PgPool, size: &Size, redis: &str) -> anyhow::Result<()> {
    trueup_schema::migrate(pool).await?;
    let settings = Settings { redis: Some(RedisSettings::new(redis)), ..Settings::default() };
    Queue::new(pool.clone(), Arc::new(NoEnding), settings).open().await?;
    let into = Destination { group: GROUP, task: "detect".to_owned(), kind: "loan".to_owned(), priority: 100, trace: None };
    let mut binds = PgArguments::default();
    binds.add(i64::try_from(size.jobs)?).map_err(sqlx::Error::Encode)?;
    let mut connection = pool.acquire().await?;
    let enqueued = enqueue_from(&mut connection, &into, "SELECT n::text, n FROM generate_series(1, $1) AS n", binds).await?;
    ensure!(enqueued.inserted == size.jobs, "{} jobs were put in", enqueued.inserted);
    sqlx::raw_sql("VACUUM ANALYZE").execute(&mut *connection).await?;
    sqlx::raw_sql("CHECKPOINT").execute(&mut *connection).await?;
    Ok(())
}
