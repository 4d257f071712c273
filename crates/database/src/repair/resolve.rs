//! A row's real key, and all that refers to the made-up one, in one statement: foreign keys are checked at its end.

use super::task::{Group, REFERENCES_PER_ROW_MAX};
use super::update::audit;
use crate::bind::{Bound, BoundReferences, Column};
use crate::identity::{canonical_of, names_row, names_typed};
use crate::read::unnest;
use crate::sql::{ident, list, literal};

/// One statement that gives rows their keys if they are still what was judged and no other row has the key, rewrites
/// the references to the old key, audits each, and raises the ledger floor of each.
///
/// A row that someone else holds is left out, and so is one to which a row refers that someone else holds: the lock
/// is the one that a change of a key needs, so that whoever is adding a reference to the row holds it too.
pub(super) fn statement(bound: &Bound, kind: &str, group: &Group<'_>) -> String {
    let part = |index: usize| format!("o.p{index}");
    let references = bound.creation.as_ref().map_or(&[][..], |it| it.references.as_slice());
    let new_key = |column: &Column, prefix: &str| {
        let index = group.written.iter().position(|it| it.name == column.name).unwrap_or_default();
        column.shape.stored(&column.type_sql, &format!("{prefix}.s{index}"))
    };
    let set = group.written.iter().map(|column| format!("{} = {}", ident(&column.name), new_key(column, "o")));
    let unchanged = group.judged.iter().enumerate().map(|(index, column)| {
        let name = column.of("db");
        format!("\n    AND ({name}::text COLLATE \"C\") IS NOT DISTINCT FROM o.j{index}")
    });
    let altered = group.written.iter().enumerate().map(|(index, column)| {
        let value = column.shape.typed(&format!("o.s{index}"));
        format!("{} IS DISTINCT FROM {value}", column.shape.read_back(&column.of("db")))
    });
    let keys: Vec<Column> = bound.key.iter().filter(|it| group.written.iter().any(|written| written.name == it.name)).cloned().collect();
    let taken = names_typed(&keys, "it", |index| new_key(&keys[index], "i"));
    let held: String = references.iter().enumerate().map(|(index, it)| format!("{},\n", free(index, it, &old_key(group, "o")))).collect();
    let rewrites: String = references.iter().enumerate().map(|(index, it)| format!("{},\n", rewrite(index, it))).collect();
    let sum = |count: &dyn Fn(usize) -> String| {
        std::iter::once("0::bigint".to_owned()).chain((0..references.len()).map(count)).collect::<Vec<_>>().join(" + ")
    };
    format!(
        "WITH \"trueup:orders\" AS MATERIALIZED (
  SELECT i.*, prior.id AS prior, e.floor_ledger AS floor, {lossy} AS lossy,
         (SELECT {other} FROM {table} AS it WHERE {taken} LIMIT 1) AS taken
  FROM {unnest}
  LEFT JOIN trueup.repairs AS prior ON prior.plan = i.plan
  LEFT JOIN trueup.entities AS e ON e.kind = {kind} AND e.identity = i.identity
), \"trueup:free\" AS MATERIALIZED (
  SELECT o.ord FROM {table} AS db JOIN \"trueup:orders\" AS o ON {names}
  FOR UPDATE OF db SKIP LOCKED
), {held}\"trueup:reach\" AS MATERIALIZED (
  SELECT o.ord, {referring} AS referring, {free} AS free FROM \"trueup:orders\" AS o
), \"trueup:written\" AS (
  UPDATE {table} AS db SET {set}
  FROM \"trueup:orders\" AS o JOIN \"trueup:reach\" AS h ON h.ord = o.ord
  WHERE {names} AND o.ord IN (SELECT ord FROM \"trueup:free\") AND o.prior IS NULL AND o.lossy = '{{}}' AND o.taken IS NULL
    AND h.referring = h.free AND h.referring <= {REFERENCES_PER_ROW_MAX} AND coalesce(o.ledger >= o.floor, true){unchanged}
  RETURNING o.ord, {identity} AS identity, {new_keys}, {after} AS after, ({altered}) AS altered
), {rewrites}{audit}, \"trueup:moved\" AS (
  DELETE FROM trueup.entities AS e USING \"trueup:written\" AS w JOIN \"trueup:orders\" AS o ON o.ord = w.ord
  WHERE e.kind = {kind} AND e.identity = o.identity AND w.identity <> o.identity
), \"trueup:held\" AS (
  UPDATE trueup.holds AS h SET identity = w.identity FROM \"trueup:written\" AS w JOIN \"trueup:orders\" AS o ON o.ord = w.ord
  WHERE h.kind = {kind} AND h.identity = o.identity AND w.identity <> o.identity
)
SELECT o.ord, o.prior, o.floor, o.lossy, o.taken, a.id AS repair, w.identity, w.altered OR {altered_references} AS altered,
       (SELECT count(*) FROM \"trueup:written\") AS written, h.referring, {rewritten} AS rewritten
FROM \"trueup:orders\" AS o
JOIN \"trueup:reach\" AS h ON h.ord = o.ord
LEFT JOIN \"trueup:written\" AS w ON w.ord = o.ord
LEFT JOIN \"trueup:audit\" AS a ON a.plan = o.plan
ORDER BY o.ord",
        lossy = group.lossy(),
        other = canonical_of(&bound.identity, "it"),
        table = bound.table.sql(),
        unnest = unnest(&group.input(bound.identity.len())),
        kind = literal(kind),
        names = names_row(&bound.identity, "db", part),
        referring = sum(&|index| format!(
            "(SELECT count(*) FROM {} AS f WHERE {})",
            references[index].table.sql(),
            refers(&references[index], &old_key(group, "o"))
        )),
        free = sum(&|index| format!("(SELECT count(*) FROM \"trueup:f{index}\" AS f WHERE f.ord = o.ord)")),
        set = list(set),
        unchanged = unchanged.collect::<String>(),
        identity = canonical_of(&bound.identity, "db"),
        new_keys = list(keys.iter().enumerate().map(|(index, column)| format!("{} AS new{index}", column.of("db")))),
        after = group.after(),
        altered = altered.collect::<Vec<_>>().join(" OR "),
        audit = audit(bound, kind, "resolve", "w.identity", &resolution(references)),
        altered_references = altered_references(references),
        rewritten = sum(&|index| format!("(SELECT count(*) FROM \"trueup:r{index}\" AS f WHERE f.ord = o.ord)")),
    )
}

/// The key that the row had, as text: references are to keys of one column.
fn old_key(group: &Group<'_>, alias: &str) -> String {
    let written = group.written.first().map(|it| it.name.as_str());
    let index = group.judged.iter().position(|it| Some(it.name.as_str()) == written).unwrap_or_default();
    format!("{alias}.j{index}")
}

/// Whether a row `f` refers to a key.
fn refers(references: &BoundReferences, key: &str) -> String {
    references.columns.iter().map(|column| format!("{} = ({key})::{}", column.of("f"), column.base_sql)).collect::<Vec<_>>().join(" OR ")
}

/// The rows that refer to the old key, locked, with their primary key and in which columns they refer to it.
fn free(index: usize, references: &BoundReferences, old: &str) -> String {
    let identity = references.identity.iter().enumerate().map(|(place, column)| format!("{} AS k{place}", column.of("f")));
    let marks = references
        .columns
        .iter()
        .enumerate()
        .map(|(place, column)| format!("coalesce({} = ({old})::{}, false) AS m{place}", column.of("f"), column.base_sql));
    format!(
        "\"trueup:f{index}\" AS MATERIALIZED (
  SELECT o.ord, {columns} FROM {table} AS f JOIN \"trueup:orders\" AS o ON {refers}
  WHERE o.ord IN (SELECT ord FROM \"trueup:free\")
  FOR UPDATE OF f SKIP LOCKED
)",
        columns = list(identity.chain(marks)),
        table = references.table.sql(),
        refers = refers(references, old),
    )
}

/// Rewrites them, where the row that they refer to was written.
fn rewrite(index: usize, references: &BoundReferences) -> String {
    let set = references.columns.iter().enumerate().map(|(place, column)| {
        format!("{} = CASE WHEN m.m{place} THEN w.new0::{} ELSE {} END", ident(&column.name), column.type_sql, column.of("f"))
    });
    let marks = (0..references.columns.len()).map(|place| format!("m.m{place}"));
    let altered = references
        .columns
        .iter()
        .enumerate()
        .map(|(place, column)| format!("(m.m{place} AND {}::text IS DISTINCT FROM w.new0::text)", column.of("f")));
    format!(
        "\"trueup:r{index}\" AS (
  UPDATE {table} AS f SET {set}
  FROM \"trueup:f{index}\" AS m JOIN \"trueup:written\" AS w ON w.ord = m.ord
  WHERE {names}
  RETURNING m.ord, {identity} AS identity, {marks}, ({altered}) AS altered
)",
        table = references.table.sql(),
        set = list(set),
        names = names_typed(&references.identity, "f", |place| format!("m.k{place}")),
        identity = canonical_of(&references.identity, "f"),
        marks = list(marks),
        altered = altered.collect::<Vec<_>>().join(" OR "),
    )
}

/// What the audit keeps besides, over `o` and `w`: a list of rewritten rows for each column that refers to the key.
fn resolution(references: &[BoundReferences]) -> String {
    let lists = references.iter().enumerate().flat_map(|(index, reference)| {
        reference.columns.iter().enumerate().map(move |(place, column)| {
            format!(
                "{}, (SELECT coalesce(jsonb_agg(f.identity ORDER BY f.identity), '[]') FROM \"trueup:r{index}\" AS f WHERE f.ord = o.ord AND f.m{place})",
                literal(&column_name(reference, column))
            )
        })
    });
    format!("jsonb_build_object('from', o.identity, 'proof', o.proof, 'references', jsonb_build_object({}))", list(lists))
}

fn altered_references(references: &[BoundReferences]) -> String {
    let any = (0..references.len()).map(|index| format!("EXISTS (SELECT FROM \"trueup:r{index}\" AS f WHERE f.ord = o.ord AND f.altered)"));
    std::iter::once("false".to_owned()).chain(any).collect::<Vec<_>>().join(" OR ")
}

/// How the audit calls a column that refers to the key.
pub(super) fn column_name(reference: &BoundReferences, column: &Column) -> String {
    format!("{}.{}", reference.table.display(), crate::sql::plain_ident(&column.name))
}
