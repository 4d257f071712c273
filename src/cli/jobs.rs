use clap::{Args, Subcommand};
use trueup_queue::inspect::{self, Filter, LIST_LIMIT, Listed};
use trueup_queue::{GroupId, JobId, State};
use trueup_workers::retry_jobs;

use super::{Exit, output};
use crate::Config;
use crate::config::DEFAULT_TIMEOUT_SECS;
use crate::service::connect_database;
use crate::view::table;

/// How many jobs are listed unless more are asked for.
const DEFAULT_LIMIT: u32 = 50;
/// How much of an error a list shows, in characters.
const SHOWN_ERROR_CHARS: usize = 100;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// List jobs
    List {
        #[command(flatten)]
        which: Which,
        /// How many at most
        #[arg(long, default_value_t = DEFAULT_LIMIT, value_parser = clap::value_parser!(u32).range(1..=i64::from(LIST_LIMIT)))]
        limit: u32,
        /// Those after this id
        #[arg(long, value_name = "ID")]
        after: Option<i64>,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Show all that is known of one job
    Show {
        /// The job
        id: i64,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Give dead jobs another chance, in a run of their own
    Retry {
        /// These jobs
        ids: Vec<i64>,
        #[command(flatten)]
        which: Which,
        /// Every dead job
        #[arg(long, conflicts_with = "ids")]
        all: bool,
    },
}

/// Which jobs; what is not said does not restrict.
#[derive(Args)]
pub(crate) struct Which {
    /// ready, leased, done, dead or cancelled
    #[arg(long)]
    state: Option<State>,
    /// detect, discover, confirm, match or aggregate
    #[arg(long)]
    task: Option<String>,
    /// Of this kind of entity
    #[arg(long)]
    kind: Option<String>,
    /// Of this run
    #[arg(long)]
    run: Option<i64>,
    /// With exactly this key
    #[arg(long)]
    key: Option<String>,
    /// With this text in their error
    #[arg(long, value_name = "TEXT")]
    error: Option<String>,
}

impl Which {
    fn is_empty(&self) -> bool {
        [&self.task, &self.kind, &self.key, &self.error].into_iter().all(Option::is_none) && self.state.is_none() && self.run.is_none()
    }

    fn filter(self) -> Filter {
        Filter {
            state: self.state,
            task: self.task,
            kind: self.kind,
            group: self.run.map(GroupId),
            error: self.error,
            key: self.key,
            ids: Vec::new(),
        }
    }
}

pub(super) async fn jobs(config: &Config, command: Command) -> anyhow::Result<Exit> {
    let pools = connect_database(config).await?;
    let mut connection = pools.read.acquire().await?;
    match command {
        Command::List { which, limit, after, json } => {
            let found = inspect::list(&mut connection, &which.filter(), limit, after.map(JobId)).await?;
            if json { output::json(&found)? } else { output::line(&as_table(&found))? }
        }
        Command::Show { id, json } => {
            let Some(job) = inspect::get(&mut connection, JobId(id)).await? else {
                anyhow::bail!(
                    "there is no job {id}; jobs of finished runs are forgotten after some days, `trueup jobs list` shows those that there are"
                )
            };
            if json { output::json(&job)? } else { output::line(&details(&job))? }
        }
        Command::Retry { ids, which, all } => {
            if ids.is_empty() && which.is_empty() && !all {
                anyhow::bail!("say which jobs: their ids, a filter such as --kind or --error, or --all");
            }
            let mut filter = which.filter();
            filter.state = Some(State::Dead);
            filter.ids = ids.into_iter().map(JobId).collect();
            let jobs = every(&mut connection, &filter).await?;
            drop(connection);
            let retried = retry_jobs(&pools.write, &jobs, DEFAULT_TIMEOUT_SECS).await?;
            if retried.jobs == 0 && retried.unreported.is_empty() {
                output::line("no dead job matches; nothing to retry")?;
            }
            for run in &retried.unreported {
                output::line(&format!(
                    "run {run} is not finished, and its report will count its dead jobs: retry them once `trueup report {run}` shows it"
                ))?;
            }
            for run in &retried.runs {
                output::line(&format!("retrying in run {run}; a worker will take it up, `trueup report {run}` shows its report"))?;
            }
        }
    }
    Ok(Exit::Clean)
}

async fn every(connection: &mut sqlx::PgConnection, filter: &Filter) -> anyhow::Result<Vec<Listed>> {
    let mut found: Vec<Listed> = Vec::new();
    loop {
        let page = inspect::list(connection, filter, LIST_LIMIT, found.last().map(|job| job.id)).await?;
        if page.is_empty() {
            return Ok(found);
        }
        found.extend(page);
    }
}

fn as_table(jobs: &[Listed]) -> String {
    if jobs.is_empty() {
        return "no jobs match".to_owned();
    }
    table(
        &["job", "run", "task", "kind", "key", "state", "failures", "due (UTC)", "outcome or error"],
        jobs.iter().map(|job| {
            let said = job.outcome.clone().or_else(|| job.error.as_deref().map(|error| error.chars().take(SHOWN_ERROR_CHARS).collect()));
            vec![
                job.id.to_string(),
                job.group.to_string(),
                job.task.clone(),
                job.kind.clone(),
                job.key.clone(),
                job.state.to_string(),
                job.failures.to_string(),
                job.run_at.format("%Y-%m-%d %H:%M:%S").to_string(),
                said.unwrap_or_default(),
            ]
        }),
    )
}

fn details(job: &Listed) -> String {
    let time = |at: chrono::DateTime<chrono::Utc>| at.format("%Y-%m-%d %H:%M:%S%.3f UTC").to_string();
    let mut rows = vec![
        ("job", job.id.to_string()),
        ("run", job.group.to_string()),
        ("task", job.task.clone()),
        ("kind", job.kind.clone()),
        ("key", job.key.clone()),
        ("state", job.state.to_string()),
        ("enqueued", time(job.created_at)),
        ("due", time(job.run_at)),
        ("failures", job.failures.to_string()),
        ("looks", job.looks.to_string()),
        ("crashes", job.crashes.to_string()),
    ];
    let optional = [
        ("ended", job.ended_at.map(time)),
        ("held by", job.worker.clone()),
        ("held until", job.leased_until.map(time)),
        ("outcome", job.outcome.clone()),
        ("error", job.error.clone()),
        ("payload", job.payload.clone()),
        ("trace", job.trace.clone()),
    ];
    rows.extend(optional.into_iter().filter_map(|(name, value)| Some((name, value?))));
    rows.iter().map(|(name, value)| format!("{name:10} {}", crate::view::printable(value))).collect::<Vec<_>>().join("\n")
}
