//! Looks whether the application is at work, for as long as a process sweeps.

use std::io::ErrorKind;
use std::sync::{Arc, Weak};
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, PgConnection};
use tokio::sync::watch;
use tokio::time::timeout;
use trueup_database::activity::{Activity, activity};

use super::Throttle;
use super::beside::LOOKS_FIRST;
use super::gate::Gate;

/// How soon the looks follow each other that it takes to say anything.
const SOON: Duration = Duration::from_millis(10);
/// How often it is looked after that.
const EVERY: Duration = Duration::from_millis(50);
/// For how long an answer is waited for: behind a network that swallows everything it would be for ever.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);
/// For how long the database is left alone that does not answer.
const AFTER_FAILURE: Duration = Duration::from_secs(1);
/// How long after the last batch a sweep is over.
const OVER_AFTER: Duration = Duration::from_secs(5);

/// Starts to look at the application through a connection of its own, whenever batches are under way. Ends with the throttle.
pub(crate) fn watch(throttle: &Throttle, options: &PgConnectOptions) {
    if let Some(gate) = throttle.gate() {
        tokio::spawn(run(Arc::downgrade(gate), gate.entered(), options.clone()));
    }
}

async fn run(gate: Weak<Gate>, mut entered: watch::Receiver<()>, options: PgConnectOptions) {
    let mut is_told = false;
    if gate.upgrade().is_some_and(|gate| gate.idle() < OVER_AFTER) {
        // Batches may be expected that were announced before anybody listened.
        entered.mark_changed();
    }
    while entered.changed().await.is_ok() {
        look_on(&gate, &options, &mut is_told).await;
    }
}

/// Looks until the sweep is over.
async fn look_on(gate: &Weak<Gate>, options: &PgConnectOptions, is_told: &mut bool) {
    if let Some(gate) = gate.upgrade() {
        gate.forget_application();
    }
    let mut connection = None;
    for look in 0_u32.. {
        let answer = timeout(ANSWER_LIMIT, look_once(&mut connection, options)).await;
        let pause = match answer.unwrap_or(Err(sqlx::Error::Io(ErrorKind::TimedOut.into()))) {
            Ok(Activity { at_work, hidden }) => {
                if hidden > 0 && !std::mem::replace(is_told, true) {
                    tracing::info!(hidden, "whether other sessions are at work is hidden from this role, which lacks pg_read_all_stats");
                }
                let Some(gate) = gate.upgrade() else { return };
                gate.hear_of_application(at_work);
                if look < LOOKS_FIRST { SOON } else { EVERY }
            }
            Err(error) => {
                tracing::debug!(%error, "it cannot be seen whether the application is at work");
                connection = None;
                AFTER_FAILURE
            }
        };
        if gate.upgrade().is_none_or(|gate| gate.idle() > OVER_AFTER) {
            return;
        }
        tokio::time::sleep(pause).await;
    }
}

async fn look_once(connection: &mut Option<PgConnection>, options: &PgConnectOptions) -> Result<Activity, sqlx::Error> {
    let connection = match connection {
        Some(connection) => connection,
        None => connection.insert(options.connect().await?),
    };
    activity(connection).await
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;
    use crate::settings::ThrottleSettings;

    #[tokio::test]
    async fn a_database_that_never_answers_is_not_waited_for_for_ever() {
        let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let options = PgConnectOptions::new_without_pgpass().host("127.0.0.1").port(silent.local_addr().expect("bound").port());
        let throttle = Throttle::new(&ThrottleSettings::default(), 3);
        drop(throttle.enter().await);
        let gate = Arc::downgrade(throttle.gate().expect("it is on"));
        timeout(ANSWER_LIMIT * 10, look_on(&gate, &options, &mut false)).await.expect("the sweep is over, and so is this");
    }

    #[tokio::test]
    async fn batches_that_were_expected_before_anybody_listened_are_not_missed() {
        let database = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let options = PgConnectOptions::new_without_pgpass().host("127.0.0.1").port(database.local_addr().expect("bound").port());
        let throttle = Throttle::new(&ThrottleSettings::default(), 3);
        throttle.expect_batches();
        watch(&throttle, &options);
        timeout(ANSWER_LIMIT, database.accept()).await.expect("somebody looks").expect("connected");
    }
}
