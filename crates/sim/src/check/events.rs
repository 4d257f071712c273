//! The stored events are the chain's, and none is missing but in recorded holes.

use sqlx::PgPool;

use super::none;
use crate::world::World;

const MUST_NOT_BE: [(&str, &str); 3] = [
    (
        "an event is stored that the chain does not have",
        "SELECT s.id FROM trueup.events AS s WHERE NOT EXISTS (
             SELECT FROM truth.events AS t WHERE t.id = s.id AND t.ledger = s.ledger AND t.contract = s.contract
               AND t.transaction = s.transaction AND t.topics = s.topics_xdr AND t.data = s.data_xdr)",
    ),
    (
        "an event is missing",
        "SELECT format('%s of ledger %s', t.id, t.ledger) FROM truth.events AS t JOIN trueup.event_cursors AS c USING (contract)
         WHERE t.ledger >= c.from_ledger AND t.ledger < c.next_ledger AND NOT EXISTS (SELECT FROM trueup.events AS s WHERE s.id = t.id)
           AND NOT EXISTS (SELECT FROM trueup.event_holes AS h
                           WHERE h.contract = t.contract AND t.ledger BETWEEN h.first_ledger AND h.last_ledger AND h.filled_at IS NULL)",
    ),
    (
        "events that the last run rests on were not read to the end",
        "SELECT format('%s stands at %s', c.contract, c.next_ledger) FROM trueup.event_cursors AS c
         WHERE c.contract IN (SELECT contract FROM trueup.events WHERE name = 'LOANCRTD')
           AND c.next_ledger <= (SELECT max(ledger) FROM truth.events AS t WHERE t.contract = c.contract)",
    ),
];

pub(super) async fn check(pool: &PgPool, world: &World) -> anyhow::Result<Vec<String>> {
    let mut wrongs = Vec::new();
    for (what, query) in MUST_NOT_BE {
        wrongs.extend(none(pool, what, query).await?);
    }
    if !world.was_pruned() {
        let holes = "SELECT format('%s: %s to %s', contract, first_ledger, last_ledger) FROM trueup.event_holes";
        wrongs.extend(none(pool, "a hole in events that no endpoint ever dropped", holes).await?);
    }
    Ok(wrongs)
}
