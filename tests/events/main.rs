//! What contracts emit: stored without a gap whatever happens meanwhile, and the keys and transactions that it shows.

#[path = "../program/mod.rs"]
mod program;
#[path = "../support/mod.rs"]
mod support;

mod feeders;
mod feeding;
mod holes;
mod keys;
mod transactions;
