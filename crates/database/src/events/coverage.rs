use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::{EventCursor, EventHole, cursors, holes};

/// What of a contract's events is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coverage {
    /// How far.
    pub cursor: EventCursor,
    /// What is missing in between.
    pub holes: Vec<EventHole>,
}

impl Coverage {
    /// Whether every event of the contract that closed at `from` or later, and at `to` or earlier, is stored. False
    /// also where that is not known.
    #[must_use]
    pub fn is_complete_between(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> bool {
        self.cursor.from_time.is_some_and(|time| time <= from)
            && self.cursor.until_time.is_some_and(|time| to <= time)
            && self.holes.iter().all(|hole| hole.is_outside(from, to))
    }
}

impl EventHole {
    /// Whether nothing that closed from `from` to `to` is in the hole, as far as is known.
    fn is_outside(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> bool {
        self.after_time.is_some_and(|time| to <= time) || self.before_time.is_some_and(|time| time <= from)
    }
}

/// What is known of a contract's events; none if they were never read.
///
/// # Errors
/// What Postgres said.
pub async fn coverage(conn: &mut PgConnection, contract: &str) -> Result<Option<Coverage>, sqlx::Error> {
    let contracts = [contract.to_owned()];
    let Some(cursor) = cursors(conn, &contracts).await?.pop() else { return Ok(None) };
    let holes = holes(conn, &contracts).await?;
    Ok(Some(Coverage { cursor, holes }))
}
