//! Rows whose key the application made up, and the key that the chain gave them.

mod by_event;
mod by_transaction;
mod missing;
pub mod world;
