//! Several endpoints of one chain: one that fails, lags or lies never makes a wrong row.

mod agreement;
pub mod chain;
mod failing;
mod lagging;
mod starting;
