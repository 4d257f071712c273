//! `enumerate`: which keys exist on chain.

use trueup_judge::Durability;

use super::chain::{durability, entry_without_arguments, is_key_column};
use super::{events, values};
use crate::document::{Item, Section};
use crate::{Contract, CounterAt, CounterHolds, Element, Enumerate, KeyTemplate, Name, Path, Soroban, literal, suggest};

/// The farthest from zero that counting may begin, so that no arithmetic on counters overflows.
pub(super) const MAX_FIRST_KEY: i64 = i64::MAX / 2;

const WAYS: &str = "one of `{ counter = { … } }`, `{ list = { … } }`, `{ events = { … } }`, `{ sql = \"select …\" }`";

/// The word for the elements of the one entry that holds them all.
const ELEMENTS: &str = "elements";

/// `source` is what the rest of `[chain]` says.
pub(super) fn enumerate(item: &Item<'_>, source: &Soroban, key: &[Name]) -> Option<Enumerate> {
    if item.is_text() && item.text().is_some_and(|text| text.text == ELEMENTS) {
        return elements(item, source, key);
    }
    let mut section = item.section("`enumerate` in [chain]", "a table")?;
    let counter = section.take("counter");
    let list = section.take("list");
    let sql = section.take("sql");
    let events = section.take("events");
    section.finish();
    let ways = [&counter, &list, &sql, &events].into_iter().filter(|way| way.is_some()).count();
    if ways != 1 {
        return item.fail("`enumerate` has exactly one way", Some(WAYS.to_owned()));
    }
    suits_contracts(item, source, key, sql.is_some())?;
    if let Some(sql) = sql {
        return sql.sql().map(Enumerate::Query);
    }
    if source.element.is_none() && source.entry == KeyTemplate::Instance {
        let help = "with `entry = \"instance\"` the contract is the key: enumerate by `{ sql = … }`, or leave `enumerate` out".to_owned();
        return item.fail("an instance entry holds one entity, so that nothing can be counted or listed in it", Some(help));
    }
    if let Some(events) = events {
        return events::of_keys(&events, key).map(Enumerate::Events);
    }
    let counted = match &source.element {
        None => Counted { what: "keys", columns: key.len() },
        Some(_) => Counted { what: "parents", columns: parents(item, source, key)?.len() },
    };
    if counted.columns == 0 {
        let help = "write `enumerate = \"elements\"`".to_owned();
        return item.fail("one entry holds the elements of all rows, so that no other has to be counted or listed", Some(help));
    }
    if let Some(counter) = counter {
        return self::counter(&counter, &counted);
    }
    let mut section = list?.section("`list`", "a table")?;
    let at = place(&mut section);
    section.finish();
    let (entry, durability, path) = at?;
    Some(Enumerate::List { entry, durability, path })
}

/// What a counter counts: whole keys, or the parents of elements.
struct Counted {
    what: &'static str,
    columns: usize,
}

fn elements(item: &Item<'_>, source: &Soroban, key: &[Name]) -> Option<Enumerate> {
    if source.element.is_none() {
        let help = format!("say with `element` which part of the entry a row is, or enumerate by {WAYS}");
        return item.fail("rows that are whole entries are not the elements of one", Some(help));
    }
    suits_contracts(item, source, key, true)?;
    let parents = parents(item, source, key)?;
    if parents.is_empty() {
        return Some(Enumerate::Elements);
    }
    let named = suggest::list(parents.iter().map(|column| key[*column].text.as_str()));
    let help = format!("enumerate the entries that hold the elements, by {WAYS}");
    item.fail(format!("the elements are those of many entries, which {named} tells apart"), Some(help))
}

/// The key columns that tell parents apart. Where there is no plain way from an element back to key columns, that is
/// said.
fn parents(item: &Item<'_>, source: &Soroban, key: &[Name]) -> Option<Vec<usize>> {
    let columns = source.parent_columns(key);
    if columns.is_none() {
        let hole = source.element.iter().flat_map(Element::holes).find_map(|hole| source.arguments.get(hole))?;
        let help = "let each part be the name of another key column, of a type that is no time (`first` is what the first position is \
                    called), or enumerate whole keys by `{ sql = … }`";
        item.document.report(hole.sql.at, "the keys of elements cannot be made from the chain", Some(help.to_owned()));
    }
    columns
}

/// Where each row names its contract, a key is only whole with it, and no one contract holds a counter or a list.
fn suits_contracts(item: &Item<'_>, source: &Soroban, key: &[Name], by_sql: bool) -> Option<()> {
    let contracts = std::iter::once(&source.contract).chain(source.also.iter().filter_map(|entry| entry.contract.as_ref()));
    for contract in contracts {
        let Contract::Column(column) = contract else { continue };
        if !is_key_column(key, column) {
            let help = format!("add `{}` to `key`, or leave `enumerate` out", column.text);
            return item.fail(format!("`enumerate` needs the contract's column `{}` among the key columns", column.text), Some(help));
        }
    }
    if matches!(source.contract, Contract::Column(_)) && !by_sql {
        let help = "no one contract holds the counter or list of all rows: enumerate by `{ sql = … }`, or leave `enumerate` out".to_owned();
        return item.fail("`enumerate` with a contract for each row goes by SQL only", Some(help));
    }
    Some(())
}

fn counter(item: &Item<'_>, counted: &Counted) -> Option<Enumerate> {
    let mut section = item.section("`counter`", "a table")?;
    let at = counter_at(&mut section);
    let first = section.require("first", "write the first key that the contract gives out, as in `first = 1`");
    let first = first.and_then(|item| item.integer(-MAX_FIRST_KEY, MAX_FIRST_KEY));
    let words = [("last", CounterHolds::Last), ("next", CounterHolds::Next), ("count", CounterHolds::Count)];
    let holds = section
        .require("holds", "write what the counter holds: `last` (key given out), `next` (key to be given out) or `count` (of keys)")
        .and_then(|item| item.word("meaning of a counter", &words));
    section.finish();
    let Counted { what, columns } = counted;
    if *columns != 1 {
        let help = format!("{what} that are counted are whole numbers in one column; others are enumerated by a list or by SQL");
        return item.fail(format!("a counter cannot enumerate {what} of {columns} columns"), Some(help));
    }
    Some(Enumerate::Counter { at: at?, first: first?, holds: holds? })
}

fn counter_at(section: &mut Section<'_>) -> Option<CounterAt> {
    if let Some(item) = section.take("instance") {
        let text = item.text_or("the symbol under which the instance holds the counter")?;
        if text.text.is_empty() || !literal::is_symbol(&text.text) {
            return text.fail(format!("`{}` is not a symbol", text.text), None);
        }
        return Some(CounterAt::Instance(text.text));
    }
    let (entry, durability, path) = place(section)?;
    Some(CounterAt::Entry { entry, durability, path })
}

/// `entry`, `durability` and `path` of something that the contract holds once.
fn place(section: &mut Section<'_>) -> Option<(KeyTemplate, Durability, Path)> {
    let entry = section
        .require("entry", "write the entry's key, as in `entry = [{ symbol = \"Loans\" }]`, or `entry = \"instance\"` with a `path`")
        .and_then(|item| entry_without_arguments(&item));
    let durability = section.take("durability").map_or(Some(Durability::Persistent), |item| durability(&item));
    let path = section.take("path").map_or(Some(Path::default()), |item| values::path(&item));
    Some((entry?, durability?, path?))
}
