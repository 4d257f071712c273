//! Workers and schedulers as processes of their own, which are killed, frozen, stopped and started again.

use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tempfile::NamedTempFile;
use trueup::{Config, QueueConfig};

use crate::program::{Hold, Program, until};
use crate::support::redis;

/// What the queue is kept in. The suite runs for each of [`Engine::ALL`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    Postgres,
    Redis,
}

// === impl Engine ===

impl Engine {
    pub const ALL: [Self; 2] = [Self::Postgres, Self::Redis];

    /// The same deployment, with its queue kept in this.
    pub fn of(self, config: &Config) -> Config {
        match self {
            Self::Postgres => Config { queue: QueueConfig::default(), ..config.clone() },
            Self::Redis => redis::on(&redis::shared_url(), config.clone()),
        }
    }
}

/// How soon everything happens.
#[derive(Debug, Clone, Copy)]
pub enum Pace {
    /// What an operator has who configures nothing.
    Default,
    /// Leases of two seconds.
    Quick,
}

// === impl Pace ===

impl Pace {
    /// Ends within the section of workers.
    const fn toml(self) -> &'static str {
        match self {
            Self::Default => "[worker]",
            Self::Quick => {
                "[queue]\nlease_secs = 2\npoll_ms = 50\nretry_base_ms = 50\nretry_cap_secs = 1\ndrain_grace_secs = 10
                 [worker]\ntick_ms = 50\nenqueue_claim_secs = 2\nlook_again_after_ms = 200"
            }
        }
    }
}

/// The roles that take part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Worker,
    Scheduler,
}

pub struct Member {
    pub name: String,
    pub role: Role,
    pub program: Program,
}

/// The processes of one deployment, and a connection of the test's own.
pub struct Fleet {
    config: Config,
    file: NamedTempFile,
    pub members: Vec<Member>,
    /// Those that were asked to end.
    leaving: Vec<Member>,
    pub connection: PgConnection,
    started: usize,
}

// === impl Fleet ===

impl Fleet {
    /// Starts them, with many small ranges of rows.
    pub async fn start(config: &Config, engine: Engine, pace: Pace, workers: usize, schedulers: usize) -> Self {
        Self::start_with(config, engine, pace, "rows_per_range = 20", workers, schedulers).await
    }

    /// The same, with `further` lines of `[worker]`.
    pub async fn start_with(config: &Config, engine: Engine, pace: Pace, further: &str, workers: usize, schedulers: usize) -> Self {
        let file = NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), format!("{}\n{further}", pace.toml())).expect("the configuration");
        let connection = PgConnection::connect(config.database_url.as_deref().expect("a database")).await.expect("a connection");
        let mut fleet = Self { config: engine.of(config), file, members: Vec::new(), leaving: Vec::new(), connection, started: 0 };
        for _ in 0..workers {
            fleet.add(Role::Worker);
        }
        for _ in 0..schedulers {
            fleet.add(Role::Scheduler);
        }
        fleet.until_all_work().await;
        fleet
    }

    /// Starts one more, under a name that no other has had.
    pub fn add(&mut self, role: Role) {
        self.started += 1;
        let name = format!("member-{}", self.started);
        self.add_named(role, &name);
    }

    pub fn add_named(&mut self, role: Role, name: &str) {
        let path = self.file.path().to_str().expect("a path");
        let arguments: &[&str] = match role {
            Role::Worker => &["worker", "--name", name, "--config", path],
            Role::Scheduler => &["scheduler", "--config", path],
        };
        let program = Program::start_silent(env!("CARGO_BIN_EXE_trueup"), &self.config, arguments);
        self.members.push(Member { name: name.to_owned(), role, program });
    }

    /// Waits until every worker listens for jobs.
    pub async fn until_all_work(&mut self) {
        let names: Vec<&str> = self.members.iter().filter(|it| it.role == Role::Worker).map(|it| it.name.as_str()).collect();
        let mut names: Vec<String> = names.into_iter().map(|name| format!("'trueup {name}'")).collect();
        names.push("''".to_owned());
        let names = names.join(", ");
        let condition = format!(
            "NOT EXISTS (SELECT FROM unnest(ARRAY[{names}]) AS w (name) WHERE name <> ''
                 AND NOT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = name AND datname = current_database()))"
        );
        until(&mut self.connection, &condition).await;
    }

    /// Opens a run that repairs; a scheduler adds its jobs. Returns its id.
    pub async fn open_run(&mut self) -> i64 {
        self.open(&[]).await
    }

    /// The same, comparing every entity, however often it was found in sync.
    pub async fn open_full_run(&mut self) -> i64 {
        self.open(&["--full"]).await
    }

    async fn open(&mut self, more: &[&str]) -> i64 {
        let path = self.file.path().to_str().expect("a path");
        let arguments = [&["run", "--mode", "repair", "--detach", "--new", "--config", path], more].concat();
        Program::start(&self.config, &arguments).end().await.expect_code(0);
        self.value("SELECT max(id) FROM trueup.runs").await
    }

    pub async fn until_reported(&mut self, run: i64) {
        until(&mut self.connection, &format!("EXISTS (SELECT FROM trueup.reports WHERE run = {run})")).await;
    }

    pub async fn sql(&mut self, sql: &str) {
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut self.connection).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    pub async fn value<T>(&mut self, sql: &str) -> T
    where
        T: Send + Unpin + for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
    {
        let value = sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_one(&mut self.connection).await;
        value.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// Takes out the member whose transaction is held at this point.
    pub async fn held(&mut self, hold: &mut Hold, point: usize) -> Member {
        self.held_unless_leaving(hold, point).await.expect("a member that was not asked to end")
    }

    /// The same; none if it is one that was asked to end and works on what it holds.
    pub async fn held_unless_leaving(&mut self, hold: &mut Hold, point: usize) -> Option<Member> {
        loop {
            hold.reached_at(point).await;
            let held = hold.held(point).await;
            if let Some(who) = self.members.iter().position(|it| it.program.is_connected_from(held.port)) {
                return Some(self.members.swap_remove(who));
            }
            if self.leaving.iter().any(|it| it.program.is_connected_from(held.port)) {
                return None;
            }
            // A statement of somebody who is dead: the server notices when it is over, and rolls it back.
            self.sql(&format!("SELECT pg_terminate_backend({})", held.backend)).await;
            until(&mut self.connection, &format!("NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = {})", held.backend)).await;
        }
    }

    /// Asks one to end; [`Self::end`] waits until it has. It may need what another one has locked that is held.
    pub fn ask_to_end(&mut self, member: Member) {
        member.program.terminate();
        self.leaving.push(member);
    }

    /// Stops all that are left, and expects that they end well.
    pub async fn end(mut self) {
        for member in &self.members {
            member.program.terminate();
        }
        for member in self.members.drain(..).chain(self.leaving.drain(..)) {
            member.program.end().await.expect_code(0);
        }
    }
}
