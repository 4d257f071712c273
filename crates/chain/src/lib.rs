//! A read-only view of the chain: what its storage holds, read in full calls and turned into exact values.
//!
//! Two halves. Pure functions: rows' key arguments become ledger keys ([`key_value`], [`ledger_key`]), and entries
//! become texts that Postgres casts without loss ([`decode`]). And the client, [`Chain`]: it knows a closed list of
//! JSON-RPC methods, all of them reads, and gathers the keys of every caller in the process into as few calls as the
//! server's limit allows. [`Horizon`] is asked for transactions that are older than what RPC endpoints keep.

mod archive;
mod batch;
mod chain;
mod config;
mod endpoint;
mod endpoints;
mod error;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod reading;
mod rpc;
mod transaction;
mod values;
mod view;

pub use archive::{History, Horizon, HorizonConfig};
pub use batch::Intent;
pub use chain::{Chain, PROTOCOL_SUPPORTED};
pub use config::{Config, KEYS_PER_CALL_MAX};
pub use error::{ChainError, ContractError, ReadError};
pub use reading::{Entry, Event, Health, Network, Reading, Running, STELLAR_ASSET, SurveyedEndpoint, TransactionReading};
pub use rpc::{CONTRACTS_PER_CALL_MAX, EVENTS_PER_PAGE_MAX, EventPage, EventsFrom, Method};
/// The field's own types: what keys and values are made of.
pub use stellar_xdr::{Asset, LedgerEntryData, LedgerKey, ScAddress, ScVal};
pub use transaction::{ContractEventSeen, Effects, EnvelopeError, TransactionFacts, account_seen, transaction_facts};
pub use values::{
    DecodeError, ElementAt, KeyError, account_key, account_values, argument, asset, asset_contract, balance_key, balance_values, decode,
    decode_all, decode_joined, element, element_at, elements, entry_value, holder, is_asset_contract, key_texts, key_value, ledger_key,
    ledger_key_of, select, token_balance_key,
};
pub use view::{ViewCall, ViewOutcome, ViewReading};
