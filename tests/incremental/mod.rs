//! Sweeps that pass over what has not moved: that they do, and that they never pass over anything else.

mod exactness;
mod operating;
mod passing_over;
mod versions;

use trueup::{Mode, NewRun, Settings, Sweep, Trueup};
use trueup_workers::start_run;

use crate::support::{Deployment, Finished, new_run, quick_queue};

/// How many full sweeps may pass until every row has its fingerprint: rows whose writer is younger than a transaction
/// that still runs, in whichever database of the cluster, get theirs later.
const FULL_SWEEPS: usize = 60;

/// A run of that sort in mode `detect`.
async fn sweep(deployment: &Deployment, sweep: Sweep) -> Finished {
    let trueup = deployment.trueup().await;
    let new = NewRun { sweep, ..new_run(Mode::Detect) };
    let run = start_run(trueup.context(), new).await.expect("a run");
    deployment.finish(&trueup, run).await
}

/// Full sweeps until that many rows have a fingerprint.
pub(crate) async fn remember(deployment: &Deployment, rows: i64) {
    for _ in 0..FULL_SWEEPS {
        sweep(deployment, Sweep::Full).await;
        if fingerprints(deployment).await >= rows {
            return;
        }
    }
    panic!("{} of {rows} rows have a fingerprint after {FULL_SWEEPS} full sweeps", fingerprints(deployment).await);
}

async fn fingerprints(deployment: &Deployment) -> i64 {
    deployment.value("SELECT count(*) FROM trueup.fingerprints").await
}

/// An incremental sweep by ranges of that many rows, in chunks of two ranges.
async fn sweep_in_ranges_of(deployment: &Deployment, rows: i64) -> Finished {
    let settings = Settings { rows_per_range: rows, jobs_per_chunk: 2 * rows, ..Settings::default() };
    let trueup = Trueup::connect_with(&deployment.config, settings, quick_queue(&deployment.config))
        .await
        .unwrap_or_else(|error| panic!("{error:#}"));
    let new = NewRun { sweep: Sweep::Incremental, ..new_run(Mode::Detect) };
    let run = start_run(trueup.context(), new).await.expect("a run");
    deployment.finish(&trueup, run).await
}
