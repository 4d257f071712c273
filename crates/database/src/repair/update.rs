use super::task::Group;
use crate::bind::Bound;
use crate::identity::names_row;
use crate::read::unnest;
use crate::sql::{ident, list, literal};

/// One statement that updates rows if they are still what was judged, audits each, and raises the ledger floor of
/// each. Nobody else's write comes between: a row that changes meanwhile is judged again by Postgres (READ
/// COMMITTED) before it is written. A row that someone else holds is left out: waiting for it would make its
/// neighbours wait, and it is about to change.
pub(super) fn statement(bound: &Bound, kind: &str, group: &Group<'_>) -> String {
    let part = |index: usize| format!("o.p{index}");
    let set = group.written.iter().enumerate().map(|(index, column)| {
        let value = column.shape.stored(&column.type_sql, &format!("o.s{index}"));
        format!("{} = {value}", ident(&column.name))
    });
    let unchanged = group.judged.iter().enumerate().map(|(index, column)| {
        let name = column.of("db");
        format!("\n    AND ({name}::text COLLATE \"C\") IS NOT DISTINCT FROM o.j{index}")
    });
    let altered = group.written.iter().enumerate().map(|(index, column)| {
        let value = column.shape.typed(&format!("o.s{index}"));
        format!("{} IS DISTINCT FROM {value}", column.shape.read_back(&column.of("db")))
    });
    format!(
        "WITH \"trueup:orders\" AS MATERIALIZED (
  SELECT i.*, prior.id AS prior, e.floor_ledger AS floor, {lossy} AS lossy
  FROM {unnest}
  LEFT JOIN trueup.repairs AS prior ON prior.plan = i.plan
  LEFT JOIN trueup.entities AS e ON e.kind = {kind} AND e.identity = i.identity
), \"trueup:free\" AS MATERIALIZED (
  SELECT o.ord FROM {table} AS db JOIN \"trueup:orders\" AS o ON {names}
  FOR NO KEY UPDATE OF db SKIP LOCKED
), \"trueup:written\" AS (
  UPDATE {table} AS db SET {set}
  FROM \"trueup:orders\" AS o
  WHERE {names} AND o.ord IN (SELECT ord FROM \"trueup:free\") AND o.prior IS NULL AND o.lossy = '{{}}' AND coalesce(o.ledger >= o.floor, true){unchanged}
  RETURNING o.ord, {after} AS after, ({altered}) AS altered
), {audit}
SELECT o.ord, o.prior, o.floor, o.lossy, a.id AS repair, o.identity, w.altered, (SELECT count(*) FROM \"trueup:written\") AS written
FROM \"trueup:orders\" AS o
LEFT JOIN \"trueup:written\" AS w ON w.ord = o.ord
LEFT JOIN \"trueup:audit\" AS a ON a.plan = o.plan
ORDER BY o.ord",
        lossy = group.lossy(),
        unnest = unnest(&group.input(bound.identity.len())),
        kind = literal(kind),
        table = bound.table.sql(),
        set = list(set),
        names = names_row(&bound.identity, "db", part),
        unchanged = unchanged.collect::<String>(),
        after = group.after(),
        altered = altered.collect::<Vec<_>>().join(" OR "),
        audit = audit(bound, kind, "update", "o.identity", "NULL::jsonb"),
    )
}

/// The audit record of each written row, and its ledger floor. `"trueup:written"` has the order's `ord`.
pub(super) fn audit(bound: &Bound, kind: &str, action: &str, identity: &str, resolution: &str) -> String {
    format!(
        "\"trueup:audit\" AS (
  INSERT INTO trueup.repairs (run, plan, job, lease, kind, table_name, identity, chain_key, action, before, intended, after, altered,
                              judged, drifts, chain_entry, stamp, trace, actor, reason, resolution)
  SELECT o.run, o.plan, o.job, o.lease, {kind}, {table}, {identity}, o.chain_key, {action}, o.before, o.intended, w.after, w.altered,
         o.judged, o.drifts, o.chain_entry, o.stamp, o.trace, o.actor, o.reason, {resolution}
  FROM \"trueup:written\" AS w JOIN \"trueup:orders\" AS o ON o.ord = w.ord
  ORDER BY o.ord
  RETURNING id, plan
), \"trueup:remembered\" AS (
  INSERT INTO trueup.entities AS known (kind, identity, chain_key, floor_ledger)
  SELECT {kind}, {identity}, o.chain_key, o.ledger
  FROM \"trueup:written\" AS w JOIN \"trueup:orders\" AS o ON o.ord = w.ord
  WHERE o.ledger IS NOT NULL
  ON CONFLICT (kind, identity) DO UPDATE
  SET floor_ledger = greatest(known.floor_ledger, excluded.floor_ledger), chain_key = excluded.chain_key, changed_at = now()
)",
        kind = literal(kind),
        table = literal(&bound.table.display()),
        action = literal(action),
    )
}
