//! Pieces of SQL.

mod quote;
mod select;
mod tokens;

pub(crate) use quote::{ident, list, literal, plain_ident, qualified};
pub use select::{Bind, Select};
pub(crate) use tokens::{Mentions, Soundness, mentions, soundness, with_chain_as_columns};
