use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use sqlx::types::Json;

use super::StoredEvent;

/// How many events one statement inserts.
const EVENTS_PER_STATEMENT: usize = 1_000;

/// Stores events in the caller's transaction; those that are stored already stay as they are. Gives back the ids of
/// those that were new. Moves no cursor.
///
/// # Errors
/// What Postgres said.
pub async fn store(conn: &mut PgConnection, events: &[StoredEvent]) -> Result<Vec<String>, sqlx::Error> {
    let mut stored = Vec::new();
    for part in events.chunks(EVENTS_PER_STATEMENT) {
        let texts = |of: fn(&StoredEvent) -> &str| part.iter().map(of).collect::<Vec<&str>>();
        let optional = |of: fn(&StoredEvent) -> Option<&str>| part.iter().map(of).collect::<Vec<Option<&str>>>();
        let closed: Vec<DateTime<Utc>> = part.iter().map(|it| it.closed_at).collect();
        let data: Vec<Option<Json<&serde_json::Value>>> = part.iter().map(|it| it.data.as_ref().map(Json)).collect();
        // Arrays of arrays must be rectangular in Postgres; JSON need not be.
        let topics_xdr: Vec<Json<&Vec<String>>> = part.iter().map(|it| Json(&it.topics_xdr)).collect();
        let new: Vec<String> = sqlx::query_scalar(
            "INSERT INTO trueup.events
                 (id, ledger, closed_at, contract, transaction, successful, name, topics, data, topics_xdr, data_xdr, unreadable)
             SELECT id, ledger, closed_at, contract, transaction, successful, name, topics, data,
                    ARRAY(SELECT jsonb_array_elements_text(topics_xdr)), data_xdr, unreadable
             FROM unnest($1::text[], $2::bigint[], $3::timestamptz[], $4::text[], $5::text[], $6::boolean[], $7::text[],
                         $8::jsonb[], $9::jsonb[], $10::jsonb[], $11::text[], $12::text[])
                  AS it (id, ledger, closed_at, contract, transaction, successful, name, topics, data, topics_xdr, data_xdr, unreadable)
             ORDER BY id
             ON CONFLICT (id) DO NOTHING RETURNING id",
        )
        .bind(texts(|it| &it.id))
        .bind(part.iter().map(|it| it.ledger).collect::<Vec<i64>>())
        .bind(closed)
        .bind(texts(|it| &it.contract))
        .bind(texts(|it| &it.transaction))
        .bind(part.iter().map(|it| it.successful).collect::<Vec<bool>>())
        .bind(optional(|it| it.name.as_deref()))
        .bind(part.iter().map(|it| Json(&it.topics)).collect::<Vec<_>>())
        .bind(data)
        .bind(topics_xdr)
        .bind(texts(|it| &it.data_xdr))
        .bind(optional(|it| it.unreadable.as_deref()))
        .fetch_all(&mut *conn)
        .await?;
        stored.extend(new);
    }
    Ok(stored)
}
