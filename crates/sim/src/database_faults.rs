//! What goes wrong with the database, and the locks that the application holds on it.

use std::time::Duration;

use rand::{Rng, RngExt};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tokio::task::JoinSet;

use crate::kind::Kind;
use crate::script::At;
use crate::seed::Shared;

#[derive(Debug, Clone)]
pub(crate) enum DatabaseFault {
    /// Connections of trueup are closed by the server.
    CloseConnections { percent: u32 },
    /// The application holds rows of a table.
    HoldRows { kind: Kind, rows: u32, ms: u64 },
    /// The application holds a table.
    HoldTable { kind: Kind, ms: u64 },
    /// A table takes no writes of trueup.
    Refuse { kind: Kind, ms: u64 },
    /// The server crashes and comes back.
    Crash,
}

// === impl DatabaseFault ===

impl DatabaseFault {
    pub(crate) fn draw(random: &mut impl Rng) -> Self {
        let kind = Kind::ALL[random.random_range(0..Kind::ALL.len())];
        let ms = random.random_range(100..1_500);
        match random.random_range(0..10) {
            0..3 => Self::CloseConnections { percent: random.random_range(10..=100) },
            3..5 => Self::HoldRows { kind, rows: random.random_range(1..30), ms },
            5..7 => Self::HoldTable { kind, ms },
            7..9 => Self::Refuse { kind, ms },
            _ => Self::Crash,
        }
    }
}

/// Lets the database go wrong, each fault at its moment, until all are over.
pub(crate) async fn disturb(shared: &Shared, faults: &[At<DatabaseFault>]) -> anyhow::Result<()> {
    let began = tokio::time::Instant::now();
    let mut holding = JoinSet::new();
    for at in faults {
        tokio::time::sleep_until(began + Duration::from_millis(at.ms)).await;
        shared.story.tell(format!("database: {:?}", at.what));
        match at.what.clone() {
            DatabaseFault::Crash => shared.server.lock().await.restart().await?,
            fault => {
                let url = shared.database_url.clone();
                // What the fault meets may be gone by another one.
                holding.spawn(async move { commit_fault(&url, &fault).await });
            }
        }
    }
    while holding.join_next().await.is_some() {}
    Ok(())
}

async fn commit_fault(url: &str, fault: &DatabaseFault) -> Result<(), sqlx::Error> {
    let mut connection = PgConnection::connect(url).await?;
    match fault {
        DatabaseFault::CloseConnections { percent } => {
            sqlx::query(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                 WHERE datname = current_database() AND application_name LIKE 'trueup%' AND pid % 100 < $1",
            )
            .bind(i32::try_from(*percent).unwrap_or(100))
            .execute(&mut connection)
            .await?;
        }
        DatabaseFault::HoldRows { kind, rows, ms } => {
            let sql = format!("SELECT FROM public.{} LIMIT {rows} FOR UPDATE SKIP LOCKED", kind.table());
            hold(&mut connection, &sql, *ms).await?;
        }
        DatabaseFault::HoldTable { kind, ms } => {
            hold(&mut connection, &format!("LOCK TABLE public.{} IN ACCESS EXCLUSIVE MODE", kind.table()), *ms).await?;
        }
        DatabaseFault::Refuse { kind, ms } => {
            sqlx::query(
                "INSERT INTO sim.poison VALUES ($1, clock_timestamp() + make_interval(secs => $2::float8 / 1000))
                 ON CONFLICT (table_name) DO UPDATE SET until = excluded.until",
            )
            .bind(kind.table())
            .bind(i64::try_from(*ms).unwrap_or_default())
            .execute(&mut connection)
            .await?;
        }
        DatabaseFault::Crash => {}
    }
    Ok(())
}

async fn hold(connection: &mut PgConnection, sql: &str, ms: u64) -> Result<(), sqlx::Error> {
    let mut tx = connection.begin().await?;
    sqlx::query(AssertSqlSafe(sql.to_owned())).execute(&mut *tx).await?;
    tokio::time::sleep(Duration::from_millis(ms)).await;
    tx.rollback().await
}
