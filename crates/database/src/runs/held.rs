//! What keeps a run from repairing, by kind, as the run holds it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use sqlx::types::Json;
use trueup_judge::{EntityKind, Guarded, HeldBack, RunId};

/// What the guard said of a run's kinds.
pub type Guards = BTreeMap<EntityKind, Guarded>;

/// Why nothing of a kind is repaired in a run, each reason once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HeldBackKinds(pub BTreeMap<EntityKind, Vec<HeldBack>>);

impl HeldBackKinds {
    /// The first reason why nothing of a kind is repaired.
    #[must_use]
    pub fn first(&self, kind: &EntityKind) -> Option<&HeldBack> {
        self.0.get(kind)?.first()
    }
}

/// Plans of a run that would write, by kind. Those that are concluded already do not count.
///
/// # Errors
/// What Postgres said.
pub async fn plans_that_write(conn: &mut PgConnection, run: RunId) -> Result<BTreeMap<EntityKind, u64>, sqlx::Error> {
    let rows: Vec<(String, i64)> = sqlx::query_as(
        "SELECT kind, count(*) FROM trueup.plans
         WHERE run = $1 AND verdict IS NULL AND plan -> 'action' ->> 'do' <> 'report' GROUP BY kind",
    )
    .bind(run.0)
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|(kind, count)| (EntityKind(kind), u64::try_from(count).unwrap_or_default())).collect())
}

/// What the guard said of a run; empty before it was asked, or where there is no such run any more.
///
/// # Errors
/// What Postgres said.
pub async fn guards_of(conn: &mut PgConnection, run: RunId) -> Result<Guards, sqlx::Error> {
    let guards: Option<Json<Guards>> =
        sqlx::query_scalar("SELECT guard FROM trueup.runs WHERE id = $1").bind(run.0).fetch_optional(conn).await?;
    Ok(guards.map(|Json(guards)| guards).unwrap_or_default())
}

/// How many entities of a kind the newest run over all of them had, as its guard counted them; none before there was
/// one.
///
/// # Errors
/// What Postgres said.
pub async fn entities_of_latest(conn: &mut PgConnection, kind: &EntityKind) -> Result<Option<u64>, sqlx::Error> {
    let count: Option<i64> = sqlx::query_scalar(
        "SELECT (guard -> $1 ->> 'entities')::bigint FROM trueup.runs
         WHERE NOT touches AND follows IS NULL AND guard ? $1 ORDER BY id DESC LIMIT 1",
    )
    .bind(&kind.0)
    .fetch_optional(conn)
    .await?
    .flatten();
    Ok(count.map(|count| u64::try_from(count).unwrap_or_default()))
}

/// Keeps what the guard said.
///
/// # Errors
/// What Postgres said.
pub async fn keep_guards(conn: &mut PgConnection, run: RunId, guards: &Guards) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE trueup.runs SET guard = $2 WHERE id = $1").bind(run.0).bind(Json(guards)).execute(conn).await?;
    Ok(())
}

/// Holds a kind back in a run, for one more reason. Again for the same reason is harmless. A run that has ended keeps
/// what its report says.
///
/// # Errors
/// What Postgres said.
pub async fn hold_back(conn: &mut PgConnection, run: RunId, kind: &EntityKind, why: &HeldBack) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE trueup.runs
         SET held_back = jsonb_set(held_back, ARRAY[$2], coalesce(held_back -> $2, '[]') || jsonb_build_array($3::jsonb))
         WHERE id = $1 AND phase <> 'done' AND NOT coalesce(held_back -> $2 @> jsonb_build_array($3::jsonb), false)",
    )
    .bind(run.0)
    .bind(&kind.0)
    .bind(Json(why))
    .execute(conn)
    .await?;
    Ok(())
}
