//! `confirm = 2`: a second endpoint is asked about everything that would be written, in full calls.

use std::collections::{BTreeMap, HashMap};

use trueup_database::Kind;
use trueup_database::runs::{self, StoredPlan};
use trueup_judge::{Action, Agreement, ChainKey, Confirmation, Mode, Plan, RowIdentity, RunId, SecondOpinion, agree};
use trueup_queue::Failure;

use super::Decided;
use super::second::match_again;
use crate::context::Context;
use crate::look::{Look, look_at_keys, look_at_rows};

/// What a second endpoint said of a plan. Nothing is written that lacks an agreement which it needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Second {
    /// One endpoint is enough.
    NotNeeded,
    /// It shows the same; its name is in the plan's stamp.
    Agreed,
    /// Nothing yet, for this reason: another look may tell.
    Unclear(String),
    /// Something else.
    Disagreed(String),
}

// === impl Second ===

impl Second {
    /// Why nothing may be written, for people; none where it may.
    pub(super) fn objection(&self) -> Option<String> {
        match self {
            Self::NotNeeded | Self::Agreed => None,
            Self::Unclear(why) | Self::Disagreed(why) => Some(format!("no second endpoint agreed: {why}")),
        }
    }
}

/// Asks about those that would be written. The whole look is taken again, through another endpoint, so that whatever
/// a repair can rest on is held against the second endpoint's answer.
pub(super) async fn ask_second(context: &Context, kind: &Kind, decided: &mut [Decided<'_>]) -> anyhow::Result<()> {
    if !context.chain.needs_agreement() {
        return Ok(());
    }
    let mut groups: BTreeMap<String, Vec<&mut Decided<'_>>> = BTreeMap::new();
    let repairing = repairing(context, decided).await?;
    for it in decided {
        // Whatever happens below, what was not agreed upon is not written.
        it.second = Second::Unclear("none was asked".to_owned());
        match to_write(it).and_then(|plan| plan.stamp.as_ref()) {
            Some(stamp) if repairing.contains(&RunId(it.job.group.0)) => groups.entry(stamp.endpoint.clone()).or_default().push(it),
            _ => {}
        }
    }
    let groups = groups.into_iter().map(|(first, group)| ask_apart_from(context, kind, first, group));
    futures::future::join_all(groups).await;
    Ok(())
}

/// The runs that write.
async fn repairing(context: &Context, decided: &[Decided<'_>]) -> anyhow::Result<Vec<RunId>> {
    let mut run_ids: Vec<RunId> = decided.iter().filter(|it| to_write(it).is_some()).map(|it| RunId(it.job.group.0)).collect();
    run_ids.sort_unstable();
    run_ids.dedup();
    if run_ids.is_empty() {
        return Ok(run_ids);
    }
    let mut connection = context.pools.read.acquire().await?;
    let modes = runs::modes(&mut connection, &run_ids).await?;
    context.count_statements(1);
    Ok(modes.into_iter().filter(|(_, mode)| *mode == Mode::Repair).map(|(run, _)| run).collect())
}

/// The confirmed plan, if it writes.
fn to_write<'a>(it: &'a Decided<'_>) -> Option<&'a Plan> {
    match &it.confirmation {
        Confirmation::Confirmed(plan) if it.with_instance && !matches!(plan.action, Action::Report { .. }) => Some(plan),
        _ => None,
    }
}

async fn ask_apart_from(context: &Context, kind: &Kind, first: String, group: Vec<&mut Decided<'_>>) {
    let chain = context.chain.apart_from(&first);
    let context = Context { chain, ..context.clone() };
    let rows: Vec<RowIdentity> = group.iter().filter_map(|it| it.plan.body.identity.clone()).collect();
    let keys: Vec<ChainKey> =
        group.iter().filter(|it| it.plan.body.identity.is_none()).filter_map(|it| it.plan.body.chain_key.clone()).collect();
    let (row_looks, key_looks) = tokio::join!(
        look_at_rows(&context, kind, &rows, context.chain.intent()),
        look_at_keys(&context, kind, &keys, context.chain.intent())
    );
    let row_looks: HashMap<RowIdentity, _> = rows.into_iter().zip(row_looks).collect();
    let key_looks: HashMap<ChainKey, _> = keys.into_iter().zip(key_looks).collect();
    let plans: Vec<StoredPlan> = group.iter().map(|it| it.plan.clone()).collect();
    // Without a match a row that looks for its key shows none, which is no agreement.
    let matched = match_again(&context, kind, &plans, &row_looks).await.unwrap_or_else(|error| {
        tracing::warn!(%error, "rows that look for their keys were not matched a second time");
        HashMap::new()
    });
    let matched: HashMap<(RunId, RowIdentity), Result<Look, Failure>> = matched.into_iter().map(|(row, look)| (row, Ok(look))).collect();
    for it in group {
        let look = match (&it.plan.body.identity, &it.plan.body.chain_key) {
            (Some(identity), _) => matched.get(&(it.plan.body.run, identity.clone())).or_else(|| row_looks.get(identity)),
            (None, Some(key)) => key_looks.get(key),
            (None, None) => None,
        };
        it.second = look.map_or_else(|| Second::Unclear("the plan is about no entity".to_owned()), |look| compare(it, look));
        if let (Second::Agreed, Some(Ok(look)), Confirmation::Confirmed(plan)) = (&it.second, look, &mut it.confirmation)
            && let Some(stamp) = &mut plan.stamp
        {
            stamp.confirmed_by.clone_from(&look.endpoint);
        }
        // An absence that it shows for the first time is proof only to a later look, which must know of this one.
        if let (Second::Unclear(_), Some(Ok(look))) = (&it.second, look) {
            it.remember.clone_from(&look.remember);
        }
    }
}

fn compare(it: &Decided<'_>, look: &Result<Look, Failure>) -> Second {
    let (Confirmation::Confirmed(plan), Some(stamp)) = (&it.confirmation, to_write(it).and_then(|plan| plan.stamp.as_ref())) else {
        return Second::Unclear("none was asked".to_owned());
    };
    let look = match look {
        Ok(look) => look,
        Err(failure) => return Second::Unclear(failure.error.clone()),
    };
    // What is in no ledger has no bytes: what is kept as its proof tells of the endpoint that was asked.
    let bytes = |entry: &Option<String>| entry.clone().filter(|_| stamp.last_modified.is_some());
    let (first_entry, second_entry) = (bytes(&it.chain_entry), bytes(&look.chain_entry));
    let opinion = SecondOpinion {
        judgement: &look.judgement,
        entry: second_entry.as_deref(),
        ledger: look.ledger,
        with_instance: look.with_instance,
    };
    let said = |what: &str| {
        let second = look.endpoint.as_deref().unwrap_or("the second endpoint");
        let as_of = look.ledger.map(|ledger| format!(" as of ledger {ledger}")).unwrap_or_default();
        format!("{second}{as_of} {what} {} as of ledger {}", stamp.endpoint, stamp.ledger)
    };
    match agree(plan, first_entry.as_deref(), opinion) {
        Agreement::Agreed if look.endpoint.is_some() => Second::Agreed,
        Agreement::Agreed | Agreement::Unclear => Second::Unclear(said("does not show yet what was shown by")),
        Agreement::Disagreed => Second::Disagreed(said("shows something else than")),
    }
}
