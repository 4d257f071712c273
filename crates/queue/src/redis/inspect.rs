//! Jobs on Redis, as they are counted. All of it is in Postgres; the view `trueup.all_jobs` lists them.

/// State and how many of the jobs stand there; the group as `$1`, or all where that is null.
pub(crate) const COUNTS: &str = "
    SELECT state, count(*) FROM trueup.outcomes WHERE state <> 'retried' AND ($1 IS NULL OR group_id = $1) GROUP BY 1
    UNION ALL
    SELECT CASE WHEN held.id IS NULL THEN 'ready' ELSE 'leased' END, count(*)
    FROM trueup.chunks CROSS JOIN LATERAL unnest(ids) AS job(id)
    LEFT JOIN (
        SELECT held.id FROM trueup.leases CROSS JOIN LATERAL unnest(jobs) AS held(id)
        WHERE NOT EXISTS (SELECT FROM trueup.attempts WHERE attempts.job = held.id AND attempts.lease = number)
    ) AS held ON held.id = job.id
    WHERE open AND ($1 IS NULL OR group_id = $1) AND NOT EXISTS (SELECT FROM trueup.outcomes WHERE outcomes.job = job.id)
    GROUP BY 1";
