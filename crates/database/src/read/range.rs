//! Rows by the range: cutting a table into ranges, and all rows of one.

use serde::{Deserialize, Serialize};
use trueup_judge::RowIdentity;

use crate::RowError;
use crate::bind::Bound;
use crate::identity::{canonical_of, parts};
use crate::sql::{Bind, Select, list};

/// Rows from one to another, in the order of the row identity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowRange {
    /// The row before the first; none for the beginning of the table.
    pub after: Option<RowIdentity>,
    /// The last row.
    pub last: RowIdentity,
    /// Every row is to be looked at, and not only those that have moved.
    #[serde(default)]
    pub full: bool,
}

/// Cuts the rows after one into ranges: columns `key`, a [`RowRange`] as JSON, and `ord`. `rows` is the select of these
/// rows' identities in their order.
pub(crate) fn ranges(rows: Select, after: Option<&RowIdentity>, rows_per_range: i64, full: bool) -> Select {
    let Select { sql, mut binds } = rows;
    let (after_at, size_at) = (binds.len() + 1, binds.len() + 2);
    binds.push(Bind::Text(after.map(|it| it.0.clone())));
    binds.push(Bind::Number(rows_per_range));
    let sql = format!(
        "SELECT json_build_object('after', coalesce(lag(cut.key) OVER (ORDER BY cut.ord), ${after_at}::text), 'last', cut.key, 'full', {full})::text AS key, cut.ord AS ord\n\
         FROM (SELECT it.key, it.ord, max(it.ord) OVER () AS count FROM (\n{sql}\n) AS it) AS cut\n\
         WHERE cut.ord % ${size_at} = 0 OR cut.ord = cut.count"
    );
    Select { sql, binds }
}

/// All rows of a range, also exempt ones: columns `key` and `ord`.
pub(crate) fn rows_of(bound: &Bound, range: &RowRange) -> Result<Select, RowError> {
    let (lies, binds) = within(bound, range)?;
    let conditions: Vec<String> = [vec![lies], has_identity(bound)].concat();
    let order = list(bound.identity.iter().map(|column| column.of("db")));
    let sql = format!(
        "SELECT {key} AS key, row_number() OVER (ORDER BY {order}) AS ord FROM {table} AS db WHERE {conditions}",
        key = canonical_of(&bound.identity, "db"),
        table = bound.table.sql(),
        conditions = conditions.join(" AND "),
    );
    Ok(Select { sql, binds })
}

/// That the row `db` can be named: where no primary key says so, each column of the identity must.
pub(super) fn has_identity(bound: &Bound) -> Vec<String> {
    match bound.table.primary_key() {
        Some(_) => Vec::new(),
        None => bound.identity.iter().map(|column| format!("{} IS NOT NULL", column.of("db"))).collect(),
    }
}

/// That the row `db` lies in a range, by placeholders from 1 on.
pub(super) fn within(bound: &Bound, range: &RowRange) -> Result<(String, Vec<Bind>), RowError> {
    let binds = edges(bound, range)?.into_iter().map(|part| Bind::Text(Some(part))).collect();
    Ok((lies(bound, range.after.is_some(), 1), binds))
}

/// That the row `db` lies in a range, which begins behind a row or with the table, by placeholders from `first` on for
/// its [`edges`].
fn lies(bound: &Bound, has_row_before: bool, first: usize) -> String {
    if has_row_before {
        format!("{} AND {}", compares(bound, ">", first), compares(bound, "<=", first + bound.identity.len()))
    } else {
        compares(bound, "<=", first)
    }
}

/// The parts of the rows at which a range begins and ends.
fn edges(bound: &Bound, range: &RowRange) -> Result<Vec<String>, RowError> {
    let mut values = Vec::new();
    for row in range.after.iter().chain([&range.last]) {
        values.extend(parts(&row.0, bound.identity.len())?);
    }
    Ok(values)
}

/// How the row `db` compares with another in their order, by placeholders from `first` on.
pub(super) fn compared(bound: &Bound, comparison: &str, row: &RowIdentity, first: usize) -> Result<(String, Vec<Bind>), RowError> {
    let binds = parts(&row.0, bound.identity.len())?.into_iter().map(|part| Bind::Text(Some(part))).collect();
    Ok((compares(bound, comparison, first), binds))
}

fn compares(bound: &Bound, comparison: &str, first: usize) -> String {
    let order = list(bound.identity.iter().map(|column| column.of("db")));
    let values = bound.identity.iter().enumerate().map(|(index, column)| format!("(${}::text)::{}", first + index, column.base_sql));
    format!("ROW({order}) {comparison} ROW({})", list(values))
}

/// That rows lie in no range that is known.
pub(super) const ANYWHERE: &str = "true";

/// A statement over rows that it is given, with and without a range in which all of them lie. Postgres reads a range at
/// once, where it would look up its rows one by one, or read the whole of a small table for them.
#[derive(Debug, Clone)]
pub(super) struct Spread {
    bound: Bound,
    anywhere: String,
    up_to: String,
    between: String,
}

impl Spread {
    /// `statement` makes the SQL of where its rows lie; the range's placeholders are those from `first` on.
    pub fn new(bound: &Bound, first: usize, statement: impl Fn(&str) -> String) -> Self {
        Self {
            bound: bound.clone(),
            anywhere: statement(ANYWHERE),
            up_to: statement(&lies(bound, false, first)),
            between: statement(&lies(bound, true, first)),
        }
    }

    /// The SQL, and the values of the range's placeholders.
    pub fn over(&self, range: Option<&RowRange>) -> Result<(&str, Vec<String>), RowError> {
        Ok(match range {
            None => (&self.anywhere, Vec::new()),
            Some(range) if range.after.is_none() => (&self.up_to, edges(&self.bound, range)?),
            Some(range) => (&self.between, edges(&self.bound, range)?),
        })
    }
}
