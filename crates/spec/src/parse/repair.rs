//! `[repair]`: what may be done about each class.

use std::collections::BTreeMap;

use trueup_judge::{Class, Repair};

use super::insert::unlisted;
use crate::document::{Item, Section};
use crate::{Source, identifier, suggest};

const REPAIRS: [(&str, Repair); 4] =
    [("report", Repair::Report), ("update", Repair::Update), ("insert", Repair::Insert), ("resolve", Repair::Resolve)];

/// What may be repaired; none if a line of it could not be read.
pub(super) fn repair(root: &mut Section<'_>, source: Option<&Source>, has_provisional: bool) -> Option<BTreeMap<Class, Repair>> {
    let Some(item) = root.take("repair") else { return Some(BTreeMap::new()) };
    let mut section = item.section("[repair]", "a table `[repair]`")?;
    let mut repairs = Vec::new();
    for (name, item) in section.all() {
        let Ok(class) = name.text.parse::<Class>() else {
            let (message, help) = identifier::none_of("class of drift", &name.text, Class::ALL.map(Class::as_str));
            item.document.report(name.at, message, help);
            repairs.push(None);
            continue;
        };
        let repair = item.word("repair", &REPAIRS);
        repairs.push(repair.filter(|repair| suits(&item, class, *repair, source, has_provisional).is_some()).map(|repair| (class, repair)));
    }
    repairs.into_iter().collect()
}

fn suits(item: &Item<'_>, class: Class, repair: Repair, source: Option<&Source>, has_provisional: bool) -> Option<()> {
    if !repair.suits(class) {
        let possible = REPAIRS.into_iter().filter(|(_, repair)| repair.suits(class)).map(|(word, _)| word);
        let message = format!("`{repair}` does not mend `{class}`");
        return item.fail(message, Some(format!("possible is {}", suggest::list(possible))));
    }
    if repair == Repair::Report {
        return Some(());
    }
    match (class, source) {
        (Class::MissingRow, Some(Source::Soroban(soroban))) if soroban.enumerate.is_none() => {
            let help = "say in [chain] which keys exist, as in `enumerate = { counter = { … } }`".to_owned();
            item.fail("nothing finds missing rows without `enumerate`", Some(help))
        }
        (Class::MissingRow, Some(Source::Transaction(_))) => {
            let help = "a transaction without a row is a `missed_event`; [chain] says with `enumerate` which events there are".to_owned();
            item.fail("a transaction is never a missing row", Some(help))
        }
        (Class::MissedEvent, Some(source)) if !matches!(source, Source::Transaction(_)) => {
            let help = "it belongs to a spec with `source = \"transaction\"`; an entry without a row is a `missing_row`".to_owned();
            item.fail("an entry is never a missed event", Some(help))
        }
        (Class::MissedEvent, Some(Source::Transaction(transaction))) if transaction.enumerate.is_none() => {
            let help =
                "say in [chain] which transactions there are, as in `enumerate = { events = { contract = \"C…\", topics = [\"…\"] } }`";
            item.fail("nothing finds missed events without `enumerate`", Some(help.to_owned()))
        }
        (Class::MissingRow, Some(source)) if let Some(what) = unlisted(source) => {
            item.fail(format!("nothing says which {what} lack a row"), Some("leave `missing_row` out".to_owned()))
        }
        (Class::OrphanedPendingTransaction, Some(source)) if !matches!(source, Source::Transaction(_)) => {
            let help = "it belongs to a spec with `source = \"transaction\"`".to_owned();
            item.fail("an entry is no transaction, and is never an orphaned pending one", Some(help))
        }
        (Class::ProvisionalId, _) if !has_provisional => {
            let help = "say which rows are provisional, in a table `[provisional]`".to_owned();
            item.fail("nothing finds provisional rows without [provisional]", Some(help))
        }
        _ => Some(()),
    }
}
