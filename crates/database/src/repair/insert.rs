use super::task::Group;
use super::update::audit;
use crate::bind::Bound;
use crate::identity::{canonical, canonical_of, names_key};
use crate::read::unnest;
use crate::sql::{list, literal};

/// One statement that inserts rows whose keys no row has yet, audits each, and sets the ledger floor of each. What was
/// applied to a row of that key before, which is gone by now, is not undone by an older observation.
///
/// An INSERT cannot return the order that it executed, so that a written row is told by its key; where a trigger
/// changes keys, `written` counts more rows than are told apart, and the orders go one by one.
pub(super) fn statement(bound: &Bound, kind: &str, group: &Group<'_>) -> String {
    let values = group.written.iter().enumerate().map(|(index, column)| column.shape.stored(&column.type_sql, &format!("o.s{index}")));
    let read_back =
        group.written.iter().enumerate().map(|(index, column)| format!("{} AS n{index}", column.shape.read_back(&column.of("db"))));
    let altered = group.written.iter().enumerate().map(|(index, column)| {
        let value = column.shape.typed(&format!("o.s{index}"));
        format!("n.n{index} IS DISTINCT FROM {value}")
    });
    let key = bound.key.iter().enumerate().map(|(index, column)| {
        let value = format!("i.p{index}");
        format!("({})::text", column.shape.stored(&column.type_sql, &value))
    });
    let taken = names_key(bound, "db", |index| format!("i.p{index}"));
    format!(
        "WITH \"trueup:orders\" AS MATERIALIZED (
  SELECT i.*, prior.id AS prior, {lossy} AS lossy, {key} AS new_key,
         (SELECT max(e.floor_ledger) FROM trueup.entities AS e WHERE e.kind = {kind} AND e.chain_key = i.chain_key) AS floor,
         EXISTS (SELECT FROM {table} AS db WHERE {taken}) AS taken, count(*) OVER () AS orders
  FROM {unnest}
  LEFT JOIN trueup.repairs AS prior ON prior.plan = i.plan
), \"trueup:inserted\" AS (
  INSERT INTO {table} AS db ({columns})
  SELECT {values} FROM \"trueup:orders\" AS o WHERE o.prior IS NULL AND o.lossy = '{{}}' AND NOT o.taken AND coalesce(o.ledger >= o.floor, true)
  ORDER BY o.ord
  RETURNING {identity} AS identity, {returned_key} AS new_key, {after} AS after, {read_back}
), \"trueup:written\" AS (
  SELECT o.ord, n.identity, n.after, ({altered}) AS altered
  FROM \"trueup:inserted\" AS n JOIN \"trueup:orders\" AS o ON o.new_key = n.new_key OR o.orders = 1
), {audit}
SELECT o.ord, o.prior, o.floor, CASE WHEN o.taken THEN '{{}}' ELSE o.lossy END AS lossy, a.id AS repair, w.identity, w.altered,
       (SELECT count(*) FROM \"trueup:inserted\") AS written
FROM \"trueup:orders\" AS o
LEFT JOIN \"trueup:written\" AS w ON w.ord = o.ord
LEFT JOIN \"trueup:audit\" AS a ON a.plan = o.plan
ORDER BY o.ord",
        lossy = group.lossy(),
        kind = literal(kind),
        key = canonical(&key.collect::<Vec<_>>()),
        table = bound.table.sql(),
        unnest = unnest(&group.input(bound.key.len())),
        columns = group.written_names(),
        values = list(values),
        identity = canonical_of(&bound.identity, "db"),
        returned_key = canonical_of(&bound.key, "db"),
        after = group.after(),
        read_back = list(read_back),
        altered = altered.collect::<Vec<_>>().join(" OR "),
        audit = audit(bound, kind, "insert", "w.identity", "NULL::jsonb"),
    )
}
