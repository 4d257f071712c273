//! Where a job belongs in Redis, as Postgres knows it.

use std::collections::HashMap;

use sqlx::{PgConnection, Row};

use crate::job::JobId;
use crate::redis::record::{Record, Tries};

/// Where a job belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Nowhere: it has ended.
    Ended,
    /// It is due.
    Ready,
    /// It may be why a process vanished.
    Suspect(i16),
    /// It is due in so many milliseconds.
    Delayed(i64),
}

// === impl Place ===

impl Place {
    pub(super) fn of(tries: Tries, delay_millis: i64) -> Self {
        match (tries.0, delay_millis) {
            (suspicion @ 1.., _) => Self::Suspect(suspicion.min(2)),
            (_, delay @ 1..) => Self::Delayed(delay),
            _ => Self::Ready,
        }
    }

    /// As the scripts call it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Ended => "x",
            Self::Ready => "r",
            Self::Suspect(1) => "s1",
            Self::Suspect(_) => "s2",
            Self::Delayed(_) => "d",
        }
    }

    pub(super) fn delay_millis(self) -> i64 {
        if let Self::Delayed(millis) = self { millis } else { 0 }
    }
}

/// What Postgres knows of these jobs: where they belong, and their tries. What is in a chunk that is closed or gone,
/// or is no more in its chunk, has ended, and was forgotten since.
pub(super) async fn places(conn: &mut PgConnection, records: &[Record]) -> Result<HashMap<JobId, (Place, Tries)>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT asked.id, (SELECT true FROM trueup.outcomes WHERE outcomes.job = asked.id) IS TRUE
                OR (SELECT open AND (NOT shrunk OR asked.id = ANY(ids)) FROM trueup.chunks
                    WHERE chunks.id = asked.chunk) IS NOT TRUE AS ended,
                coalesce(suspicion, 0::smallint) AS suspicion, coalesce(crashes, 0) AS crashes,
                coalesce(failures, 0) AS failures, coalesce(looks, 0) AS looks,
                coalesce(ceil(extract(epoch FROM run_at - now()) * 1000), 0)::bigint AS delay
         FROM unnest($1::bigint[], $2::bigint[]) AS asked(id, chunk) LEFT JOIN trueup.attempts ON attempts.job = asked.id",
    )
    .bind(records.iter().map(|record| record.id).collect::<Vec<_>>())
    .bind(records.iter().map(|record| record.chunk).collect::<Vec<_>>())
    .persistent(false)
    .fetch_all(conn)
    .await?;
    rows.iter()
        .map(|row| {
            let tries = Tries(row.try_get("suspicion")?, row.try_get("crashes")?, row.try_get("failures")?, row.try_get("looks")?);
            let place = if row.try_get("ended")? { Place::Ended } else { Place::of(tries, row.try_get("delay")?) };
            Ok((row.try_get("id")?, (place, tries)))
        })
        .collect()
}
