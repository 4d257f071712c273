//! `[chain] source = "view"`.

use super::entry::EntryReader;
use super::{Chain, chain, table, values};
use crate::document::{Item, Section};
use crate::{Source, View, literal};

pub(super) fn chain(mut section: Section<'_>, key: Option<Item<'_>>, values: Option<Item<'_>>) -> Option<Chain> {
    let key = table::required_key(section.document, key.as_ref());
    let contract = section
        .require("contract", "write the contract's address, or `contract = { column = \"contract_address\" }` if each row has its own")
        .and_then(|item| chain::contract(&item));
    let function = section
        .require("function", "name the function that computes it, as in `function = \"get_price\"`")
        .and_then(|item| function(&item));
    let mut reader = EntryReader::with_arguments();
    let parameters = section.take("arguments").map_or(Some(Vec::new()), |item| reader.parameters(&item));
    section.finish();

    let (values, values_are_whole) = values.map_or((Vec::new(), true), |item| values::values(&item, &[]));
    let source = View { contract: contract?, function: function?, parameters: parameters?, arguments: reader.arguments };
    Some(Chain { key: key?, source: Source::View(source), values, values_are_whole })
}

fn function(item: &Item<'_>) -> Option<String> {
    let text = item.text_or("the name of a function")?;
    if text.text.starts_with("__") {
        let help = "functions that begin with `__` are called by the host alone".to_owned();
        return text.fail(format!("`{}` cannot be called", text.text), Some(help));
    }
    if literal::is_symbol(&text.text) && !text.text.is_empty() {
        return Some(text.text);
    }
    let limit = literal::MAX_SYMBOL_CHARS;
    text.fail(format!("`{}` is not the name of a function", text.text), Some(format!("a name has 1 to {limit} of A-Z, a-z, 0-9 and `_`")))
}
