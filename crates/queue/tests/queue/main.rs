//! What the queue promises, on a real Postgres.

mod ending;
mod enqueueing;
mod groups;
mod inspection;
mod outage;
mod poison;
mod retrying;
mod support;
mod takeover;
mod working;
