use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool};

use crate::{Error, Server};

/// Names the server that tests should share; `make test` sets it.
const SERVER_URL: &str = "TRUEUP_TEST_DATABASE_URL";
/// Enough for a few workers in one test, few enough for many tests at once.
const TEST_CONNECTIONS: u32 = 20;

/// A fresh, empty database for one test, on the server that `TRUEUP_TEST_DATABASE_URL` names, or else on a
/// throwaway server of its own.
pub struct TestDatabase {
    pool: PgPool,
    url: String,
    // Held for its lifetime.
    _server: Option<Server>,
}

impl TestDatabase {
    /// Creates one.
    ///
    /// # Panics
    /// When there is no server: a test without its database has nothing to say.
    pub async fn create() -> Self {
        match Self::try_create().await {
            Ok(database) => database,
            Err(error) => panic!("{error}"),
        }
    }

    async fn try_create() -> Result<Self, Error> {
        let (server, admin_url) = match std::env::var(SERVER_URL) {
            Ok(url) => (None, url),
            Err(_) => {
                let server = Server::start().await?;
                let url = server.url("postgres");
                (Some(server), url)
            }
        };
        let name = format!("test_{}", ulid::Ulid::generate().to_string().to_lowercase());
        let mut admin = PgConnection::connect(&admin_url).await?;
        sqlx::query(AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut admin).await?;
        admin.close().await?;
        let (server_url, _) = admin_url.rsplit_once('/').unwrap_or((&admin_url, ""));
        let url = format!("{server_url}/{name}");
        let pool = PgPoolOptions::new().max_connections(TEST_CONNECTIONS).connect(&url).await?;
        Ok(Self { pool, url, _server: server })
    }

    /// Connections to it.
    #[must_use]
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }
}
