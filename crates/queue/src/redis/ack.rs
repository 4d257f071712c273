//! Writing down what became of jobs that this process holds.

use std::collections::{HashMap, HashSet};

use sqlx::{PgConnection, Row};

use crate::ending::Ended;
use crate::job::{Ack, AckResult, JobId, LeaseNumber, State};
use crate::note::storable;
use crate::redis::Redis;
use crate::redis::place::Place;
use crate::redis::record::Tries;
use crate::redis::registry::Mine;
use crate::settings::{JITTER_FLOOR_PERCENT, MAX_DOUBLINGS, Settings, millis};

/// An ack of a job that this process holds under a lease that lives.
struct Held<'a> {
    ack: &'a Ack,
    mine: Mine,
}

impl Redis {
    /// Writes ends as outcomes and everything else as attempts, each only if the lease lives, the job has not ended, and
    /// was not put off under this very lease before. Returns the jobs to which it applied, and the ends.
    pub(crate) async fn write_acks(
        &self,
        conn: &mut PgConnection,
        acks: &[Ack],
        settings: &Settings,
    ) -> Result<(HashSet<JobId>, Vec<Ended>), sqlx::Error> {
        let mut leases: Vec<LeaseNumber> = acks.iter().map(|ack| ack.lease).collect();
        leases.sort_unstable();
        leases.dedup();
        // Until this transaction ends nobody takes these leases over.
        let alive: Vec<LeaseNumber> = sqlx::query_scalar(
            "SELECT number FROM trueup.leases WHERE number = ANY($1) AND jobs IS NOT NULL ORDER BY number FOR KEY SHARE",
        )
        .bind(&leases)
        .fetch_all(&mut *conn)
        .await?;
        let alive: HashSet<LeaseNumber> = alive.into_iter().collect();
        let held = acks.iter().filter_map(|ack| Some(Held { mine: self.registry.ack(ack.job, ack.lease)?, ack }));
        let held = held.filter(|it| alive.contains(&it.ack.lease));
        let (ends, mut put_off): (Vec<Held<'_>>, Vec<Held<'_>>) = held.partition(|it| it.ends(settings.max_failures).is_some());
        // In the order of ids, so that two transactions never wait for each other in a circle.
        put_off.sort_unstable_by_key(|it| it.ack.job);
        let ended = self.end(conn, ends, settings.max_failures).await?;
        let mut applied: HashSet<JobId> = ended.iter().map(|ended| ended.job).collect();
        applied.extend(self.put_off(conn, &put_off, settings).await?);
        Ok((applied, ended))
    }

    async fn end(&self, conn: &mut PgConnection, mut ends: Vec<Held<'_>>, max_failures: i32) -> Result<Vec<Ended>, sqlx::Error> {
        if ends.is_empty() {
            return Ok(Vec::new());
        }
        ends.sort_unstable_by_key(|it| it.ack.job);
        let ended: Vec<Ended> = ends.iter().filter_map(|it| it.ended(max_failures)).collect();
        let failed = |it: &Held<'_>| i32::from(matches!(it.ack.result, AckResult::Failed { .. } | AckResult::Dead { .. }));
        let rows: Vec<JobId> = sqlx::query_scalar(
            "INSERT INTO trueup.outcomes
                 (job, lease, group_id, chunk, task, kind, key, state, outcome, error, failures, looks, crashes)
             SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::text[],
                                  $8::text[], $9::text[], $10::text[], $11::int[], $12::int[], $13::int[])
                           AS ended(job, lease, group_id, chunk, task, kind, key, state, outcome, error, failures, looks, crashes)
             WHERE NOT EXISTS (SELECT FROM trueup.attempts WHERE attempts.job = ended.job AND attempts.lease = ended.lease)
             ORDER BY job
             ON CONFLICT (job) DO NOTHING
             RETURNING job",
        )
        .bind(column(&ends, |it| it.ack.job))
        .bind(column(&ends, |it| it.ack.lease))
        .bind(column(&ends, |it| it.mine.header.group))
        .bind(column(&ends, |it| it.mine.record.chunk))
        .bind(ended.iter().map(|it| it.task.as_str()).collect::<Vec<_>>())
        .bind(ended.iter().map(|it| it.kind.as_str()).collect::<Vec<_>>())
        .bind(ended.iter().map(|it| it.key.as_str()).collect::<Vec<_>>())
        .bind(ended.iter().map(|it| it.state.as_str()).collect::<Vec<_>>())
        .bind(ended.iter().map(|it| it.outcome.as_deref()).collect::<Vec<_>>())
        .bind(ended.iter().map(|it| it.error.as_deref()).collect::<Vec<_>>())
        .bind(column(&ends, |it| it.mine.record.tries.2 + failed(it)))
        .bind(column(&ends, |it| it.mine.record.tries.3))
        .bind(column(&ends, |it| it.mine.record.tries.1))
        .persistent(false)
        .fetch_all(&mut *conn)
        .await?;
        let rows: HashSet<JobId> = rows.into_iter().collect();
        let tried: Vec<JobId> = ends
            .iter()
            .filter(|it| it.mine.record.tries != Tries::default())
            .map(|it| it.ack.job)
            .filter(|job| rows.contains(job))
            .collect();
        forget_attempts(conn, &tried).await?;
        for it in ends.iter().filter(|it| rows.contains(&it.ack.job)) {
            self.registry.set_next(it.ack.job, it.ack.lease, (Place::Ended, it.mine.record.tries));
        }
        Ok(ended.into_iter().filter(|ended| rows.contains(&ended.job)).collect())
    }

    async fn put_off(&self, conn: &mut PgConnection, acks: &[Held<'_>], settings: &Settings) -> Result<Vec<JobId>, sqlx::Error> {
        if acks.is_empty() {
            return Ok(Vec::new());
        }
        let rows = sqlx::query(
            "INSERT INTO trueup.attempts AS known (job, lease, failures, looks, crashes, error, suspicion, run_at)
             SELECT job, lease, failures, looks, crashes, error, 0, now() + CASE
                        WHEN after IS NOT NULL THEN after
                        ELSE least($8, $7 * (1::bigint << least(failures - 1, $9)))
                             * ($10 + floor(random() * (101 - $10))::bigint) / 100
                    END * interval '1 millisecond'
             FROM unnest($1::bigint[], $2::bigint[], $3::int[], $4::int[], $5::int[], $6::text[], $11::bigint[])
                  AS put_off(job, lease, failures, looks, crashes, error, after)
             WHERE NOT EXISTS (SELECT FROM trueup.outcomes WHERE outcomes.job = put_off.job)
             ORDER BY job
             ON CONFLICT (job) DO UPDATE SET
                 lease = excluded.lease, failures = excluded.failures, looks = excluded.looks, crashes = excluded.crashes,
                 error = excluded.error, suspicion = 0, run_at = excluded.run_at
             WHERE known.lease < excluded.lease
             RETURNING job, ceil(extract(epoch FROM run_at - now()) * 1000)::bigint AS delay",
        )
        .bind(column(acks, |it| it.ack.job))
        .bind(column(acks, |it| it.ack.lease))
        .bind(column(acks, |it| it.tries().2))
        .bind(column(acks, |it| it.tries().3))
        .bind(column(acks, |it| it.tries().1))
        .bind(column(acks, |it| storable(it.note()).into_owned()))
        .bind(millis(settings.backoff_base))
        .bind(millis(settings.backoff_cap))
        .bind(MAX_DOUBLINGS)
        .bind(JITTER_FLOOR_PERCENT)
        .bind(column(acks, |it| if let AckResult::Again { after, .. } = &it.ack.result { Some(millis(*after)) } else { None }))
        .persistent(false)
        .fetch_all(conn)
        .await?;
        let delays: HashMap<JobId, i64> =
            rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect::<Result<_, sqlx::Error>>()?;
        for it in acks {
            if let Some(delay) = delays.get(&it.ack.job) {
                let tries = it.tries();
                self.registry.set_next(it.ack.job, it.ack.lease, (Place::of(tries, *delay), tries));
            }
        }
        Ok(delays.into_keys().collect())
    }
}

/// Nothing about the tries of these jobs is needed any more.
pub(super) async fn forget_attempts(conn: &mut PgConnection, jobs: &[JobId]) -> Result<(), sqlx::Error> {
    if jobs.is_empty() {
        return Ok(());
    }
    sqlx::query("DELETE FROM trueup.attempts WHERE job = ANY($1)").bind(jobs).execute(conn).await.map(drop)
}

fn column<T>(acks: &[Held<'_>], value: impl FnMut(&Held<'_>) -> T) -> Vec<T> {
    acks.iter().map(value).collect()
}

// === impl Held ===

impl Held<'_> {
    /// The end that this ack is, if it is one.
    fn ends(&self, max_failures: i32) -> Option<State> {
        match &self.ack.result {
            AckResult::Done { .. } => Some(State::Done),
            AckResult::Dead { .. } => Some(State::Dead),
            AckResult::Failed { .. } if self.mine.record.tries.2 + 1 >= max_failures => Some(State::Dead),
            AckResult::Failed { .. } | AckResult::Again { .. } => None,
        }
    }

    fn ended(&self, max_failures: i32) -> Option<Ended> {
        let state = self.ends(max_failures)?;
        let note = storable(self.note()).into_owned();
        let (outcome, error) = if state == State::Done { (Some(note), None) } else { (None, Some(note)) };
        let Mine { record, header, .. } = &self.mine;
        Some(Ended {
            job: record.id,
            group: header.group,
            task: header.task.clone(),
            kind: header.kind.clone(),
            key: record.key.clone(),
            state,
            outcome,
            error,
        })
    }

    fn note(&self) -> &str {
        match &self.ack.result {
            AckResult::Done { outcome } => outcome,
            AckResult::Again { reason, .. } => reason,
            AckResult::Failed { error } | AckResult::Dead { error } => error,
        }
    }

    /// The tries after this one. It came back from a process that lived, so that it is under no suspicion.
    fn tries(&self) -> Tries {
        let Tries(_, crashes, failures, looks) = self.mine.record.tries;
        match self.ack.result {
            AckResult::Again { .. } => Tries(0, crashes, failures, looks + 1),
            _ => Tries(0, crashes, failures + 1, looks),
        }
    }
}
