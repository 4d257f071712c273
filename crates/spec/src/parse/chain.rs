//! `[chain]`: which source, and the source's own keys.

use stellar_strkey::{Contract as ContractId, Strkey};
use trueup_judge::Durability;

use super::entry::EntryReader;
use super::{Chain, account, asset, soroban, transaction, view};
use crate::document::{Item, Section};
use crate::{Contract, KeyTemplate, Name, identifier, suggest};

/// Sources that the file format names and that this version cannot read.
const LATER_SOURCES: [&str; 1] = ["events"];

/// Sources that it can.
const SOURCES: [&str; 5] = ["soroban", "transaction", "asset_balance", "account", "view"];

pub(super) fn chain(mut section: Section<'_>, key: Option<Item<'_>>, values: Option<Item<'_>>) -> Option<Chain> {
    let item = section.require("source", "write `source = \"soroban\"` for contract entries, or `source = \"transaction\"`")?;
    let text = item.text()?;
    match text.text.as_str() {
        "soroban" => soroban::chain(section, key, values),
        "transaction" => transaction::chain(section, key, values, text.at),
        "asset_balance" => asset::chain(section, key, values, text.at),
        "account" => account::chain(section, key, values, text.at),
        "view" => view::chain(section, key, values),
        later if LATER_SOURCES.contains(&later) => {
            let help = format!("this version reads {}", suggest::list(SOURCES));
            text.fail(format!("the source `{later}` is not supported by this version"), Some(help))
        }
        other => text.fault(identifier::none_of("source", other, SOURCES)),
    }
}

/// A contract's address, or the column that holds each row's.
pub(super) fn contract(item: &Item<'_>) -> Option<Contract> {
    if item.is_section() {
        let mut section = item.section(&item.what, "a table")?;
        let column = section.require("column", "write `contract = { column = \"contract_address\" }`").and_then(|item| item.column());
        section.finish();
        return column.map(Contract::Column);
    }
    contract_address(item, "a contract's address or `{ column = \"…\" }`").map(Contract::Fixed)
}

/// The address of a contract that is the same for all rows.
pub(super) fn fixed_contract(item: &Item<'_>) -> Option<String> {
    contract_address(item, "a contract's address")
}

fn contract_address(item: &Item<'_>, wanted: &str) -> Option<String> {
    let text = item.text_or(wanted)?;
    if text.text.parse::<ContractId>().is_ok() {
        return Some(text.text);
    }
    let message = match text.text.parse::<Strkey>() {
        Ok(Strkey::PublicKeyEd25519(_) | Strkey::MuxedAccountEd25519(_)) => format!("`{}` is an account, not a contract", text.text),
        _ => format!("`{}` is not a contract's address", text.text),
    };
    let help = "a contract's address has 56 characters and begins with C; check that it was copied whole".to_owned();
    text.fail(message, Some(help))
}

pub(super) fn durability(item: &Item<'_>) -> Option<Durability> {
    item.word("durability", &[("persistent", Durability::Persistent), ("temporary", Durability::Temporary)])
}

/// An entry that belongs to no row, so that its key holds nothing of one.
pub(super) fn entry_without_arguments(item: &Item<'_>) -> Option<KeyTemplate> {
    EntryReader::without_arguments().entry(item)
}

/// Whether a column is one of the key's.
pub(super) fn is_key_column(key: &[Name], column: &Name) -> bool {
    key.iter().any(|known| known.text == column.text)
}
