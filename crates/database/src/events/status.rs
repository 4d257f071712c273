use sqlx::PgConnection;

use super::{EventCursor, EventHole};

/// One contract's events, as an operator sees them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventStatus {
    /// How far they are known.
    pub cursor: EventCursor,
    /// How many are stored.
    pub stored: i64,
    /// How many of these have a part without a JSON form.
    pub unreadable: i64,
    /// What is missing in between.
    pub holes: Vec<EventHole>,
}

/// All contracts whose events were ever read.
///
/// # Errors
/// What Postgres said.
pub async fn statuses(conn: &mut PgConnection) -> Result<Vec<EventStatus>, sqlx::Error> {
    let contracts: Vec<String> =
        sqlx::query_scalar("SELECT contract FROM trueup.event_cursors ORDER BY contract").fetch_all(&mut *conn).await?;
    let mut statuses = Vec::with_capacity(contracts.len());
    let counts: Vec<(String, i64, i64)> =
        sqlx::query_as("SELECT contract, count(*), count(unreadable) FROM trueup.events WHERE contract = ANY($1) GROUP BY contract")
            .bind(&contracts)
            .fetch_all(&mut *conn)
            .await?;
    let holes = super::holes(conn, &contracts).await?;
    for cursor in super::cursors(conn, &contracts).await? {
        let (stored, unreadable) = counts
            .iter()
            .find(|(contract, ..)| *contract == cursor.contract)
            .map_or((0, 0), |(_, stored, unreadable)| (*stored, *unreadable));
        let holes = holes.iter().filter(|hole| hole.contract == cursor.contract).cloned().collect();
        statuses.push(EventStatus { cursor, stored, unreadable, holes });
    }
    Ok(statuses)
}
