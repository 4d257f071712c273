//! What contracts emit: stored without a gap whatever happens meanwhile, and the keys and transactions that it shows.

pub mod feeders;
mod feeding;
mod holes;
mod keys;
mod transactions;
