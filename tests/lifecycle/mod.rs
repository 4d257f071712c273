//! The life of runs: started once by whatever schedules, resumed, retried, forgotten, and brought to a right end
//! through restarts and outages.

mod ended_runs;
mod outage;
pub mod roles;
mod schedules;
mod second_looks;
mod stuck_runs;
mod unsealed;
mod workers;
