//! A deployment with seeded drift of every sort, and copies of it.

use sqlx::{AssertSqlSafe, Connection, PgConnection};
use trueup::Config;

use crate::support::{Deployment, SPEC};

/// The command that is killed.
pub const REPAIR: &[&str] = &["run", "--mode", "repair"];
/// Loans on chain; there are two tables of them.
const LOANS: u32 = 750;

/// Drift in a table, from what its rows' numbers are divisible by.
const DRIFT: &str = "
    UPDATE {table} SET status = 'active' WHERE loan_id::int % 7 = 0;
    UPDATE {table} SET balance = balance / 2 WHERE loan_id::int % 11 = 0;
    UPDATE {table} SET wallet = NULL WHERE loan_id::int % 17 = 0;
    DELETE FROM {table} WHERE loan_id::int % 13 = 0;
    INSERT INTO {table} (loan_id, amount) SELECT n::text, 1 FROM generate_series(900001, 900010) AS n;";

/// The deployment that is copied. Its chain is the copies' chain.
pub struct Template {
    deployment: Deployment,
    /// The server, without the name of a database.
    server: String,
    name: String,
}

impl Template {
    pub async fn create() -> Self {
        let deployment = Deployment::with_loans(LOANS).await;
        // A second table with a spec of its own, in which missing rows may be inserted: nothing waits for its real id.
        deployment.sql("CREATE TABLE mirror (LIKE loans INCLUDING ALL)").await;
        deployment.sql("INSERT INTO mirror (loan_id, wallet, amount, balance) SELECT loan_id, wallet, amount, balance FROM loans").await;
        let spec = SPEC.replace("${LENDING}", &deployment.contracts.lending).replace("\"loans\"", "\"mirror\"");
        let spec = spec.replace("kind    = \"loan\"", "kind    = \"mirror\"");
        std::fs::write(deployment.specs.path().join("mirror.toml"), spec).expect("the spec");
        for table in ["loans", "mirror"] {
            deployment.sql(&DRIFT.replace("{table}", table)).await;
        }
        deployment.sql("UPDATE loans SET loan_id = 'pending-' || loan_id WHERE loan_id::int % 97 = 0").await;
        // A database can be copied while nobody is connected to it.
        deployment.pool().close().await;
        let (server, name) = deployment.database.url().rsplit_once('/').expect("a database's address");
        Self { server: server.to_owned(), name: name.to_owned(), deployment }
    }

    /// The chain's side.
    pub fn devnet(&self) -> &trueup_devnet::Devnet {
        &self.deployment.devnet
    }

    /// A copy of the database, with everything else the same.
    pub async fn copy(&self, suffix: &str) -> Config {
        let name = format!("{}_{suffix}", self.name);
        let mut admin = PgConnection::connect(&format!("{}/postgres", self.server)).await.expect("a connection");
        let sql = format!("CREATE DATABASE {name} TEMPLATE {}", self.name);
        sqlx::query(AssertSqlSafe(sql)).execute(&mut admin).await.expect("a copy");
        admin.close().await.expect("closed");
        Config { database_url: Some(format!("{}/{name}", self.server)), ..self.deployment.config.clone() }
    }
}
