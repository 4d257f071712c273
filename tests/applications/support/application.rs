//! One application: its tables, its chain, its specs.

use sqlx::{AssertSqlSafe, PgPool};
use tempfile::TempDir;
use tokio::process::Command;
use trueup_sandbox::TestDatabase;

use super::chain::{Chain, PASSPHRASE};
use super::program::{Ended, PROGRAM};
use super::snapshot::Snapshot;

/// Everything that the program is pointed at.
pub struct Application {
    pub database: TestDatabase,
    pub chain: Chain,
    pub specs: TempDir,
}

// === impl Application ===

impl Application {
    /// Creates the tables, serves the chain, migrates schema trueup, and writes one spec.
    pub async fn new(tables: &str, snapshot: &Snapshot, spec: &str) -> Self {
        let application = Self::unmigrated(tables, snapshot, spec).await;
        application.trueup(&["migrate"]).await.expect(0);
        application
    }

    /// The same, without schema trueup.
    pub async fn unmigrated(tables: &str, snapshot: &Snapshot, spec: &str) -> Self {
        let database = TestDatabase::create().await;
        let chain = Chain::serve(snapshot).await;
        let application = Self { database, chain, specs: tempfile::tempdir().expect("a folder") };
        application.sql(tables).await;
        application.spec("entity.toml", spec);
        application
    }

    /// Writes a spec file.
    pub fn spec(&self, name: &str, spec: &str) {
        std::fs::write(self.specs.path().join(name), spec).expect("the spec");
    }

    /// Executes SQL as the application would.
    pub async fn sql(&self, sql: &str) {
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(self.pool()).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    /// One value of the database, as text.
    pub async fn value(&self, sql: &str) -> String {
        let value: Option<String> = sqlx::query_scalar(AssertSqlSafe(format!("SELECT ({sql})::text")))
            .fetch_one(self.pool())
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
        value.unwrap_or_else(|| "∅".to_owned())
    }

    pub fn pool(&self) -> &PgPool {
        self.database.pool()
    }

    /// The program with those arguments and everything it needs in its environment.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command
            .args(arguments)
            .env_clear()
            // Where an instrumented program counts, if it is one (`make coverage`).
            .envs(std::env::vars_os().filter(|(name, _)| name == "LLVM_PROFILE_FILE"))
            .env("DATABASE_URL", self.database.url())
            .env("TRUEUP_RPC_URL", &self.chain.url)
            .env("TRUEUP_NETWORK_PASSPHRASE", PASSPHRASE)
            .env("TRUEUP_SPECS", self.specs.path())
            .current_dir(self.specs.path())
            .kill_on_drop(true);
        command
    }

    /// Runs the program to its end.
    pub async fn trueup(&self, arguments: &[&str]) -> Ended {
        ended(self.command(arguments)).await
    }

    /// Runs the program to its end, with a configuration file.
    pub async fn configured(&self, configuration: &str, arguments: &[&str]) -> Ended {
        // Beside no spec, which a file of that folder would be taken for.
        let folder = self.specs.path().join("configuration");
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(folder.join("trueup.toml"), configuration).expect("the configuration");
        self.trueup(&[&["--config", "configuration/trueup.toml"], arguments].concat()).await
    }

    /// `trueup check`, which has to find nothing wrong; what it printed.
    pub async fn check(&self) -> String {
        self.trueup(&["check"]).await.expect(0).out
    }

    /// `trueup run --json`.
    pub async fn detect(&self) -> Ended {
        self.trueup(&["run", "--json"]).await
    }

    /// `trueup run --mode repair --json`.
    pub async fn repair(&self) -> Ended {
        self.trueup(&["run", "--mode", "repair", "--json"]).await
    }

    /// Asserts what is found, that repairing mends it, and that nothing is left then.
    pub async fn mends(&self, found: &[&str]) {
        self.mends_but(found, &[]).await;
    }

    /// Asserts what is found, and what is still found once everything that may be repaired is.
    pub async fn mends_but(&self, found: &[&str], left: &[&str]) {
        self.check().await;
        let detected = self.detect().await.expect(if found.is_empty() { 0 } else { 3 });
        assert_eq!(detected.drifts(), found);
        let code = if left.is_empty() { 0 } else { 3 };
        let repaired = self.repair().await.expect(code);
        assert_eq!(repaired.drifts(), found, "a repair finds what a detection finds");
        let again = self.detect().await.expect(code);
        assert_eq!(again.drifts(), left);
    }
}

/// Runs a command to its end.
pub async fn ended(mut command: Command) -> Ended {
    Ended::of(command.output().await.expect("the program starts"))
}
