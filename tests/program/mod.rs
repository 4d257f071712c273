//! The program as a child process, and a hold that stops it at an exact point of its work.

use std::ffi::OsStr;
use std::process::{ExitStatus, Output, Stdio};
use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tokio::process::{Child, Command};
use trueup::Config;

/// No test waits longer for a child, nor for a condition: an expired lease, its takeover, and a database that is given
/// up after a minute all fit in.
pub const LIMIT: Duration = Duration::from_secs(150);
/// How often a condition is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// A child that is killed when it is dropped.
pub struct Program(Child);

impl Program {
    /// Starts `trueup` on a deployment.
    pub fn start(config: &Config, arguments: &[&str]) -> Self {
        Self::start_file(env!("CARGO_BIN_EXE_trueup"), config, arguments)
    }

    /// Starts any program that is configured as `trueup` is.
    pub fn start_file(file: impl AsRef<OsStr>, config: &Config, arguments: &[&str]) -> Self {
        let specs = std::env::join_paths(&config.specs).expect("folders without separators");
        let child = Command::new(file)
            .args(arguments)
            .env("DATABASE_URL", config.database_url.as_deref().expect("a database"))
            .env("TRUEUP_RPC_URL", config.rpc_endpoints().expect("an endpoint").join(" "))
            .env("TRUEUP_NETWORK_PASSPHRASE", config.network_passphrase.as_deref().expect("a network"))
            .env("TRUEUP_SPECS", specs)
            .env_remove("RUST_LOG")
            .env_remove("TRUEUP_CONFIG")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the program starts");
        Self(child)
    }

    /// SIGKILL, and waits until the process is gone.
    pub async fn kill(mut self) {
        self.0.kill().await.expect("it was still running");
    }

    /// SIGTERM.
    pub fn terminate(&self) {
        let pid = self.0.id().expect("it is still running").to_string();
        let sent = std::process::Command::new("kill").args(["-TERM", &pid]).status().expect("kill");
        assert!(sent.success(), "the signal is sent");
    }

    /// Waits until it ends by itself.
    pub async fn end(self) -> Ended {
        let Output { status, stdout, stderr } =
            tokio::time::timeout(LIMIT, self.0.wait_with_output()).await.expect("it ends in time").expect("its output");
        Ended { status, stdout: text(stdout), stderr: text(stderr) }
    }
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).expect("UTF-8")
}

/// How a child ended.
#[derive(Debug)]
pub struct Ended {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    /// Its exit code; the output is shown if it is another.
    #[track_caller]
    pub fn expect_code(&self, code: i32) -> &Self {
        assert_eq!(self.status.code(), Some(code), "{}\n{}", self.stdout, self.stderr);
        self
    }
}

/// Looks at a condition until it holds.
pub async fn until(connection: &mut PgConnection, condition: &str) {
    let sql = format!("SELECT ({condition})");
    let holds = async {
        while !sqlx::query_scalar::<_, bool>(AssertSqlSafe(sql.as_str())).fetch_one(&mut *connection).await.expect(condition) {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    tokio::time::timeout(LIMIT, holds).await.unwrap_or_else(|_| panic!("in time: {condition}"));
}

/// Holds whoever moves a run on, at exactly the point that a condition over the run's row `old` and `new` names: its
/// transaction has done all that comes before, and waits.
pub struct Hold(PgConnection);

impl Hold {
    pub async fn at(database_url: &str, point: &str) -> Self {
        let mut connection = PgConnection::connect(database_url).await.expect("a connection");
        sqlx::raw_sql(AssertSqlSafe(format!(
            "CREATE OR REPLACE FUNCTION public.hold() RETURNS trigger LANGUAGE plpgsql AS
                 $$ BEGIN PERFORM pg_advisory_xact_lock(1); RETURN new; END $$;
             CREATE OR REPLACE TRIGGER hold BEFORE UPDATE ON trueup.runs FOR EACH ROW WHEN ({point}) EXECUTE FUNCTION public.hold();
             SELECT pg_advisory_lock(1)"
        )))
        .execute(&mut connection)
        .await
        .expect("the hold");
        Self(connection)
    }

    /// Waits until somebody is held.
    pub async fn reached(&mut self) {
        let waiting = "EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 1 AND NOT granted
                                AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))";
        until(&mut self.0, waiting).await;
    }

    /// A value of the database meanwhile.
    pub async fn value<T>(&mut self, sql: &str) -> T
    where
        T: Send + Unpin + for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
    {
        sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_one(&mut self.0).await.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// Waits for a condition while somebody is held.
    pub async fn until(&mut self, condition: &str) {
        until(&mut self.0, condition).await;
    }

    /// Lets everybody go.
    pub async fn release(self) {
        self.0.close().await.expect("closed");
    }
}
