//! What the queue promises, on a real Postgres. The tests of Redis run these files again.

mod bulky;
mod ending;
mod engine;
mod enqueueing;
mod groups;
mod inspection;
mod outage;
mod poison;
mod retrying;
mod support;
mod takeover;
mod working;
