//! Reads of the application's tables: one statement a batch, and never a write.

mod altered;
mod bisect;
mod compare;
mod creation;
mod enqueue;
mod event_match;
mod input;
mod locate;
mod locate_keys;
mod locate_parents;
mod mark;
mod new_rows;
mod provisional;
mod range;
mod sieve;

pub(crate) use altered::IS_NEWEST;
pub(crate) use compare::Comparison;
pub(crate) use creation::Creations;
pub use creation::{CreationEventSeen, CreationKey};
pub(crate) use enqueue::Enumeration;
pub(crate) use event_match::key_from;
pub(crate) use input::unnest;
pub(crate) use locate::Location;
pub(crate) use locate_keys::KeyLocation;
pub(crate) use locate_parents::ParentLocation;
pub(crate) use new_rows::NewRows;
pub use provisional::Waiting;
pub(crate) use provisional::{WaitingRows, provisional_rows};
pub use range::RowRange;
pub(crate) use range::{ranges, rows_of};
pub(crate) use sieve::Sieve;
pub use sieve::{Sieved, StillRow};
