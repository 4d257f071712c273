//! `[chain.also.…]`: further entries that are read for the same row.

use trueup_judge::Durability;

use super::chain::{contract, durability};
use super::entry::EntryReader;
use super::soroban::refuse_temporary_instance;
use crate::document::Item;
use crate::{AlsoEntry, Name, identifier};

/// The most further entries of one spec: with the row's own and all their contracts' instances, one call carries them.
const MAX_ALSO: usize = 50;

/// The entries in the order of the file; none if one of them could not be read. `inherited` is the durability of those
/// that name none.
pub(super) fn also(item: &Item<'_>, inherited: Durability, reader: &mut EntryReader) -> Option<Vec<AlsoEntry>> {
    let mut section = item.section("[chain.also]", "a table of entries, each as `[chain.also.name]`")?;
    let items = section.all();
    if items.len() > MAX_ALSO {
        return item.fail(format!("[chain.also] has {} entries; at most {MAX_ALSO} are read", items.len()), None);
    }
    let entries: Vec<_> = items.into_iter().map(|(name, item)| entry(name, &item, inherited, reader)).collect();
    entries.into_iter().collect()
}

fn entry(name: Name, item: &Item<'_>, inherited: Durability, reader: &mut EntryReader) -> Option<AlsoEntry> {
    if identifier::value_name(&name.text).is_err() {
        let help = format!("an entry is named by lower-case letters, digits and `_`, at most {}", identifier::MAX_NAME_BYTES);
        item.document.report(name.at, format!("`{}` cannot name an entry", name.text), Some(help));
        return None;
    }
    let mut section = item.section(&format!("[chain.also.{}]", name.text), "a table with the `entry`")?;
    let contract = section.take("contract").map_or(Some(None), |item| contract(&item).map(Some));
    let durability_item = section.take("durability");
    let durability = durability_item.as_ref().map_or(Some(inherited), durability);
    let entry = section
        .require("entry", "write the key of the entry, as in `entry = [{ symbol = \"Pool\" }]`, or `entry = \"instance\"`")
        .and_then(|item| reader.entry(&item));
    refuse_temporary_instance(entry.as_ref(), durability_item.as_ref(), durability);
    let optional_item = section.take("optional");
    let optional = optional_item.as_ref().map_or(Some(false), Item::boolean);
    if let (Some(item), Some(true), Some(Durability::Temporary)) = (&optional_item, optional, durability) {
        let help = "it may have expired: leave `optional` out, so that its row is unknown then".to_owned();
        item.fail::<()>("that a temporary entry is absent means nothing, so that it cannot be optional", Some(help));
    }
    section.finish();
    Some(AlsoEntry { name, contract: contract?, durability: durability?, entry: entry?, optional: optional? })
}
