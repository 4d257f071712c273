//! `[[touch]]`: events that name an entity which is looked at at once.

use super::events::{DEFAULT_AFTER_SECS, places, topics};
use super::{Chain, chain, table};
use crate::document::{Item, Section};
use crate::{Contract, Soroban, Source, Touch};

/// The most sorts of events that a spec names.
const MAX_TOUCHES: usize = 50;

/// None if one of them could not be read.
pub(super) fn touches(root: &mut Section<'_>, chain: Option<&Chain>) -> Option<Vec<Touch>> {
    let Some(item) = root.take("touch") else { return Some(Vec::new()) };
    let items = item.list("a list of tables, `[[touch]]`")?;
    if items.len() > MAX_TOUCHES {
        return item.fail(format!("a spec has at most {MAX_TOUCHES} of [[touch]]"), None);
    }
    let read: Vec<_> = items.iter().map(|item| touch(item, chain?)).collect();
    read.into_iter().collect()
}

fn touch(item: &Item<'_>, chain: &Chain) -> Option<Touch> {
    let mut section = item.section("[[touch]]", "a table `[[touch]]`")?;
    let contract = section.take("contract").map_or(Some(None), |item| chain::fixed_contract(&item).map(Some));
    let topics = section
        .require("topics", "write the event's topics from the first, which is its name, as in `topics = [\"LOANPAID\"]`")
        .and_then(|item| topics(&item));
    let key = key(&mut section, chain);
    let after_secs = section.take("after").map_or(Some(DEFAULT_AFTER_SECS), |item| table::duration(&item));
    section.finish();
    let touch = Touch { contract: contract?, topics: topics?, key: key?, after_secs: after_secs? };
    if touch.contract.is_none() && !has_contract(&chain.source) {
        let help = "name the contract that emits the event: `contract = \"${CONTRACT}\"`".to_owned();
        return item.fail("[chain] names no one contract whose events these could be", Some(help));
    }
    Some(touch)
}

fn key(section: &mut Section<'_>, chain: &Chain) -> Option<Vec<crate::EventPath>> {
    if matches!(chain.source, Source::Transaction(_)) {
        return match section.take("key") {
            None => Some(Vec::new()),
            Some(item) => item.fail("the key of a transaction is its hash, which every event names", Some("leave `key` out".to_owned())),
        };
    }
    let help = "write where in the event the key is, as in `key = \"data[0]\"`, or a list for several key columns";
    section.require("key", help).and_then(|item| places(&item, &chain.key))
}

fn has_contract(source: &Source) -> bool {
    match source {
        Source::Soroban(Soroban { contract, .. }) => matches!(contract, Contract::Fixed(_)),
        Source::Transaction(transaction) => transaction.enumerate.is_some(),
        Source::AssetBalance(_) | Source::Account(_) | Source::View(_) => false,
    }
}
