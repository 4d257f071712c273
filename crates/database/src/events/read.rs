use sqlx::PgConnection;

use super::StoredEvent;

/// The columns of [`StoredEvent`].
const COLUMNS: &str = "id, ledger, closed_at, contract, transaction, successful, name, topics, data, topics_xdr, data_xdr, unreadable";

/// A contract's events of one transaction (64 lower-case hex digits), in their order.
///
/// # Errors
/// What Postgres said.
pub async fn of_transaction(conn: &mut PgConnection, contract: &str, transaction: &str) -> Result<Vec<StoredEvent>, sqlx::Error> {
    sqlx::query_as(sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM trueup.events WHERE transaction = $1 AND contract = $2 ORDER BY id")))
        .bind(transaction)
        .bind(contract)
        .fetch_all(conn)
        .await
}

/// The events of these ids, in the order of the ids; those that are not stored are left out.
///
/// # Errors
/// What Postgres said.
pub async fn by_ids(conn: &mut PgConnection, ids: &[String]) -> Result<Vec<StoredEvent>, sqlx::Error> {
    sqlx::query_as(sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM trueup.events WHERE id = ANY($1) ORDER BY id")))
        .bind(ids)
        .fetch_all(conn)
        .await
}
