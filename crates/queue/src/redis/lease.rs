//! Taking jobs under a lease.
//!
//! Its row in Postgres comes first, so that no job is ever held under a number that Postgres does not know; then the jobs
//! from Redis; then Postgres learns which they are, and says which of them have ended already.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use sqlx::{PgConnection, Row};

use crate::job::{JobId, LeaseNumber, NewJob};
use crate::leased::{Batch, Leased, Room};
use crate::redis::record::{Header, Record, Tries};
use crate::redis::registry::Mine;
use crate::redis::trouble::Trouble;
use crate::redis::{Conn, Redis, orphans, restore, script};
use crate::settings::millis;

/// What a script that takes gives: records, and the chunks' headers, each after its number.
type Taken = (Vec<String>, Vec<String>);

impl Redis {
    /// Leases a batch of jobs for this worker. The lease lives for `lease` from now, by the database's clock.
    pub(crate) async fn lease(
        &self,
        conn: &mut PgConnection,
        redis: &mut Conn,
        worker: &str,
        room: Room,
        lease: Duration,
    ) -> Result<Batch, Trouble> {
        let epoch = restore::epoch(conn).await?;
        let (due, few, single): (i64, i64, i64) = redis.run(&script::PEEK, &epoch, &[]).await?;
        let suspects = few + single > 0;
        if due == 0 {
            return Ok(Batch { jobs: Vec::new(), suspects });
        }
        let number = open(conn, &epoch, worker, 0, lease).await?;
        let arguments = [number.to_string(), room.jobs.to_string(), room.bulky.to_string(), NewJob::BULKY.to_string()];
        let taken: Taken = redis.run(&script::TAKE, &epoch, &arguments).await?;
        let jobs = self.hold(conn, redis, &epoch, number, taken).await?;
        Ok(Batch { jobs, suspects })
    }

    /// Leases the next suspects for a worker that holds nothing else: up to `together` of those that vanished in a
    /// crowd, or else one of those that vanished among few. Empty when there is none.
    pub(crate) async fn lease_suspects(
        &self,
        conn: &mut PgConnection,
        redis: &mut Conn,
        worker: &str,
        together: usize,
        lease: Duration,
    ) -> Result<Vec<Leased>, Trouble> {
        let epoch = restore::epoch(conn).await?;
        for (suspicion, list, limit) in [(1_i16, "s1", together), (2, "s2", 1)] {
            // All of them may have ended meanwhile, as those of a cancelled group.
            loop {
                let (_, few, single): (i64, i64, i64) = redis.run(&script::PEEK, &epoch, &[]).await?;
                if (if suspicion == 1 { few } else { single }) == 0 {
                    break;
                }
                let number = open(conn, &epoch, worker, suspicion, lease).await?;
                let arguments = [number.to_string(), list.to_owned(), limit.to_string()];
                let taken: Taken = redis.run(&script::SUSPECTS, &epoch, &arguments).await?;
                let jobs = self.hold(conn, redis, &epoch, number, taken).await?;
                if !jobs.is_empty() {
                    return Ok(jobs);
                }
            }
        }
        Ok(Vec::new())
    }

    /// Makes what was taken this process's: Postgres knows which jobs the lease has, and those that have ended are let
    /// go. Empty if the lease is gone, whose jobs are then given back by whoever looks for such.
    async fn hold(
        &self,
        conn: &mut PgConnection,
        redis: &mut Conn,
        epoch: &str,
        lease: LeaseNumber,
        (records, headers): Taken,
    ) -> Result<Vec<Leased>, Trouble> {
        let records = records.iter().map(|text| serde_json::from_str(text)).collect::<Result<Vec<Record>, _>>()?;
        let ids: Vec<JobId> = records.iter().map(|record| record.id).collect();
        let row = sqlx::query(
            "WITH held AS (
                 UPDATE trueup.leases SET jobs = $2, alone = suspicion > 0 AND cardinality($2::bigint[]) = 1 WHERE number = $1
                 RETURNING 1
             )
             SELECT EXISTS (SELECT FROM held) AS held,
                    ARRAY(SELECT id FROM unnest($2::bigint[], $3::bigint[]) AS job(id, chunk)
                          WHERE (SELECT true FROM trueup.outcomes WHERE outcomes.job = job.id) IS TRUE
                             OR (SELECT open AND (NOT shrunk OR job.id = ANY(ids)) FROM trueup.chunks
                                 WHERE chunks.id = job.chunk) IS NOT TRUE) AS ended",
        )
        .bind(lease)
        .bind(&ids)
        .bind(records.iter().map(|record| record.chunk).collect::<Vec<_>>())
        .persistent(false)
        .fetch_one(&mut *conn)
        .await?;
        if !row.try_get::<bool, _>("held")? {
            return Ok(Vec::new());
        }
        let ended: HashSet<JobId> = row.try_get::<Vec<JobId>, _>("ended")?.into_iter().collect();
        let headers = read(&headers)?;
        let mine: Vec<Mine> = records
            .into_iter()
            .filter(|record| !ended.contains(&record.id))
            .filter_map(|record| Some(Mine { lease, header: headers.get(&record.chunk)?.clone(), record, next: None }))
            .collect();
        if !ended.is_empty() {
            orphans::place(conn, redis, epoch, &[lease], Some(&ended)).await?;
        }
        if mine.is_empty() {
            sqlx::query("DELETE FROM trueup.leases WHERE number = $1").bind(lease).execute(&mut *conn).await?;
        }
        let jobs = mine.iter().map(leased).collect();
        self.registry.insert(mine);
        Ok(jobs)
    }
}

/// A lease without jobs, if the epoch is still this one. Its row keeps a new epoch from beginning in between.
async fn open(conn: &mut PgConnection, epoch: &str, worker: &str, suspicion: i16, lease: Duration) -> Result<LeaseNumber, Trouble> {
    sqlx::query_scalar(
        "INSERT INTO trueup.leases (number, worker, until, suspicion, alone, jobs)
         SELECT nextval('trueup.lease_numbers'), $1, now() + $2 * interval '1 millisecond', $3, false, '{}'
         FROM trueup.queue WHERE engine = 'redis' AND epoch = $4 FOR KEY SHARE
         RETURNING number",
    )
    .bind(worker)
    .bind(millis(lease))
    .bind(suspicion)
    .bind(epoch)
    .fetch_optional(conn)
    .await?
    .ok_or(Trouble::Lost)
}

fn read(headers: &[String]) -> Result<HashMap<i64, Arc<Header>>, serde_json::Error> {
    headers
        .chunks_exact(2)
        .filter(|pair| !pair[1].is_empty())
        .map(|pair| Ok((serde_json::from_str(&pair[0])?, Arc::new(serde_json::from_str(&pair[1])?))))
        .collect()
}

fn leased(mine: &Mine) -> Leased {
    let Tries(suspicion, _, failures, looks) = mine.record.tries;
    Leased {
        id: mine.record.id,
        lease: mine.lease,
        group: mine.header.group,
        task: mine.header.task.clone(),
        kind: mine.header.kind.clone(),
        key: mine.record.key.clone(),
        payload: mine.record.payload.clone(),
        failures,
        looks,
        trace: mine.header.trace.clone(),
        is_suspect: suspicion > 0,
        is_bulky: suspicion == 0 && mine.record.priority >= NewJob::BULKY,
    }
}
