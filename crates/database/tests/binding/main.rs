//! Specs against real tables: bound, located, compared, repaired, reverted.

mod activity;
mod aftermath;
mod application;
mod compare;
mod conditions;
mod elements;
mod enumerate;
mod errors;
mod events;
mod fingerprints;
mod layouts;
mod locate;
mod odds;
mod patience;
mod properties;
mod reality;
mod refusals;
mod repair;
mod resolve;
mod revert;
mod rights;
mod spec_text;
mod triggers;
mod waiting;
