//! Who is seen at work beside trueup.

use std::time::Duration;

use sqlx::{ConnectOptions, PgConnection};
use trueup_database::activity::{Activity, activity};
use trueup_database::connect::options;

use crate::application::Application;

const NOBODY: Activity = Activity { at_work: 0, hidden: 0 };

/// Works for as long as it is looked.
const WORK: &str = "SELECT pg_sleep(60)";
/// Waits for somebody who works.
const WAIT: &str = "SELECT pg_advisory_lock(1)";

async fn session(url: &str, name: &str) -> PgConnection {
    options(url).unwrap().application_name(name).connect().await.unwrap()
}

/// What is seen while a session of that name works.
async fn beside(application: &Application, name: &str, watcher: &mut PgConnection) -> Activity {
    during(WORK, "PgSleep", application, name, watcher).await
}

/// What is seen while a session of that name runs a statement, with that event.
async fn during(statement: &'static str, event: &str, application: &Application, name: &str, watcher: &mut PgConnection) -> Activity {
    let mut session = session(application.url(), name).await;
    let pid: i32 = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut session).await.unwrap();
    let seen = async {
        let works = format!("SELECT (wait_event = '{event}')::text FROM pg_stat_activity WHERE pid = {pid}");
        for _ in 0..1_000 {
            if application.text(&works).await.as_deref() == Some("true") {
                return activity(watcher).await.unwrap();
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("it never works");
    };
    let seen = tokio::select! {
        ended = sqlx::query(statement).execute(&mut session) => panic!("{ended:?}"),
        seen = seen => seen,
    };
    application.run(&format!("SELECT pg_terminate_backend({pid}, 10000)")).await;
    seen
}

/// An application whose other connections say that they are trueup's.
async fn application() -> (Application, PgConnection) {
    let application = Application::new("").await;
    let watcher = session(application.url(), "trueup").await;
    (application, watcher)
}

#[tokio::test]
async fn sessions_that_run_a_statement_are_at_work_but_for_those_of_trueup() {
    let (application, mut watcher) = application().await;
    let resting = session(application.url(), "resting").await;
    assert_eq!(activity(&mut watcher).await.unwrap(), NOBODY, "who rests is not at work, nor is who looks");
    assert_eq!(beside(&application, "web", &mut watcher).await, Activity { at_work: 1, hidden: 0 });
    assert_eq!(beside(&application, "", &mut watcher).await, Activity { at_work: 1, hidden: 0 });
    assert_eq!(beside(&application, "trueup worker-1", &mut watcher).await, NOBODY);
    drop(resting);
}

#[tokio::test]
async fn who_is_in_the_midst_of_a_transaction_is_at_work_until_that_stands_still() {
    let (application, mut watcher) = application().await;
    let mut session = session(application.url(), "web").await;
    sqlx::query("BEGIN").execute(&mut session).await.unwrap();
    let mut seen = NOBODY;
    for _ in 0..1_000 {
        // On a machine that is busy a second may pass between the two.
        sqlx::query("SELECT").execute(&mut session).await.unwrap();
        seen = activity(&mut watcher).await.unwrap();
        if seen != NOBODY {
            break;
        }
    }
    assert_eq!(seen, Activity { at_work: 1, hidden: 0 });
    for _ in 0..1_000 {
        if activity(&mut watcher).await.unwrap() == NOBODY {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it is at work for ever");
}

#[tokio::test]
async fn who_waits_for_a_lock_is_not_at_work() {
    let (application, mut watcher) = application().await;
    let mut holder = session(application.url(), "holder").await;
    sqlx::query(WAIT).execute(&mut holder).await.unwrap();
    assert_eq!(during(WAIT, "advisory", &application, "web", &mut watcher).await, NOBODY);
}

#[tokio::test]
async fn what_is_hidden_from_a_role_is_said_to_be_hidden() {
    let (application, _) = application().await;
    let role = format!("looker_{}", application.url().rsplit('_').next().unwrap());
    application.run(&format!("CREATE ROLE {role} LOGIN PASSWORD 'x'")).await;
    let mut watcher = session(&application.url_of(&role, "x"), "trueup").await;
    let Activity { at_work, hidden } = beside(&application, "web", &mut watcher).await;
    assert_eq!((at_work, hidden > 0), (0, true));
    application.run(&format!("GRANT pg_read_all_stats TO {role}")).await;
    assert_eq!(beside(&application, "web", &mut watcher).await, Activity { at_work: 1, hidden: 0 });
}

#[tokio::test]
async fn sessions_in_another_database_are_not_the_applications() {
    let (_, mut watcher) = application().await;
    let (other, _) = application().await;
    assert_eq!(beside(&other, "web", &mut watcher).await, NOBODY);
}
