//! What a run learned of the transactions that create its rows' entities, and what follows for its plans.

use std::collections::HashMap;

use sqlx::PgConnection;
use sqlx::types::Json;
use trueup_judge::{ChainKey, Creation, EntityKind, PlanId, RowIdentity, RunId, SkipReason, Verdict};

/// Keeps what the first look learned beside the plans of these rows.
///
/// # Errors
/// What Postgres said.
pub async fn keep_creations(
    conn: &mut PgConnection,
    run: RunId,
    kind: &EntityKind,
    creations: &[(&RowIdentity, &Creation)],
) -> Result<(), sqlx::Error> {
    if creations.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "UPDATE trueup.plans AS p SET creation = n.creation FROM unnest($3::text[], $4::jsonb[]) AS n (identity, creation)
         WHERE p.run = $1 AND p.kind = $2 AND p.identity = n.identity",
    )
    .bind(run.0)
    .bind(&kind.0)
    .bind(creations.iter().map(|(row, _)| row.0.as_str()).collect::<Vec<_>>())
    .bind(creations.iter().map(|(_, creation)| Json(creation)).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}

/// The plans of rows without their real key, with what is known of their creation.
///
/// # Errors
/// What Postgres said, or a creation of a newer trueup.
pub async fn creations(
    conn: &mut PgConnection,
    run: RunId,
    kind: &EntityKind,
) -> Result<HashMap<RowIdentity, (PlanId, Creation)>, sqlx::Error> {
    let rows: Vec<(i64, String, Json<Creation>)> = sqlx::query_as(
        "SELECT id, identity, creation FROM trueup.plans WHERE run = $1 AND kind = $2 AND identity IS NOT NULL AND creation IS NOT NULL",
    )
    .bind(run.0)
    .bind(&kind.0)
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|(id, identity, Json(creation))| (RowIdentity(identity), (PlanId(id), creation))).collect())
}

/// Closes the plans of missing rows whose keys are those of rows that wait for their real key: they are one drift.
///
/// # Errors
/// What Postgres said.
pub async fn close_claimed(conn: &mut PgConnection, run: RunId, kind: &EntityKind, keys: &[ChainKey]) -> Result<u64, sqlx::Error> {
    if keys.is_empty() {
        return Ok(0);
    }
    let done = sqlx::query(
        "UPDATE trueup.plans SET verdict = $4 WHERE run = $1 AND kind = $2 AND identity IS NULL AND verdict IS NULL AND chain_key = ANY($3)",
    )
    .bind(run.0)
    .bind(&kind.0)
    .bind(keys.iter().map(|key| key.0.as_str()).collect::<Vec<_>>())
    .bind(Verdict::Skipped(SkipReason::Claimed).to_string())
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Remembers of rows that the transaction (its hash) that should have created their entity failed or expired.
///
/// # Errors
/// What Postgres said.
pub async fn remember_over(conn: &mut PgConnection, kind: &EntityKind, rows: &[(&RowIdentity, &str)]) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO trueup.entities AS known (kind, identity, creation_over)
         SELECT DISTINCT ON (it.identity) $1, it.identity, it.hash FROM unnest($2::text[], $3::text[]) AS it (identity, hash) ORDER BY it.identity
         ON CONFLICT (kind, identity) DO UPDATE SET creation_over = excluded.creation_over, changed_at = now()
         WHERE known.creation_over IS DISTINCT FROM excluded.creation_over",
    )
    .bind(&kind.0)
    .bind(rows.iter().map(|(row, _)| row.0.as_str()).collect::<Vec<_>>())
    .bind(rows.iter().map(|(_, hash)| *hash).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}
