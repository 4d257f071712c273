//! `enumerate`: which keys exist on chain.

use trueup_judge::Durability;

use super::chain::{durability, entry_without_arguments, is_key_column};
use super::{events, values};
use crate::document::{Item, Section};
use crate::{Contract, CounterAt, CounterHolds, Enumerate, KeyTemplate, Name, Path, literal};

/// The farthest from zero that counting may begin, so that no arithmetic on counters overflows.
const MAX_FIRST_KEY: i64 = i64::MAX / 2;

const WAYS: &str = "one of `{ counter = { … } }`, `{ list = { … } }`, `{ events = { … } }`, `{ sql = \"select …\" }`";

pub(super) fn enumerate(item: &Item<'_>, contract: &Contract, key: &[Name], entry_is_instance: bool) -> Option<Enumerate> {
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
    suits_contract(item, contract, key, sql.is_some())?;
    if entry_is_instance && sql.is_none() {
        let help = "with `entry = \"instance\"` the contract is the key: enumerate by `{ sql = … }`, or leave `enumerate` out".to_owned();
        return item.fail("an instance entry holds one entity, so that nothing can be counted or listed in it", Some(help));
    }
    if let Some(counter) = counter {
        return self::counter(&counter, key);
    }
    if let Some(list) = list {
        let mut section = list.section("`list`", "a table")?;
        let at = place(&mut section);
        section.finish();
        let (entry, durability, path) = at?;
        return Some(Enumerate::List { entry, durability, path });
    }
    if let Some(events) = events {
        return events::of_keys(&events, key).map(Enumerate::Events);
    }
    sql.and_then(|item| item.sql()).map(Enumerate::Query)
}

/// Where each row names its contract, a key is only whole with it, and no one contract holds a counter or a list.
fn suits_contract(item: &Item<'_>, contract: &Contract, key: &[Name], by_sql: bool) -> Option<()> {
    let Contract::Column(column) = contract else { return Some(()) };
    if !is_key_column(key, column) {
        let help = format!("add `{}` to `key`, or leave `enumerate` out", column.text);
        return item.fail(format!("`enumerate` needs the contract's column `{}` among the key columns", column.text), Some(help));
    }
    if !by_sql {
        let help = "no one contract holds the counter or list of all rows: enumerate by `{ sql = … }`, or leave `enumerate` out".to_owned();
        return item.fail("`enumerate` with a contract for each row goes by SQL only", Some(help));
    }
    Some(())
}

fn counter(item: &Item<'_>, key: &[Name]) -> Option<Enumerate> {
    let mut section = item.section("`counter`", "a table")?;
    let at = counter_at(&mut section);
    let first = section.require("first", "write the first key that the contract gives out, as in `first = 1`");
    let first = first.and_then(|item| item.integer(-MAX_FIRST_KEY, MAX_FIRST_KEY));
    let words = [("last", CounterHolds::Last), ("next", CounterHolds::Next), ("count", CounterHolds::Count)];
    let holds = section
        .require("holds", "write what the counter holds: `last` (key given out), `next` (key to be given out) or `count` (of keys)")
        .and_then(|item| item.word("meaning of a counter", &words));
    section.finish();
    if key.len() != 1 {
        let help = "keys that are counted are whole numbers in one column; others are enumerated by a list or by SQL".to_owned();
        return item.fail(format!("a counter cannot enumerate keys of {} columns", key.len()), Some(help));
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
