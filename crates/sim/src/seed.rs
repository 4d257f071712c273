//! One seed, from an empty database to the verdict.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool};
use tokio::sync::Mutex;
use trueup_sandbox::{RedisServer, Server};

use crate::application::Application;
use crate::check;
use crate::processes::{Fleet, Program};
use crate::script::{Engine, Script};
use crate::settle::settle;
use crate::story::Story;
use crate::world::World;
use crate::{blows, database_faults, deployment, redis_faults, rpc_faults};

/// How often the processes are looked after.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// The application's connections.
const CONNECTIONS: u32 = 4;
/// The application gives up a write after so long.
const APPLICATION_PATIENCE: Duration = Duration::from_secs(5);

/// What outlives a seed.
pub(crate) struct Bench {
    pub(crate) server: Arc<Mutex<Server>>,
    /// Where there is one; without it all seeds have their jobs in Postgres.
    pub(crate) redis: Option<Arc<Mutex<RedisServer>>>,
    /// What the jobs of all seeds wait in, whatever they draw.
    pub(crate) engine: Option<Engine>,
    pub(crate) program: PathBuf,
    pub(crate) faketime: Option<PathBuf>,
    pub(crate) aloud: bool,
}

/// What the parts of one seed share.
pub(crate) struct Shared {
    pub(crate) server: Arc<Mutex<Server>>,
    /// Where the seed's jobs wait in it.
    pub(crate) redis: Option<Arc<Mutex<RedisServer>>>,
    pub(crate) database_url: String,
    pub(crate) world: Arc<World>,
    pub(crate) fleet: Mutex<Fleet>,
    pub(crate) program: Program,
    pub(crate) story: Story,
}

/// How a seed ended.
pub(crate) struct Verdict {
    pub(crate) story: Story,
    /// What is wrong; empty is well.
    pub(crate) wrongs: Vec<String>,
    pub(crate) figures: String,
    /// Kept where something is wrong.
    pub(crate) folder: tempfile::TempDir,
}

/// Plays a seed. An error is a failure of the seed, too.
pub(crate) async fn play(bench: &Bench, seed: u64) -> anyhow::Result<Verdict> {
    let story = Story::begin(bench.aloud);
    let folder = tempfile::Builder::new().prefix("trueup-sim-").tempdir()?;
    let mut verdict = Verdict { story: story.clone(), wrongs: Vec::new(), figures: String::new(), folder };
    match simulate(bench, seed, &story, verdict.folder.path()).await {
        Ok((wrongs, figures)) => (verdict.wrongs, verdict.figures) = (wrongs, figures),
        Err(error) => verdict.wrongs.push(format!("{error:#}")),
    }
    verdict.wrongs.extend(check::logs::panics(verdict.folder.path())?);
    Ok(verdict)
}

async fn simulate(bench: &Bench, seed: u64, story: &Story, folder: &std::path::Path) -> anyhow::Result<(Vec<String>, String)> {
    let script = Script::draw(seed);
    let database = format!("sim_{seed}");
    let server_url = bench.server.lock().await.url("postgres");
    let database_url = bench.server.lock().await.url(&database);
    create_database(&server_url, &database).await?;
    let pool = application_pool(&database_url)?;
    sqlx::raw_sql(include_str!("../sql/application.sql")).execute(&pool).await.context("the application's tables")?;
    trueup_schema::migrate(&pool).await.context("schema trueup")?;

    let world = Arc::new(World::create(seed, script.endpoints, script.confirm).await?);
    let mut application = Application::new(Arc::clone(&world), pool.clone(), story.clone());
    for deed in &script.first_deeds {
        application.perform(deed).await?;
    }
    let redis = bench.redis.clone().filter(|_| bench.engine.unwrap_or(script.engine) == Engine::Redis);
    let redis_url = match &redis {
        Some(redis) => Some(redis.lock().await.url()),
        None => None,
    };
    deployment::write(folder, &world, script.full_sweeps, &database_url, redis_url.as_deref())?;
    let program =
        Program { path: bench.program.clone(), folder: folder.to_owned(), faketime: bench.faketime.clone(), story: story.clone() };
    let fleet = Fleet::start(program.clone(), script.workers, script.schedulers, &script.clocks_off_secs)?;
    story.tell(format!(
        "{} endpoints, of which {} must agree; jobs in {}; {} workers, {} schedulers, clocks off by {:?} s; {} ms of turmoil",
        script.endpoints,
        script.confirm,
        if redis.is_some() { "Redis" } else { "Postgres" },
        script.workers,
        script.schedulers,
        script.clocks_off_secs,
        script.turmoil_ms
    ));
    let server = Arc::clone(&bench.server);
    let shared = Shared { server, redis, database_url, world, fleet: Mutex::new(fleet), program, story: story.clone() };

    turmoil(&shared, &script, &mut application).await?;
    application.finish(seed.is_multiple_of(4)).await;
    story.tell("the dust settles");
    let swept = settle(&shared, &pool, &script.episodes).await?;
    let wrongs = check::all(&shared, &pool, &swept).await?;
    let figures = check::figures(&pool, application.lost).await?;
    pool.close().await;
    if wrongs.is_empty() {
        drop_database(&server_url, &database).await?;
    }
    Ok((wrongs, figures))
}

async fn turmoil(shared: &Shared, script: &Script, application: &mut Application) -> anyhow::Result<()> {
    let everything = async {
        let faults = async {
            rpc_faults::disturb(&shared.world, &script.rpc_faults, &shared.story).await;
            Ok(())
        };
        tokio::try_join!(
            application.work(&script.deeds),
            faults,
            database_faults::disturb(shared, &script.database_faults),
            redis_faults::disturb(shared, &script.redis_faults),
            blows::strike(shared, &script.blows),
            async {
                tokio::time::sleep(Duration::from_millis(script.turmoil_ms)).await;
                Ok(())
            },
        )
    };
    tokio::select! {
        done = everything => done.map(drop),
        failed = look_after(shared) => failed,
    }
}

/// Looks after the processes for as long as it is polled.
pub(crate) async fn look_after(shared: &Shared) -> anyhow::Result<()> {
    loop {
        shared.fleet.lock().await.look_after()?;
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

async fn create_database(server_url: &str, name: &str) -> anyhow::Result<()> {
    drop_database(server_url, name).await?;
    let mut connection = PgConnection::connect(server_url).await?;
    sqlx::query(AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut connection).await?;
    Ok(())
}

async fn drop_database(server_url: &str, name: &str) -> anyhow::Result<()> {
    let mut connection = PgConnection::connect(server_url).await?;
    sqlx::query(AssertSqlSafe(format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"))).execute(&mut connection).await?;
    Ok(())
}

fn application_pool(url: &str) -> anyhow::Result<PgPool> {
    let options: PgConnectOptions = url.parse()?;
    let options = options.application_name("application").options([("timezone", "UTC"), ("lock_timeout", "2000")]);
    Ok(PgPoolOptions::new().max_connections(CONNECTIONS).acquire_timeout(APPLICATION_PATIENCE).connect_lazy_with(options))
}
