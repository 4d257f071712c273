//! What the last runs report is what differs, and nothing else.

use sqlx::PgPool;

use super::none;

/// What differs and may not be repaired: kind, entity, class, field. Written against the specs.
const EXPECTED: &str = "
    SELECT 'loan', id::text, 'provisional_id', '' FROM loans WHERE loan_id LIKE 'pending-%' AND status <> 'rejected'
    UNION ALL
    SELECT 'loan', id::text, 'missing_on_chain', '' FROM loans AS t
    WHERE loan_id NOT LIKE 'pending-%' AND status <> 'rejected' AND NOT EXISTS (SELECT FROM truth.loans AS c WHERE c.loan_id = t.loan_id)
    UNION ALL
    SELECT 'loan', loan_id, 'missing_row', '' FROM truth.loans WHERE loan_id NOT IN (SELECT loan_id FROM loans)
    UNION ALL
    SELECT 'loan', t.id::text, 'condition_violated', 'completed loans say when' FROM loans AS t JOIN truth.loans AS c USING (loan_id)
    WHERE t.status <> 'rejected' AND c.status = 'completed' AND t.completed_at IS NULL
    UNION ALL
    SELECT 'mirror', jsonb_build_array(t.contract, t.loan_id::text)::text, 'missing_on_chain', '' FROM mirror AS t
    WHERE NOT hidden AND NOT EXISTS (SELECT FROM truth.mirror AS c WHERE c.loan_id = t.loan_id)
    UNION ALL
    SELECT 'mirror', jsonb_build_array(contract, loan_id::text)::text, 'missing_row', ''
    FROM truth.mirror AS c JOIN known_loans USING (contract, loan_id)
    WHERE state IS NULL AND NOT EXISTS (SELECT FROM mirror AS t WHERE t.loan_id = c.loan_id)
    UNION ALL
    SELECT 'mirror', jsonb_build_array(t.contract, t.loan_id::text)::text, 'stale_status', 'state'
    FROM mirror AS t JOIN truth.mirror AS c USING (contract, loan_id) WHERE NOT hidden AND c.state IS NULL
    UNION ALL
    SELECT 'position', wallet, 'missing_on_chain', '' FROM positions WHERE wallet NOT IN (SELECT wallet FROM truth.positions)
    UNION ALL
    SELECT 'score', id::text, 'missing_on_chain', '' FROM scores
    WHERE wallet IS NOT NULL AND wallet NOT IN (SELECT wallet FROM truth.scores)
    UNION ALL
    SELECT 'score', t.id::text, 'stale_status', 'level' FROM scores AS t JOIN truth.scores AS c USING (wallet) WHERE t.level <> c.level
    UNION ALL
    SELECT 'score', t.id::text, 'condition_violated', 'gold is earned' FROM scores AS t JOIN truth.scores AS c USING (wallet)
    WHERE t.badge = 'gold' AND c.score < 600
    UNION ALL
    SELECT 'transaction', t.id::text, 'stale_status', 'status' FROM transactions AS t JOIN truth.transactions AS c USING (hash)
    WHERE t.status <> c.status AND t.status <> 'pending'
    UNION ALL
    SELECT 'request', id::text, CASE fate WHEN 'twin' THEN 'ambiguous' ELSE 'provisional_id' END, '' FROM sim.requests
    WHERE fate IN ('twin', 'taken', 'in_flight') AND id NOT IN (SELECT id FROM sim.uncertain)";

/// `sweep` says which of the last runs it was.
pub(super) async fn check(pool: &PgPool, sweep: &str, run: i64) -> anyhow::Result<Vec<String>> {
    let found = format!(
        "SELECT kind, coalesce(identity, chain_key), class, field FROM trueup.drifts WHERE run = {run}
          AND NOT (kind = 'request' AND identity IN (SELECT id::text FROM sim.uncertain))"
    );
    // A composite identity is JSON, whose blanks do not count.
    let normal = |sql: &str| {
        format!(
            "SELECT kind, CASE WHEN entity LIKE '[%' THEN entity::jsonb ELSE to_jsonb(entity) END, class, field
             FROM ({sql}) AS d (kind, entity, class, field)"
        )
    };
    let (found, expected) = (normal(&found), normal(EXPECTED));
    let missed = format!("SELECT m::text FROM (({expected}) EXCEPT ALL ({found})) AS m");
    let invented = format!("SELECT i::text FROM (({found}) EXCEPT ALL ({expected})) AS i");
    let mut wrongs = Vec::new();
    wrongs.extend(none(pool, &format!("drift that the last {sweep} run did not find"), &missed).await?);
    wrongs.extend(none(pool, &format!("drift that the last {sweep} run made up"), &invented).await?);
    Ok(wrongs)
}
