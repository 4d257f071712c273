//! The life of runs: started once by whatever schedules, resumed, retried, forgotten, and brought to a right end
//! through restarts and outages.

#[path = "../program/mod.rs"]
mod program;
#[path = "../support/mod.rs"]
mod support;

mod ended_runs;
mod outage;
mod roles;
mod schedules;
mod second_looks;
mod unsealed;
mod workers;
