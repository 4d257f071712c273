//! A sweep beside an application, or over a database that is under load: it gives way, goes on, and comes back.

use std::time::Duration;

use sqlx::{ConnectOptions, PgConnection};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use trueup::{Mode, NewRun, Settings, Sweep, ThrottleSettings, Trueup};
use trueup_database::connect::options;
use trueup_workers::{enqueue_run, start_run};

use crate::support::{Deployment, Finished, SPEC, new_run, quick_queue};

/// Each row that a statement reads takes as long as the table `load` says.
const LOAD: &str = "
    CREATE TABLE load AS SELECT 0.002::float8 AS secs;
    CREATE FUNCTION under_load() RETURNS boolean LANGUAGE plpgsql AS $$
        BEGIN PERFORM pg_sleep((SELECT secs FROM load)); RETURN true; END $$";
const CALM: &str = "UPDATE load SET secs = 0.002";
const LOADED: &str = "UPDATE load SET secs = 0.04";
/// How many statements of the sweep are at work.
const AT_WORK: &str = "
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name LIKE 'trueup%' AND wait_event = 'PgSleep'";
/// What the application does.
const WORK: &str = "SELECT pg_sleep(0.01)";

const LOANS: u32 = 1_000;
const ROWS_PER_RANGE: i64 = 5;
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// No test waits longer for a sweep to become slower or faster.
const LIMIT: Duration = Duration::from_secs(60);

async fn deployment(loans: u32) -> Deployment {
    let spec = SPEC.replace("changed = \"updated_at\"", "changed = \"updated_at\"\nwhere = \"under_load()\"");
    let deployment = Deployment::with_spec(loans, &spec).await;
    deployment.sql(LOAD).await;
    deployment
}

async fn connected(deployment: &Deployment, throttle: ThrottleSettings) -> Trueup {
    let settings = Settings { rows_per_range: ROWS_PER_RANGE, throttle, ..Settings::default() };
    Trueup::connect_with(&deployment.config, settings, quick_queue(&deployment.config)).await.unwrap_or_else(|error| panic!("{error:#}"))
}

/// A sweep is looked at while it runs.
async fn sweep(deployment: &Deployment, throttle: ThrottleSettings, watching: impl AsyncFnOnce()) -> Finished {
    let trueup = connected(deployment, throttle).await;
    let run = start_run(trueup.context(), new_run(Mode::Detect)).await.expect("a run");
    let stop = CancellationToken::new();
    let worker = tokio::spawn(trueup.clone().worker("test", stop.clone()));
    let scheduler = tokio::spawn(trueup.clone().scheduler(Vec::new(), stop.clone()));
    enqueue_run(trueup.context(), run).await.expect("enqueued");
    watching().await;
    let finished = deployment.await_report(&trueup, run).await;
    stop.cancel();
    worker.await.expect("no panic").expect("the worker ends well");
    scheduler.await.expect("no panic").expect("the scheduler ends well");
    finished
}

/// Looks at a sweep under trueup's name: else it would itself be an application at work.
async fn watcher(deployment: &Deployment) -> PgConnection {
    let url = deployment.config.database_url.as_deref().expect("a database");
    options(url).expect("an address").connect().await.expect("a connection")
}

async fn at_work(watcher: &mut PgConnection) -> i64 {
    sqlx::query_scalar(AT_WORK).fetch_one(watcher).await.expect("an answer")
}

/// Waits until so many statements are at work at once.
async fn until_at_work(deployment: &Deployment, statements: i64) {
    let mut watcher = watcher(deployment).await;
    let seen = async {
        while at_work(&mut watcher).await < statements {
            sleep(LOOK_EVERY).await;
        }
    };
    timeout(LIMIT, seen).await.unwrap_or_else(|_| panic!("there are never {statements} at once"));
}

/// Waits until for so long no more than one was.
async fn until_one_by_one(deployment: &Deployment, quiet: Duration) {
    let mut watcher = watcher(deployment).await;
    let seen = async {
        let mut since = Instant::now();
        while since.elapsed() < quiet {
            if at_work(&mut watcher).await > 1 {
                since = Instant::now();
            }
            sleep(LOOK_EVERY).await;
        }
    };
    timeout(LIMIT, seen).await.expect("it gives way");
}

#[tokio::test]
async fn a_sweep_gives_way_to_load_and_comes_back_when_it_is_gone() {
    let deployment = deployment(LOANS).await;
    // Statements wait for nothing but the load, so that it shows whatever else this machine does.
    let throttle = ThrottleSettings { slowdown_max_percent: 300, ..ThrottleSettings::default() };
    let finished = sweep(&deployment, throttle, async || {
        until_at_work(&deployment, 3).await;
        deployment.sql(LOADED).await;
        until_one_by_one(&deployment, Duration::from_secs(1)).await;
        deployment.sql(CALM).await;
        until_at_work(&deployment, 3).await;
    })
    .await;
    assert_eq!((finished.document.total("in_sync"), finished.found()), (u64::from(LOANS), vec![]), "slower, and nothing else");
    let throttled = finished.document.throttled.expect("it gave way");
    assert!(throttled.times >= 1 && throttled.waited_ms > 0, "{throttled:?}");
    assert!(throttled.took_percent.is_some_and(|percent| percent >= 400), "{throttled:?}");
    assert_eq!(finished.document.notes, Vec::<String>::new(), "it lacks nothing");
    assert!(finished.document.usage.keys().all(|name| !name.starts_with("throttled")), "{:?}", finished.document.usage);
}

#[tokio::test]
async fn without_the_throttle_a_sweep_does_not_give_way() {
    let deployment = deployment(150).await;
    let finished = sweep(&deployment, ThrottleSettings { enabled: false, ..ThrottleSettings::default() }, async || {
        until_at_work(&deployment, 3).await;
        deployment.sql(LOADED).await;
    })
    .await;
    assert_eq!((finished.document.total("in_sync"), finished.document.throttled), (150, None));
}

#[tokio::test]
async fn beside_an_application_at_work_a_sweep_gives_way_until_that_rests() {
    let deployment = deployment(LOANS).await;
    // No statement counts as slow.
    let throttle = ThrottleSettings { slowdown_max_percent: 1_000, ..ThrottleSettings::default() };
    let finished = sweep(&deployment, throttle, async || {
        until_at_work(&deployment, 3).await;
        let working = async {
            loop {
                deployment.sql(WORK).await;
            }
        };
        tokio::select! {
            () = working => {}
            () = until_one_by_one(&deployment, Duration::from_secs(1)) => {}
        }
        until_at_work(&deployment, 3).await;
    })
    .await;
    assert_eq!((finished.document.total("in_sync"), finished.found()), (u64::from(LOANS), vec![]), "slower, and nothing else");
    let throttled = finished.document.throttled.expect("it gave way");
    assert!(throttled.waited_ms > 0, "{throttled:?}");
    assert_eq!((throttled.times, throttled.took_percent), (0, None), "no statement was slow");
}

/// One sweep to its end, by a process that goes on.
async fn another(deployment: &Deployment, trueup: &Trueup, sweep: Sweep) -> Finished {
    let run = start_run(trueup.context(), NewRun { sweep, ..new_run(Mode::Detect) }).await.expect("a run");
    deployment.finish(trueup, run).await
}

/// The same beside an application, after one that was held back by it.
async fn another_beside(deployment: &Deployment, trueup: &Trueup, sweep: Sweep) -> Finished {
    let working = async {
        loop {
            deployment.sql(WORK).await;
        }
    };
    let sweeping = async {
        while another(deployment, trueup, sweep).await.document.throttled.is_none() {}
        another(deployment, trueup, sweep).await
    };
    tokio::select! {
        () = working => unreachable!("the application does not rest"),
        beside = timeout(LIMIT, sweeping) => beside.expect("the application is seen"),
    }
}

#[tokio::test]
async fn beside_an_application_the_rows_of_a_range_are_looked_at_in_parts_and_what_is_found_is_the_same() {
    let deployment = Deployment::with_loans(450).await;
    let trueup = deployment.trueup().await;
    // The first leaves fingerprints, which is not the same work.
    another(&deployment, &trueup, Sweep::Full).await;
    let alone = another(&deployment, &trueup, Sweep::Full).await.document.usage;
    let beside = another_beside(&deployment, &trueup, Sweep::Full).await.document.usage;
    assert_eq!(beside["sql_statements"] - alone["sql_statements"], 4, "rows are located and compared three times instead of once");
    assert!(beside["getLedgerEntries"] <= 5, "three for full parts, and the counter's: {beside:?}");

    deployment.sql("UPDATE loans SET balance = balance + 1 WHERE loan_id IN ('2', '250', '449')").await;
    let alone = another(&deployment, &trueup, Sweep::Full).await;
    assert_eq!(alone.drifts.len(), 3);
    for sweep in [Sweep::Full, Sweep::Incremental] {
        let beside = another_beside(&deployment, &trueup, sweep).await;
        assert_eq!((beside.found(), beside.document.total("in_sync")), (alone.found(), 447), "{sweep:?}");
    }
}
