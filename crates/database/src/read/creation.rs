//! The keys that transactions name, from events that an endpoint answered and from return values.

use std::ops::Range;

use serde_json::Value;
use sqlx::types::Json;
use sqlx::{AssertSqlSafe, FromRow, PgPool};
use trueup_judge::{ChainKey, RowIdentity};

use super::bisect::bisect;
use super::event_match::{agrees, key_from, key_of};
use super::input::{Batch, input_part, part_array, part_columns, passed, rows, unnest};
use super::locate::place;
use super::range::ANYWHERE;
use crate::bind::Bound;
use crate::sql::ident;
use crate::{DatabaseError, RowError, Statements};

/// An event of a row's creating transaction, in the documented JSON form.
#[derive(Debug, Clone, PartialEq)]
pub struct CreationEventSeen {
    /// The row.
    pub row: RowIdentity,
    /// An array of the topics.
    pub topics: Value,
    /// The data.
    pub data: Value,
}

/// The key that an event names.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct CreationKey {
    ord: i64,
    /// The key; none where the event names none that the key columns take.
    key: Option<String>,
    /// The row agrees with the event in all that the spec names.
    pub agrees: bool,
}

impl CreationKey {
    /// The key; none where the event names none that the key columns take.
    #[must_use]
    pub fn key(&self) -> Option<ChainKey> {
        self.key.clone().map(ChainKey)
    }
}

/// The statements.
#[derive(Debug, Clone)]
pub(crate) struct Creations {
    of_events: Option<String>,
    of_texts: String,
    identity_columns: usize,
    key_columns: usize,
}

impl Creations {
    pub fn new(bound: &Bound) -> Self {
        let mut input = part_columns(bound.identity.len());
        input.push(("topics".to_owned(), "jsonb"));
        input.push(("data".to_owned(), "jsonb"));
        let of_events = bound.creation.as_ref().and_then(|it| it.event.as_ref()).map(|event| {
            format!(
                "{rows}\nSELECT r.\"trueup:ord\" AS ord, k.key, {agrees} AS agrees FROM \"trueup:rows\" AS r\n\
                 CROSS JOIN LATERAL (SELECT r.{topics} AS topics, r.{data} AS data) AS e\nCROSS JOIN LATERAL ({key}) AS k\nORDER BY 1",
                rows = rows(bound, &input, ANYWHERE),
                topics = ident(&passed("topics")),
                data = ident(&passed("data")),
                agrees = agrees(event),
                key = key_of(bound, event),
            )
        });
        let of_texts = format!(
            "SELECT i.\"ord\" AS ord, k.key, true AS agrees FROM {} CROSS JOIN LATERAL ({}) AS k ORDER BY 1",
            unnest(&part_columns(bound.key.len())),
            key_from(bound, (0..bound.key.len()).map(input_part)),
        );
        Self { of_events, of_texts, identity_columns: bound.identity.len(), key_columns: bound.key.len() }
    }

    pub async fn of_events(
        &self,
        pool: &PgPool,
        statements: &Statements,
        events: &[CreationEventSeen],
    ) -> Result<Vec<(RowIdentity, Result<CreationKey, RowError>)>, DatabaseError> {
        let Some(sql) = &self.of_events else { return Ok(Vec::new()) };
        let batch = Batch::new(events, self.identity_columns, |it| it.row.0.as_str());
        let items = &batch.items;
        let answers = bisect(items.len(), |range: Range<usize>| {
            Box::pin(async move {
                let part = &items[range.clone()];
                let mut query = sqlx::query_as::<_, CreationKey>(AssertSqlSafe(sql.as_str()));
                for index in 0..self.identity_columns {
                    query = query.bind(part_array(part, index));
                }
                query = query.bind(part.iter().map(|(event, _)| Json(&event.topics)).collect::<Vec<_>>());
                query = query.bind(part.iter().map(|(event, _)| Json(&event.data)).collect::<Vec<_>>());
                statements.add();
                let rows = query.fetch_all(pool).await?;
                Ok(rows.into_iter().map(|row| (range.start + place(row.ord), row)).collect())
            })
        })
        .await?;
        let mut keys: Vec<_> = answers.into_iter().map(|(index, row)| (items[index].0.row.clone(), row)).collect();
        keys.extend(batch.malformed.into_iter().map(|(event, error)| (event.row.clone(), Err(error))));
        Ok(keys)
    }

    /// Keys as canonical texts; none where the key columns do not take them.
    pub async fn of_texts(
        &self,
        pool: &PgPool,
        statements: &Statements,
        keys: &[Vec<String>],
    ) -> Result<Vec<Option<ChainKey>>, DatabaseError> {
        let mut query = sqlx::query_as::<_, CreationKey>(AssertSqlSafe(self.of_texts.as_str()));
        for index in 0..self.key_columns {
            query = query.bind(keys.iter().map(|key| key.get(index).cloned()).collect::<Vec<_>>());
        }
        statements.add();
        let found = query.fetch_all(pool).await?;
        let mut canonical = vec![None; keys.len()];
        for key in found {
            if let Some(slot) = canonical.get_mut(place(key.ord)) {
                *slot = key.key();
            }
        }
        Ok(canonical)
    }
}
