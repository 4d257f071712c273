//! Chain values ⇄ texts: keys from a row's arguments, and an entry's values as Postgres casts them. Pure.
//!
//! Nothing here rounds, guesses or falls back: a text that is not exactly a key is a [`KeyError`], and a value that is
//! not exactly what the spec reads is a [`DecodeError`].

mod argument;
mod bytes;
mod decode;
mod element;
mod entry;
mod enumerated;
mod error;
mod event;
mod integer;
mod json;
mod key;
mod path;
mod text;
mod time;

pub use argument::argument;
pub use decode::{decode, decode_all, decode_joined};
pub use element::{ElementAt, element, element_at, elements};
pub use entry::{entry_value, ledger_key_of};
pub use enumerated::key_texts;
pub use error::{DecodeError, KeyError};
pub(crate) use event::{EventBody, event_body};
pub use key::{key_value, ledger_key};
pub use path::select;

pub(crate) use bytes::without_prefix as without_hex_prefix;
pub(crate) use entry::{entry_from_xdr, instance_key, key_bytes};
pub(crate) use time::timestamp;
