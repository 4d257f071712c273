//! Taking a row's real key away again, and all references with it, in one statement.

use std::collections::BTreeMap;

use serde::Deserialize;
use sqlx::AssertSqlSafe;
use sqlx::types::Json;

use super::execute::Session;
use super::resolve::column_name;
use super::revert::{SetBack, Texts};
use crate::bind::{Bound, BoundReferences, Column};
use crate::identity::{canonical_of, names_row, names_typed};
use crate::sql::{ident, list, literal};

/// What the audit of a resolve holds besides.
#[derive(Debug, Deserialize)]
pub(super) struct Resolution {
    /// By column, the rows that were rewritten.
    references: BTreeMap<String, Vec<String>>,
}

/// Sets the key back, if the row still has the one that it got, and exactly the rows that were rewritten refer to it;
/// none if that is not so.
pub(super) async fn set_back(
    session: &mut Session<'_>,
    bound: &Bound,
    kind: &str,
    columns: &[Column],
    parts: &[String],
    [before, after]: [&Texts; 2],
    resolution: &Resolution,
) -> Result<Option<SetBack>, sqlx::Error> {
    let references = bound.creation.as_ref().map_or(&[][..], |it| it.references.as_slice());
    let mut arrays = Vec::new();
    for (reference, column) in references.iter().flat_map(|it| it.columns.iter().map(move |column| (it, column))) {
        arrays.push(resolution.references.get(&column_name(reference, column)).cloned().unwrap_or_default());
    }
    let known: Vec<String> = references.iter().flat_map(|it| it.columns.iter().map(move |column| column_name(it, column))).collect();
    // A column that the spec no longer names would keep the key that goes.
    if resolution.references.iter().any(|(name, rows)| !rows.is_empty() && !known.contains(name)) {
        return Ok(None);
    }
    let sql = statement(bound, kind, columns, references);
    let mut query = sqlx::query_as::<_, (String, Json<Texts>)>(AssertSqlSafe(sql));
    for texts in [before, after] {
        for column in columns {
            query = query.bind(texts.get(&column.name).cloned().flatten());
        }
    }
    for part in parts {
        query = query.bind(part.clone());
    }
    for array in arrays {
        query = query.bind(array);
    }
    session.statements.add();
    Ok(query.fetch_optional(&mut *session.tx).await?.map(|(identity, Json(after))| SetBack { identity, after }))
}

/// Placeholders: the key columns' texts before, then after; the parts of the row's identity; and for each column that
/// refers to the key, the rows that were rewritten.
fn statement(bound: &Bound, kind: &str, columns: &[Column], references: &[BoundReferences]) -> String {
    let count = columns.len();
    let old = |index: usize, type_sql: &str| format!("(${}::text)::{type_sql}", index + 1);
    let new = |type_sql: &str| format!("(${}::text)::{type_sql}", count + 1);
    let mut array = 2 * count + bound.identity.len();
    let mut held = String::new();
    let mut rewrites = String::new();
    let mut same = vec!["true".to_owned()];
    for (index, reference) in references.iter().enumerate() {
        let refers = reference.columns.iter().map(|column| format!("{} = {}", column.of("f"), new(&column.base_sql)));
        let marks = reference
            .columns
            .iter()
            .enumerate()
            .map(|(place, column)| format!("coalesce({} = {}, false) AS m{place}", column.of("f"), new(&column.base_sql)));
        let identity = reference.identity.iter().enumerate().map(|(place, column)| format!("{} AS k{place}", column.of("f")));
        held += &format!(
            "\"trueup:f{index}\" AS MATERIALIZED (
  SELECT {canonical} AS identity, {columns} FROM {table} AS f WHERE {refers} FOR UPDATE OF f
), ",
            canonical = canonical_of(&reference.identity, "f"),
            columns = list(identity.chain(marks)),
            table = reference.table.sql(),
            refers = refers.collect::<Vec<_>>().join(" OR "),
        );
        let mut set = Vec::new();
        for (place, column) in reference.columns.iter().enumerate() {
            array += 1;
            same.push(format!(
                "(SELECT coalesce(array_agg(f.identity ORDER BY f.identity COLLATE \"C\"), '{{}}') FROM \"trueup:f{index}\" AS f WHERE f.m{place})
        = (SELECT coalesce(array_agg(it ORDER BY it COLLATE \"C\"), '{{}}') FROM unnest(${array}::text[]) AS it)"
            ));
            set.push(format!(
                "{} = CASE WHEN m.m{place} THEN {} ELSE {} END",
                ident(&column.name),
                old(0, &column.type_sql),
                column.of("f")
            ));
        }
        rewrites += &format!(
            "\"trueup:r{index}\" AS (
  UPDATE {table} AS f SET {set} FROM \"trueup:f{index}\" AS m, \"trueup:written\" AS w WHERE {names} RETURNING 1 AS it
), ",
            table = reference.table.sql(),
            set = list(set),
            names = names_typed(&reference.identity, "f", |place| format!("m.k{place}")),
        );
    }
    let set = columns.iter().enumerate().map(|(index, column)| format!("{} = {}", ident(&column.name), old(index, &column.type_sql)));
    let unchanged = columns.iter().enumerate().map(|(index, column)| {
        format!("\n    AND ({}::text COLLATE \"C\") IS NOT DISTINCT FROM ${}::text", column.of("db"), count + index + 1)
    });
    let names = list(columns.iter().map(|column| literal(&column.name)));
    let texts = list(columns.iter().map(|column| format!("{}::text", column.of("db"))));
    let rewritten: String = (0..references.len())
        .map(|index| format!("\n  AND (SELECT count(*) FROM \"trueup:r{index}\") = (SELECT count(*) FROM \"trueup:f{index}\")"))
        .collect();
    format!(
        "WITH {held}\"trueup:written\" AS (
  UPDATE {table} AS db SET {set} WHERE {row}{unchanged}
    AND {same}
  RETURNING {was} AS was, {identity} AS identity, jsonb_object(ARRAY[{names}]::text[], ARRAY[{texts}]::text[]) AS after
), {rewrites}\"trueup:moved\" AS (
  UPDATE trueup.entities AS e SET identity = w.identity FROM \"trueup:written\" AS w
  WHERE e.kind = {kind} AND e.identity = w.was AND w.was <> w.identity
    AND NOT EXISTS (SELECT FROM trueup.entities AS other WHERE other.kind = e.kind AND other.identity = w.identity)
)
SELECT w.identity, w.after FROM \"trueup:written\" AS w WHERE true{rewritten}",
        table = bound.table.sql(),
        set = list(set),
        row = names_row(&bound.identity, "db", |index| format!("${}::text", 2 * count + index + 1)),
        unchanged = unchanged.collect::<String>(),
        same = same.join("\n    AND "),
        was = crate::identity::canonical(
            &(0..bound.identity.len()).map(|index| format!("${}::text", 2 * count + index + 1)).collect::<Vec<_>>()
        ),
        identity = canonical_of(&bound.identity, "db"),
        kind = literal(kind),
    )
}
