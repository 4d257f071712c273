//! A stranger's application: a database, a chain served from a snapshot by `trueup devnet --load`, specs in a folder,
//! and the program, run as a person would.

pub mod application;
pub mod chain;
pub mod program;
pub mod snapshot;
pub mod values;

pub use application::Application;
pub use snapshot::{Snapshot, account, contract};
