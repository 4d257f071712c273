//! Applications and contracts that trueup has never seen, with specs written from `docs/spec.md` alone: each is
//! checked, its drift is found exactly, repaired, and gone.

pub mod support;

mod accounts;
mod constraints;
mod elements;
mod escrows;
mod keys;
mod markets;
mod names;
mod numbers;
mod options;
mod orders;
mod positions;
mod stakes;
mod subscriptions;
mod unlisted;
