//! How long the jobs of a killed worker wait for another.

use std::fmt;
use std::time::Duration;

use sqlx::AssertSqlSafe;

use crate::kill::fleet::{Engine, Fleet, Pace, Role};
use crate::kill::rolling::NOTE_LEASES;
use crate::kill::template::Template;
use crate::program::until;

/// Workers; one of them is killed in each run.
const WORKERS: usize = 3;
/// Slow enough for a worker to hold its fill, in milliseconds ...
const SLOW_MS: u64 = 4_000;
/// ... and as a public endpoint is.
const USUAL_MS: u64 = 50;

#[tokio::test(flavor = "multi_thread")]
async fn the_jobs_of_a_killed_worker_run_again_soon_after_its_lease() {
    measure(Pace::Quick, 2, Duration::from_secs(15)).await;
}

/// Takes minutes: `make kill`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "waits for several leases of 20 seconds; `make kill` runs it"]
async fn at_default_settings_99_of_100_jobs_of_a_killed_worker_have_ended_within_30_seconds() {
    measure(Pace::Default, 6, Duration::from_secs(30)).await;
}

/// In each of `runs`, kills a worker that holds its fill, and measures until another has begun its jobs, and ended them.
async fn measure(pace: Pace, runs: usize, bound: Duration) {
    let template = Template::create().await;
    for engine in Engine::ALL {
        let copy = template.copy(&format!("takeover_{engine:?}").to_lowercase()).await;
        let mut fleet = Fleet::start(&copy, engine, pace, WORKERS, 1).await;
        fleet.sql(NOTE_LEASES).await;
        fleet.sql("CREATE TABLE public.orphans (job bigint, lease bigint, killed_at timestamptz)").await;
        for _ in 0..runs {
            template.devnet().faults().update(|faults| faults.latency_ms = SLOW_MS);
            // Each loan that the tables lack is a job of its own.
            fleet.sql("DELETE FROM loans; DELETE FROM mirror").await;
            let run = fleet.open_full_run().await;
            let all_held = format!(
                "(SELECT phase = 'detect' FROM trueup.runs WHERE id = {run})
                 AND NOT EXISTS (SELECT FROM trueup.all_jobs WHERE group_id = {run} AND state = 'ready')"
            );
            until(&mut fleet.connection, &all_held).await;
            kill_the_fullest(&mut fleet).await;
            template.devnet().faults().update(|faults| faults.latency_ms = USUAL_MS);
            fleet.add(Role::Worker);
            fleet.until_reported(run).await;
        }
        let waited = waited(&mut fleet).await;
        println!("{engine:?}, {pace:?} settings: {waited}");
        fleet.end().await;
        assert!(waited.jobs >= i64::try_from(runs * 100).expect("few"), "enough to speak of: {waited}");
        assert!(u128::try_from(waited.ended_p99_ms).expect("a time") < bound.as_millis(), "{waited}");
    }
}

/// Kills the worker that holds most, and notes what it held.
async fn kill_the_fullest(fleet: &mut Fleet) {
    let fullest: String =
        fleet.value("SELECT worker FROM trueup.all_jobs WHERE state = 'leased' GROUP BY 1 ORDER BY count(*) DESC LIMIT 1").await;
    let who = fleet.members.iter().position(|it| fullest.starts_with(&format!("{}-", it.name))).expect("one of the fleet");
    let victim = fleet.members.swap_remove(who);
    fleet
        .sql(&format!(
            "INSERT INTO public.orphans SELECT id, lease, clock_timestamp() FROM trueup.all_jobs
             WHERE state = 'leased' AND worker = '{fullest}'"
        ))
        .await;
    victim.program.kill().await;
}

/// How long jobs waited, in milliseconds since their worker was killed: half of them, 99 of 100, and all.
#[derive(sqlx::FromRow)]
struct Waited {
    jobs: i64,
    begun_p50_ms: i64,
    begun_p99_ms: i64,
    begun_max_ms: i64,
    ended_p99_ms: i64,
    ended_max_ms: i64,
}

impl fmt::Display for Waited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { jobs, begun_p50_ms, begun_p99_ms, begun_max_ms, ended_p99_ms, ended_max_ms } = self;
        write!(
            f,
            "{jobs} jobs of killed workers begun again within {begun_p50_ms} ms (half), {begun_p99_ms} ms (99 %), {begun_max_ms} ms (all), \
             ended within {ended_p99_ms} ms (99 %), {ended_max_ms} ms (all)"
        )
    }
}

async fn waited(fleet: &mut Fleet) -> Waited {
    // Jobs that were answered between the note and the kill were nobody's to take over.
    let sql = "
        WITH waited AS (
            SELECT (extract(epoch FROM b.at - o.killed_at) * 1000)::bigint AS begun,
                   (extract(epoch FROM j.ended_at - o.killed_at) * 1000)::bigint AS ended
            FROM public.orphans AS o JOIN trueup.all_jobs AS j ON j.id = o.job
            CROSS JOIN LATERAL (SELECT min(at) AS at FROM public.begun WHERE job = o.job AND lease > o.lease) AS b
            WHERE b.at IS NOT NULL)
        SELECT count(*) AS jobs,
               percentile_disc(0.5) WITHIN GROUP (ORDER BY begun) AS begun_p50_ms,
               percentile_disc(0.99) WITHIN GROUP (ORDER BY begun) AS begun_p99_ms, max(begun) AS begun_max_ms,
               percentile_disc(0.99) WITHIN GROUP (ORDER BY ended) AS ended_p99_ms, max(ended) AS ended_max_ms
        FROM waited";
    sqlx::query_as(AssertSqlSafe(sql)).fetch_one(&mut fleet.connection).await.expect("the times")
}
