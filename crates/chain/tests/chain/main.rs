//! What the chain crate promises, in one binary so that it links once.

mod arguments;
mod balances;
mod batching;
mod client;
mod double;
mod elements;
mod endpoints;
mod entries;
mod envelopes;
mod events;
mod fixtures;
mod groups;
mod horizon;
mod keys;
mod ledger;
mod node;
mod properties;
mod read_only;
mod transactions;
mod values;
mod views;
