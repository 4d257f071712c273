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
        Self::start_with(file, config, arguments, Stdio::piped(), Stdio::piped())
    }

    /// Starts `trueup`, and has it write its standard output to a file.
    pub fn start_into(out: std::fs::File, config: &Config, arguments: &[&str]) -> Self {
        Self::start_with(env!("CARGO_BIN_EXE_trueup"), config, arguments, out.into(), Stdio::null())
    }

    /// Starts a process that writes more than anybody reads meanwhile: what it says goes nowhere.
    pub fn start_silent(file: impl AsRef<OsStr>, config: &Config, arguments: &[&str]) -> Self {
        Self::start_with(file, config, arguments, Stdio::null(), Stdio::null())
    }

    fn start_with(file: impl AsRef<OsStr>, config: &Config, arguments: &[&str], out: Stdio, err: Stdio) -> Self {
        let specs = std::env::join_paths(&config.specs).expect("folders without separators");
        let child = Command::new(file)
            .args(arguments)
            .env("DATABASE_URL", config.database_url.as_deref().expect("a database"))
            .env("TRUEUP_RPC_URL", config.rpc_endpoints().expect("an endpoint").join(" "))
            .env("TRUEUP_NETWORK_PASSPHRASE", config.network_passphrase.as_deref().expect("a network"))
            .env("TRUEUP_SPECS", specs)
            .envs(config.queue.engine.map(|engine| ("TRUEUP_QUEUE", engine.as_str())))
            .envs(config.queue.url.as_ref().map(|url| ("TRUEUP_REDIS_URL", url)))
            .env_remove("RUST_LOG")
            .env_remove("TRUEUP_CONFIG")
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
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
        self.signal("-TERM");
    }

    /// SIGSTOP: it keeps all that it holds, and does nothing.
    pub fn freeze(&self) {
        self.signal("-STOP");
    }

    /// SIGCONT.
    pub fn thaw(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, name: &str) {
        let sent = std::process::Command::new("kill").args([name, &self.pid().to_string()]).status().expect("kill");
        assert!(sent.success(), "the signal is sent");
    }

    fn pid(&self) -> u32 {
        self.0.id().expect("it is still running")
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        self.0.try_wait().expect("its state").is_some()
    }

    /// Whether the connection that comes from this port of this machine is its own.
    pub fn is_connected_from(&self, port: u16) -> bool {
        let Some(socket) = socket_of(port) else { return false };
        let Ok(files) = std::fs::read_dir(format!("/proc/{}/fd", self.pid())) else { return false };
        files.flatten().any(|file| std::fs::read_link(file.path()).is_ok_and(|to| to.as_os_str() == socket.as_str()))
    }

    /// The most memory that it has held so far, in KiB; none once it has ended.
    pub fn peak_memory_kib(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id()?)).ok()?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        Some(peak.trim().trim_end_matches(" kB").parse().expect("a number"))
    }

    /// Waits until it ends by itself.
    pub async fn end(self) -> Ended {
        let Output { status, stdout, stderr } =
            tokio::time::timeout(LIMIT, self.0.wait_with_output()).await.expect("it ends in time").expect("its output");
        Ended { status, stdout: text(stdout), stderr: text(stderr) }
    }
}

/// The name, among a process's files, of the TCP socket that has this local port.
fn socket_of(port: u16) -> Option<String> {
    let table = std::fs::read_to_string("/proc/net/tcp").ok()?;
    let port = format!(":{port:04X}");
    let columns = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    columns.filter(|line| line.len() > INODE && line[LOCAL].ends_with(&port)).map(|line| format!("socket:[{}]", line[INODE])).next()
}

/// Columns of `/proc/net/tcp`.
const LOCAL: usize = 1;
const INODE: usize = 9;

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

    /// The error that it ended with.
    #[track_caller]
    pub fn last_error(&self) -> &str {
        self.expect_code(1).stderr.lines().rfind(|line| line.starts_with("error: ")).expect("an error")
    }
}

/// A connection whose transaction is held.
pub struct Held {
    /// The server's process.
    pub backend: i32,
    /// Where it comes from.
    pub port: u16,
}

fn waiting_at(point: usize) -> String {
    format!(
        "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = {point} AND NOT granted
         AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
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

/// Holds whoever moves a run on, at exactly the points that conditions over the run's row `old` and `new` name: its
/// transaction has done all that comes before, and waits.
pub struct Hold(PgConnection);

impl Hold {
    pub async fn at(database_url: &str, point: &str) -> Self {
        Self::at_each(database_url, &[point]).await
    }

    /// At several points, which are numbered from 1 in the order in which they are passed.
    pub async fn at_each(database_url: &str, points: &[&str]) -> Self {
        let mut connection = PgConnection::connect(database_url).await.expect("a connection");
        for (number, point) in (1..).zip(points) {
            let sql = format!(
                "CREATE OR REPLACE FUNCTION public.hold_{number}() RETURNS trigger LANGUAGE plpgsql AS
                     $$ BEGIN PERFORM pg_advisory_xact_lock({number}); RETURN new; END $$;
                 CREATE OR REPLACE TRIGGER hold_{number} BEFORE UPDATE ON trueup.runs FOR EACH ROW WHEN ({point})
                     EXECUTE FUNCTION public.hold_{number}();
                 SELECT pg_advisory_lock({number})"
            );
            sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.expect("the hold");
        }
        Self(connection)
    }

    /// Waits until somebody is held.
    pub async fn reached(&mut self) {
        self.reached_at(1).await;
    }

    /// Waits until somebody is held at this point.
    pub async fn reached_at(&mut self, point: usize) {
        until(&mut self.0, &format!("EXISTS ({})", waiting_at(point))).await;
    }

    /// Whose transaction is held at this point.
    pub async fn held(&mut self, point: usize) -> Held {
        let sql = format!("SELECT pid, client_port FROM pg_stat_activity WHERE pid = ({})", waiting_at(point));
        let (backend, port): (i32, i32) = sqlx::query_as(AssertSqlSafe(sql)).fetch_one(&mut self.0).await.expect("somebody is held");
        Held { backend, port: u16::try_from(port).expect("a port") }
    }

    /// Lets whoever comes to this point go on.
    pub async fn pass(&mut self, point: usize) {
        assert!(self.value::<bool>(&format!("SELECT pg_advisory_unlock({point})")).await, "it was held");
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
