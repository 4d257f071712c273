//! The report of a run: assembled from what is stored, and read again.

mod assemble;
mod rows;

pub use assemble::{DriftCount, PlanCount, drift_counts, executes_proposals, plan_counts, read, write};
pub(crate) use rows::MATCHES;
pub use rows::{DriftFilter, DriftRow, RepairFilter, RepairRow, count_drifts, drifts, kinds_of_repairs, repairs, undoable};
