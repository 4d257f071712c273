//! `[chain] source = "transaction"`.

use trueup_judge::Class;

use super::{Chain, events, table};
use crate::document::{Item, Section};
use crate::transaction::{STATUS_EXPIRED, STATUS_FAILED, STATUS_SUCCEEDED, STATUS_SUPERSEDED, STATUS_VALUE};
use crate::{Field, FieldValue, Name, Path, Position, Source, TRANSACTION_VALUES, Transaction, Value};

pub(super) fn chain(mut section: Section<'_>, key: Option<Item<'_>>, values: Option<Item<'_>>, source_at: Position) -> Option<Chain> {
    let mut column = |key: &'static str, help: &str| section.require(key, help).and_then(|item| item.column());
    let hash = column("hash", "name the column with the transaction's hash, as in `hash = \"tx_hash\"`");
    let state = column("state", "name the column with the transaction's state, as in `state = \"status\"`");
    let submitted = section.take("submitted").and_then(|item| item.column());
    let envelope = section.take("envelope").and_then(|item| item.column());
    let states = section
        .require("states", "write the column's labels: `states = { pending = \"pending\", succeeded = \"success\", failed = \"failed\" }`")
        .and_then(|item| states(&item));
    let enumerate = section.take("enumerate").map_or(Some(None), |item| events::of_transactions(&item).map(Some));
    section.finish();

    if let Some(values) = values {
        let names: Vec<_> = TRANSACTION_VALUES.iter().map(|(name, _)| *name).collect();
        let help = format!("leave it out; SQL may use `chain.{}`", names.join("`, `chain."));
        values.fail::<()>("the values of a transaction are given", Some(help));
    }
    let key = transaction_key(key, hash.as_ref());
    let [pending, succeeded, failed, expired, superseded] = states?;
    let transaction = Transaction {
        hash: hash?,
        state: state?,
        submitted,
        envelope,
        pending: pending?,
        succeeded: succeeded?,
        failed: failed?,
        expired,
        superseded,
        enumerate: enumerate?,
    };
    let values = TRANSACTION_VALUES
        .into_iter()
        .map(|(name, carrier)| Value {
            name: Name { text: name.to_owned(), at: source_at },
            from: None,
            path: Path::default(),
            carrier,
            decimals: 0,
            optional: false,
        })
        .collect();
    Some(Chain { key: key?, source: Source::Transaction(transaction), values, values_are_whole: true })
}

/// The chain key of a transaction is its hash.
fn transaction_key(key: Option<Item<'_>>, hash: Option<&Name>) -> Option<Vec<Name>> {
    let Some(item) = key else { return hash.map(|hash| vec![hash.clone()]) };
    let key = table::key(&item)?;
    let hash = hash?;
    match key.as_slice() {
        [only] if only.text == hash.text => Some(key),
        _ => item.fail("the key of a transaction is its hash", Some(format!("write `key = \"{}\"`, or leave `key` out", hash.text))),
    }
}

/// The labels: pending, succeeded, failed, expired, superseded.
fn states(item: &Item<'_>) -> Option<[Option<String>; 5]> {
    let mut section = item.section("`states` in [chain]", "a table of labels")?;
    let required = "name the label that the column holds then";
    let pending = section.require("pending", required);
    let succeeded = section.require("succeeded", required);
    let failed = section.require("failed", required);
    let labels = [pending, succeeded, failed, section.take("expired"), section.take("superseded")];
    section.finish();
    let labels = labels.map(|label| label.and_then(|label| label.text()));
    let [pending, succeeded, others @ ..] = &labels;
    for (what, one, rest) in [("pending", pending, &labels[1..]), ("succeeded", succeeded, others.as_slice())] {
        let one = one.as_ref();
        if let Some(same) = rest.iter().flatten().find(|other| one.is_some_and(|one| one.text == other.text)) {
            let message = format!("the label `{}` is also that of `{what}`", same.text);
            return same.fail(message, Some("states that differ in what follows from them need labels that differ".to_owned()));
        }
    }
    Some(labels.map(|label| label.map(|label| label.text)))
}

/// What every transaction's state is compared with.
pub(super) fn state_field(transaction: &Transaction) -> Field {
    let labels = [
        (STATUS_SUCCEEDED, Some(&transaction.succeeded)),
        (STATUS_FAILED, Some(&transaction.failed)),
        (STATUS_EXPIRED, transaction.expired.as_ref()),
        (STATUS_SUPERSEDED, transaction.superseded.as_ref()),
    ];
    let map = labels.into_iter().filter_map(|(status, label)| Some((status.to_owned(), label?.clone()))).collect();
    Field {
        column: transaction.state.clone(),
        value: FieldValue::Value(STATUS_VALUE),
        read: None,
        write: None,
        map,
        tolerance: None,
        class: Class::OrphanedPendingTransaction,
    }
}
