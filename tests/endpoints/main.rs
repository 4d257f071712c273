//! Several endpoints of one chain: one that fails, lags or lies never makes a wrong row.

#[path = "../program/mod.rs"]
mod program;
#[path = "../support/mod.rs"]
mod support;

mod agreement;
mod chain;
mod failing;
mod lagging;
mod starting;
