//! Postgres: locate, compare, repair, runs, reports.

mod bind;
mod checkpoints;
pub mod connect;
mod error;
pub mod events;
mod identity;
mod kind;
mod located;
mod read;
pub mod repair;
pub mod report;
pub mod runs;
mod sql;
mod statements;

pub use checkpoints::keep_checkpoints;
pub use connect::Pools;
pub use error::{BindError, DatabaseError, RowError};
pub use kind::Kind;
pub use located::{Compare, Compared, Located, LocatedKey, LocatedParent, NewRow};
pub use read::{CreationEventSeen, CreationKey, Waiting};
pub use repair::{Order, RepairOutcome, RevertOutcome, release};
pub use sql::{Bind, Select};
pub use statements::Statements;
