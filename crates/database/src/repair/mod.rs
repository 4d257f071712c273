//! Writes to the application's tables, each with its audit in the same statement.

mod aftermath;
mod execute;
mod hold;
mod insert;
mod order;
mod resolve;
mod revert;
mod task;
mod unresolve;
mod update;

pub(crate) use execute::execute;
pub use hold::{Released, release, release_matching};
pub use order::{Order, RepairOutcome, RevertOutcome};
pub(crate) use revert::revert;
