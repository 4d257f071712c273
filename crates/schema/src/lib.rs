//! The migrations of schema `trueup`, and how they are applied.
//!
//! They live in `migrations/` at the root of the workspace and are recorded in a table of their own,
//! `trueup._migrations`, so that an application that uses sqlx migrations in the same database keeps its
//! `_sqlx_migrations` to itself.

use sqlx::PgPool;
use sqlx::migrate::{MigrateError, Migrator};

/// The schema that holds every table of trueup.
pub const SCHEMA: &str = "trueup";

/// Where applied migrations are recorded.
const MIGRATIONS_TABLE: &str = "trueup._migrations";

fn migrator() -> Migrator {
    let mut migrator = sqlx::migrate!("../../migrations");
    migrator.create_schema(SCHEMA);
    migrator.dangerous_set_table_name(MIGRATIONS_TABLE);
    migrator
}

/// Brings schema `trueup` up to date. Harmless when it already is; safe to call from several processes at once
/// (sqlx holds an advisory lock).
///
/// # Errors
/// What Postgres said, for example that the role may not create a schema.
pub async fn migrate(pool: &PgPool) -> Result<(), MigrateError> {
    migrator().run(pool).await
}

/// How many migrations the database still lacks. A database that was never migrated lacks all of them.
///
/// # Errors
/// What Postgres said.
pub async fn pending(pool: &PgPool) -> Result<usize, sqlx::Error> {
    let known = migrator().iter().count();
    let recorded: Option<String> = sqlx::query_scalar("SELECT to_regclass($1)::text").bind(MIGRATIONS_TABLE).fetch_one(pool).await?;
    if recorded.is_none() {
        return Ok(known);
    }
    let applied: i64 = sqlx::query_scalar("SELECT count(*) FROM trueup._migrations WHERE success").fetch_one(pool).await?;
    Ok(known.saturating_sub(usize::try_from(applied).unwrap_or(known)))
}
