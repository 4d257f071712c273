//! What Postgres itself can carry: the same table and indexes, `SKIP LOCKED` batches, batched updates, nothing between.

use anyhow::Context as _;
use sqlx::{Connection, PgConnection, Row};
use tokio::task::JoinSet;

use super::stage::{self, Stage};

/// How many connections work at once.
const CONNECTIONS: usize = 2;
/// How many jobs a statement takes.
const BATCH: i64 = 500;

const LEASE: &str = "
    WITH picked AS MATERIALIZED (
        SELECT id FROM trueup.jobs
        WHERE state = 'ready' AND suspicion = 0 AND priority = 100 AND run_at <= now()
        ORDER BY run_at, id LIMIT $1 FOR UPDATE SKIP LOCKED
    )
    UPDATE trueup.jobs SET state = 'leased', lease = 1
    WHERE id = ANY(ARRAY(SELECT id FROM picked))
    RETURNING id, key, failures, looks, trace";

const ACK: &str = "UPDATE trueup.jobs SET state = 'done', ended_at = now(), outcome = 'in_sync' WHERE id = ANY($1)";

pub(super) async fn play(url: &str) -> anyhow::Result<()> {
    let mut connections = Vec::with_capacity(CONNECTIONS);
    for _ in 0..CONNECTIONS {
        connections.push(PgConnection::connect(url).await.context("the database of this run")?);
    }
    let mut stage = Stage::new();
    stage.ready("").await?;
    let mut working = JoinSet::new();
    for connection in connections {
        working.spawn(work(connection));
    }
    while let Some(ended) = working.join_next().await {
        ended??;
    }
    stage.until_closed().await
}

/// Until a batch is empty: nothing is added meanwhile.
async fn work(mut connection: PgConnection) -> anyhow::Result<()> {
    loop {
        let rows = sqlx::query(LEASE).bind(BATCH).fetch_all(&mut connection).await?;
        if rows.is_empty() {
            return Ok(());
        }
        let ids = rows.iter().map(|row| row.try_get::<i64, _>("id")).collect::<Result<Vec<_>, _>>()?;
        // Planned for the table as it is now, as trueup's own is.
        let acked = sqlx::query(ACK).bind(ids).persistent(false).execute(&mut connection).await?;
        stage::ended(acked.rows_affected())?;
    }
}
