//! When the dust settles: faults are off, traffic has stopped, and runs in mode repair go over everything until two in
//! a row find nothing to repair. Then two look last: one that passes over what has not moved, and one that looks at all.

use std::time::Duration;

use anyhow::{bail, ensure};
use sqlx::PgPool;
use tokio::time::{Instant, timeout};

use crate::episodes::{self, Episode};
use crate::seed::{Shared, look_after};

/// How long unfinished runs may take to end, with all faults off.
const RUNS_LIMIT: Duration = Duration::from_secs(90);
/// How often it is looked whether they have.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Sweeps until nothing is left to repair, at most.
const SWEEPS_MAX: usize = 8;
/// Exit codes of a run that did its work: clean, drift is left, partial.
const RUN_CODES: [i32; 3] = [0, 3, 4];

/// The runs that looked last, in mode detect.
pub(crate) struct Swept {
    /// Passed over rows that had not moved.
    pub(crate) incremental: i64,
    /// Looked at every row.
    pub(crate) full: i64,
}

pub(crate) async fn settle(shared: &Shared, pool: &PgPool, episodes: &[Episode]) -> anyhow::Result<Swept> {
    sqlx::query("DELETE FROM sim.poison").execute(pool).await?;
    shared.fleet.lock().await.begin_no_more_runs()?;
    tokio::select! {
        ended = timeout(RUNS_LIMIT, runs_end(pool)) => match ended {
            Ok(ended) => ended?,
            Err(_) => bail!("runs do not end within {} s with all faults off: {}", RUNS_LIMIT.as_secs(), unfinished(pool).await?),
        },
        failed = look_after(shared) => failed?,
    }
    shared.fleet.lock().await.close().await?;
    release(shared, pool).await?;
    sweep(shared, pool).await?;
    if !episodes.is_empty() {
        episodes::play(shared, pool, episodes).await?;
        sweep(shared, pool).await?;
    }
    run(shared, &["--mode", "detect"]).await?;
    let incremental = last_run(pool).await?;
    run(shared, &["--mode", "detect", "--full"]).await?;
    Ok(Swept { incremental, full: last_run(pool).await? })
}

async fn runs_end(pool: &PgPool) -> anyhow::Result<()> {
    // A commit that the turmoil cut off may still be on its way to the server.
    let begun = Instant::now();
    loop {
        let unfinished: i64 = sqlx::query_scalar("SELECT count(*) FROM trueup.runs WHERE phase <> 'done'").fetch_one(pool).await?;
        if unfinished == 0 && begun.elapsed() > LOOK_EVERY * 5 {
            return Ok(());
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

async fn unfinished(pool: &PgPool) -> anyhow::Result<String> {
    let lines: Vec<String> = sqlx::query_scalar(
        "SELECT format('run %s %s %s detect %s/%s confirm %s/%s, jobs: %s', id, phase, state, detect_done, detect_total, confirm_done, confirm_total,
            (SELECT string_agg(DISTINCT format('%s %s %s', task, j.state, error), '; ') FROM trueup.all_jobs AS j
             WHERE group_id = r.id AND j.state IN ('ready', 'leased')))
         FROM trueup.runs AS r WHERE phase <> 'done' ORDER BY id",
    )
    .fetch_all(pool)
    .await?;
    Ok(lines.join("\n"))
}

/// What reverts hold is released, so that the sweeps may mend it.
async fn release(shared: &Shared, pool: &PgPool) -> anyhow::Result<()> {
    let held: Vec<i64> = sqlx::query_scalar("SELECT DISTINCT repair FROM trueup.holds").fetch_all(pool).await?;
    for repair in held {
        let code = shared.program.code(&["repairs", "release", &repair.to_string()]).await?;
        ensure!(code == 0, "what repair {repair} holds is not released: exit code {code}");
    }
    Ok(())
}

async fn sweep(shared: &Shared, pool: &PgPool) -> anyhow::Result<()> {
    let mut quiet = 0;
    for _ in 0..SWEEPS_MAX {
        run(shared, &["--mode", "repair"]).await?;
        let run = last_run(pool).await?;
        let repairs: i64 = sqlx::query_scalar("SELECT count(*) FROM trueup.repairs WHERE run = $1").bind(run).fetch_one(pool).await?;
        quiet = if repairs == 0 { quiet + 1 } else { 0 };
        if quiet == 2 {
            return Ok(());
        }
    }
    bail!("{SWEEPS_MAX} sweeps in peace still find something to repair")
}

async fn run(shared: &Shared, how: &[&str]) -> anyhow::Result<()> {
    let code = shared.program.code(&[&["run", "--new"], how].concat()).await?;
    ensure!(RUN_CODES.contains(&code), "a run in peace ended with exit code {code}");
    Ok(())
}

async fn last_run(pool: &PgPool) -> anyhow::Result<i64> {
    Ok(sqlx::query_scalar("SELECT max(id) FROM trueup.runs").fetch_one(pool).await?)
}
