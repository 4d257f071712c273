//! `table`, `key`, `changed` and `[settle]`.

use crate::document::{Document, Item, Section, Text};
use crate::{Name, Position, TableName, duration, identifier};

/// Postgres allows no more columns in an index, which a key needs.
const MAX_KEY_COLUMNS: usize = 32;

/// How long a difference is settling where the spec names `changed` and no grace, in seconds.
const DEFAULT_GRACE_SECS: i64 = 10;

/// The schema of a table that names none.
const DEFAULT_SCHEMA: &str = "public";

pub(super) fn table(item: &Item<'_>) -> Option<TableName> {
    let text = item.text_or("the name of a table")?;
    let parts = match identifier::qualified(&text.text) {
        Ok(parts) => parts,
        Err(fault) => return text.fault(fault),
    };
    match <[String; 2]>::try_from(parts) {
        Ok([schema, table]) => Some(TableName { schema, table, at: text.at }),
        Err(parts) => match <[String; 1]>::try_from(parts) {
            Ok([table]) => Some(TableName { schema: DEFAULT_SCHEMA.to_owned(), table, at: text.at }),
            Err(_) => text.fail(
                format!("`{}` has too many parts", text.text),
                Some("a table is `table` or `schema.table`, in the database that trueup connects to".to_owned()),
            ),
        },
    }
}

/// `schema.table.column` or `table.column`.
pub(super) fn reference(text: &Text<'_>) -> Option<(TableName, Name)> {
    let mut parts = match identifier::qualified(&text.text) {
        Ok(parts) => parts,
        Err(fault) => return text.fault(fault),
    };
    if !(2..=3).contains(&parts.len()) {
        let help = "a reference is `table.column` or `schema.table.column`".to_owned();
        return text.fail(format!("`{}` does not name a column of a table", text.text), Some(help));
    }
    let column = Name { text: parts.pop()?, at: text.at };
    let table = parts.pop()?;
    let schema = parts.pop().unwrap_or_else(|| DEFAULT_SCHEMA.to_owned());
    Some((TableName { schema, table, at: text.at }, column))
}

/// The key columns of a spec that has to name them.
pub(super) fn required_key(document: &Document<'_>, item: Option<&Item<'_>>) -> Option<Vec<Name>> {
    if item.is_none() {
        let help = "name the column (or the list of columns) that holds the chain key, as in `key = \"loan_id\"`".to_owned();
        document.report(Position { line: 1, column: 1 }, "the spec has no `key`", Some(help));
    }
    key(item?)
}

/// The key columns: one name or a list of them.
pub(super) fn key(item: &Item<'_>) -> Option<Vec<Name>> {
    let items = if item.is_list() { item.list("a column or a list of columns")? } else { vec![item.clone()] };
    if items.is_empty() || items.len() > MAX_KEY_COLUMNS {
        return item.fail(format!("`key` names {} columns; it should name 1 to {MAX_KEY_COLUMNS}", items.len()), None);
    }
    let mut columns: Vec<Name> = Vec::new();
    for column in items.iter().map(Item::column).collect::<Vec<_>>() {
        let column = column?;
        if columns.iter().any(|known| known.text == column.text) {
            item.document.report(column.at, format!("`key` names `{}` twice", column.text), None);
            return None;
        }
        columns.push(column);
    }
    Some(columns)
}

/// The column that says when a row changed, and the grace in seconds.
pub(super) fn settle(root: &mut Section<'_>) -> (Option<Name>, i64) {
    let changed = root.take("changed");
    let settle = root.take("settle");
    let mut grace_secs = changed.as_ref().map_or(0, |_| DEFAULT_GRACE_SECS);
    if let Some(mut section) = settle.as_ref().and_then(|item| item.section("[settle]", "a table `[settle]`")) {
        if let Some(grace) = section.take("grace").and_then(|item| self::duration(&item)) {
            grace_secs = grace;
        }
        section.finish();
    }
    if let (None, Some(settle)) = (&changed, &settle) {
        settle.document.report(
            settle.at(),
            "[settle] needs `changed`",
            Some("name the timestamp column that the application sets on each write: `changed = \"updated_at\"`".to_owned()),
        );
    }
    (changed.and_then(|item| item.column()), grace_secs)
}

/// A duration, in seconds.
pub(super) fn duration(item: &Item<'_>) -> Option<i64> {
    let text = item.text_or("a duration in a string")?;
    duration::parse(&text.text).or_else(|| {
        let help = "write a whole number and a unit, as in `10 seconds`, `5 minutes`, `1 hour`, `2 days`; at most 365 days".to_owned();
        text.fail(format!("`{}` is not a duration", text.text), Some(help))
    })
}
