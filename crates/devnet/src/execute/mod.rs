//! Runs transactions: their checks, the host, the classic operations, the result.

pub(crate) mod account;
pub(crate) mod check;
mod classic;
pub(crate) mod footprint;
pub(crate) mod host;
pub(crate) mod outcome;
pub(crate) mod overlay;
pub(crate) mod own;
mod rent;
pub(crate) mod run;
