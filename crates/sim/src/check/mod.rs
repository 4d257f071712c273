//! What must hold when the dust has settled. Each check gives back what is wrong, in words.

mod audit;
mod drifts;
mod events;
pub(crate) mod logs;
mod requests;
mod runs;
mod tables;
mod truth;
mod writes;

use sqlx::{AssertSqlSafe, PgPool};

use crate::seed::Shared;
use crate::settle::Swept;

/// Offending rows of one check that are named.
const NAMED: i64 = 5;

/// Every check.
pub(crate) async fn all(shared: &Shared, pool: &PgPool, swept: &Swept) -> anyhow::Result<Vec<String>> {
    truth::load(pool, &shared.world).await?;
    requests::prepare(pool).await?;
    let mut wrongs = tables::check(pool).await?;
    wrongs.extend(requests::check(pool).await?);
    wrongs.extend(events::check(pool, &shared.world).await?);
    wrongs.extend(drifts::check(pool, "incremental", swept.incremental).await?);
    wrongs.extend(drifts::check(pool, "full", swept.full).await?);
    wrongs.extend(audit::check(shared, pool).await?);
    wrongs.extend(writes::check(pool).await?);
    wrongs.extend(runs::check(pool).await?);
    let methods = shared.world.devnet.calls().into_keys();
    let writing: Vec<String> = methods.filter(|method| !method.starts_with("get") && method != "simulateTransaction").collect();
    if !writing.is_empty() {
        wrongs.push(format!("the chain was asked for more than reads: {writing:?}"));
    }
    Ok(wrongs)
}

/// What a seed amounted to, for the line that says that it went well.
pub(crate) async fn figures(pool: &PgPool, lost: usize) -> anyhow::Result<String> {
    let figures: String = sqlx::query_scalar(
        "SELECT format('%s runs (%s rows passed over), %s repairs (%s reverts, %s keys, %s altered), %s events (%s holes), %s drifts, %s dead jobs',
                (SELECT count(*) FROM trueup.runs),
                (SELECT coalesce(sum(value::bigint), 0) FROM trueup.runs, jsonb_each_text(unmoved)),
                (SELECT count(*) FROM trueup.repairs),
                (SELECT count(*) FROM trueup.repairs WHERE action = 'revert'),
                (SELECT count(*) FROM trueup.repairs WHERE action = 'resolve'), (SELECT count(*) FROM trueup.repairs WHERE altered),
                (SELECT count(*) FROM trueup.events), (SELECT count(*) FROM trueup.event_holes), (SELECT count(*) FROM trueup.drifts),
                (SELECT count(*) FROM trueup.all_jobs WHERE state = 'dead'))",
    )
    .fetch_one(pool)
    .await?;
    Ok(format!("{figures}, {lost} writes of the application lost"))
}

/// Runs a query that finds what must not be: one text a find. `what` says what is wrong about them.
async fn none(pool: &PgPool, what: &str, query: &str) -> anyhow::Result<Option<String>> {
    let sql = format!("SELECT found, count(*) OVER () FROM ({query}) AS f (found) ORDER BY 1 LIMIT {NAMED}");
    let found: Vec<(Option<String>, i64)> =
        sqlx::query_as(AssertSqlSafe(sql.clone())).fetch_all(pool).await.map_err(|error| anyhow::anyhow!("{what}: {error}\n{sql}"))?;
    let Some((_, count)) = found.first() else { return Ok(None) };
    let named: Vec<String> = found.iter().map(|(text, _)| text.clone().unwrap_or_default()).collect();
    Ok(Some(format!("{what} ({count}): {}", named.join(" · "))))
}
