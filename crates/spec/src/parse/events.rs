//! `enumerate = { events = { … } }`.

use super::chain::fixed_contract;
use super::provisional::{MAX_TOPICS, event_path};
use super::table;
use crate::document::{Item, Section};
use crate::{EventFilter, EventTopic, KeyEvents, Name, TransactionEvents, literal, suggest};

/// An event younger than this, in seconds, may be of an entity whose row the application is just about to write.
pub(super) const DEFAULT_AFTER_SECS: i64 = 300;

/// The topic that may be anything.
const ANY: &str = "*";

/// The newest ledger that there can be.
const MAX_LEDGER: i64 = u32::MAX as i64;

/// Of an entity's contract: which keys there are.
pub(super) fn of_keys(item: &Item<'_>, key: &[Name]) -> Option<KeyEvents> {
    let mut section = item.section("`events`", "a table")?;
    let filter = filter(&mut section);
    let id = section
        .require("id", "write where in the event the key is, as in `id = \"data[0]\"`, or a list for several key columns")
        .and_then(|item| places(&item, key));
    section.finish();
    Some(KeyEvents { filter: filter?, id: id? })
}

/// Of a contract that the events name: which transactions there are.
pub(super) fn of_transactions(item: &Item<'_>) -> Option<TransactionEvents> {
    let mut section = item.section("`enumerate` in [chain]", "a table")?;
    let events = section.require("events", "write `enumerate = { events = { contract = \"C…\", topics = [\"…\"] } }`");
    section.finish();
    let mut section = events?.section("`events`", "a table")?;
    let contract = section
        .require("contract", "name the contract whose transactions the table should have, as in `contract = \"${LOAN_CONTRACT}\"`")
        .and_then(|item| fixed_contract(&item));
    let filter = filter(&mut section);
    section.finish();
    Some(TransactionEvents { contract: contract?, filter: filter? })
}

fn filter(section: &mut Section<'_>) -> Option<EventFilter> {
    let topics = section
        .require("topics", "write the event's topics from the first, which is its name, as in `topics = [\"LOANCRTD\"]`")
        .and_then(|item| topics(&item));
    let after_secs = section.take("after").map_or(Some(DEFAULT_AFTER_SECS), |item| table::duration(&item));
    let since = section.take("since").map_or(Some(None), |item| item.integer(1, MAX_LEDGER).map(Some));
    Some(EventFilter { topics: topics?, after_secs: after_secs?, since: since? })
}

/// The first topic is the event's name; the others are values in their text form, or anything.
pub(super) fn topics(item: &Item<'_>) -> Option<Vec<EventTopic>> {
    let items = item.list("a list of topics")?;
    if items.is_empty() || items.len() > MAX_TOPICS {
        return item.fail(format!("an event has 1 to {MAX_TOPICS} topics"), None);
    }
    let read: Vec<_> = items.iter().enumerate().map(|(index, item)| topic(index, item)).collect();
    read.into_iter().collect()
}

fn topic(index: usize, item: &Item<'_>) -> Option<EventTopic> {
    let text = item.text_or_integer("a topic: a string, or a whole number")?;
    if index > 0 {
        return Some(if text.text == ANY { EventTopic::Any } else { EventTopic::Is(text.text) });
    }
    if text.text == ANY {
        let help = "name it; of one contract all events together are hardly ever of one sort".to_owned();
        return text.fail("the first topic is the event's name, and cannot be `*`", Some(help));
    }
    if text.text.is_empty() || !literal::is_symbol(&text.text) {
        return text.fail(format!("`{}` is not a symbol, and the first topic is one", text.text), None);
    }
    Some(EventTopic::Is(text.text))
}

pub(super) fn places(item: &Item<'_>, key: &[Name]) -> Option<Vec<crate::EventPath>> {
    let places: Vec<_> =
        if item.is_list() { item.list("a list of places in the event")?.iter().map(event_path).collect() } else { vec![event_path(item)] };
    let places: Vec<_> = places.into_iter().collect::<Option<_>>()?;
    if places.len() != key.len() {
        let columns = suggest::list(key.iter().map(|name| name.text.as_str()));
        let help = format!("give one place for each of {columns}, in that order");
        let name = item.what.split(" in ").next().unwrap_or_default();
        let message = format!("{name} has {} place(s), and the key has {} column(s)", places.len(), key.len());
        return item.fail(message, Some(help));
    }
    Some(places)
}
