use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::catch_up::catch_up;
use crate::context::Context;

/// The longest pause after failures.
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// Keeps the events of every contract that a spec names stored, until it is told to stop. Any number of processes may
/// do so at once.
///
/// It never gives up: while the RPC or the database does not answer, the cursors stand still, and what the chain emits
/// meanwhile is read later.
pub async fn feed_events(context: Context, shutdown: CancellationToken) {
    if context.event_contracts.is_empty() {
        return;
    }
    let touching = context.kinds.values().any(|kind| !kind.spec().touches.is_empty());
    let every =
        if touching { context.settings.events_every.min(context.settings.events_every_touching) } else { context.settings.events_every };
    let mut pause = every;
    let mut failing = false;
    while !shutdown.is_cancelled() {
        let caught_up = tokio::select! {
            () = shutdown.cancelled() => return,
            // A page that is dropped here was not stored, or was stored whole.
            caught_up = catch_up(&context, &context.event_contracts) => caught_up,
        };
        pause = match caught_up {
            Ok(()) => {
                if failing {
                    tracing::info!("events are read again");
                }
                failing = false;
                every
            }
            Err(error) => {
                if !failing {
                    tracing::warn!(error = format!("{error:#}"), "events could not be read up to the chain's tip; it is tried again");
                }
                failing = true;
                pause.saturating_mul(2).min(PAUSE_MAX)
            }
        };
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}
