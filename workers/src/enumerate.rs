//! Which keys exist on chain, as the spec's `enumerate` says.

use std::borrow::Cow;

use trueup_chain::{ScVal, key_texts, key_value, ledger_key, select};
use trueup_judge::Durability;
use trueup_spec::{Carrier, Contract, CounterAt, CounterHolds, Enumerate, KeyTemplate, Path, Segment, Soroban};

use crate::context::Context;

/// The keys that a kind has on chain.
pub(crate) enum Keys {
    /// Consecutive integers, both included; none where `last < first`.
    Range { first: i64, last: i64 },
    /// These, each with a text for every key column.
    List(Vec<Vec<String>>),
    /// The rows of the spec's query.
    Query,
    /// They cannot be known, for a reason that the report tells.
    Unknown(String),
}

/// Reads which keys exist. The chain's not answering is an error; its answering something else is `Unknown`.
pub(crate) async fn enumerate(context: &Context, soroban: &Soroban, enumerate: &Enumerate, key_columns: usize) -> anyhow::Result<Keys> {
    match enumerate {
        Enumerate::Query(_) | Enumerate::Events(_) => Ok(Keys::Query),
        // The one entry that holds them: nothing tells it apart.
        Enumerate::Elements => Ok(Keys::List(vec![Vec::new()])),
        Enumerate::List { entry, durability, path } => {
            let Some(value) = read(context, soroban, entry, *durability).await? else {
                return Ok(Keys::Unknown("the entry that lists the keys is not on chain".to_owned()));
            };
            Ok(list(&value, path, key_columns).map_or_else(Keys::Unknown, Keys::List))
        }
        Enumerate::Counter { at, first, holds } => {
            let (entry, durability, path) = match at {
                CounterAt::Instance(name) => (KeyTemplate::Instance, Durability::Persistent, Path(vec![Segment::Name(name.clone())])),
                CounterAt::Entry { entry, durability, path } => (entry.clone(), *durability, path.clone()),
            };
            let Some(value) = read(context, soroban, &entry, durability).await? else {
                return Ok(Keys::Unknown("the entry that holds the counter is not on chain".to_owned()));
            };
            // A counter that is not there yet has counted nothing.
            let count = match trueup_chain::decode(&value, &path, Carrier::Numeric, 0, true) {
                Ok(count) => count,
                Err(error) => return Ok(Keys::Unknown(format!("the counter does not decode: {error}"))),
            };
            Ok(range(count.as_deref(), *first, *holds).map_or_else(Keys::Unknown, |(first, last)| Keys::Range { first, last }))
        }
    }
}

async fn read(context: &Context, soroban: &Soroban, entry: &KeyTemplate, durability: Durability) -> anyhow::Result<Option<ScVal>> {
    let Contract::Fixed(contract) = &soroban.contract else {
        anyhow::bail!("keys cannot be enumerated where each row names its own contract");
    };
    let Some(key) = key_value(entry, &[], &[])? else { anyhow::bail!("the entry that enumerates the keys has arguments") };
    let key = ledger_key(contract, key, durability)?;
    let mut readings = context.chain.read(vec![key]).await;
    match readings.pop() {
        Some(reading) => Ok(reading?.entry.and_then(|entry| entry.value().map(Cow::into_owned))),
        None => anyhow::bail!("the chain gave no answer"),
    }
}

fn list(value: &ScVal, path: &Path, key_columns: usize) -> Result<Vec<Vec<String>>, String> {
    let found = select(value, path).map_err(|error| error.to_string())?;
    let Some(found) = found else { return Err(format!("there is nothing at `{path}` in the entry that lists the keys")) };
    let ScVal::Vec(Some(elements)) = found else {
        return Err(format!("what lists the keys is not a list but {}", found.name()));
    };
    elements
        .iter()
        .map(|element| key_texts(element, key_columns).map_err(|error| format!("a listed key does not decode: {error}")))
        .collect()
}

fn range(count: Option<&str>, first: i64, holds: CounterHolds) -> Result<(i64, i64), String> {
    let Some(count) = count else { return Ok((first, first - 1)) };
    let number: i64 = count.parse().map_err(|_| format!("the counter holds {count}, which is no sensible count"))?;
    let last = match holds {
        CounterHolds::Last => Some(number),
        CounterHolds::Next => number.checked_sub(1),
        CounterHolds::Count => number.checked_add(first).and_then(|next| next.checked_sub(1)),
    };
    last.map(|last| (first, last)).ok_or_else(|| format!("the counter holds {count}, which is no sensible count"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_says_the_last_key_whatever_it_holds() {
        assert_eq!(range(Some("7"), 1, CounterHolds::Last), Ok((1, 7)));
        assert_eq!(range(Some("7"), 1, CounterHolds::Next), Ok((1, 6)));
        assert_eq!(range(Some("7"), 1, CounterHolds::Count), Ok((1, 7)));
        assert_eq!(range(Some("7"), 0, CounterHolds::Count), Ok((0, 6)));
        assert_eq!(range(Some("0"), 1, CounterHolds::Last), Ok((1, 0)), "nothing was counted yet");
        assert_eq!(range(None, 1, CounterHolds::Last), Ok((1, 0)), "the counter is not there yet");
        assert!(range(Some("99999999999999999999"), 1, CounterHolds::Last).is_err());
    }
}
