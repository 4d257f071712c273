//! Postgres: locate, compare, repair, runs, reports.

pub mod activity;
mod bind;
mod checkpoints;
pub mod connect;
pub mod contracts;
mod error;
pub mod events;
mod fingerprints;
mod identity;
mod kind;
mod located;
pub mod proposals;
mod read;
pub mod repair;
pub mod report;
pub mod runs;
mod sql;
mod statements;
pub mod touches;

pub use checkpoints::keep_checkpoints;
pub use connect::Pools;
pub use error::{BindError, DatabaseError, RowError};
pub use fingerprints::{Fingerprint, keep_fingerprints};
pub use kind::Kind;
pub use located::{Compare, Compared, Located, LocatedKey, LocatedParent, NewRow};
pub use read::{CreationEventSeen, CreationKey, RowRange, Sieved, StillRow, Waiting};
pub use repair::{Order, Released, RepairOutcome, RevertOutcome, release, release_matching};
pub use sql::{Bind, Select};
pub use statements::{Reading, Statements, Timed};
