//! A durable Postgres of its own, and databases that are copied from templates, so that every run begins the same.

use anyhow::Context as _;
use sqlx::{AssertSqlSafe, PgPool};
use trueup_sandbox::Server;

/// Beside what the sandbox sets (`shared_buffers=256MB`, `max_wal_size=4GB`): everything that durability asks for.
pub(crate) const SETTINGS: [&str; 4] = ["fsync=on", "synchronous_commit=on", "full_page_writes=on", "shared_buffers=512MB"];
/// For the measurement of costs: statements are counted, and the log of a run is still there when it is read.
const COUNTING: [&str; 2] = ["shared_preload_libraries=pg_stat_statements", "wal_keep_size=4GB"];
/// Since then a copy can be told not to go through the log.
const FILE_COPY_SINCE: i32 = 150_000;

pub(crate) struct Postgres {
    server: Server,
    admin: PgPool,
    version: i32,
    /// Whether `pg_stat_statements` is there.
    pub(crate) counts_statements: bool,
}

impl Postgres {
    pub(crate) async fn start() -> anyhow::Result<Self> {
        Self::of(Server::start_with(&SETTINGS).await?, false).await
    }

    /// One that counts statements, where the extension is installed.
    pub(crate) async fn start_counting() -> anyhow::Result<Self> {
        let settings: Vec<&str> = SETTINGS.into_iter().chain(COUNTING).collect();
        match Server::start_with(&settings).await {
            Ok(server) => Self::of(server, true).await,
            Err(_) => Self::start().await,
        }
    }

    async fn of(server: Server, counts_statements: bool) -> anyhow::Result<Self> {
        let admin = PgPool::connect(&server.url("postgres")).await?;
        let version: i32 = sqlx::query_scalar("SELECT current_setting('server_version_num')::int").fetch_one(&admin).await?;
        Ok(Self { server, admin, version, counts_statements })
    }

    /// Its version and what it was told.
    pub(crate) async fn describe(&self) -> anyhow::Result<String> {
        let version: String = sqlx::query_scalar("SELECT current_setting('server_version')").fetch_one(&self.admin).await?;
        Ok(format!("{version}, max_wal_size=4GB, {}", SETTINGS.join(", ")))
    }

    pub(crate) fn url(&self, database: &str) -> String {
        self.server.url(database)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.server.pid()
    }

    pub(crate) async fn connect(&self, database: &str) -> anyhow::Result<PgPool> {
        PgPool::connect(&self.url(database)).await.with_context(|| format!("database {database}"))
    }

    pub(crate) async fn create(&self, database: &str) -> anyhow::Result<PgPool> {
        self.execute(format!("CREATE DATABASE {database}")).await?;
        self.connect(database).await
    }

    /// A copy of a template nobody is connected to, and a checkpoint, so that each run writes the same full pages.
    pub(crate) async fn copy(&self, template: &str, database: &str) -> anyhow::Result<PgPool> {
        let strategy = if self.version >= FILE_COPY_SINCE { " STRATEGY file_copy" } else { "" };
        self.execute(format!("CREATE DATABASE {database} TEMPLATE {template}{strategy}")).await?;
        self.execute("CHECKPOINT".to_owned()).await?;
        self.connect(database).await
    }

    pub(crate) async fn drop(&self, database: &str, pool: PgPool) -> anyhow::Result<()> {
        pool.close().await;
        self.execute(format!("DROP DATABASE {database} WITH (FORCE)")).await
    }

    async fn execute(&self, statement: String) -> anyhow::Result<()> {
        // Names are constants of this program.
        sqlx::raw_sql(AssertSqlSafe(statement.clone())).execute(&self.admin).await.context(statement)?;
        Ok(())
    }
}
