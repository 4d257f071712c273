//! What a reader of a report must know of the events that it rests on.

use trueup_database::{Kind, events, runs};
use trueup_judge::RunId;

use super::catch_up::catch_up;
use crate::context::Context;

/// How many holes of a contract are named one by one.
const HOLES_NAMED: usize = 5;
/// The first ledger that can hold an event: ledger 1 is the genesis.
const FIRST_LEDGER: i64 = 2;

/// Before the plans of a run are matched with events: reads what the chain emitted until now, and notes what is not
/// known of it. Only for kinds with rows that wait for their real key: without them there is nothing to match.
pub(crate) async fn before_matching(context: &Context, run: RunId) -> anyhow::Result<()> {
    let mut connection = context.pools.read.acquire().await?;
    let Some(found) = runs::get(&mut connection, run).await? else { return Ok(()) };
    if found.touches {
        // Such a run gives no row its key.
        return Ok(());
    }
    let mut matched: Vec<&Kind> = Vec::new();
    for kind in found.kinds.iter().filter_map(|name| context.kinds.get(name)).map(AsRef::as_ref) {
        let by_events = kind.spec().provisional.as_ref().is_some_and(|provisional| provisional.event.is_some());
        if by_events && kind.has_provisional_rows(&mut connection).await? {
            matched.push(kind);
        }
    }
    drop(connection);
    if matched.is_empty() {
        return Ok(());
    }
    let late = catch_up(context, &contracts(&matched)).await.err().map(|error| format!("{error:#}"));
    for kind in matched {
        let notes = gaps(context, kind, None, late.as_deref()).await?;
        add(context, run, kind, &notes, "rows that wait for their real key were matched without them").await?;
    }
    Ok(())
}

/// Notes what is not known of the events that name this kind's keys. `late` is why the newest of them were not read.
pub(crate) async fn keys_notes(context: &Context, run: RunId, kind: &Kind, late: Option<&str>) -> anyhow::Result<()> {
    let since = kind.spec().enumerating_events().and_then(|filter| filter.since);
    let mut notes = gaps(context, kind, Some(since.unwrap_or(FIRST_LEDGER)), late).await?;
    let mut connection = context.pools.read.acquire().await?;
    let keyless = kind.keyless_events(&mut connection).await?;
    drop(connection);
    if keyless > 0 {
        notes.push(format!("{keyless} stored event(s) may name a key that cannot be read from them"));
    }
    add(context, run, kind, &notes, "what only they show was not looked for").await
}

/// The contracts that these kinds' events are of.
pub(crate) fn contracts(kinds: &[&Kind]) -> Vec<String> {
    let mut contracts: Vec<String> = kinds.iter().filter_map(|kind| kind.spec().event_contract()).map(str::to_owned).collect();
    contracts.sort();
    contracts.dedup();
    contracts
}

/// Which ledgers' events are missing, each as a part of a sentence.
async fn gaps(context: &Context, kind: &Kind, since: Option<i64>, late: Option<&str>) -> anyhow::Result<Vec<String>> {
    let Some(contract) = kind.spec().event_contract() else { return Ok(Vec::new()) };
    let mut connection = context.pools.read.acquire().await?;
    let Some(coverage) = events::coverage(&mut connection, contract).await? else {
        return Ok(vec![format!("no events of {contract} have been read{}", late.map(|why| format!(": {why}")).unwrap_or_default())]);
    };
    let mut gaps = Vec::new();
    if since.is_some_and(|since| coverage.cursor.from_ledger > since) {
        gaps.push(format!("the events of {contract} from before ledger {} are not stored", coverage.cursor.from_ledger));
    }
    let holes: Vec<_> = coverage.holes.iter().filter(|hole| since.is_none_or(|since| hole.last_ledger >= since)).collect();
    for hole in holes.iter().take(HOLES_NAMED) {
        gaps.push(format!(
            "the events of {contract} in ledgers {} to {} are missing ({})",
            hole.first_ledger, hole.last_ledger, hole.reason
        ));
    }
    if holes.len() > HOLES_NAMED {
        let more = holes.len() - HOLES_NAMED;
        gaps.push(format!("the events of {contract} have {more} more hole(s), see `trueup events status`"));
    }
    if let Some(why) = late {
        gaps.push(format!("the events of {contract} from ledger {} on have not been read yet: {why}", coverage.cursor.next_ledger));
    }
    Ok(gaps)
}

async fn add(context: &Context, run: RunId, kind: &Kind, notes: &[String], so: &str) -> anyhow::Result<()> {
    if notes.is_empty() {
        return Ok(());
    }
    let mut connection = context.pools.write.acquire().await?;
    for note in notes {
        let note = format!("{}: {note}; {so}", kind.spec().kind);
        tracing::warn!(run = run.0, "{note}");
        runs::add_note(&mut connection, run, &note).await?;
    }
    Ok(())
}
