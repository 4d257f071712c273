//! What must be true of a server before trueup works on it.

use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection};

use super::ConnectError;
use super::options::place;
use crate::error::sentence;

/// The oldest Postgres that has all that is used: `extract` as numeric, infinite numerics.
const OLDEST_MAJOR: u32 = 14;
/// How often a session's setting is asked for again. A transaction-mode pooler hands out another server sooner or
/// later, or resets the one that it has.
const SESSION_PROBES: usize = 4;

/// A connection that was made by hand, to look at the server behind it.
pub(crate) async fn examine(options: &PgConnectOptions, seconds: u64) -> Result<(), ConnectError> {
    let mut conn = PgConnection::connect_with(options).await.map_err(|error| refusal(options, seconds, &error))?;
    let other = |error: sqlx::Error| ConnectError::Other { place: place(options), reason: sentence(&error) };
    version(options, &mut conn).await?;
    if !keeps_settings(&mut conn).await.map_err(other)? {
        return Err(ConnectError::SessionLost { place: place(options) });
    }
    conn.close().await.map_err(other)
}

async fn version(options: &PgConnectOptions, conn: &mut PgConnection) -> Result<(), ConnectError> {
    let other = |error: sqlx::Error| ConnectError::Other { place: place(options), reason: sentence(&error) };
    let number: i32 = sqlx::query_scalar("SELECT current_setting('server_version_num')::int").fetch_one(&mut *conn).await.map_err(other)?;
    let major = u32::try_from(number / 10_000).unwrap_or_default();
    if major < OLDEST_MAJOR {
        let version: String = sqlx::query_scalar("SELECT current_setting('server_version')").fetch_one(conn).await.map_err(other)?;
        return Err(ConnectError::TooOld { place: place(options), version, oldest: OLDEST_MAJOR });
    }
    Ok(())
}

/// Whether the same backend, with the same settings, answers each statement.
async fn keeps_settings(conn: &mut PgConnection) -> Result<bool, sqlx::Error> {
    let first: i32 = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut *conn).await?;
    sqlx::query("SELECT set_config('trueup.session', $1, false)").bind(first.to_string()).execute(&mut *conn).await?;
    for _ in 0..SESSION_PROBES {
        let (pid, kept): (i32, Option<String>) =
            sqlx::query_as("SELECT pg_backend_pid(), current_setting('trueup.session', true)").fetch_one(&mut *conn).await?;
        if pid != first || kept != Some(first.to_string()) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether the database has the tables of trueup.
pub(crate) async fn require_schema(options: &PgConnectOptions, conn: &mut PgConnection) -> Result<(), ConnectError> {
    let there: bool = sqlx::query_scalar(
        "SELECT count(*) = 3 FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
         WHERE n.nspname = 'trueup' AND c.relname IN ('runs', 'repairs', 'entities')",
    )
    .fetch_one(conn)
    .await
    .map_err(|error| ConnectError::Other { place: place(options), reason: sentence(&error) })?;
    if there {
        return Ok(());
    }
    Err(ConnectError::NoSchema { place: place(options), database: database(options) })
}

fn database(options: &PgConnectOptions) -> String {
    options.get_database().unwrap_or(options.get_username()).to_owned()
}

/// Whether trying again may help.
pub(crate) fn may_pass(error: &ConnectError) -> bool {
    matches!(error, ConnectError::Unreachable { .. })
}

/// Why a connection was not made. Codes: <https://www.postgresql.org/docs/current/errcodes-appendix.html>
fn refusal(options: &PgConnectOptions, seconds: u64, error: &sqlx::Error) -> ConnectError {
    let place = place(options);
    let reason = sentence(error);
    let code = error.as_database_error().and_then(|it| it.code()).unwrap_or_default();
    match code.as_ref() {
        "28P01" | "28000" => ConnectError::Denied { place, user: options.get_username().to_owned(), reason },
        "3D000" => ConnectError::NoDatabase { place, database: database(options) },
        // Starting up, shutting down, too many connections: as good as unreachable for the moment.
        "" | "57P03" | "57P01" | "57P02" | "53300" => ConnectError::Unreachable { place, seconds, reason },
        _ => ConnectError::Other { place, reason },
    }
}
