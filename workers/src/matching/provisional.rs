//! Rows that wait for their real key, matched over the whole set.
//!
//! Done twice, as all that counts: once when detection is complete, and again for each row before its key is written.

use std::collections::{BTreeSet, HashMap};

use trueup_database::runs::{self, Run};
use trueup_database::{Compare, Kind, Located, LocatedKey, Waiting};
use trueup_judge::{
    Action, ChainKey, Creation, Judgement, Plan, PlanId, Resolution, RowIdentity, RunId, Target, Unresolved, Withheld, judge_provisional,
    resolution_of, resolution_of_touch, resolve_provisional,
};
use trueup_queue::Job;

use crate::context::Context;
use crate::look::{Observed, Seeking, is_behind, narrowed, observe_keys};

/// How many rows are asked for their facts together.
const ROWS_PER_STATEMENT: usize = 500;

/// What a row that looked for its key came to.
#[derive(Debug, Clone)]
pub(crate) struct Settled {
    pub(crate) judgement: Judgement,
    /// The key that was found.
    pub(crate) key: Option<ChainKey>,
    /// The key's entry, where it was asked for.
    pub(crate) entry: Option<Observed>,
    /// Why nothing more can be said, for people.
    pub(crate) detail: Option<String>,
}

/// Matches the rows of a run that wait for their key, before their second look: replaces their plans, and closes those
/// of missing rows whose keys they claim. Doing it twice changes nothing.
pub(super) async fn resolve(context: &Context, job: &Job) -> anyhow::Result<()> {
    let run = RunId(job.group.0);
    let mut connection = context.pools.read.acquire().await?;
    let Some(found) = runs::get(&mut connection, run).await? else { return Ok(()) };
    // Whoever holds one connection while it waits for another may wait for somebody who does the same.
    drop(connection);
    for name in &found.kinds {
        let mut connection = context.pools.read.acquire().await?;
        let mut waiting = runs::creations(&mut connection, run, name).await?;
        drop(connection);
        // The others say all there is to say about their rows.
        waiting.retain(|_, (_, creation)| matches!(creation, Creation::Unknown | Creation::Succeeded { .. }));
        if waiting.is_empty() {
            continue;
        }
        let Some(kind) = context.kinds.get(name) else {
            anyhow::bail!("this worker has no spec for kind `{name}`; start every replica with the same specs");
        };
        let seeking = facts(context, kind, &waiting).await?;
        let matched = settle(context, kind, &found, &seeking, false).await?;
        keep(context, kind, job, &waiting, &matched).await?;
    }
    Ok(())
}

/// The rows as they are now; those that are no longer without their key are left to their second look.
async fn facts(
    context: &Context,
    kind: &Kind,
    waiting: &HashMap<RowIdentity, (PlanId, Creation)>,
) -> anyhow::Result<Vec<(RowIdentity, Seeking)>> {
    let mut rows: Vec<&RowIdentity> = waiting.keys().collect();
    rows.sort();
    let mut seeking = Vec::with_capacity(rows.len());
    for part in rows.chunks(ROWS_PER_STATEMENT) {
        let questions: Vec<Compare> = part.iter().map(|row| Compare { identity: (*row).clone(), values: None }).collect();
        for (row, compared) in kind.compare(&context.pools.read, &questions).await? {
            if let (Ok(compared), Some((_, creation))) = (compared, waiting.get(&row))
                && compared.facts.provisional
            {
                seeking.push((row, Seeking { facts: compared.facts, creation: creation.clone(), hash: None, stamp: None }));
            }
        }
    }
    Ok(seeking)
}

async fn keep(
    context: &Context,
    kind: &Kind,
    job: &Job,
    waiting: &HashMap<RowIdentity, (PlanId, Creation)>,
    matched: &Matched,
) -> anyhow::Result<()> {
    let run = RunId(job.group.0);
    let mut plans: Vec<(PlanId, Option<ChainKey>, Plan)> = Vec::new();
    let mut claimed = Vec::new();
    for (row, settled) in &matched.rows {
        let (Some((id, _)), Some(plan)) = (waiting.get(row), &settled.judgement.plan) else { continue };
        if is_claim(&plan.action) {
            claimed.extend(settled.key.clone());
        }
        plans.push((*id, settled.key.clone(), plan.clone()));
    }
    let mut tx = context.pools.write.begin().await?;
    if !trueup_queue::fence(&mut tx, &[(job.id, job.lease)]).await?.contains(&job.id)
        || runs::lock_running(&mut tx, &[run]).await?.is_empty()
    {
        return Ok(());
    }
    runs::keep_second_read(&mut tx, &plans).await?;
    let closed = runs::close_claimed(&mut tx, run, &kind.spec().kind, &claimed).await?;
    if let Some(why) = &matched.impossible {
        let note = format!("{}: rows without their real key were not matched with events: {why}", kind.spec().kind);
        let known = runs::get(&mut tx, run).await?.is_some_and(|run| run.notes.contains(&note));
        if !known {
            runs::add_note(&mut tx, run, &note).await?;
        }
    }
    tx.commit().await?;
    context.count_statements(5);
    tracing::info!(run = run.0, kind = %kind.spec().kind, rows = plans.len(), found = claimed.len(), closed, "rows without their real key");
    Ok(())
}

/// The key is the row's, whether or not it may be written.
fn is_claim(action: &Action) -> bool {
    matches!(
        action,
        Action::Resolve { .. } | Action::Report { why: Withheld::NotAsked | Withheld::Held | Withheld::NotWritable | Withheld::Altered }
    )
}

/// What rows came to.
pub(crate) struct Matched {
    pub(crate) rows: HashMap<RowIdentity, Settled>,
    /// Why the whole set could not be matched, if it could not.
    impossible: Option<String>,
}

/// Matches these rows among all that wait. With `with_entries` the entries of the keys that are found are read too.
pub(crate) async fn settle(
    context: &Context,
    kind: &Kind,
    run: &Run,
    seeking: &[(RowIdentity, Seeking)],
    with_entries: bool,
) -> anyhow::Result<Matched> {
    let Some(own) = kind.provisional_rules() else { return Ok(Matched { rows: HashMap::new(), impossible: None }) };
    let Resolutions { rows: resolutions, incomplete, impossible } = match run.touches {
        true => left_to_sweep(seeking),
        false => resolutions(context, kind, run, seeking).await?,
    };
    let keys: BTreeSet<ChainKey> = resolutions.values().filter_map(found_key).cloned().collect();
    let targets = targets(context, kind, keys.into_iter().collect(), with_entries).await?;
    let mut rows = HashMap::with_capacity(seeking.len());
    for (row, it) in seeking {
        let resolution = resolutions.get(row).cloned().unwrap_or_else(|| resolution_of(&it.creation));
        let key = found_key(&resolution).cloned();
        let (target, entry, detail) = match key.as_ref().map(|key| targets.get(key)) {
            None => (Target::default(), None, None),
            Some(Some(Ok(found))) => (found.target.clone(), found.entry.clone(), None),
            Some(other) => {
                let why =
                    other.map_or_else(|| "the key could not be looked up".to_owned(), |it| it.as_ref().err().cloned().unwrap_or_default());
                (Target::default(), None, Some(why))
            }
        };
        let resolution = if detail.is_some() { Resolution::Left { why: Withheld::NoCandidate, key: key.clone() } } else { resolution };
        let judgement = judge_provisional(&it.facts, &resolution, &target, it.stamp.as_ref(), kind.rules(), own);
        let altered = it.facts.altered.as_ref().filter(|_| judgement.leaves_altered()).map(ToString::to_string);
        let detail = detail.or(altered).or_else(|| explain(&resolution, &target, row, impossible.as_deref(), incomplete.contains(row)));
        rows.insert(row.clone(), Settled { judgement, key, entry, detail });
    }
    Ok(Matched { rows, impossible })
}

/// A run of touches knows of a few rows what became of their transactions, and of their rivals nothing: which key is
/// whose is left to the next sweep.
fn left_to_sweep(seeking: &[(RowIdentity, Seeking)]) -> Resolutions {
    let rows = seeking.iter().map(|(row, it)| (row.clone(), resolution_of_touch(&it.creation))).collect();
    Resolutions { rows, ..Resolutions::default() }
}

fn found_key(resolution: &Resolution) -> Option<&ChainKey> {
    match resolution {
        Resolution::Found { key, .. } => Some(key),
        _ => None,
    }
}

/// What each row that waits comes to.
#[derive(Default)]
struct Resolutions {
    rows: HashMap<RowIdentity, Resolution>,
    /// Rows of the time of whose creation not all events are known.
    incomplete: BTreeSet<RowIdentity>,
    impossible: Option<String>,
}

/// Decided over all rows that wait.
async fn resolutions(context: &Context, kind: &Kind, run: &Run, seeking: &[(RowIdentity, Seeking)]) -> anyhow::Result<Resolutions> {
    let mut connection = context.pools.read.acquire().await?;
    let known = runs::creations(&mut connection, run.id, &kind.spec().kind).await?;
    drop(connection);
    context.count_statements(1);
    let mut creations: HashMap<RowIdentity, Creation> = known.into_iter().map(|(row, (_, creation))| (row, creation)).collect();
    creations.extend(seeking.iter().map(|(row, it)| (row.clone(), it.creation.clone())));
    let waiting = match kind.waiting(&context.pools.read, run.opened_at).await? {
        Ok(waiting) => waiting,
        Err(why) => return Ok(Resolutions { impossible: Some(why), ..Resolutions::default() }),
    };
    let mut rows: Vec<Unresolved> = waiting.into_iter().map(|it| unresolved(it, &mut creations)).collect();
    // Rows that are not among those that wait any more claim nothing but what their transaction proves.
    for (row, it) in seeking {
        if let Some(creation) = creations.remove(row) {
            debug_assert_eq!(creation, it.creation);
            rows.push(Unresolved { row: row.clone(), creation, candidates: Vec::new(), is_complete: false });
        }
    }
    let answers = resolve_provisional(&rows);
    let by_event = kind.spec().provisional.as_ref().is_some_and(|it| it.event.is_some());
    let incomplete = rows.iter().filter(|it| by_event && !it.is_complete).map(|it| it.row.clone()).collect();
    Ok(Resolutions { rows: rows.into_iter().map(|it| it.row).zip(answers).collect(), incomplete, impossible: None })
}

/// Where nobody knows any more what became of a row's transaction, its stored events do.
fn unresolved(waiting: Waiting, creations: &mut HashMap<RowIdentity, Creation>) -> Unresolved {
    let creation = match creations.remove(&waiting.row).unwrap_or_default() {
        Creation::Unknown if !waiting.of_transaction.is_empty() => Creation::Succeeded { keys: narrowed(&waiting.of_transaction) },
        known => known,
    };
    Unresolved { row: waiting.row, creation, candidates: waiting.candidates, is_complete: waiting.is_complete }
}

/// A key that was found for a row.
struct Found {
    target: Target,
    entry: Option<Observed>,
}

/// Who has these keys already, and what the chain holds under them. An error concerns its key alone.
async fn targets(
    context: &Context,
    kind: &Kind,
    keys: Vec<ChainKey>,
    with_entries: bool,
) -> anyhow::Result<HashMap<ChainKey, Result<Found, String>>> {
    let mut targets = HashMap::with_capacity(keys.len());
    let mut free = Vec::new();
    for (key, located) in kind.locate_keys(&context.pools.read, &keys).await? {
        match located.map_err(|error| error.message).and_then(|located| Ok((kind.key_parts(&key).map_err(|error| error.message)?, located)))
        {
            Ok((parts, LocatedKey { row: taken_by, arguments, contract, also_contracts, floor, .. })) => {
                if taken_by.is_none() {
                    free.push((key.clone(), Located { arguments, contract, also_contracts, floor, ..Located::default() }));
                }
                targets.insert(key, Ok(Found { target: Target { taken_by, parts, seen: None }, entry: None }));
            }
            Err(why) => drop(targets.insert(key, Err(why))),
        }
    }
    if with_entries {
        let observed = observe_keys(context, kind.spec(), free.iter().map(|(_, located)| located)).await;
        for ((key, located), observed) in free.into_iter().zip(observed) {
            match observed {
                Ok(observed) if is_behind(&observed, located.floor).is_some() => {
                    anyhow::bail!("the chain's answer for key `{key}` is older than one that was applied before");
                }
                Ok(observed) => {
                    if let Some(Ok(found)) = targets.get_mut(&key) {
                        found.target.seen = Some(observed.seen.clone());
                        found.entry = Some(observed);
                    }
                }
                // An endpoint's error is no answer: the jobs of the batch are tried again.
                Err(failure) if !failure.permanent => anyhow::bail!(failure.error),
                Err(failure) => drop(targets.insert(key, Err(failure.error))),
            }
        }
    }
    Ok(targets)
}

/// What a person needs to know besides the reason.
fn explain(resolution: &Resolution, target: &Target, row: &RowIdentity, impossible: Option<&str>, incomplete: bool) -> Option<String> {
    match (resolution, &target.taken_by) {
        (_, Some(other)) => Some(format!("row `{other}` has the key already, which is that of row `{row}`")),
        (Resolution::Ambiguous { keys }, _) if keys.len() == 1 => Some("another row could be it as well".to_owned()),
        (Resolution::Ambiguous { keys }, _) if keys.len() > trueup_judge::CANDIDATES_MAX => Some(format!("{} candidates", keys.len())),
        (Resolution::Left { why: Withheld::NoCandidate, .. }, _) if impossible.is_some() => impossible.map(str::to_owned),
        (Resolution::Left { why: Withheld::NoCandidate | Withheld::EventsIncomplete, .. }, _) if incomplete => {
            Some("the events of the time of its creation are incomplete; see `trueup events status`".to_owned())
        }
        _ => None,
    }
}
