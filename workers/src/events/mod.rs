//! The stored events are kept up with the chain: a cursor for each contract that a spec names, which moves only over
//! what was stored with it, or over a hole that was recorded with it.

mod catch_up;
mod feed;
mod feeder;
mod known;
mod tip;

pub(crate) use catch_up::catch_up;
pub use feed::feed_events;
pub(crate) use feeder::Feeder;
pub(crate) use known::{before_matching, contracts, keys_notes};
