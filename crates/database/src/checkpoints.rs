//! What looks remember of entities, for the looks after them.

use serde_json::Value;
use sqlx::PgConnection;
use sqlx::types::Json;
use trueup_judge::{EntityKind, RowIdentity};

use crate::{DatabaseError, Statements};

/// In the order of the identities, so that two batches do not wait for each other's rows crosswise.
const KEEP: &str = "\
INSERT INTO trueup.entities AS e (kind, identity, checkpoint)
SELECT $1, i.identity, i.checkpoint FROM unnest($2::text[], $3::jsonb[]) AS i (identity, checkpoint)
ORDER BY i.identity
ON CONFLICT (kind, identity) DO UPDATE SET checkpoint = excluded.checkpoint, changed_at = now()
WHERE e.checkpoint IS DISTINCT FROM excluded.checkpoint";

/// Remembers the checkpoints of rows of a kind, in the caller's transaction, by one statement. A row given twice keeps
/// the last one.
///
/// # Errors
/// What Postgres said; the caller rolls back.
pub async fn keep_checkpoints(
    tx: &mut PgConnection,
    statements: &Statements,
    kind: &EntityKind,
    checkpoints: &[(RowIdentity, Value)],
) -> Result<(), DatabaseError> {
    let distinct: std::collections::BTreeMap<&str, &Value> =
        checkpoints.iter().map(|(identity, checkpoint)| (identity.0.as_str(), checkpoint)).collect();
    if distinct.is_empty() {
        return Ok(());
    }
    let (identities, checkpoints): (Vec<&str>, Vec<Json<&Value>>) = distinct.into_iter().map(|(it, value)| (it, Json(value))).unzip();
    statements.add();
    sqlx::query(KEEP).bind(&kind.0).bind(identities).bind(checkpoints).execute(tx).await?;
    Ok(())
}
