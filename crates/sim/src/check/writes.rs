//! Every write of trueup has its audit and every audit its write, in one transaction; nothing is written twice for
//! one cause, against an older ledger, or beyond what was intended; nothing is deleted.

use sqlx::PgPool;

use super::none;
use crate::kind::Kind;

/// Writes beside their audits. The two are made by one statement, so that one subtransaction has written both.
const PAIRS: &str = "
    CREATE TABLE sim.pairs AS WITH audits AS (
        SELECT r.*, r.xmin::text AS x, split_part(r.table_name, '.', -1) AS wrote,
               CASE WHEN r.identity LIKE '[%' THEN r.identity::jsonb ELSE jsonb_build_array(r.identity) END AS row_identity
        FROM trueup.repairs AS r
    ), writes AS (
        SELECT h.*, h.xmin::text AS x,
               lag(h.by_trueup) OVER row AS after_trueup, lag(h.id) OVER row AS earlier
        FROM sim.history AS h WINDOW row AS (PARTITION BY table_name, identity ORDER BY id)
    )
        SELECT w.id AS write, w.table_name, w.identity, w.op, w.before AS was, w.after AS became, w.after_trueup, w.earlier,
               a.id AS repair, a.action, a.kind, a.altered, a.before, a.intended, a.after, a.stamp
        FROM (SELECT * FROM writes WHERE by_trueup) AS w
        FULL JOIN audits AS a ON a.x = w.x AND a.wrote = w.table_name AND a.row_identity = w.identity";

const ALONE: [(&str, &str); 6] = [
    (
        "a write of trueup has no audit",
        "SELECT format('%s %s %s: %s to %s', op, table_name, identity, was, became) FROM sim.pairs WHERE repair IS NULL",
    ),
    ("an audit has no write", "SELECT format('repair %s of %s', repair, kind) FROM sim.pairs WHERE write IS NULL"),
    ("trueup deleted a row", "SELECT format('%s %s', table_name, identity) FROM sim.pairs WHERE op = 'DELETE'"),
    (
        "trueup changed more than it intended",
        "SELECT format('repair %s of %s: %s', repair, kind, key) FROM sim.pairs, jsonb_each(became)
         WHERE op = 'UPDATE' AND value IS DISTINCT FROM was -> key AND NOT coalesce(intended, '{}') || coalesce(after, '{}') ? key
           AND key NOT IN ('updated_at', 'is_open')",
    ),
    (
        "repaired twice for one cause",
        "SELECT format('repairs %s and %s of %s: %s', p.repair, q.repair, p.kind, key)
         FROM sim.pairs AS p JOIN sim.pairs AS q ON q.write = p.earlier, jsonb_object_keys(p.intended) AS key
         WHERE p.after_trueup AND p.action <> 'revert' AND q.action <> 'revert' AND q.intended ? key
           AND p.stamp -> 'last_modified' = q.stamp -> 'last_modified'
           -- What a trigger made something else of is wrong again, and written again once it is released (`episodes.rs`).
           AND NOT q.altered",
    ),
    (
        "a repair rests on an older ledger than one before it",
        "SELECT format('repairs %s and %s of %s', q.repair, p.repair, p.kind)
         FROM sim.pairs AS p JOIN sim.pairs AS q ON (q.table_name, q.identity) = (p.table_name, p.identity) AND q.write < p.write
         WHERE p.action <> 'revert' AND q.action <> 'revert' AND (p.stamp ->> 'ledger')::bigint < (q.stamp ->> 'ledger')::bigint",
    ),
];

pub(super) async fn check(pool: &PgPool) -> anyhow::Result<Vec<String>> {
    sqlx::query(PAIRS).execute(pool).await?;
    let mut wrongs = Vec::new();
    for (what, query) in ALONE {
        wrongs.extend(none(pool, what, query).await?);
    }
    for kind in Kind::ALL {
        for column in kind.columns() {
            let (name, cast) = (column.name, column.cast);
            for (audited, written) in [("before", "was"), ("after", "became")] {
                let query = format!(
                    "SELECT format('repair %s: {name} %s, and it was %s', repair, {audited} ->> '{name}', {written} ->> '{name}')
                     FROM sim.pairs WHERE kind = '{}' AND {audited} ? '{name}' AND write IS NOT NULL
                       AND ({audited} ->> '{name}')::{cast} IS DISTINCT FROM ({written} ->> '{name}')::{cast}",
                    kind.name()
                );
                wrongs.extend(none(pool, &format!("an audit says something else than was written ({audited})"), &query).await?);
            }
        }
    }
    Ok(wrongs)
}
