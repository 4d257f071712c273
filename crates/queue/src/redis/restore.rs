//! When Redis is not the one that was filled: it was started anew, emptied, or replaced.

use sqlx::{Connection, PgConnection};

use crate::PUSHED;
use crate::engine::{EngineName, in_force};
use crate::enqueue::notify;
use crate::redis::trouble::Trouble;
use crate::redis::{Conn, script};

/// The epoch that Redis must be in, kept as it is until `conn`'s transaction ends.
///
/// # Errors
/// [`Trouble::Lost`] if there is none yet.
pub(super) async fn epoch_for_share(conn: &mut PgConnection) -> Result<String, Trouble> {
    let epoch: Option<Option<String>> =
        sqlx::query_scalar("SELECT epoch FROM trueup.queue WHERE engine = 'redis' FOR KEY SHARE").fetch_optional(&mut *conn).await?;
    known(conn, epoch).await
}

/// The epoch that Redis must be in.
pub(super) async fn epoch(conn: &mut PgConnection) -> Result<String, Trouble> {
    let epoch: Option<Option<String>> =
        sqlx::query_scalar("SELECT epoch FROM trueup.queue WHERE engine = 'redis'").fetch_optional(&mut *conn).await?;
    known(conn, epoch).await
}

async fn known(conn: &mut PgConnection, epoch: Option<Option<String>>) -> Result<String, Trouble> {
    match epoch {
        Some(Some(epoch)) => Ok(epoch),
        Some(None) => Err(Trouble::Lost),
        None => match in_force(conn).await? {
            // It was switched to and fro between two statements.
            EngineName::Redis => Err(Trouble::Lost),
            other => Err(Trouble::Switched(other)),
        },
    }
}

/// Begins a new epoch, if Redis is not in the one that it should be in: what Redis holds is forgotten, every lease is
/// void, so that nobody works on what another is given again, and all chunks with jobs that have not ended wait to be
/// pushed. One process does it, the others wait for it. Returns whether it was done here.
pub(crate) async fn restore(conn: &mut PgConnection, redis: &mut Conn) -> Result<bool, Trouble> {
    let mut transaction = conn.begin().await?;
    let epoch: Option<Option<String>> =
        sqlx::query_scalar("SELECT epoch FROM trueup.queue WHERE engine = 'redis' FOR UPDATE").fetch_optional(&mut *transaction).await?;
    match known(&mut transaction, epoch).await {
        Ok(epoch) => match redis.run::<Vec<String>>(&script::LEASES, &epoch, &[]).await {
            Ok(_) => {
                // Another process did it. Dropped, the transaction would keep its lock until this connection's next use.
                transaction.rollback().await?;
                return Ok(false);
            }
            Err(Trouble::Lost) => {}
            Err(other) => return Err(other),
        },
        Err(Trouble::Lost) => {}
        Err(other) => return Err(other),
    }
    // Waits for the transactions that hold a lease, whose jobs then have their ends.
    let leases = sqlx::query("DELETE FROM trueup.leases WHERE jobs IS NOT NULL").execute(&mut *transaction).await?.rows_affected();
    let chunks =
        sqlx::query("UPDATE trueup.chunks SET pushed = false WHERE open AND pushed").execute(&mut *transaction).await?.rows_affected();
    let begun: String = {
        let mut invocation = script::FORGET.prepare_invoke();
        invocation.arg(&redis.prefix).arg(ulid::Ulid::generate().to_string());
        invocation.invoke_async(&mut redis.manager).await?
    };
    sqlx::query("UPDATE trueup.queue SET epoch = $1").bind(&begun).execute(&mut *transaction).await?;
    notify(&mut transaction, PUSHED).await?;
    transaction.commit().await?;
    if leases + chunks > 0 {
        tracing::warn!(leases, chunks, "Redis lost what it held; leases are void, and jobs that have not ended are put there again");
    }
    Ok(true)
}
