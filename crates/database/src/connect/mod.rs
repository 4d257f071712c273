//! Connections, and what must be true of the server behind them.

mod error;
mod options;
mod pools;
mod server;

pub use error::ConnectError;
pub(crate) use options::CANONICAL;
pub use options::options;
pub use pools::{PoolSettings, Pools, pools};
