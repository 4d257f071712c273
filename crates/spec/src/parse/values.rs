//! `[values]`: what is read from the entry.

use crate::document::Item;
use crate::{Carrier, Path, Value, identifier, suggest};

/// The most decimals of a chain's integer.
pub(super) const MAX_DECIMALS: i64 = 38;

/// The most values of one spec.
const MAX_VALUES: usize = 200;

/// The carriers, by name.
pub(super) const CARRIERS: [(&str, Carrier); 6] = [
    ("text", Carrier::Text),
    ("numeric", Carrier::Numeric),
    ("bool", Carrier::Bool),
    ("bytea", Carrier::Bytea),
    ("timestamptz", Carrier::Timestamptz),
    ("jsonb", Carrier::Jsonb),
];

/// The values, and whether all of them could be read. `also` are the names of the further entries that `from` may name.
pub(super) fn values(item: &Item<'_>, also: &[&str]) -> (Vec<Value>, bool) {
    let Some(mut section) = item.section("[values]", "a table `[values]`") else { return (Vec::new(), false) };
    let read: Vec<_> = section
        .all()
        .into_iter()
        .map(|(name, item)| match identifier::value_name(&name.text) {
            Ok(()) => value(name, &item, also),
            Err((message, help)) => {
                item.document.report(name.at, message, help);
                None
            }
        })
        .collect();
    if read.len() > MAX_VALUES {
        item.fail::<()>(format!("[values] has {} values; at most {MAX_VALUES} are read", read.len()), None);
    }
    let whole = read.iter().all(Option::is_some);
    (read.into_iter().flatten().collect(), whole)
}

fn value(name: crate::Name, item: &Item<'_>, also: &[&str]) -> Option<Value> {
    let called = format!("`{}` in [values]", name.text);
    let mut section = item.section(&called, "a table, as in `{ path = \"amount\", type = \"numeric\" }`")?;
    let path = section.require("path", "write where in the entry it is; `path = \"\"` is the whole value").and_then(|item| path(&item));
    let carrier = section
        .require("type", "write `text`, `numeric`, `bool`, `bytea`, `timestamptz` or `jsonb`")
        .and_then(|item| item.word("type of a value", &CARRIERS));
    let decimals_item = section.take("decimals");
    let decimals = decimals_item.as_ref().map_or(Some(0), |item| item.integer(0, MAX_DECIMALS));
    let optional = section.take("optional").map_or(Some(false), |item| item.boolean());
    let from = section.take("from").map_or(Some(None), |item| from(&item, also).map(Some));
    section.finish();
    if let (Some(item), Some(carrier)) = (&decimals_item, carrier)
        && carrier != Carrier::Numeric
    {
        let help = "leave it out, or write `type = \"numeric\"`".to_owned();
        return item.fail(format!("a value of type `{}` has no `decimals`", carrier.sql()), Some(help));
    }
    let decimals = decimals.and_then(|decimals| u32::try_from(decimals).ok());
    Some(Value { name, from: from?, path: path?, carrier: carrier?, decimals: decimals?, optional: optional? })
}

/// Which further entry a value is read from.
fn from(item: &Item<'_>, also: &[&str]) -> Option<usize> {
    let text = item.text_or("the name of an entry of [chain.also]")?;
    also.iter().position(|name| *name == text.text).or_else(|| {
        let near = suggest::did_you_mean(&text.text, also.iter().copied());
        let help = if also.is_empty() {
            format!("add it, as in `[chain.also.{}]` with an `entry` of its own", text.text)
        } else {
            format!(
                "the entries there are {}; without `from` a value is read from the row's own entry",
                suggest::list(also.iter().copied())
            )
        };
        text.fail(format!("there is no entry `{}` in [chain.also]{near}", text.text), Some(help))
    })
}

/// A path, with its errors at the character that they are about.
pub(super) fn path(item: &Item<'_>) -> Option<Path> {
    let text = item.text_or("a path in a string")?;
    match Path::parse(&text.text) {
        Ok(path) => Some(path),
        Err(error) => text.fail_at(error.character, error.message, error.help),
    }
}
