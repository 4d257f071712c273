//! What keeps a run from writing: too much of it, code that nobody accepted, a protocol that nobody here knows.

mod contracts;
mod limits;
mod network;

use crate::program::{Ended, Program};
use crate::support::{Deployment, SPEC};

/// The shared spec with another `[guard]`.
fn guarded_by(guard: &str) -> String {
    SPEC.replace("[guard]\nmax_share = \"100%\"\n", guard)
}

async fn trueup(deployment: &Deployment, arguments: &[&str]) -> Ended {
    Program::start(&deployment.config, arguments).end().await
}

/// How many loans have a status that the chain does not know of them.
async fn active(deployment: &Deployment) -> i64 {
    deployment.value("SELECT count(*) FROM loans WHERE status = 'active'").await
}
