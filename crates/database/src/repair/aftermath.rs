//! What became of written rows once every trigger had its turn. A statement returns what it wrote before triggers of
//! kind AFTER run, and one of them may have written the row again.

use std::collections::HashSet;

use sqlx::AssertSqlSafe;
use sqlx::types::Json;

use super::RepairOutcome;
use super::execute::Session;
use super::revert::Texts;
use super::task::Group;
use crate::bind::{Bound, Column};
use crate::identity::{names_row, parts};
use crate::read::unnest;
use crate::sql::{list, literal};

/// Reads the rows that a group wrote once more, in one statement, and puts on record what is not as it was written.
/// Such a repair is `altered`; a row that is gone has nothing left in `after`. What each altered one left behind is
/// kept, so that the next run does not write the same again.
pub(super) async fn look_again(
    session: &mut Session<'_>,
    bound: &Bound,
    group: &Group<'_>,
    outcomes: &mut [(usize, RepairOutcome)],
) -> Result<(), sqlx::Error> {
    let columns = bound.identity.len();
    let written: Vec<(i64, Vec<String>)> = outcomes
        .iter()
        .filter_map(|(_, outcome)| match outcome {
            RepairOutcome::Repaired { repair, identity } | RepairOutcome::Altered { repair, identity } => {
                Some((*repair, parts(&identity.0, columns).ok()?))
            }
            _ => None,
        })
        .collect();
    if written.is_empty() {
        return Ok(());
    }
    let sql = statement(bound, group);
    let mut query = sqlx::query_scalar::<_, i64>(AssertSqlSafe(sql)).bind(written.iter().map(|(repair, _)| *repair).collect::<Vec<_>>());
    for index in 0..columns {
        query = query.bind(written.iter().map(|(_, parts)| parts[index].clone()).collect::<Vec<_>>());
    }
    session.statements.add();
    let changed: HashSet<i64> = query.fetch_all(&mut *session.tx).await?.into_iter().collect();
    for (_, outcome) in outcomes {
        if let RepairOutcome::Repaired { repair, identity } = outcome
            && changed.contains(repair)
        {
            *outcome = RepairOutcome::Altered { repair: *repair, identity: identity.clone() };
        }
    }
    Ok(())
}

/// These columns of a row as they are now; nothing, if it is gone.
pub(super) async fn as_it_is(session: &mut Session<'_>, bound: &Bound, columns: &[Column], identity: &str) -> Result<Texts, sqlx::Error> {
    let parts = parts(identity, bound.identity.len()).unwrap_or_default();
    let sql = format!(
        "SELECT jsonb_object(ARRAY[{names}]::text[], ARRAY[{texts}]::text[]) FROM {table} AS db WHERE {row}",
        names = list(columns.iter().map(|column| literal(&column.name))),
        texts = list(columns.iter().map(|column| format!("{}::text", column.of("db")))),
        table = bound.table.sql(),
        row = names_row(&bound.identity, "db", |index| format!("${}::text", index + 1)),
    );
    let mut query = sqlx::query_scalar::<_, Json<Texts>>(AssertSqlSafe(sql));
    for part in &parts {
        query = query.bind(part);
    }
    session.statements.add();
    Ok(query.fetch_optional(&mut *session.tx).await?.map_or_else(Texts::new, |Json(now)| now))
}

fn statement(bound: &Bound, group: &Group<'_>) -> String {
    let mut input = vec![("repair".to_owned(), "bigint")];
    input.extend((0..bound.identity.len()).map(|index| (format!("p{index}"), "text")));
    format!(
        "WITH \"trueup:now\" AS MATERIALIZED (
  SELECT i.repair, coalesce(now.after, '{{}}') AS after, coalesce(now.left_behind, '{{}}') AS left_behind
  FROM {unnest} LEFT JOIN LATERAL (SELECT {after} AS after, {left_behind} AS left_behind FROM {table} AS db WHERE {names}) AS now ON true
), \"trueup:changed\" AS (
  UPDATE trueup.repairs AS r SET after = n.after, altered = true
  FROM \"trueup:now\" AS n
  WHERE r.id = n.repair AND r.after IS DISTINCT FROM n.after
  RETURNING r.id
), \"trueup:kept\" AS (
  INSERT INTO trueup.altered AS known (kind, identity, chain_key, repair, left_behind)
  SELECT DISTINCT ON (r.kind, r.identity) r.kind, r.identity, r.chain_key, r.id, n.left_behind
  FROM \"trueup:now\" AS n JOIN trueup.repairs AS r ON r.id = n.repair
  WHERE r.altered OR r.after IS DISTINCT FROM n.after
  ORDER BY r.kind, r.identity, r.id DESC
  ON CONFLICT (kind, identity) DO UPDATE
  SET chain_key = excluded.chain_key, repair = excluded.repair, left_behind = excluded.left_behind
)
SELECT id FROM \"trueup:changed\"",
        after = group.after(),
        left_behind = group.left_behind(),
        table = bound.table.sql(),
        names = names_row(&bound.identity, "db", |index| format!("i.p{index}")),
        unnest = unnest(&input),
    )
}
