//! Chain values ⇄ texts: keys from a row's arguments, and an entry's values as Postgres casts them. Pure.
//!
//! Nothing here rounds, guesses or falls back: a text that is not exactly a key is a [`KeyError`], and a value that is
//! not exactly what the spec reads is a [`DecodeError`].

mod account;
mod argument;
mod asset;
mod balance;
mod bytes;
mod decode;
mod element;
mod entry;
mod enumerated;
mod error;
mod event;
mod holder;
mod integer;
mod json;
mod key;
mod path;
mod text;
mod time;

pub use account::account_values;
pub use argument::argument;
pub use asset::{asset, asset_contract, balance_key, is_asset_contract, token_balance_key};
pub use balance::balance_values;
pub use decode::{decode, decode_all, decode_joined};
pub use element::{ElementAt, element, element_at, elements};
pub use entry::{entry_value, ledger_key_of};
pub use enumerated::key_texts;
pub use error::{DecodeError, KeyError};
pub(crate) use event::{EventBody, event_body};
pub use holder::{account_key, holder};
pub use key::{key_value, ledger_key};
pub use path::select;

pub(crate) use bytes::without_prefix as without_hex_prefix;
pub(crate) use entry::{XDR_DEPTH_MAX, entry_from_xdr, key_bytes, running, sentinel_key};
pub(crate) use time::timestamp;
