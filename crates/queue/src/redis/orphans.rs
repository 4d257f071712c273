//! What Redis still holds under leases that are no more is put where Postgres says that it belongs.

use std::collections::HashSet;

use sqlx::PgConnection;

use crate::PUSHED;
use crate::enqueue::notify;
use crate::job::{JobId, LeaseNumber};
use crate::redis::place::{Place, places};
use crate::redis::push::close;
use crate::redis::record::Record;
use crate::redis::trouble::Trouble;
use crate::redis::{Conn, restore, script};

/// Gives back what leases hold that Postgres does not know any more. A lease has its row before Redis hears of it, so
/// that one without is gone, however new it is. Returns how many jobs were put somewhere.
pub(crate) async fn give_back(conn: &mut PgConnection, redis: &mut Conn) -> Result<usize, Trouble> {
    let epoch = restore::epoch(conn).await?;
    let known: Vec<String> = redis.run(&script::LEASES, &epoch, &[]).await?;
    let known: Vec<i64> = known.iter().filter_map(|number| number.parse().ok()).collect();
    let gone: Vec<LeaseNumber> = sqlx::query_scalar(
        "SELECT number FROM unnest($1::bigint[]) AS known(number)
         WHERE NOT EXISTS (SELECT FROM trueup.leases WHERE leases.number = known.number)",
    )
    .bind(known)
    .fetch_all(&mut *conn)
    .await?;
    place(conn, redis, &epoch, &gone, None).await
}

/// Puts what Redis holds under these leases where Postgres says that it belongs: all of it, or these jobs only. Returns
/// how many jobs were put somewhere.
pub(super) async fn place(
    conn: &mut PgConnection,
    redis: &mut Conn,
    epoch: &str,
    leases: &[LeaseNumber],
    only: Option<&HashSet<JobId>>,
) -> Result<usize, Trouble> {
    let mut placed = 0;
    for lease in leases {
        let held: Vec<String> = redis.run(&script::HELD, epoch, &[lease.to_string()]).await?;
        let mut records = held.iter().map(|text| serde_json::from_str(text)).collect::<Result<Vec<Record>, _>>()?;
        records.retain(|record| only.is_none_or(|only| only.contains(&record.id)));
        let places = places(conn, &records).await?;
        let mut arguments = Vec::with_capacity(6 * records.len());
        for mut record in records {
            let Some((place, tries)) = places.get(&record.id) else { continue };
            record.tries = *tries;
            arguments.extend(settled(*lease, *place, &record)?);
            placed += 1;
        }
        settle(conn, redis, epoch, &arguments).await?;
    }
    Ok(placed)
}

/// The words with which a job is settled.
pub(super) fn settled(lease: LeaseNumber, place: Place, record: &Record) -> Result<[String; 6], serde_json::Error> {
    Ok([
        lease.to_string(),
        record.id.to_string(),
        record.chunk.to_string(),
        place.name().to_owned(),
        place.delay_millis().to_string(),
        if place == Place::Ended { String::new() } else { record.to_text()? },
    ])
}

/// Tells Redis, and closes the chunks of which nothing is left.
pub(super) async fn settle(conn: &mut PgConnection, redis: &mut Conn, epoch: &str, arguments: &[String]) -> Result<(), Trouble> {
    if arguments.is_empty() {
        return Ok(());
    }
    let ended: Vec<String> = redis.run(&script::SETTLE, epoch, arguments).await?;
    let ended: Vec<i64> = ended.iter().filter_map(|chunk| chunk.parse().ok()).collect();
    if !ended.is_empty() {
        close(conn, &ended).await?;
    }
    if arguments.chunks_exact(6).any(|job| job[3] != Place::Ended.name()) {
        notify(conn, PUSHED).await?;
    }
    Ok(())
}
