//! The application's writes to its tables, each with the model's in one transaction.

use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, PgPool, Postgres};

use crate::kind::{Columns, Kind};

/// A row's chain key, one text a key column.
pub(crate) type Key = Vec<String>;

/// The type of a column in the application's tables.
fn type_of(kind: Kind, column: &str) -> &'static str {
    match (kind, column) {
        (Kind::Loan, "status") => "public.loan_status",
        (Kind::Mirror, "loan_id") | (Kind::Transaction, "ledger") => "bigint",
        (Kind::Position, "boost_bps") | (Kind::Score, "score" | "loans_repaid" | "loans_defaulted") => "integer",
        (_, "amount" | "released" | "balance" | "shares" | "deposited" | "rewards") => "numeric",
        (_, "due_at" | "completed_at" | "locked_until" | "submitted_at") => "timestamptz",
        (Kind::Mirror, "hidden") => "boolean",
        (Kind::Mirror, "details") => "jsonb",
        _ => "text",
    }
}

fn value_sql(kind: Kind, column: &str, index: usize) -> String {
    format!("${index}::text::{}", type_of(kind, column))
}

/// `schedule` is the chain's; what else is in `details` stays.
fn stored(kind: Kind, column: &str, index: usize) -> String {
    let value = value_sql(kind, column, index);
    if column == "details" { format!("coalesce(t.details, '{{}}') || {value}") } else { value }
}

fn keys(kind: Kind, from: usize) -> String {
    let tests = kind.key().iter().enumerate().map(|(index, name)| format!("t.{name} = ${}::text::{}", from + index, type_of(kind, name)));
    tests.collect::<Vec<_>>().join(" AND ")
}

fn key_names(kind: Kind) -> String {
    kind.key().join(", ")
}

fn key_values(kind: Kind) -> String {
    let values = kind.key().iter().enumerate().map(|(index, name)| format!("${}::text::{}", 1 + index, type_of(kind, name)));
    values.collect::<Vec<_>>().join(", ")
}

fn bound<'q>(sql: String, key: &'q [String], columns: &'q Columns) -> Query<'q, Postgres, PgArguments> {
    let query = key.iter().fold(sqlx::query(AssertSqlSafe(sql)), |query, part| query.bind(part));
    columns.values().fold(query, |query, value| query.bind(value))
}

/// Makes a row, or sets one that is there by now.
pub(crate) async fn make(pool: &PgPool, kind: Kind, key: &[String], columns: &Columns) -> Result<(), sqlx::Error> {
    let first = key.len() + 1;
    let names: Vec<&str> = columns.keys().copied().collect();
    let inserted = names.iter().enumerate().map(|(index, name)| value_sql(kind, name, first + index));
    let updated = names.iter().enumerate().map(|(index, name)| format!("{name} = {}", stored(kind, name, first + index)));
    let sql = format!(
        "INSERT INTO public.{table} AS t ({keys}, {names}) VALUES ({key_values}, {inserted}) ON CONFLICT ({keys}) DO UPDATE SET {updated}",
        table = kind.table(),
        keys = key_names(kind),
        names = names.join(", "),
        key_values = key_values(kind),
        inserted = inserted.collect::<Vec<_>>().join(", "),
        updated = updated.collect::<Vec<_>>().join(", "),
    );
    let mut tx = pool.begin().await?;
    bound(sql, key, columns).execute(&mut *tx).await?;
    remember(&mut tx, kind, key, columns).await?;
    tx.commit().await
}

/// Sets columns of a row, if it is there.
pub(crate) async fn set(pool: &PgPool, kind: Kind, key: &[String], columns: &Columns) -> Result<(), sqlx::Error> {
    let first = key.len() + 1;
    let updated = columns.keys().enumerate().map(|(index, name)| format!("{name} = {}", stored(kind, name, first + index)));
    let sql = format!("UPDATE public.{} AS t SET {} WHERE {}", kind.table(), updated.collect::<Vec<_>>().join(", "), keys(kind, 1));
    let mut tx = pool.begin().await?;
    if bound(sql, key, columns).execute(&mut *tx).await?.rows_affected() > 0 {
        remember(&mut tx, kind, key, columns).await?;
    }
    tx.commit().await
}

/// The model's side: the row is the application's, and so are these columns of it.
async fn remember(tx: &mut sqlx::PgConnection, kind: Kind, key: &[String], columns: &Columns) -> Result<(), sqlx::Error> {
    let own: &[&str] = match kind {
        Kind::Loan => &["note", "completed_at"],
        Kind::Mirror => &["tag"],
        Kind::Position => &["nickname"],
        Kind::Score => &["badge"],
        Kind::Transaction => &["submitted_at"],
        Kind::Request => &[],
    };
    let mut columns: Columns = columns.clone();
    let details = columns.get("details").cloned().flatten().and_then(|text| serde_json::from_str::<serde_json::Value>(&text).ok());
    if let Some(tag) = details.and_then(|details| Some(details.get("tag")?.as_str()?.to_owned())) {
        columns.insert("tag", Some(tag));
    }
    columns.retain(|name, _| own.contains(name));
    // Nobody but the application makes rows of transactions: this one is known.
    if kind == Kind::Transaction && columns.is_empty() {
        return Ok(());
    }
    let first = key.len() + 1;
    let names: Vec<&str> = columns.keys().copied().collect();
    let values: Vec<String> = names.iter().enumerate().map(|(index, name)| value_sql(kind, name, first + index)).collect();
    let updates: Vec<String> = names.iter().map(|name| format!("{name} = excluded.{name}")).collect();
    let conflict = if updates.is_empty() { "NOTHING".to_owned() } else { format!("UPDATE SET {}", updates.join(", ")) };
    let comma = if names.is_empty() { "" } else { ", " };
    let sql = format!(
        "INSERT INTO sim.{} ({}{comma}{}) VALUES ({}{comma}{}) ON CONFLICT ({}) DO {conflict}",
        kind.table(),
        key_names(kind),
        names.join(", "),
        key_values(kind),
        values.join(", "),
        key_names(kind)
    );
    bound(sql, key, &columns).execute(tx).await?;
    Ok(())
}

/// Deletes a row.
pub(crate) async fn delete(pool: &PgPool, kind: Kind, key: &[String]) -> Result<(), sqlx::Error> {
    let mut tx = pool.begin().await?;
    for schema in ["public", "sim"] {
        let sql = format!("DELETE FROM {schema}.{} AS t WHERE {}", kind.table(), keys(kind, 1));
        bound(sql, key, &Columns::new()).execute(&mut *tx).await?;
    }
    tx.commit().await
}

/// Hides a mirrored row, or shows it again.
pub(crate) async fn hide(pool: &PgPool, key: &[String]) -> Result<(), sqlx::Error> {
    let mut tx = pool.begin().await?;
    let sql = format!("UPDATE public.mirror AS t SET hidden = NOT hidden WHERE {}", keys(Kind::Mirror, 1));
    bound(sql, key, &Columns::new()).execute(&mut *tx).await?;
    tx.commit().await
}

/// Gives a loan with a made-up key its true one. If a row has that key by now, the made-up row goes.
pub(crate) async fn resolve(pool: &PgPool, made_up: &str, loan: u64) -> Result<(), sqlx::Error> {
    let mut tx = pool.begin().await?;
    sqlx::query("DELETE FROM public.loans WHERE loan_id = $1 AND EXISTS (SELECT FROM public.loans WHERE loan_id = $2)")
        .bind(made_up)
        .bind(loan.to_string())
        .execute(&mut *tx)
        .await?;
    let renamed = sqlx::query("UPDATE public.loans SET loan_id = $2 WHERE loan_id = $1")
        .bind(made_up)
        .bind(loan.to_string())
        .execute(&mut *tx)
        .await?;
    if renamed.rows_affected() > 0 {
        sqlx::query("UPDATE sim.loans SET loan_id = $2 WHERE loan_id = $1 AND NOT EXISTS (SELECT FROM sim.loans WHERE loan_id = $2)")
            .bind(made_up)
            .bind(loan.to_string())
            .execute(&mut *tx)
            .await?;
    }
    sqlx::query("DELETE FROM sim.loans WHERE loan_id = $1").bind(made_up).execute(&mut *tx).await?;
    tx.commit().await
}

/// The key of some row; none if there is no row with one.
pub(crate) async fn some_key(pool: &PgPool, kind: Kind, pick: u32) -> Result<Option<Key>, sqlx::Error> {
    let texts: Vec<String> = kind.key().iter().map(|name| format!("{name}::text")).collect();
    let sql = format!(
        "SELECT array[{texts}] FROM public.{table} WHERE {first} IS NOT NULL ORDER BY {keys}
         OFFSET (SELECT $1 % greatest(count(*), 1) FROM public.{table} WHERE {first} IS NOT NULL) LIMIT 1",
        texts = texts.join(", "),
        table = kind.table(),
        first = kind.key()[0],
        keys = key_names(kind),
    );
    sqlx::query_scalar(AssertSqlSafe(sql)).bind(i64::from(pick)).fetch_optional(pool).await
}
