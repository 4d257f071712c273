//! Which entities there are: rows of the table, and keys on chain that it lacks.

use trueup_judge::{ChainKey, RowIdentity};

use super::locate::hash_text;
use super::range::{compared, has_identity};
use crate::bind::{Bound, Column, Shape};
use crate::identity::{canonical, canonical_of};
use crate::sql::{Bind, Select, list};

/// Longer texts are no keys; a numeric with more digits could fail to be one.
const NUMBER_DIGITS: usize = 1_000;

/// Selects of identities and keys, for the queue to insert from.
#[derive(Debug, Clone)]
pub(crate) struct Enumeration {
    bound: Bound,
}

impl Enumeration {
    pub fn new(bound: &Bound) -> Self {
        Self { bound: bound.clone() }
    }

    /// Rows after one, in the order of the identity: by the index of the primary key, in constant memory.
    pub fn rows_after(&self, after: Option<&RowIdentity>, limit: i64, filtered: bool) -> Select {
        let identity = &self.bound.identity;
        let order = list(identity.iter().map(|column| column.of("db")));
        let mut conditions = has_identity(&self.bound);
        let mut binds = Vec::new();
        // An identity that is none cannot come from this select; it begins again, which enqueues nothing twice.
        if let Some(Ok((condition, values))) = after.map(|after| compared(&self.bound, ">", after, 1)) {
            conditions.push(condition);
            binds.extend(values);
        }
        if let Some(filter) = self.bound.filter.as_ref().filter(|_| filtered) {
            conditions.push(format!("(\n{filter}\n)"));
        }
        binds.push(Bind::Number(limit));
        let condition = if conditions.is_empty() { String::new() } else { format!(" WHERE {}", conditions.join(" AND ")) };
        let sql = format!(
            "SELECT {key} AS key, row_number() OVER (ORDER BY {order}) AS ord FROM {table} AS db{condition} ORDER BY {order} LIMIT ${last}",
            key = canonical_of(identity, "db"),
            table = self.bound.table.sql(),
            last = binds.len(),
        );
        Select { sql, binds }
    }

    /// Keys of a range that no row has.
    pub fn missing_in_range(&self, first: i64, last: i64) -> Select {
        let keys = "(SELECT n::text AS k0, n AS ord FROM generate_series($1::bigint, $2::bigint) AS n) AS i";
        let sql = format!("SELECT {} AS key, i.ord AS ord FROM {keys} WHERE {}", self.key_text(), self.is_missing());
        Select { sql, binds: vec![Bind::Number(first), Bind::Number(last)] }
    }

    /// Keys of a list that no row has. A key with another number of parts than there are key columns is left out.
    pub fn missing_of_list(&self, keys: &[Vec<String>]) -> Select {
        let count = self.bound.key.len();
        let arrays = list((1..=count).map(|index| format!("${index}::text[]")));
        let names = list((0..count).map(|index| format!("k{index}")));
        let sql = format!(
            "SELECT {} AS key, i.ord AS ord FROM unnest({arrays}) WITH ORDINALITY AS i ({names}, ord) WHERE {}",
            self.key_text(),
            self.is_missing()
        );
        let whole = || keys.iter().filter(|key| key.len() == count);
        Select { sql, binds: (0..count).map(|index| Bind::Texts(whole().map(|key| key[index].clone()).collect())).collect() }
    }

    /// Keys of the spec's query that no row has, after one, in the order of their texts.
    pub fn missing_of_query(&self, after: Option<&ChainKey>, limit: i64) -> Option<Select> {
        let query = self.bound.enumeration.as_ref().filter(|_| !self.enumerates_parents_by_query())?;
        let count = self.bound.key.len();
        let names = list((0..count).map(|index| format!("k{index}")));
        let texts = list((0..count).map(|index| format!("(q.k{index})::text AS k{index}")));
        let none_null = (0..count).map(|index| format!("i.k{index} IS NOT NULL")).collect::<Vec<_>>().join(" AND ");
        let sql = format!(
            "SELECT it.key AS key, row_number() OVER (ORDER BY it.key COLLATE \"C\") AS ord\n\
             FROM (SELECT DISTINCT {key} AS key FROM (SELECT {texts} FROM (\n{query}\n) AS q ({names})) AS i WHERE {none_null} AND {missing}) AS it\n\
             WHERE $1::text IS NULL OR it.key COLLATE \"C\" > $1::text\nORDER BY it.key COLLATE \"C\" LIMIT $2",
            key = self.key_text(),
            missing = self.is_missing(),
        );
        Some(Select { sql, binds: vec![Bind::Text(after.map(|key| key.0.clone())), Bind::Number(limit)] })
    }

    /// Keys of parents that the spec's query gives, after one, in the order of their texts: columns `key` and `parts`.
    pub fn parents_of_query(&self, after: Option<&str>, limit: i64) -> Option<Select> {
        let query = self.bound.enumeration.as_ref().filter(|_| self.enumerates_parents_by_query())?;
        let columns: Vec<&Column> = self.bound.parents.iter().flat_map(|it| &it.columns).filter_map(|it| self.bound.key.get(*it)).collect();
        let count = columns.len();
        let names = list((0..count).map(|index| format!("k{index}")));
        let texts = list((0..count).map(|index| format!("(q.k{index})::text AS k{index}")));
        let none_null = (0..count).map(|index| format!("i.k{index} IS NOT NULL")).collect::<Vec<_>>().join(" AND ");
        let parts = column_texts(columns);
        let sql = format!(
            "SELECT it.key AS key, it.parts AS parts\n\
             FROM (SELECT DISTINCT {key} AS key, ARRAY[{all}]::text[] AS parts FROM (SELECT {texts} FROM (\n{query}\n) AS q ({names})) AS i WHERE {none_null}) AS it\n\
             WHERE $1::text IS NULL OR it.key COLLATE \"C\" > $1::text\nORDER BY it.key COLLATE \"C\" LIMIT $2",
            key = canonical(&parts),
            all = list(&parts),
        );
        Some(Select { sql, binds: vec![Bind::Text(after.map(str::to_owned)), Bind::Number(limit)] })
    }

    fn enumerates_parents_by_query(&self) -> bool {
        self.bound.parents.as_ref().is_some_and(|parents| parents.by_query)
    }

    /// The canonical text of the key `i.k0`, `i.k1`, …
    fn key_text(&self) -> String {
        canonical(&column_texts(&self.bound.key))
    }

    /// No row of the whole table has the key: a row outside `where` is a row.
    fn is_missing(&self) -> String {
        if let Some(hash) = &self.bound.hash {
            // Whatever form the application writes hashes in: a transaction that has a row is not missing.
            return format!("NOT EXISTS (SELECT FROM {} AS db WHERE {} = i.k0)", self.bound.table.sql(), hash_text(hash, "db"));
        }
        let same = self.bound.key.iter().enumerate().map(|(index, column)| {
            let (text, name) = (format!("i.k{index}"), column.of("db"));
            match (typed(column, &text), column.shape) {
                (Some((condition, value)), _) => format!("{name} = CASE WHEN {condition} THEN {value} END"),
                (None, Shape::Text) => format!("{name} = ({text})::{}", column.base_sql),
                (None, _) => format!("{name}::text = {text}"),
            }
        });
        format!("NOT EXISTS (SELECT FROM {} AS db WHERE {})", self.bound.table.sql(), same.collect::<Vec<_>>().join(" AND "))
    }
}

/// The texts of `i.k0`, `i.k1`, … as these columns would have them.
fn column_texts<'a>(columns: impl IntoIterator<Item = &'a Column>) -> Vec<String> {
    let texts = columns.into_iter().enumerate().map(|(index, column)| {
        let text = format!("i.k{index}");
        match typed(column, &text) {
            Some((condition, value)) => format!("CASE WHEN {condition} THEN ({value})::text ELSE {text} END"),
            None => text,
        }
    });
    texts.collect()
}

/// When a text reads as a value of the column's type, and that value. A text that does not is a key that no row can
/// have, and no reason to fail the keys beside it.
fn typed(column: &Column, text: &str) -> Option<(String, String)> {
    match column.shape {
        // CASE, since AND promises no order, and the cast must come second.
        Shape::Integer => Some((
            format!("CASE WHEN {text} ~ '^-?[0-9]{{1,19}}$' THEN ({text})::numeric BETWEEN {} AND {} ELSE false END", i64::MIN, i64::MAX),
            format!("({text})::bigint"),
        )),
        Shape::Numeric => {
            Some((format!("length({text}) <= {NUMBER_DIGITS} AND {text} ~ '^-?[0-9]+([.][0-9]+)?$'"), format!("({text})::numeric")))
        }
        Shape::Uuid => Some((format!("{text} ~* '^[0-9a-f]{{8}}(-?[0-9a-f]{{4}}){{3}}-?[0-9a-f]{{12}}$'"), format!("({text})::uuid"))),
        Shape::Bytea => Some((format!(r"{text} ~* '^(0x|\\x)?([0-9a-f][0-9a-f])*$'"), column.shape.typed(text))),
        _ => None,
    }
}
