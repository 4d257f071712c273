//! Each run has one report, and its counts add up; nothing of it is left over.

use sqlx::PgPool;

use super::none;

const MUST_NOT_BE: [(&str, &str); 12] = [
    (
        "a run has no report",
        "SELECT format('run %s, %s', id, state) FROM trueup.runs AS r WHERE NOT EXISTS (SELECT FROM trueup.reports WHERE run = r.id)",
    ),
    ("a run has not ended", "SELECT format('run %s, %s, %s', id, phase, state) FROM trueup.runs WHERE phase <> 'done' OR finished_at IS NULL"),
    (
        "a run is completed, and not all of it is done",
        "SELECT format('run %s: %s/%s, %s/%s', id, detect_done, detect_total, confirm_done, confirm_total) FROM trueup.runs
         WHERE state = 'completed' AND (detect_done <> detect_total OR confirm_done <> confirm_total)",
    ),
    (
        "verdicts of a report are not as many as its entities",
        "SELECT format('run %s, %s: %s', run, k.key, k.value) FROM trueup.reports, jsonb_each(document -> 'kinds') AS k
         WHERE (k.value ->> 'entities')::bigint <> (SELECT coalesce(sum(v.value::bigint), 0) FROM jsonb_each_text(k.value -> 'verdicts') AS v)",
    ),
    (
        "entities of a report are not as many as were enqueued",
        // Of a range of rows those count that have jobs, and those that have none; of one that was given up, since the run
        // had ended, the range itself.
        "SELECT format('run %s: %s of %s', r.id, counted, expected) FROM trueup.runs AS r JOIN trueup.reports AS p ON p.run = r.id,
             LATERAL (SELECT sum((k.value ->> 'entities')::bigint) AS counted FROM jsonb_each(p.document -> 'kinds') AS k) AS c,
             -- An approval detects nothing anew: its entities are the approved plans'.
             LATERAL (SELECT CASE WHEN EXISTS (SELECT FROM trueup.plans WHERE run = r.id AND approves IS NOT NULL)
                             THEN r.confirm_total ELSE r.detect_total END
                             + (SELECT coalesce(sum(u.value::bigint), 0) FROM unnest(ARRAY[r.unmoved, r.in_sync, r.suspected]) AS c (counts),
                                    jsonb_each_text(c.counts) AS u)
                             - (SELECT count(*) FROM trueup.all_jobs AS j WHERE j.group_id = r.id AND j.task = 'sieve'
                                AND j.state = 'done' AND j.outcome <> 'run_ended') AS expected) AS e
         WHERE counted <> expected",
    ),
    (
        "drifts of a report are not its rows",
        "SELECT format('run %s, %s: %s', run, k.key, k.value -> 'drifts') FROM trueup.reports AS p, jsonb_each(document -> 'kinds') AS k
         WHERE k.value -> 'drifts' <> (SELECT coalesce(jsonb_object_agg(class, n), '{}') FROM
               (SELECT class, count(*) AS n FROM trueup.drifts AS d WHERE d.run = p.run AND d.kind = k.key GROUP BY 1) AS c)",
    ),
    (
        "repairs of a report are not those of the audit",
        "SELECT format('run %s, %s: %s, audited %s', run, k.key, k.value -> 'repairs', audited)
         FROM trueup.reports AS p, jsonb_each(document -> 'kinds') AS k,
              LATERAL (SELECT count(*) AS audited FROM trueup.repairs AS r WHERE r.run = p.run AND r.kind = k.key) AS a
         WHERE coalesce((k.value -> 'repairs' ->> 'repaired')::bigint, 0) + coalesce((k.value -> 'repairs' ->> 'altered')::bigint, 0) <> audited",
    ),
    (
        "a job outlives its run",
        "SELECT format('job %s of run %s: %s %s', j.id, group_id, task, j.state) FROM trueup.all_jobs AS j WHERE j.state IN ('ready', 'leased')",
    ),
    (
        "a job is there twice",
        "SELECT format('%s of run %s: %s %s, %s times', task, group_id, kind, key, count(*)) FROM trueup.all_jobs
         GROUP BY group_id, task, kind, key HAVING count(*) > 1",
    ),
    (
        "a job has ended, and its tries are remembered",
        "SELECT format('job %s of run %s: %s', a.job, group_id, state) FROM trueup.attempts AS a JOIN trueup.outcomes AS o ON o.job = a.job",
    ),
    (
        "a repair has a lease that was never given",
        "SELECT format('repair %s: %s', id, lease) FROM trueup.repairs, trueup.lease_numbers WHERE lease NOT BETWEEN 1 AND last_value",
    ),
    (
        "the ledger floor of a row is not that of its newest repair",
        "SELECT format('%s %s: %s', e.kind, e.identity, floor_ledger) FROM trueup.entities AS e
         JOIN (SELECT kind, identity, max((stamp ->> 'ledger')::bigint) AS newest FROM trueup.repairs WHERE action <> 'revert' GROUP BY 1, 2) AS r
           ON (r.kind, r.identity) = (e.kind, e.identity)
         WHERE floor_ledger IS DISTINCT FROM newest",
    ),
];

pub(super) async fn check(pool: &PgPool) -> anyhow::Result<Vec<String>> {
    let mut wrongs = Vec::new();
    for (what, query) in MUST_NOT_BE {
        wrongs.extend(none(pool, what, query).await?);
    }
    Ok(wrongs)
}
