//! The contestants on Redis: a fresh server for each run.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use redis::AsyncCommands;

use super::APALIS_QUEUE;
use super::contest::{Contest, Engine};
use crate::arguments::Size;
use crate::contestant::{Contestant, race};
use crate::node::Node;
use crate::redis_server::Redis;
use crate::role;

/// The lists and sets in which BullMQ keeps what has not ended.
const BULLMQ_LISTS: [&str; 2] = ["bull:bench:wait", "bull:bench:active"];
const BULLMQ_FAILED: &str = "bull:bench:failed";

pub(super) async fn run(size: &Size, contest: &Contest, node: Option<&Node>) -> anyhow::Result<Duration> {
    let redis = Redis::start().await?;
    drain(&redis, size, contest, node).await.context(contest.name)
}

async fn drain(redis: &Redis, size: &Size, contest: &Contest, node: Option<&Node>) -> anyhow::Result<Duration> {
    let jobs = size.jobs.to_string();
    let port = redis.url.rsplit(':').next().context("the port")?.to_owned();
    if contest.engine == Engine::BullMq {
        let status = node.context("BullMQ needs Node.js")?.command("bullmq.mjs", &["fill", &port, &jobs]).status().await?;
        ensure!(status.success(), "filling BullMQ: {status}");
    }
    let mut contestants = Vec::with_capacity(contest.processes);
    for _ in 0..contest.processes {
        let command = match contest.engine {
            Engine::BullMq => node.context("BullMQ needs Node.js")?.command("bullmq.mjs", &["work", &port]),
            _ => role::command("apalis-redis", &[&redis.url, &jobs])?,
        };
        let mut contestant = Contestant::start(contest.name, command)?;
        contestant.ready().await?;
        contestants.push(contestant);
    }
    let mut connection = redis.connection.clone();
    let took = race(&mut contestants, size.jobs, async || match contest.engine {
        Engine::BullMq => {
            let mut left: u64 = connection.zcard(BULLMQ_FAILED).await?;
            for list in BULLMQ_LISTS {
                left += connection.llen::<_, u64>(list).await?;
            }
            Ok(left == 0)
        }
        _ => Ok(connection.scard::<_, u64>(format!("{APALIS_QUEUE}:done")).await? == size.jobs),
    })
    .await?;
    for contestant in contestants {
        contestant.stop().await?;
    }
    Ok(took)
}
