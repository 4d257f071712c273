//! Who else is at work in the database.

use sqlx::PgConnection;

/// The sessions in this database that are not trueup's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Activity {
    /// Those that run a statement in this moment, and do not wait for a lock or for their client; and those between two
    /// statements of a transaction, unless that has stood still for a second.
    pub at_work: u32,
    /// Those of which this role may not know: they are of other roles, and it is no member of `pg_read_all_stats`.
    pub hidden: u32,
}

/// Of what is hidden from a role, the sort of session is too. All of trueup's processes say their name.
const ACTIVITY: &str = "\
SELECT count(*) FILTER (WHERE state = 'active' AND coalesce(wait_event_type, '') NOT IN ('Lock', 'Client')
                        OR state LIKE 'idle in transaction%' AND state_change > now() - interval '1 second'),
       count(*) FILTER (WHERE backend_type IS NULL)
FROM pg_stat_activity
WHERE datname = current_database() AND coalesce(backend_type, 'client backend') = 'client backend'
  AND application_name NOT LIKE 'trueup%' AND pid <> pg_backend_pid()";

/// Looks who is at work in this moment.
///
/// # Errors
/// What Postgres said.
pub async fn activity(connection: &mut PgConnection) -> Result<Activity, sqlx::Error> {
    let (at_work, hidden): (i64, i64) = sqlx::query_as(ACTIVITY).fetch_one(connection).await?;
    let number = |count: i64| u32::try_from(count).unwrap_or(u32::MAX);
    Ok(Activity { at_work: number(at_work), hidden: number(hidden) })
}
