//! Entity specs: the TOML files that map a kind of entity to its table and to its place on chain.
//!
//! A spec is read with its places kept, so that every error, here or later against the database, can point at the
//! line and column that it is about. What is checked here is what the text alone can tell; whether a spec fits the
//! database and the chain is checked where those are.

mod document;
mod duration;
mod entries;
mod environment;
mod error;
mod events;
mod identifier;
mod literal;
mod load;
mod mentions;
mod model;
mod parse;
mod path;
mod place;
mod provisional;
mod source;
mod suggest;
mod transaction;

pub use entries::{AlsoEntry, Element, ElementBy};
pub use error::{SpecError, SpecErrors};
pub use events::{EventFilter, EventTopic, KeyEvents, Touch, TransactionEvents};
pub use load::load;
pub use model::*;
pub use path::PathError;
pub use provisional::{CreationEvent, EventMatch, EventPart, EventPath, Provisional, Reference, Topic};
pub use source::{ACCOUNT_VALUES, ASSET_BALANCE_VALUES, ASSET_DECIMALS, Account, Asset, AssetBalance, NATIVE_CODES, View};
pub use transaction::{STATUS_EXPIRED, STATUS_SUPERSEDED, TRANSACTION_VALUES, Transaction};
