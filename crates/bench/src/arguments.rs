//! What is measured, how often, and how large.

use clap::{Args, ValueEnum};

/// Which measurements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// Jobs that do nothing
    Queue,
    /// Entities reconciled a second
    Job,
    /// What a sweep costs, and how that grows
    Cost,
    /// One, two and four workers
    Scaling,
    /// What the application beside it notices
    Application,
}

/// The options of `trueup-bench run`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// What to measure, separated by commas [default: all]
    #[arg(long, value_delimiter = ',')]
    pub(crate) only: Vec<Part>,
    /// How often each measurement is repeated
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=100))]
    runs: u16,
    /// A tenth and less of everything: shows that it works, its figures say little
    #[arg(long)]
    small: bool,
    /// Of the queue: only contestants whose name holds this
    #[arg(long, value_name = "TEXT")]
    pub(crate) contestant: Option<String>,
}

/// How large everything is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) runs: usize,
    /// Jobs in the queue.
    pub(crate) jobs: u64,
    /// Ended jobs that lie behind them.
    pub(crate) behind: u64,
    /// Entities of the whole job, and of what runs beside an application.
    pub(crate) entities: u64,
    /// Of them, how many the usual design does: it is slow, and its rate does not depend on how many there are.
    pub(crate) usual_entities: u64,
    /// The sizes over which the growth of cost is shown.
    pub(crate) cost_entities: Vec<u64>,
    /// Entities of the measurement of scaling.
    pub(crate) scaling_entities: u64,
    /// How long the application runs with and without a sweep.
    pub(crate) window_secs: u64,
    /// The scale of `pgbench`'s tables: 100,000 rows each.
    pub(crate) application_scale: u64,
}

// === impl Arguments ===

impl Arguments {
    pub(crate) fn covers(&self, part: Part) -> bool {
        self.only.is_empty() || self.only.contains(&part)
    }

    pub(crate) fn size(&self) -> Size {
        let runs = usize::from(self.runs);
        if self.small {
            return Size {
                runs,
                jobs: 10_000,
                behind: 50_000,
                entities: 2_000,
                usual_entities: 200,
                cost_entities: vec![1_000, 10_000],
                scaling_entities: 4_000,
                window_secs: 5,
                application_scale: 1,
            };
        }
        Size {
            runs,
            jobs: 100_000,
            behind: 1_000_000,
            entities: 100_000,
            usual_entities: 2_000,
            cost_entities: vec![10_000, 100_000, 1_000_000],
            scaling_entities: 40_000,
            window_secs: 30,
            application_scale: 10,
        }
    }
}
