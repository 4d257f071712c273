use clap::Args;
use trueup_database::proposals::ProposalFilter;
use trueup_database::runs::GuardOverride;
use trueup_workers::{ApprovalRuns, Decision, Execution, approve_proposals, reject_proposals};

use super::super::by::ByWithReason;
use super::super::report::Show;
use super::super::run::work_and_show;
use super::super::{Exit, output, signal};
use super::proposed::Which;
use crate::config::DEFAULT_TIMEOUT_SECS;
use crate::service::connect_database;
use crate::{Config, Trueup};

/// Which proposals are decided about.
#[derive(Args)]
pub(crate) struct Selection {
    /// These plans
    ids: Vec<i64>,
    #[command(flatten)]
    which: Which,
    /// Every open proposal
    #[arg(long, conflicts_with = "ids")]
    all: bool,
}

/// What is approved, and how it is executed.
#[derive(Args)]
pub(crate) struct ApproveArguments {
    #[command(flatten)]
    selection: Selection,
    #[command(flatten)]
    by: ByWithReason,
    /// Let the run write more than [guard] in the specs allows; recorded with actor and reason
    #[arg(long)]
    override_guard: bool,
    /// After this many seconds the run is reported as it stands
    #[arg(long, value_name = "SECONDS", default_value_t = DEFAULT_TIMEOUT_SECS, value_parser = clap::value_parser!(i64).range(1..))]
    timeout: i64,
    /// Work on the run in this process and show its report, instead of leaving it to workers elsewhere
    #[arg(long)]
    work: bool,
    /// With --work: the report as JSON
    #[arg(long, requires = "work")]
    json: bool,
}

/// What is rejected.
#[derive(Args)]
pub(crate) struct RejectArguments {
    #[command(flatten)]
    selection: Selection,
    #[command(flatten)]
    by: ByWithReason,
}

impl Selection {
    fn filter(self) -> anyhow::Result<ProposalFilter> {
        let says_which = !self.ids.is_empty() || !self.which.is_empty() || self.all;
        anyhow::ensure!(says_which, "say which proposals: plan ids, --run, a filter such as --kind or --class, or --all");
        Ok(self.which.filter(self.ids))
    }
}

/// What is said where a filter finds nothing.
const NONE_MATCHES: &str = "no open proposal matches; `trueup repairs proposed --state all` shows those that were decided about";

pub(super) async fn approve(config: &Config, arguments: ApproveArguments) -> anyhow::Result<Exit> {
    let (actor, reason) = (arguments.by.actor().to_owned(), arguments.by.reason()?.to_owned());
    let guard_override = arguments.override_guard.then(|| GuardOverride { actor: actor.clone(), reason: reason.clone() });
    let span = tracing::info_span!("run", origin = "approval");
    let execution = Execution { timeout_secs: arguments.timeout, guard_override, trace: trueup_workers::traceparent(&span) };
    let decision = Decision { filter: arguments.selection.filter()?, actor, reason, four_eyes: config.approval.four_eyes };
    if !arguments.work {
        let pools = connect_database(config).await?;
        let approved = approve_proposals(&pools.write, &decision, &execution).await?;
        tell(&approved, "; a worker takes it up")?;
        return Ok(Exit::Clean);
    }
    // What stands in the way of the work is said before anything is approved.
    let trueup = Trueup::connect(config).await?;
    let shutdown = signal::shutdown()?;
    let approved = approve_proposals(&trueup.context().pools().write, &decision, &execution).await?;
    if !arguments.json {
        tell(&approved, "")?;
    }
    let show = Show { json: arguments.json, all: false };
    let mut exit = Exit::Clean;
    for (run, _) in approved {
        exit = exit.or(work_and_show(trueup.clone(), run, &show, &shutdown).await?);
    }
    Ok(exit)
}

fn tell(approved: &ApprovalRuns, what_next: &str) -> anyhow::Result<()> {
    if approved.is_empty() {
        output::line(NONE_MATCHES)?;
    }
    for (run, plans) in approved {
        output::line(&format!("run {run} executes {plans} approved plan(s){what_next}; `trueup report {run}` shows what came of them"))?;
    }
    Ok(())
}

pub(super) async fn reject(config: &Config, arguments: RejectArguments) -> anyhow::Result<Exit> {
    let (actor, reason) = (arguments.by.actor().to_owned(), arguments.by.reason()?.to_owned());
    let decision = Decision { filter: arguments.selection.filter()?, actor, reason, four_eyes: false };
    let pools = connect_database(config).await?;
    match reject_proposals(&pools.write, &decision).await? {
        0 => output::line(NONE_MATCHES)?,
        rejected => output::line(&format!("{rejected} proposal(s) rejected; the next run may propose the same again"))?,
    }
    Ok(Exit::Clean)
}
