use std::io::IsTerminal;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;
use trueup_database::runs::{self, GuardOverride, NewRun, Phase, Run};
use trueup_judge::{Mode, RunId, Sweep};
use trueup_workers::{Context, enqueue_beside_scheduler, kinds_named, run_status, start_run};

use super::report::{self, Show};
use super::{Exit, all, by, signal};
use crate::config::DEFAULT_TIMEOUT_SECS;
use crate::{Config, Trueup};

/// How often the progress of a run is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How often a line says where a run stands, where there is no terminal.
const LINE_EVERY_LOOKS: u32 = 50;

/// What a run covers, and how far it goes.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Kinds to cover [default: all that have a spec]
    kinds: Vec<String>,
    /// detect: find and report. propose: keep the plans too. repair: execute what the specs allow
    #[arg(long, default_value_t = Mode::Detect)]
    mode: Mode,
    /// Compare every entity, also rows that have not moved since they were last in sync
    #[arg(long)]
    full: bool,
    /// After this many seconds the run is reported as it stands
    #[arg(long, value_name = "SECONDS", default_value_t = DEFAULT_TIMEOUT_SECS, value_parser = clap::value_parser!(i64).range(1..))]
    timeout: i64,
    /// Only open the run: a scheduler and workers elsewhere do the rest
    #[arg(long)]
    detach: bool,
    /// Start a new run even if one of the same kinds and mode is unfinished; otherwise that one is joined
    #[arg(long)]
    new: bool,
    /// Let this run write more than [guard] in the specs allows; recorded with actor and reason
    #[arg(long, requires = "reason")]
    override_guard: bool,
    /// Who starts the run
    #[arg(long, env = "USER", default_value = by::UNKNOWN)]
    actor: String,
    /// Why the guard is overridden
    #[arg(long, requires = "override_guard")]
    reason: Option<String>,
    #[command(flatten)]
    show: Show,
}

pub(super) async fn run(config: &Config, arguments: Arguments) -> anyhow::Result<Exit> {
    let trueup = Trueup::connect(config).await?;
    let context = trueup.context().clone();
    let run = open(&context, &arguments).await?;
    if arguments.detach {
        super::output::line(&format!("run {run} is open; `trueup report {run}` shows its report once it is there"))?;
        return Ok(Exit::Clean);
    }
    let shutdown = signal::shutdown()?;
    work_and_show(trueup, run, &arguments.show, &shutdown).await
}

/// Works on a run until its report is there, and shows it.
pub(super) async fn work_and_show(trueup: Trueup, run: RunId, show: &Show, shutdown: &CancellationToken) -> anyhow::Result<Exit> {
    let context = trueup.context().clone();
    work(trueup, run, shutdown).await?;
    let Some(report) = report::read(context.pools(), run).await? else {
        anyhow::bail!(
            "run {run} was interrupted; its jobs are kept. `trueup run` with the same arguments goes on with a run that it started, \
             `trueup all` with any, and `trueup runs cancel {run}` ends it"
        );
    };
    report::show(context.pools(), &report, show).await?;
    Ok(Exit::of(&report))
}

/// An unfinished run of the same kinds and mode is what an interrupted `trueup run` left: going on with it is what
/// makes a kill harmless. Two that run at once work on the same run together.
async fn open(context: &Context, arguments: &Arguments) -> anyhow::Result<RunId> {
    let span = tracing::info_span!("run", origin = "cli", mode = %arguments.mode);
    let mut new = NewRun {
        origin: "cli".to_owned(),
        kinds: kinds_named(&arguments.kinds),
        mode: arguments.mode,
        sweep: if arguments.full { Sweep::Full } else { Sweep::Incremental },
        timeout_secs: arguments.timeout,
        trace: trueup_workers::traceparent(&span),
        actor: Some(by::actor(&arguments.actor).to_owned()),
        guard_override: guard_override(arguments)?,
        follows: None,
        touches: false,
    };
    if new.kinds.is_empty() {
        new.kinds = context.kinds();
    }
    new.kinds.sort();
    new.kinds.dedup();
    if !arguments.new {
        let mut connection = context.pools().read.acquire().await?;
        if let Some(unfinished) = runs::unfinished_like(&mut connection, &new).await? {
            eprintln!("joining run {unfinished}, which is unfinished (--new starts another one)");
            return Ok(unfinished);
        }
    }
    start_run(context, new).instrument(span).await
}

fn guard_override(arguments: &Arguments) -> anyhow::Result<Option<GuardOverride>> {
    if !arguments.override_guard {
        return Ok(None);
    }
    anyhow::ensure!(arguments.mode == Mode::Repair, "--override-guard is for runs that write: add --mode repair");
    let reason = by::reason(arguments.reason.as_deref().unwrap_or_default())?;
    Ok(Some(GuardOverride { actor: by::actor(&arguments.actor).to_owned(), reason: reason.to_owned() }))
}

/// Adds the run's jobs and works on them, beside any other worker, until its report is there.
pub(crate) async fn work(trueup: Trueup, run: RunId, shutdown: &CancellationToken) -> anyhow::Result<()> {
    let context = trueup.context().clone();
    let stop = shutdown.child_token();
    let worker = trueup.clone().worker("run", stop.clone());
    // Without schedules a scheduler only looks after what is there: it adds jobs, and keeps to deadlines.
    let scheduler = trueup.scheduler(Vec::new(), stop.clone());
    let watch = async {
        let _stop_both = stop.clone().drop_guard();
        enqueue_beside_scheduler(&context, run).await?;
        watch(&context, run, &stop).await
    };
    let (roles, watched) = tokio::join!(all::both(worker, scheduler, &stop), watch);
    roles.and(watched)
}

/// Shows how far the run is until its report is there, or the process is told to stop.
async fn watch(context: &Context, run: RunId, stop: &CancellationToken) -> anyhow::Result<()> {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    bar.set_style(ProgressStyle::with_template("{msg:10} [{bar:40}] {pos}/{len} {elapsed}")?.progress_chars("=> "));
    let mut looks = 0;
    let mut failures = 0;
    while !stop.is_cancelled() {
        match run_status(context, run).await {
            Ok(status) => {
                failures = 0;
                let status = status.context("the run is gone")?;
                if status.phase == Phase::Done {
                    break;
                }
                show_progress(&bar, &status, looks);
                looks += 1;
            }
            // The worker knows better when the database is gone for good; it ends this by its own error.
            Err(error) if failures == 0 => {
                failures += 1;
                tracing::warn!(error = format!("{error:#}"), "cannot see how far the run is");
            }
            Err(_) => failures += 1,
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
    bar.finish_and_clear();
    Ok(())
}

fn show_progress(bar: &ProgressBar, run: &Run, looks: u32) {
    let (total, done) = if matches!(run.phase, Phase::Enqueue | Phase::Detect) { run.detect } else { run.confirm };
    bar.set_length(u64::try_from(total).unwrap_or_default());
    bar.set_position(u64::try_from(done).unwrap_or_default());
    bar.set_message(run.phase.as_str());
    if !std::io::stderr().is_terminal() && looks % LINE_EVERY_LOOKS == LINE_EVERY_LOOKS - 1 {
        eprintln!("run {}: {} {done}/{total}", run.id, run.phase.as_str());
    }
}
