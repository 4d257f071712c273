//! `trueup demo`: the whole job on throwaway parts, with an answer key.
//!
//! A local chain and a throwaway Postgres are filled by a seeded scenario; drift of many sorts is injected into the
//! database; then the same code as everywhere else detects, repairs and detects again, and what it says is compared
//! with what was injected.

mod answers;
mod application;
mod chain;
mod drift;
mod show;

use anyhow::{Context as _, ensure};
use clap::Args;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use trueup_database::runs::NewRun;
use trueup_devnet::Devnet;
use trueup_judge::Mode;
use trueup_sandbox::Server;
use trueup_workers::{Document, enqueue_run, start_run};

use crate::cli::{self, Exit};
use crate::{Config, Trueup};
use answers::Answer;

/// The application's tables, as the example ships them.
const APPLICATION: &str = include_str!("../../specs/lending/application.sql");
/// The specs of the example, by file name.
const SPECS: [(&str, &str); 4] = [
    ("loan.toml", include_str!("../../specs/lending/loan.toml")),
    ("position.toml", include_str!("../../specs/lending/position.toml")),
    ("reputation.toml", include_str!("../../specs/lending/reputation.toml")),
    ("transaction.toml", include_str!("../../specs/lending/transaction.toml")),
];
const DATABASE: &str = "application";
/// The chain is ours: nobody else's limit is to be kept.
const LOCAL_CALLS_PER_SECOND: u32 = 5_000;
const RUN_TIMEOUT_SECS: i64 = 300;

/// How the demo is played.
#[derive(Args)]
pub(crate) struct Arguments {
    /// What is drawn from it: amounts, and which rows drift
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// Stay up at the end, for exploring, until Ctrl-C
    #[arg(long)]
    keep: bool,
}

pub(crate) async fn demo(arguments: Arguments) -> anyhow::Result<Exit> {
    let shutdown = cli::shutdown()?;
    let finished = tokio::select! {
        finished = play(&arguments, &shutdown) => finished,
        () = shutdown.cancelled() => anyhow::bail!("interrupted; nothing is left running"),
    };
    finished?;
    Ok(Exit::Clean)
}

async fn play(arguments: &Arguments, shutdown: &CancellationToken) -> anyhow::Result<()> {
    let mut show = show::Show::new();
    show.title(arguments.seed);

    let server = Server::start().await?;
    let admin = PgPool::connect(&server.url("postgres")).await?;
    sqlx::query(sqlx::AssertSqlSafe(format!("CREATE DATABASE {DATABASE}"))).execute(&admin).await?;
    admin.close().await;
    let application = PgPool::connect(&server.url(DATABASE)).await?;
    sqlx::raw_sql(APPLICATION).execute(&application).await.context("the example's tables")?;
    trueup_schema::migrate(&application).await?;
    show.step("a throwaway Postgres, with the application's tables and schema trueup");

    let devnet = Devnet::new(chain::config()?);
    let world = chain::build(&devnet, arguments.seed).await?;
    let rpc = devnet.serve("127.0.0.1:0").await?;
    show.step(&format!(
        "a local Soroban chain: {} transactions in {} ledgers, 4 contracts",
        world.transactions_made,
        devnet.latest().sequence
    ));

    application::fill(&application, &devnet, &world).await?;
    let key = drift::inject(&application, &devnet, &world, arguments.seed).await?;
    show.step("5,000 loans, 3,000 positions, 2,000 reputation accounts and 500 transactions in the database");
    show.injected(&key);

    let specs = write_specs(&world)?;
    let config = Config {
        database_url: Some(server.url(DATABASE)),
        rpc_url: Some(rpc.url.clone()),
        network_passphrase: Some(devnet.config().network_passphrase.clone()),
        specs: vec![specs.path().to_owned()],
        rpc_calls_per_second: Some(LOCAL_CALLS_PER_SECOND),
        ..Config::default()
    };
    let trueup = Trueup::connect(&config).await?;

    let detected = run(&trueup, Mode::Detect).await?;
    show.run("detect", &detected.document);
    compare("the first detect run", &key.all(), &detected.found)?;
    show.verified(&format!("every one of the {} injected drifts is found with its class, and nothing else", key.all().len()));

    let repaired = run(&trueup, Mode::Repair).await?;
    show.run("repair", &repaired.document);
    compare("the repair run", &key.all(), &repaired.found)?;

    let again = run(&trueup, Mode::Detect).await?;
    show.run("detect again", &again.document);
    compare("the last detect run", &key.left(), &again.found)?;
    show.verified(&format!(
        "{} drifts are repaired; the {} that only a person may decide are listed",
        key.all().len() - key.left().len(),
        key.left().len()
    ));
    show.left(&again.rows);

    let written: Vec<String> = devnet.calls().into_keys().filter(|method| !method.starts_with("get")).collect();
    ensure!(written.is_empty(), "the chain was asked for more than reads: {written:?}");
    show.verified("the chain was only ever read");

    if arguments.keep {
        show.kept(&config, &world);
        shutdown.cancelled().await;
    }
    show.done();
    rpc.shutdown().await;
    Ok(())
}

/// A run that is finished.
struct Finished {
    document: Document,
    rows: Vec<trueup_database::report::DriftRow>,
    found: std::collections::BTreeSet<Answer>,
}

async fn run(trueup: &Trueup, mode: Mode) -> anyhow::Result<Finished> {
    let context = trueup.context();
    let new = NewRun { origin: "demo".to_owned(), mode, timeout_secs: RUN_TIMEOUT_SECS, ..NewRun::default() };
    let run = start_run(context, new).await?;
    enqueue_run(context, run).await?;
    cli::work(trueup.clone(), run, &CancellationToken::new()).await?;
    let document = cli::read_report(context.pools(), run).await?.context("the run has no report")?;
    let rows = cli::read_drifts(context.pools(), run).await?;
    let found = rows.iter().map(Answer::of).collect();
    Ok(Finished { document, rows, found })
}

fn compare(what: &str, expected: &std::collections::BTreeSet<Answer>, found: &std::collections::BTreeSet<Answer>) -> anyhow::Result<()> {
    let missed: Vec<_> = expected.difference(found).take(5).collect();
    let invented: Vec<_> = found.difference(expected).take(5).collect();
    ensure!(
        missed.is_empty() && invented.is_empty(),
        "{what} does not equal the answer key; not found (first 5): {missed:?}; not injected (first 5): {invented:?}"
    );
    Ok(())
}

/// The example's specs in a folder of their own, with the addresses of this chain's contracts.
fn write_specs(world: &chain::World) -> anyhow::Result<tempfile::TempDir> {
    let folder = tempfile::Builder::new().prefix("trueup-specs-").tempdir()?;
    for (name, text) in SPECS {
        let text = world
            .contracts()
            .into_iter()
            .fold(text.to_owned(), |text, (variable, contract)| text.replace(&format!("${{{variable}}}"), contract));
        std::fs::write(folder.path().join(name), text)?;
    }
    Ok(folder)
}
