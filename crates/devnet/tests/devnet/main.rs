//! The devnet from outside: its contracts, its RPC, its faults, its snapshots,
//! and the published SDK against it.

mod accounts;
mod client;
mod contracts;
mod entries;
mod faults;
mod history;
mod sdk;
mod send;
mod simulate;
mod snapshot;
