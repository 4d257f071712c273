//! `element`: rows that are elements of a list or map within their entry.

use super::entry::EntryReader;
use super::enumerate::MAX_FIRST_KEY;
use super::values;
use crate::document::Item;
use crate::{Argument, ArgumentType, Element, ElementBy};

const WAYS: &str = "write `index = \"position\"` for a list, or `key = { address = \"wallet\" }` for a map";

pub(super) fn element(item: &Item<'_>, reader: &mut EntryReader) -> Option<Element> {
    let mut section = item.section("`element` in [chain]", "a table, as in `{ of = \"schedule\", index = \"position\" }`")?;
    let of = section
        .require("of", "write where in the entry the list or map is; `of = \"\"` is the whole value")
        .and_then(|item| values::path(&item));
    let optional = section.take("optional").map_or(Some(false), |item| item.boolean());
    let index = section.take("index");
    let key = section.take("key");
    let first = section.take("first");
    section.finish();
    let by = match (index, key) {
        (Some(index), None) => position(&index, first.as_ref(), reader),
        (None, Some(key)) => under_key(&key, first.as_ref(), reader),
        _ => item.fail("`element` has exactly one of `index` and `key`", Some(WAYS.to_owned())),
    };
    Some(Element { of: of?, by: by?, optional: optional? })
}

fn position(index: &Item<'_>, first: Option<&Item<'_>>, reader: &mut EntryReader) -> Option<ElementBy> {
    let sql = index.sql();
    let first = first.map_or(Some(0), |item| item.integer(-MAX_FIRST_KEY, MAX_FIRST_KEY));
    reader.arguments.push(Argument { kind: ArgumentType::I64, sql: sql? });
    Some(ElementBy::Position { argument: reader.arguments.len() - 1, first: first? })
}

fn under_key(key: &Item<'_>, first: Option<&Item<'_>>, reader: &mut EntryReader) -> Option<ElementBy> {
    if let Some(first) = first {
        first.fail::<()>("only positions in a list have a `first`", Some("leave it out with `key`".to_owned()));
    }
    let template = reader.part_or_parts(key)?;
    if template.holes().is_empty() {
        let help = "name the key column that says which element it is, as in `key = { address = \"wallet\" }`".to_owned();
        return key.fail("every row would be the same element: the key of `element` holds no column", Some(help));
    }
    Some(ElementBy::Key(template))
}
