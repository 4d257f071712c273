//! How a group's jobs ended, counted. Part of a statement that counts both engines' jobs.

/// Gives task, kind, state, outcome and count of the jobs of group `$1`. One that is held counts as ready.
pub(crate) const OUTCOMES: &str = "
    SELECT task, kind, state, CASE state WHEN 'done' THEN outcome END AS outcome, count(*) AS jobs
    FROM trueup.outcomes WHERE group_id = $1 AND state <> 'retried' GROUP BY 1, 2, 3, 4
    UNION ALL
    SELECT task, kind, 'ready', NULL, count(*)
    FROM trueup.chunks CROSS JOIN LATERAL unnest(ids) AS job(id)
    WHERE group_id = $1 AND open AND NOT EXISTS (SELECT FROM trueup.outcomes WHERE outcomes.job = job.id)
    GROUP BY 1, 2";
