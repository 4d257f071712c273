use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use trueup_database::touches;
use trueup_judge::Mode;

use super::collect::collect;
use super::listen::listen;
use crate::context::Context;

/// With so many runs of touches open, the pause between two is twice as long; with twice as many, three times: what
/// waits meanwhile coalesces, and the runs become fewer and larger.
const OPEN_RUNS_PER_PAUSE: i64 = 50;
/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// How touched entities are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Touching {
    /// The pause between two looks at what waits.
    pub every: Duration,
    /// How far their runs go.
    pub mode: Mode,
    /// Their timeout, in seconds.
    pub timeout_secs: i64,
}

/// Makes runs of what waits, until it is told to stop. Any number of processes may do so at once. It never gives up:
/// while the database does not answer, touches wait.
pub async fn run_toucher(context: Context, touching: Touching, shutdown: CancellationToken) {
    let listening = listen(&context, shutdown.clone());
    let collecting = collecting(&context, touching, shutdown.clone());
    tokio::join!(listening, collecting);
}

async fn collecting(context: &Context, touching: Touching, shutdown: CancellationToken) {
    let mut failing = false;
    let mut pause = touching.every;
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
        let began = Instant::now();
        // Not stopped half-way: what it had claimed would be rolled back, which is safe, and done again, which is slow.
        pause = match round(context, touching).await {
            Ok(pause) => {
                if failing {
                    tracing::info!("touches are collected again");
                }
                failing = false;
                pause.saturating_sub(began.elapsed())
            }
            Err(error) => {
                if !failing {
                    tracing::warn!(error = format!("{error:#}"), "touches could not be collected; it is tried again");
                }
                failing = true;
                pause.max(touching.every).saturating_mul(2).min(PAUSE_MAX)
            }
        };
    }
}

/// Makes one run of what waits, if anything does, and says how long to wait for more.
async fn round(context: &Context, touching: Touching) -> anyhow::Result<Duration> {
    let mut connection = context.pools.write.acquire().await?;
    if !touches::is_any_due(&mut connection, &context.kinds()).await? {
        return Ok(touching.every);
    }
    let open = touches::open_runs(&mut connection).await?;
    drop(connection);
    collect(context, touching).await?;
    let pauses = u32::try_from(1 + open / OPEN_RUNS_PER_PAUSE).unwrap_or(u32::MAX);
    Ok(touching.every.saturating_mul(pauses).min(PAUSE_MAX))
}
