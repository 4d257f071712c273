//! `[chain]` with `source = "soroban"`: a contract's storage entries.

use trueup_judge::Durability;

use super::chain::{contract, durability};
use super::entry::EntryReader;
use super::{Chain, also, element, enumerate, table, values};
use crate::document::{Item, Section};
use crate::{AlsoEntry, KeyTemplate, Soroban, Source, Value};

pub(super) fn chain(mut section: Section<'_>, key: Option<Item<'_>>, values: Option<Item<'_>>) -> Option<Chain> {
    let document = section.document;
    if key.is_none() {
        let help = "name the column (or the list of columns) that holds the chain key, as in `key = \"loan_id\"`".to_owned();
        document.report(crate::Position { line: 1, column: 1 }, "the spec has no `key`", Some(help));
    }
    let key = key.and_then(|item| table::key(&item));
    let contract = section
        .require("contract", "write the contract's address, or `contract = { column = \"contract_address\" }` if each row has its own")
        .and_then(|item| contract(&item));
    let durability_item = section.take("durability");
    let durability = durability_item.as_ref().map_or(Some(Durability::Persistent), durability);
    let mut reader = EntryReader::with_arguments();
    let entry = section
        .require("entry", "write the key of the contract's entry, as in `entry = [{ symbol = \"Loan\" }, { u64 = \"loan_id\" }]`")
        .and_then(|item| reader.entry(&item));
    refuse_temporary_instance(entry.as_ref(), durability_item.as_ref(), durability);
    let also_item = section.take("also");
    let also = also_item.as_ref().map_or(Some(Vec::new()), |item| also::also(item, durability?, &mut reader));
    let element = section.take("element").map_or(Some(None), |item| element::element(&item, &mut reader).map(Some));
    let enumerate_item = section.take("enumerate");
    section.finish();

    let names: Vec<&str> = also.iter().flatten().map(|entry| entry.name.text.as_str()).collect();
    // Without its entries, every `from` would be reported as unknown.
    let values = values.filter(|_| also.is_some());
    let (values, values_are_whole) = values.map_or((Vec::new(), also.is_some()), |item| values::values(&item, &names));
    if values_are_whole {
        report_unread(also_item.as_ref(), also.as_deref().unwrap_or_default(), &values);
    }
    let key = key?;
    let mut source = Soroban {
        contract: contract?,
        durability: durability?,
        entry: entry?,
        arguments: reader.arguments,
        also: also?,
        element: element?,
        enumerate: None,
    };
    source.enumerate = match &enumerate_item {
        Some(item) => Some(enumerate::enumerate(item, &source, &key)?),
        None => None,
    };
    Some(Chain { key, source: Source::Soroban(source), values, values_are_whole })
}

pub(super) fn refuse_temporary_instance(entry: Option<&KeyTemplate>, item: Option<&Item<'_>>, durability: Option<Durability>) {
    if let (Some(KeyTemplate::Instance), Some(Durability::Temporary), Some(item)) = (entry, durability, item) {
        item.fail::<()>("a contract's instance is always persistent", Some("leave `durability` out".to_owned()));
    }
}

/// An entry that nothing is read from is a slip: a `from` was forgotten.
fn report_unread(item: Option<&Item<'_>>, also: &[AlsoEntry], values: &[Value]) {
    let Some(item) = item else { return };
    for (_, entry) in also.iter().enumerate().filter(|(index, _)| values.iter().all(|value| value.from != Some(*index))) {
        let help = format!("give one of [values] `from = \"{}\"`, or leave the entry out", entry.name.text);
        item.document.report(entry.name.at, format!("no value is read from the entry `{}`", entry.name.text), Some(help));
    }
}
