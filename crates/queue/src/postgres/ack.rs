//! Writing down what became of leased jobs.

use std::borrow::Cow;
use std::collections::HashSet;

use sqlx::PgConnection;

use crate::ending::Ended;
use crate::job::{Ack, AckResult, GroupId, JobId, LeaseNumber, State};
use crate::note::storable;
use crate::settings::{JITTER_FLOOR_PERCENT, MAX_DOUBLINGS, Settings, millis};

/// Writes these acks where they apply. Returns the jobs to which they did, and the ends.
pub(crate) async fn write_acks(
    conn: &mut PgConnection,
    acks: &[Ack],
    settings: &Settings,
) -> Result<(HashSet<JobId>, Vec<Ended>), sqlx::Error> {
    let mut acks: Vec<&Ack> = acks.iter().collect();
    // Rows are locked in the order of their ids, so that groups never wait for each other in a circle.
    acks.sort_by_key(|ack| (ack.job, ack.lease));
    // A job is answered once.
    acks.dedup_by_key(|ack| (ack.job, ack.lease));
    let ids: Vec<_> = acks.iter().map(|ack| ack.job).collect();
    let leases: Vec<_> = acks.iter().map(|ack| ack.lease).collect();
    let results: Vec<_> = acks.iter().map(|ack| Written::of(&ack.result)).collect();

    // Each row is found by the primary key, and then by its place, whatever statistics say. A plain join may be planned
    // over the index of leased jobs, which holds all that was leased since the last vacuum, and read it for each group
    // or each job anew: `OFFSET` keeps the select from becoming such a join, and `IS NOT DISTINCT FROM` from that index.
    // Whoever takes a job over meanwhile writes its row elsewhere, so that nothing is found in this place any more.
    let rows: Vec<(JobId, LeaseNumber, GroupId, String, String, String, bool)> = sqlx::query_as(
        "WITH ack AS (
             SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::bigint[])
                          AS ack(id, lease, result, note, after)
         )
         UPDATE trueup.jobs SET
             state = CASE
                 WHEN result <> 'failed' THEN result
                 WHEN failures + 1 >= $6 THEN 'dead'
                 ELSE 'ready' END,
             run_at = CASE result
                 WHEN 'ready' THEN now() + after * interval '1 millisecond'
                 WHEN 'failed' THEN now() + least($8, $7 * (1::bigint << least(failures, $9)))
                     * ($10 + floor(random() * (101 - $10))::bigint) / 100 * interval '1 millisecond'
                 ELSE run_at END,
             failures = failures + CASE WHEN result IN ('failed', 'dead') THEN 1 ELSE 0 END,
             looks = looks + CASE WHEN result = 'ready' THEN 1 ELSE 0 END,
             ended_at = CASE
                 WHEN result IN ('done', 'dead') OR result = 'failed' AND failures + 1 >= $6 THEN now() END,
             -- It came back from a process that lived.
             suspicion = 0,
             outcome = CASE WHEN result = 'done' THEN note END,
             error = CASE WHEN result = 'done' THEN error ELSE note END
         FROM ack CROSS JOIN LATERAL (
             SELECT held.ctid AS place FROM trueup.jobs AS held
             WHERE held.id = ack.id AND held.lease = ack.lease AND held.state IS NOT DISTINCT FROM 'leased' OFFSET 0
         ) AS held
         WHERE jobs.ctid = held.place
         RETURNING jobs.id, jobs.lease, group_id, task, kind, key, ended_at IS NOT NULL",
    )
    .bind(ids)
    .bind(leases)
    .bind(results.iter().map(|r| r.result).collect::<Vec<_>>())
    .bind(results.iter().map(|r| r.note.as_ref()).collect::<Vec<_>>())
    .bind(results.iter().map(|r| r.after).collect::<Vec<_>>())
    .bind(settings.max_failures)
    .bind(millis(settings.backoff_base))
    .bind(millis(settings.backoff_cap))
    .bind(MAX_DOUBLINGS)
    .bind(JITTER_FLOOR_PERCENT)
    // Planned for the table as it is now: a plan kept from when it was empty would scan all of it.
    .persistent(false)
    .fetch_all(&mut *conn)
    .await?;

    let mut applied = HashSet::with_capacity(rows.len());
    let mut ended = Vec::with_capacity(rows.len());
    for (job, lease, group, task, kind, key, has_ended) in rows {
        applied.insert(job);
        if !has_ended {
            continue;
        }
        let place = acks.binary_search_by_key(&(job, lease), |ack| (ack.job, ack.lease));
        if let Some((state, outcome, error)) = place.ok().and_then(|place| end(&acks[place].result)) {
            ended.push(Ended { job, group, task, kind, key, state, outcome, error });
        }
    }
    Ok((applied, ended))
}

/// The end that a result leads to, if it leads to one: state, outcome and error, as the row has them.
fn end(result: &AckResult) -> Option<(State, Option<String>, Option<String>)> {
    let kept = |note| Some(storable(note).into_owned());
    match result {
        AckResult::Done { outcome } => Some((State::Done, kept(outcome), None)),
        AckResult::Failed { error } | AckResult::Dead { error } => Some((State::Dead, None, kept(error))),
        AckResult::Again { .. } => None,
    }
}

/// A result as the statement takes it: the state it leads to, or `failed` where the row's own count decides.
struct Written<'a> {
    result: &'static str,
    note: Cow<'a, str>,
    after: i64,
}

impl<'a> Written<'a> {
    fn of(result: &'a AckResult) -> Self {
        let (result, note, after) = match result {
            AckResult::Done { outcome } => (State::Done.as_str(), outcome, 0),
            AckResult::Again { after, reason } => (State::Ready.as_str(), reason, millis(*after)),
            AckResult::Failed { error } => ("failed", error, 0),
            AckResult::Dead { error } => (State::Dead.as_str(), error, 0),
        };
        Self { result, note: storable(note), after }
    }
}
