//! What goes into a statement: parallel arrays, one element an item.

use super::mark;
use crate::RowError;
use crate::bind::{Bound, Stability, columns_of};
use crate::identity::{names_row, parts};
use crate::sql::{ident, list};

/// A batch of items, each with the parts of its identity or key, without those that have none.
pub(crate) struct Batch<'a, T> {
    /// The items, and their parts.
    pub items: Vec<(&'a T, Vec<String>)>,
    /// Items whose identity or key is malformed.
    pub malformed: Vec<(&'a T, RowError)>,
}

impl<'a, T> Batch<'a, T> {
    pub fn new(items: &'a [T], columns: usize, text: impl Fn(&T) -> &str) -> Self {
        let mut batch = Self { items: Vec::with_capacity(items.len()), malformed: Vec::new() };
        for item in items {
            match parts(text(item), columns) {
                Ok(parts) => batch.items.push((item, parts)),
                Err(error) => batch.malformed.push((item, error)),
            }
        }
        batch
    }
}

/// The `index`th parts of these items, as an array to bind.
pub(crate) fn part_array<T>(items: &[(&T, Vec<String>)], index: usize) -> Vec<String> {
    items.iter().map(|(_, parts)| parts.get(index).cloned().unwrap_or_default()).collect()
}

/// `unnest($1::text[], …) WITH ORDINALITY AS i ("p0", …, "ord")`, with the arrays from placeholder 1 on.
pub(crate) fn unnest(columns: &[(String, &str)]) -> String {
    let arrays = list(columns.iter().enumerate().map(|(index, (_, kind))| format!("${}::{kind}[]", index + 1)));
    let names = list(columns.iter().map(|(name, _)| ident(name)));
    format!("unnest({arrays}) WITH ORDINALITY AS i ({names}, \"ord\")")
}

/// `p0`, `p1`, …: the parts of an identity or key.
pub(crate) fn part_columns(count: usize) -> Vec<(String, &'static str)> {
    (0..count).map(|index| (format!("p{index}"), "text")).collect()
}

/// `v0`, `v1`, …: the chain's values.
pub(crate) fn value_columns(count: usize) -> Vec<(String, &'static str)> {
    (0..count).map(|index| (format!("v{index}"), "text")).collect()
}

/// `i."p0"`, for [`names_row`].
pub(crate) fn input_part(index: usize) -> String {
    format!("i.\"p{index}\"")
}

/// The rows that the input names, in a CTE of their own.
///
/// It is materialized, so that no expression of the spec is evaluated on any other row: one that cannot be would
/// else fail the batches of its neighbours. Its names hold a colon, so that no query inside an expression means them.
/// `lie` says where all of these rows lie.
pub(crate) fn rows(bound: &Bound, input: &[(String, &str)], lie: &str) -> String {
    marked_rows(bound, input, lie, None)
}

/// The same, each row with its mark as `trueup:mark`; NULL where the kind's verdicts are not stable.
pub(crate) fn marked_rows(bound: &Bound, input: &[(String, &str)], lie: &str, stability: Option<&Stability>) -> String {
    let passed = list(input.iter().map(|(name, _)| format!("i.{} AS {}", ident(name), ident(&passed(name)))));
    format!(
        "WITH {basis}\"trueup:rows\" AS MATERIALIZED (\n  SELECT i.\"ord\" AS \"trueup:ord\", {mark} AS \"trueup:mark\", {passed}, {columns}\n  FROM {unnest}\n  JOIN {table} AS db ON {names} AND {lie}{beside}\n)",
        basis = stability.map(|it| format!("{}, ", mark::basis(it))).unwrap_or_default(),
        mark = stability.map_or_else(|| "NULL::bigint".to_owned(), mark::mark),
        beside = if stability.is_some() { " CROSS JOIN \"trueup:basis\"" } else { "" },
        columns = columns_of(&bound.fetched, "db"),
        unnest = unnest(input),
        table = bound.table.sql(),
        names = names_row(&bound.identity, "db", input_part),
    )
}

/// The name under which [`rows`] passes a column of the input on.
pub(crate) fn passed(name: &str) -> String {
    format!("trueup:{name}")
}

/// The row as `db`, from [`rows`] as `r`.
pub(crate) fn db_scope(bound: &Bound) -> String {
    format!("(SELECT {}) AS db", columns_of(&bound.fetched, "r"))
}

/// The chain's values as `chain`; `text` gives the expression of the value with that index.
pub(crate) fn chain_scope(bound: &Bound, text: impl Fn(usize) -> String) -> String {
    let values =
        bound.values.iter().enumerate().map(|(index, (name, carrier))| format!("({})::{} AS {}", text(index), carrier.sql(), ident(name)));
    format!("(SELECT {}) AS chain", list(values))
}

/// `coalesce((when), false)`.
pub(crate) fn provisional(bound: &Bound) -> String {
    bound.provisional.as_ref().map_or_else(|| "false".to_owned(), |when| format!("coalesce((\n{when}\n), false)"))
}

/// ` WHERE (filter)`, or nothing.
pub(crate) fn where_filter(bound: &Bound) -> String {
    bound.filter.as_ref().map_or_else(String::new, |filter| format!(" WHERE (\n{filter}\n)"))
}
