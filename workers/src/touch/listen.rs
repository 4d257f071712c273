//! Notifications of the database: `NOTIFY trueup_touch, '{"kind": "loan", "key": "1042"}'`.
//!
//! For those who cannot insert: nobody keeps a notification that is sent while nobody listens, so that a trigger, which
//! inserts, is the better way.

use std::time::Duration;

use serde::Deserialize;
use sqlx::postgres::{PgListener, PgPoolOptions};
use tokio_util::sync::CancellationToken;
use trueup_database::touches::{NamedBy, Origin};
use trueup_judge::EntityKind;

use super::name::{NamedEntity, touch};
use crate::context::Context;

/// The channel.
const CHANNEL: &str = "trueup_touch";
/// Whoever holds it listens.
const LOCK: &str = "trueup listens for touches";
/// How often a process that does not listen asks whether it may, and how long to wait after the connection was lost.
const PAUSE: Duration = Duration::from_secs(2);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Payload {
    kind: String,
    key: Option<String>,
    row: Option<String>,
}

/// Touches what notifications name, until it is told to stop. Of several processes one listens.
pub(super) async fn listen(context: &Context, shutdown: CancellationToken) {
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            heard = hear(context) => if let Err(error) = heard {
                tracing::debug!(%error, "cannot listen for touches; it is tried again");
            },
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}

/// Waits until no other process listens, then listens until the connection is lost.
async fn hear(context: &Context) -> Result<(), sqlx::Error> {
    let options = (*context.pools.write.connect_options()).clone();
    let pool = PgPoolOptions::new().max_connections(1).max_lifetime(None).idle_timeout(None).connect_lazy_with(options);
    let mut listener = PgListener::connect_with(&pool).await?;
    // A new connection would listen without the right to it.
    listener.eager_reconnect(false);
    while !sqlx::query_scalar::<_, bool>("SELECT pg_try_advisory_lock(hashtextextended($1, 0))").bind(LOCK).fetch_one(&mut listener).await?
    {
        tokio::time::sleep(PAUSE).await;
    }
    listener.listen(CHANNEL).await?;
    // With the connection the lock is lost, too.
    while let Some(notification) = listener.try_recv().await? {
        let payload = notification.payload();
        let touched = match entity(payload) {
            Ok(entity) => touch(context, &[entity], Origin::Notification).await,
            Err(error) => Err(error),
        };
        if let Err(error) = touched {
            tracing::warn!(payload, error = format!("{error:#}"), "a notification of {CHANNEL} touches nothing");
        }
    }
    tracing::warn!("the connection that hears of touches was lost; what was notified meanwhile is the next sweep's");
    Ok(())
}

fn entity(payload: &str) -> anyhow::Result<NamedEntity> {
    let Payload { kind, key, row } = serde_json::from_str(payload)?;
    let (named_by, entity) = match (key, row) {
        (Some(key), None) => (NamedBy::Key, key),
        (None, Some(row)) => (NamedBy::Row, row),
        _ => anyhow::bail!(r#"it names an entity by "key" or by "row""#),
    };
    Ok(NamedEntity { kind: EntityKind(kind), named_by, entity })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notification_names_a_kind_and_a_key_or_a_row_and_nothing_else() {
        let key = entity(r#"{"kind": "loan", "key": "7"}"#).expect("valid");
        assert_eq!((key.kind.0.as_str(), key.named_by, key.entity.as_str()), ("loan", NamedBy::Key, "7"));
        assert_eq!(entity(r#"{"kind": "loan", "row": "7"}"#).expect("valid").named_by, NamedBy::Row);
        for wrong in ["", "7", r#"{"kind": "loan"}"#, r#"{"kind": "loan", "key": "7", "row": "7"}"#, r#"{"kind": "loan", "id": "7"}"#] {
            assert!(entity(wrong).is_err(), "{wrong}");
        }
    }
}
