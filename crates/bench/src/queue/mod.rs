//! How many jobs that do nothing go through a queue in a second.

use std::collections::BTreeMap;

use crate::arguments::Size;
use crate::machine::said;
use crate::node::Node;
use crate::postgres::Postgres;
use crate::samples::{Samples, per_second};
use crate::table::Section;

mod contest;
mod on_postgres;
mod on_redis;
mod trueup_on_redis;

use contest::{Contest, Engine};

/// The queue's name at apalis.
pub(crate) const APALIS_QUEUE: &str = "bench";
/// What the 26 characters of an id at apalis begin with; the rest counts.
const APALIS_ID_PREFIX: &str = "01ARZ3NDEKTSV4RR";

/// The id of a job at apalis: a ULID that counts.
pub(crate) fn apalis_id(job: u64) -> String {
    format!("{APALIS_ID_PREFIX}{job:010}")
}

/// What the others are compared with: the rate of this over theirs, run by run.
struct Ratio {
    ours: &'static str,
    theirs: &'static str,
    bar: &'static str,
}

const RATIOS: [Ratio; 13] = [
    Ratio { ours: contest::TRUEUP_TWO, theirs: contest::BARE, bar: "0.80" },
    Ratio { ours: contest::TRUEUP_ONE, theirs: contest::BARE, bar: "-" },
    Ratio { ours: contest::TRUEUP_TWO, theirs: contest::APALIS_POSTGRES, bar: "7.00" },
    Ratio { ours: contest::TRUEUP_TWO, theirs: contest::APALIS_POSTGRES_BEST, bar: "-" },
    Ratio { ours: contest::TRUEUP_TWO, theirs: contest::GRAPHILE_ONE, bar: "1.50" },
    Ratio { ours: contest::TRUEUP_TWO, theirs: contest::GRAPHILE_TWO, bar: "1.50" },
    Ratio { ours: contest::TRUEUP_TWO_BEHIND, theirs: contest::TRUEUP_TWO, bar: "0.80" },
    Ratio { ours: contest::TRUEUP_TWO_BEHIND, theirs: contest::BARE_BEHIND, bar: "-" },
    Ratio { ours: contest::TRUEUP_TWO_BEHIND, theirs: contest::APALIS_POSTGRES_BEHIND, bar: "-" },
    Ratio { ours: contest::TRUEUP_REDIS_TWO, theirs: contest::TRUEUP_REDIS_ONE, bar: "-" },
    Ratio { ours: contest::TRUEUP_REDIS_TWO, theirs: contest::APALIS_REDIS, bar: "-" },
    Ratio { ours: contest::TRUEUP_REDIS_TWO, theirs: contest::BULLMQ_ONE, bar: "2.00" },
    Ratio { ours: contest::TRUEUP_REDIS_TWO, theirs: contest::BULLMQ_TWO, bar: "2.00" },
];

pub(crate) async fn measure(size: &Size, node: Option<&Node>, only: Option<&str>) -> anyhow::Result<Vec<Section>> {
    let chosen = |contest: &Contest| only.is_none_or(|only| contest.name.contains(only));
    let has_redis = said("redis-server", &["--version"]).is_some();
    if !has_redis {
        println!("SKIPPED: what runs on Redis, because there is no redis-server.");
    }
    let mut rates: BTreeMap<&'static str, Samples> = BTreeMap::new();
    let on_postgres: Vec<Contest> = contest::on_postgres(node.is_some()).into_iter().filter(chosen).collect();
    if !on_postgres.is_empty() {
        let postgres = Postgres::start().await?;
        on_postgres::prepare(&postgres, size, &on_postgres, node).await?;
        for run in 0..size.runs {
            for contest in in_turn(&on_postgres, run) {
                let took = on_postgres::run(&postgres, size, contest, node).await?;
                note(&mut rates, contest, run, size, took);
            }
        }
    }
    let on_redis: Vec<Contest> = contest::on_redis(node.is_some()).into_iter().filter(chosen).filter(|_| has_redis).collect();
    let beside = if on_redis.iter().any(|contest| contest.engine == Engine::TrueupRedis) { Some(Postgres::start().await?) } else { None };
    for run in 0..size.runs {
        for contest in in_turn(&on_redis, run) {
            let took = match (contest.engine, &beside) {
                (Engine::TrueupRedis, Some(postgres)) => trueup_on_redis::run(postgres, size, contest).await?,
                _ => on_redis::run(size, contest, node).await?,
            };
            note(&mut rates, contest, run, size, took);
        }
    }
    let all: Vec<&Contest> = on_postgres.iter().chain(&on_redis).collect();
    Ok(vec![rates_shown(&all, &rates, size), ratios_shown(&rates)])
}

/// Each run begins with another one, so that none always runs after the same neighbour.
fn in_turn(contests: &[Contest], run: usize) -> impl Iterator<Item = &Contest> {
    contests.iter().cycle().skip(run % contests.len().max(1)).take(contests.len())
}

fn note(rates: &mut BTreeMap<&'static str, Samples>, contest: &Contest, run: usize, size: &Size, took: std::time::Duration) {
    let rate = per_second(size.jobs, took);
    eprintln!("queue, run {} of {}: {}: {rate} jobs/s", run + 1, size.runs, contest.name);
    rates.entry(contest.name).or_default().push(rate);
}

fn rates_shown(contests: &[&Contest], rates: &BTreeMap<&'static str, Samples>, size: &Size) -> Section {
    let title = format!("queue: {} jobs that do nothing, drained", crate::samples::grouped(size.jobs));
    let mut section = Section::new(title, &["who", "jobs/s, median", "least to most", "runs"]);
    for contest in contests {
        if let Some(rate) = rates.get(contest.name) {
            section.row(vec![contest.name.to_owned(), rate.shown(), rate.spread(), rate.len().to_string()]);
        }
    }
    section.note(format!("\"behind\": {} ended jobs lie in the same table.", crate::samples::grouped(size.behind)));
    section.note("Every run begins on a fresh copy of the same filled database after a checkpoint, or on a fresh Redis; the clock stops when all jobs are found ended there.");
    section.note(format!("Redis for all: {}.", crate::redis_server::SETTINGS.join(" ")));
    section.note("trueup on Redis writes ends to Postgres, and its clock also counts how jobs get from there to Redis; the other queues on Redis have no Postgres, and begin with their jobs in Redis.");
    section.note("apalis: batches of 500; \"no locks\" (and on Redis always): no lock of its own for each task, and no events. graphile-worker: local queue of 500, 24 jobs at once, completions batched. BullMQ: concurrency 100, removeOnComplete.");
    section
}

fn ratios_shown(rates: &BTreeMap<&'static str, Samples>) -> Section {
    let mut section = Section::new("queue: ratios, each within the same run", &["ours / theirs", "median (least to most)", "bar"]);
    for ratio in RATIOS {
        if let (Some(ours), Some(theirs)) = (rates.get(ratio.ours), rates.get(ratio.theirs)) {
            section.row(vec![format!("{} / {}", ratio.ours, ratio.theirs), ours.over(theirs).ratio(), ratio.bar.to_owned()]);
        }
    }
    section
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_run_begins_with_another_contestant() {
        let contests = contest::on_postgres(true);
        let first: Vec<_> = (0..3).map(|run| in_turn(&contests, run).next().map(|contest| contest.name)).collect();
        assert_eq!(first, [Some(contests[0].name), Some(contests[1].name), Some(contests[2].name)]);
        assert_eq!(in_turn(&contests, 7).count(), contests.len());
    }

    #[test]
    fn an_id_at_apalis_is_a_ulid() {
        assert_eq!(apalis_id(7).len(), 26);
    }
}
