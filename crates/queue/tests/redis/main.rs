//! What the queue promises, on Redis: the same tests as on Postgres, and those of what only Redis can do.

#[path = "../queue/bulky.rs"]
mod bulky;
#[path = "../queue/ending.rs"]
mod ending;
#[path = "../queue/enqueueing.rs"]
mod enqueueing;
#[path = "../queue/groups.rs"]
mod groups;
#[path = "../queue/inspection.rs"]
mod inspection;
#[path = "../queue/outage.rs"]
mod outage;
#[path = "../queue/poison.rs"]
mod poison;
#[path = "../queue/retrying.rs"]
mod retrying;
#[path = "../queue/support.rs"]
mod support;
#[path = "../queue/takeover.rs"]
mod takeover;
#[path = "../queue/working.rs"]
mod working;

mod chunks;
mod engine;
mod memory_lost;
mod refusals;
