//! The report of a run: assembled from what is stored, and read again.

mod assemble;
mod rows;

pub use assemble::{DriftCount, PlanCount, drift_counts, plan_counts, read, write};
pub use rows::{DriftRow, RepairFilter, RepairRow, drifts, repairs};
