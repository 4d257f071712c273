//! Enumeration by stored events: which keys, or which transactions, they name.

use trueup_spec::{Enumerate, EventFilter, Source, Spec};

use crate::events::{text_at, topics_are};
use crate::sql::list;

/// What stands for an event in the generated SQL.
const EVENT: &str = "\"trueup:event\"";

/// A query whose rows are keys, and one that counts the events of which it cannot be told which key they name.
pub(super) struct Enumerating {
    pub keys: String,
    pub keyless: String,
}

/// The queries, if the spec enumerates by events.
pub(super) fn enumerating(spec: &Spec) -> Option<Enumerating> {
    let (contract, filter) = (spec.event_contract()?, spec.enumerating_events()?);
    let texts: Vec<String> = match &spec.source {
        Source::Soroban(soroban) => match &soroban.enumerate {
            Some(Enumerate::Events(events)) => events.id.iter().map(|place| text_at(EVENT, place)).collect(),
            _ => return None,
        },
        Source::Transaction(_) => vec![format!("{EVENT}.transaction")],
        Source::AssetBalance(_) | Source::Account(_) | Source::View(_) => return None,
    };
    let matching = matching(contract, filter);
    let old_enough = format!("{EVENT}.closed_at < now() - interval '{} seconds'", filter.after_secs);
    let columns = list(texts.iter().enumerate().map(|(index, text)| format!("{text} AS k{index}")));
    let none = texts.iter().map(|text| format!("{text} IS NULL")).collect::<Vec<_>>().join(" OR ");
    // What has no readable topics may have been meant, too.
    let unread = (0..filter.topics.len()).map(|index| format!("jsonb_typeof({EVENT}.topics -> {index}) = 'null'"));
    Some(Enumerating {
        keys: format!("SELECT DISTINCT {columns} FROM trueup.events AS {EVENT} WHERE {matching} AND {old_enough}"),
        keyless: format!(
            "SELECT (SELECT count(*) FROM trueup.events AS {EVENT} WHERE {matching} AND ({none})) + \
             (SELECT count(*) FROM trueup.events AS {EVENT} WHERE {contract} AND {EVENT}.unreadable IS NOT NULL AND ({unread}))",
            contract = topics_are(EVENT, contract, &[]),
            unread = unread.collect::<Vec<_>>().join(" OR "),
        ),
    })
}

fn matching(contract: &str, filter: &EventFilter) -> String {
    let topics = topics_are(EVENT, contract, &filter.topics);
    match filter.since {
        Some(since) => format!("{topics} AND {EVENT}.ledger >= {since}"),
        None => topics,
    }
}
