//! Postgres goes away: for a moment, and for good.

use sqlx::{AssertSqlSafe, Connection, PgConnection};
use trueup::Config;
use trueup_sandbox::Server;

use crate::program::{Hold, Program};
use crate::support::Deployment;

const LOANS: i64 = 300;
const REPAIR: &[&str] = &["run", "--mode", "repair"];
const DATABASE: &str = "application";

/// A deployment whose database is on a server of its own, which may be stopped. Every row is stale.
struct Apart {
    server: Server,
    config: Config,
    // Its chain is used.
    _deployment: Deployment,
}

impl Apart {
    async fn create() -> Self {
        let deployment = Deployment::with_loans(u32::try_from(LOANS).expect("few")).await;
        let server = Server::start().await.expect("a server");
        let mut admin = PgConnection::connect(&server.url("postgres")).await.expect("a connection");
        sqlx::query(AssertSqlSafe(format!("CREATE DATABASE {DATABASE}"))).execute(&mut admin).await.expect("a database");
        let config = Config { database_url: Some(server.url(DATABASE)), ..deployment.config.clone() };
        let pool = sqlx::PgPool::connect(&server.url(DATABASE)).await.expect("a connection");
        trueup_schema::migrate(&pool).await.expect("schema trueup");
        sqlx::query(
            "CREATE TABLE loans (id bigint PRIMARY KEY, loan_id text NOT NULL UNIQUE, wallet text, amount numeric, balance numeric,
                                 status text NOT NULL, updated_at timestamptz NOT NULL DEFAULT now() - interval '1 hour')",
        )
        .execute(&pool)
        .await
        .expect("the application's table");
        let wallets: Vec<String> =
            sqlx::query_scalar("SELECT wallet FROM loans ORDER BY id").fetch_all(deployment.pool()).await.expect("the rows");
        sqlx::query(
            "INSERT INTO loans (id, loan_id, wallet, amount, balance, status)
             SELECT n, n::text, wallet, n, n, 'active' FROM unnest($1::text[]) WITH ORDINALITY AS l (wallet, n)",
        )
        .bind(wallets)
        .execute(&pool)
        .await
        .expect("the rows");
        pool.close().await;
        Self { server, config, _deployment: deployment }
    }

    /// `stale rows, repairs, reports`
    async fn state(&self) -> (i64, i64, i64) {
        let mut connection = PgConnection::connect(&self.server.url(DATABASE)).await.expect("a connection");
        sqlx::query_as(
            "SELECT (SELECT count(*) FROM loans WHERE status = 'active'), (SELECT count(*) FROM trueup.repairs),
                    (SELECT count(*) FROM trueup.reports)",
        )
        .fetch_one(&mut connection)
        .await
        .expect("the state")
    }

    /// Stops the server as a crash would, and leaves its data.
    fn stop(&self) {
        let stopped = std::process::Command::new("kill").args(["-QUIT", &self.server.pid().to_string()]).status().expect("kill");
        assert!(stopped.success(), "the signal is sent");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_of_postgres_while_jobs_are_looked_at_is_survived() {
    survives_a_restart_at("old.phase = 'detect'").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_of_postgres_while_rows_are_repaired_is_survived() {
    survives_a_restart_at("old.phase = 'confirm'").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_of_postgres_while_jobs_are_added_is_survived() {
    survives_a_restart_at("old.phase = 'enqueue'").await;
}

async fn survives_a_restart_at(point: &str) {
    let mut apart = Apart::create().await;
    let mut hold = Hold::at(&apart.server.url(DATABASE), point).await;
    let run = Program::start(&apart.config, REPAIR);
    hold.reached().await;
    apart.server.restart().await.expect("it comes up again");
    run.end().await.expect_code(0);
    assert_eq!(apart.state().await, (0, LOANS, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_postgres_for_good_every_role_ends_with_an_error_and_no_repair_is_half_done() {
    let mut apart = Apart::create().await;
    let mut hold = Hold::at(&apart.server.url(DATABASE), "old.phase = 'confirm'").await;
    let worker = Program::start(&apart.config, &["worker", "--name", "lone"]);
    let scheduler = Program::start(&apart.config, &["scheduler"]);
    hold.until("EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'trueup lone')").await;
    let run = Program::start(&apart.config, REPAIR);
    hold.reached().await;
    apart.stop();
    let (run, worker, scheduler) = tokio::join!(run.end(), worker.end(), scheduler.end());
    let place = apart.server.url(DATABASE).rsplit_once('@').expect("an address").1.to_owned();
    let by_worker = |last: &str| last.contains(&place) && last.contains("could not be used for 6") && last.contains("no job is lost");
    let by_scheduler = |last: &str| last.contains("the scheduler has not finished a round for too long");
    let last = worker.last_error();
    assert!(by_worker(last), "{last}");
    let last = scheduler.last_error();
    assert!(by_scheduler(last), "{last}");
    let last = run.last_error();
    assert!(by_worker(last) || by_scheduler(last), "of its two roles the one that gives up first says so: {last}");

    apart.server.restart().await.expect("it comes up again");
    assert_eq!(apart.state().await, (LOANS, 0, 0), "nothing is half-done");
    Program::start(&apart.config, REPAIR).end().await.expect_code(0);
    assert_eq!(apart.state().await, (0, LOANS, 1), "and what was begun goes on");
}
