use sqlx::PgConnection;
use trueup_judge::EntityKind;
use trueup_spec::{Source, Spec, Touch};

use crate::bind::Bound;
use crate::events::{text_at, topics_are};
use crate::read::key_from;
use crate::sql::literal;

/// Events that are farther behind the chain's tip when they are read touch nothing: what they changed is the next
/// sweep's. In ledgers, of about five seconds each.
const EVENT_LEDGERS_MAX: i64 = 720;

/// How a touch that waits already takes another one in: what it asks for is asked for again, now.
pub(crate) const ON_CONFLICT: &str = "ON CONFLICT (kind, named_by, entity, origin) WHERE run IS NULL
    DO UPDATE SET count = t.count + excluded.count, due_at = least(t.due_at, excluded.due_at), row_within = least(t.row_within, excluded.row_within)";

/// What the name of a touched entity is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NamedBy {
    /// A row's identity.
    Row,
    /// A chain key.
    Key,
}

impl NamedBy {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Row => "row",
            Self::Key => "key",
        }
    }

    pub(super) fn from_name(name: &str) -> Self {
        if name == Self::Row.as_str() { Self::Row } else { Self::Key }
    }
}

/// Who touches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// A command.
    Cli,
    /// A notification of the database.
    Notification,
}

impl Origin {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cli => "cli",
            Self::Notification => "notification",
        }
    }
}

/// An entity to be looked at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct NewTouch {
    /// Its kind.
    pub kind: EntityKind,
    /// What `entity` is.
    pub named_by: NamedBy,
    /// A row's identity, or a chain key, as canonical text.
    pub entity: String,
}

/// Stores touches; one that waits already from the same origin counts once more. Gives back the touch of each, in
/// their order.
///
/// # Errors
/// What Postgres said.
pub async fn store(conn: &mut PgConnection, touches: &[NewTouch], origin: Origin) -> Result<Vec<i64>, sqlx::Error> {
    // In one order everywhere, so that two that store the same wait for each other in a line and not in a circle.
    let mut distinct: Vec<&NewTouch> = touches.iter().collect();
    distinct.sort();
    distinct.dedup();
    let ids: Vec<i64> = sqlx::query_scalar(sqlx::AssertSqlSafe(format!(
        "WITH stored AS (
             INSERT INTO trueup.touches AS t (kind, named_by, entity, origin)
             SELECT kind, named_by, entity, $4 FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS it (kind, named_by, entity, ord)
             ORDER BY ord {ON_CONFLICT}
             RETURNING id, kind, named_by, entity)
         SELECT stored.id FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS it (kind, named_by, entity, ord)
         JOIN stored USING (kind, named_by, entity) ORDER BY ord"
    )))
    .bind(distinct.iter().map(|it| it.kind.0.as_str()).collect::<Vec<_>>())
    .bind(distinct.iter().map(|it| it.named_by.as_str()).collect::<Vec<_>>())
    .bind(distinct.iter().map(|it| it.entity.as_str()).collect::<Vec<_>>())
    .bind(origin.as_str())
    .fetch_all(conn)
    .await?;
    let id = |touch: &NewTouch| distinct.binary_search(&touch).ok().and_then(|place| ids.get(place).copied());
    Ok(touches.iter().filter_map(id).collect())
}

/// The statement that stores the touches of stored events, whose ids are `$1`, as of the tip `$2`; none where the spec
/// names no such events.
pub(crate) fn of_events(spec: &Spec, bound: &Bound) -> Option<String> {
    let each: Vec<String> = spec.touches.iter().filter_map(|touch| of_event(spec, bound, touch)).collect();
    if each.is_empty() {
        return None;
    }
    Some(format!(
        "INSERT INTO trueup.touches AS t (kind, named_by, entity, origin, count, row_within)
         SELECT {kind}, 'key', it.key, 'event', count(*), min(it.row_within) FROM ({each}) AS it
         GROUP BY it.key ORDER BY it.key COLLATE \"C\" {ON_CONFLICT}",
        kind = literal(&spec.kind.0),
        each = each.join(" UNION ALL "),
    ))
}

fn of_event(spec: &Spec, bound: &Bound, touch: &Touch) -> Option<String> {
    let contract = touch.contract.as_deref().or_else(|| spec.event_contract())?;
    let texts: Vec<String> = match &spec.source {
        Source::Transaction(_) => Vec::new(),
        _ => touch.key.iter().map(|place| text_at("e", place)).collect(),
    };
    // A transaction's key is its hash, which every event names.
    let key = if texts.is_empty() { "SELECT e.transaction AS key".to_owned() } else { key_from(bound, texts.into_iter()) };
    Some(format!(
        "SELECT k.key, interval '{after} seconds' AS row_within FROM trueup.events AS e CROSS JOIN LATERAL ({key}) AS k
         WHERE e.id = ANY ($1) AND {matches} AND k.key IS NOT NULL AND e.ledger > $2 - {EVENT_LEDGERS_MAX}",
        after = touch.after_secs,
        matches = topics_are("e", contract, &touch.topics),
    ))
}
