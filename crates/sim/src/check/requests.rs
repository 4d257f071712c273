//! Rows with made-up keys have found their real ones, and no others, and all that refers to them has followed.

use sqlx::PgPool;

use super::none;

/// Requests whose event nobody can be sure of: not all events of their minute are stored.
const UNCERTAIN: &str = "
    CREATE VIEW sim.uncertain AS SELECT r.id FROM sim.requests AS r
    WHERE fate IN ('unseen', 'twin') AND (
        EXISTS (SELECT FROM trueup.event_holes AS h WHERE h.filled_at IS NULL)
        OR NOT EXISTS (SELECT FROM trueup.event_cursors AS c
                       WHERE c.contract IN (SELECT contract FROM trueup.events WHERE name = 'LOANCRTD')
                         AND c.from_time <= r.created_at - interval '1 minute'))";

const MUST_NOT_BE: [(&str, &str); 5] = [
    (
        "requests are not those that were made",
        "(SELECT id::text FROM public.requests EXCEPT SELECT id::text FROM sim.requests)
         UNION ALL (SELECT id::text FROM sim.requests EXCEPT SELECT id::text FROM public.requests)",
    ),
    (
        "a request has a key that is not its own",
        "SELECT format('%s (%s): %s, should be %s', id, fate, loan_id, real) FROM public.requests JOIN sim.requests USING (id)
         WHERE loan_id NOT LIKE 'pending-%' AND loan_id IS DISTINCT FROM real",
    ),
    (
        "a request has not found its key",
        "SELECT format('%s (%s): %s, should be %s', id, fate, loan_id, real) FROM public.requests JOIN sim.requests USING (id)
         WHERE fate IN ('known', 'unseen') AND loan_id IS DISTINCT FROM real AND id NOT IN (SELECT id FROM sim.uncertain)",
    ),
    (
        "a request is not called what became of it",
        "SELECT format('%s (%s): %s', id, fate, status) FROM public.requests JOIN sim.requests USING (id)
         WHERE status <> CASE WHEN fate IN ('failed', 'expired') THEN fate ELSE 'open' END",
    ),
    (
        "a payment does not belong to its request",
        "SELECT format('%s of %s: %s, should be %s', p.id, r.id, p.loan_id, r.loan_id)
         FROM public.request_payments AS p JOIN public.requests AS r ON r.id = p.request WHERE p.loan_id <> r.loan_id",
    ),
];

/// Makes the view that the check of drifts reads.
pub(super) async fn prepare(pool: &PgPool) -> anyhow::Result<()> {
    sqlx::query(UNCERTAIN).execute(pool).await?;
    Ok(())
}

pub(super) async fn check(pool: &PgPool) -> anyhow::Result<Vec<String>> {
    let mut wrongs = Vec::new();
    for (what, query) in MUST_NOT_BE {
        wrongs.extend(none(pool, what, query).await?);
    }
    Ok(wrongs)
}
