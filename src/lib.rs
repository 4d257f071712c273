//! trueup keeps a Postgres database true to the chain.
//!
//! The program `trueup` is a thin command line over this library. A service can embed the same scheduler and workers
//! in its own tokio runtime:
//!
//! ```no_run
//! # async fn example() -> anyhow::Result<()> {
//! use tokio_util::sync::CancellationToken;
//! use trueup::{Config, Trueup};
//!
//! let config = Config::from_environment()?;
//! let trueup = Trueup::connect(&config).await?;
//! let shutdown = CancellationToken::new();
//! let worker = tokio::spawn(trueup.clone().worker("embedded", shutdown.clone()));
//! let scheduler = tokio::spawn(trueup.scheduler(config.schedules()?, shutdown.clone()));
//! # drop((worker, scheduler));
//! # Ok(())
//! # }
//! ```

pub mod cli;
mod config;
mod demo;
mod service;
pub mod telemetry;
mod view;

pub use config::{ApprovalConfig, Config, DatabaseConfig, QueueConfig, ScheduleConfig, ThrottleConfig, TouchConfig, WorkerConfig};
pub use service::Trueup;
pub use trueup_database::runs::{GuardOverride, NewRun, Run, RunState};
pub use trueup_judge::{EntityKind, Mode, RunId, Sweep};
pub use trueup_workers::{Document, FullSweeps, NamedEntity, Schedule, Settings, ThrottleSettings, Touching};
