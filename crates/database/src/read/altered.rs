//! Repairs of which something in the database made something else, as evidence for the judge.

use trueup_judge::{AlteredRepair, EntityKind};

use crate::RowError;
use crate::bind::Bound;
use crate::sql::literal;

/// `a` is the newest repair of its row: none followed it, and no revert either.
pub(crate) const IS_NEWEST: &str =
    "NOT EXISTS (SELECT FROM trueup.repairs AS n WHERE n.kind = a.kind AND n.identity = a.identity AND n.id > a.repair)";

/// The newest repair of the row with that identity, as JSON, if it was altered and nobody released it; an expression.
pub(crate) fn of_row(bound: &Bound, kind: &EntityKind, identity: &str) -> String {
    format!(
        "(SELECT {evidence} FROM trueup.altered AS a JOIN trueup.repairs AS w ON w.id = a.repair\n   \
         WHERE a.kind = {kind} AND a.identity = {identity} AND {IS_NEWEST})",
        evidence = evidence(bound),
        kind = literal(&kind.0),
    )
}

/// The newest insert for that key, likewise, if no row of the key was repaired since.
pub(crate) fn of_key(bound: &Bound, kind: &EntityKind, key: &str) -> String {
    format!(
        "(SELECT {evidence} FROM trueup.altered AS a JOIN trueup.repairs AS w ON w.id = a.repair\n   \
         WHERE a.kind = {kind} AND a.chain_key = {key} AND w.action = 'insert' AND NOT EXISTS (\n     \
         SELECT FROM trueup.entities AS e JOIN trueup.repairs AS n ON n.kind = e.kind AND n.identity = e.identity\n     \
         WHERE e.kind = a.kind AND e.chain_key = a.chain_key AND n.id > a.repair)\n   \
         ORDER BY a.repair DESC LIMIT 1)",
        evidence = evidence(bound),
        kind = literal(&kind.0),
    )
}

/// Reads the evidence.
pub(crate) fn read(evidence: Option<serde_json::Value>) -> Result<Option<AlteredRepair>, RowError> {
    evidence
        .map(|it| {
            serde_json::from_value(it).map_err(|error| RowError::new(format!("the audit of its last repair cannot be read: {error}")))
        })
        .transpose()
}

/// An [`AlteredRepair`], over `a` and `w`.
fn evidence(bound: &Bound) -> String {
    format!(
        "jsonb_build_object('repair', w.id, 'drifts', w.drifts, 'left_behind', a.left_behind, 'last_modified', w.stamp -> 'last_modified', 'triggers', (\n     \
         SELECT coalesce(jsonb_agg(t.tgname::text ORDER BY t.tgname), '[]') FROM pg_catalog.pg_trigger AS t\n     \
         WHERE t.tgrelid = {table}::regclass AND NOT t.tgisinternal AND t.tgenabled <> 'D'))",
        table = literal(&bound.table.sql()),
    )
}
