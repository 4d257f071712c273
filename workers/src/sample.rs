//! One entity of a kind with both of its sides, for whoever checks a spec.

use trueup_chain::{LedgerKey, ScVal};
use trueup_database::{Compare, Kind};
use trueup_judge::{Durability, RowIdentity, Seen, UnknownReason};
use trueup_spec::{Contract, Source};

use crate::context::Context;
use crate::look::{located_and_observed, look_at_rows};

/// How many rows are tried to find one that has its entry.
const TRIED_ROWS: i64 = 50;

/// What a check of a kind against the chain found.
#[derive(Debug, Clone)]
pub struct Checked {
    /// The spec's one contract, and whether its instance is on chain; none where each row names its own, or none is.
    pub contract: Option<(String, bool)>,
    /// A row and its entry; none where no tried row has one.
    pub sample: Option<Sample>,
    /// How many rows were tried.
    pub tried: usize,
}

/// A row beside its entry.
#[derive(Debug, Clone)]
pub struct Sample {
    /// The row.
    pub identity: String,
    /// The chain's values by name, as text in the column's units.
    pub chain: Vec<(String, Option<String>)>,
    /// The judged columns, as text.
    pub database: Vec<(String, Option<String>)>,
    /// What a look at it comes to: a verdict, and the differences as `field: database → chain`.
    pub verdict: String,
    /// See `verdict`.
    pub differences: Vec<String>,
    /// Why nothing can be compared with what the chain answered, if so.
    pub problem: Option<String>,
}

/// Checks a kind against the chain.
///
/// # Errors
/// The database or the chain did not answer.
pub async fn check_kind(context: &Context, kind: &Kind) -> anyhow::Result<Checked> {
    let contract = match (kind.spec().event_contract(), kind.spec().source.contract()) {
        (Some(contract), _) => Some(contract),
        (None, Some(Contract::Fixed(contract))) => Some(contract.as_str()),
        (None, _) => None,
    };
    let contract = match contract {
        Some(contract) => Some((contract.to_owned(), has_instance(context, contract).await?)),
        None => None,
    };
    let rows = first_rows(context, kind).await?;
    let sample = sample(context, kind, &rows).await?;
    Ok(Checked { contract, sample, tried: rows.len() })
}

async fn has_instance(context: &Context, contract: &str) -> anyhow::Result<bool> {
    let key: LedgerKey = trueup_chain::ledger_key(contract, ScVal::LedgerKeyContractInstance, Durability::Persistent)?;
    match context.chain.read(vec![key]).await.pop() {
        Some(reading) => Ok(reading?.entry.is_some()),
        None => Ok(false),
    }
}

async fn first_rows(context: &Context, kind: &Kind) -> anyhow::Result<Vec<RowIdentity>> {
    let select = kind.rows_after(None, TRIED_ROWS);
    let rows: Vec<(String, i64)> =
        sqlx::query_as_with(sqlx::AssertSqlSafe(select.sql.as_str()), select.arguments()?).fetch_all(&context.pools.read).await?;
    Ok(rows.into_iter().map(|(identity, _)| RowIdentity(identity)).collect())
}

async fn sample(context: &Context, kind: &Kind, rows: &[RowIdentity]) -> anyhow::Result<Option<Sample>> {
    let (mut wrong, mut found, mut failed) = (None, None, None);
    for (identity, _, observed) in located_and_observed(context, kind, rows).await? {
        let place = match observed.seen {
            Seen::Present(_) => &mut found,
            Seen::Unreadable | Seen::Unusable(UnknownReason::NotAView) => &mut wrong,
            Seen::Unusable(_) => &mut failed,
            _ => continue,
        };
        if place.is_none() {
            *place = Some((identity, observed));
        }
    }
    // What the spec is wrong about is what a check must show. A view may fail for one row, and should not for all.
    let Some((identity, observed)) = wrong.or(found).or(failed) else { return Ok(None) };
    let problem = observed.detail.as_ref().filter(|_| observed.values.is_none()).map(|detail| problem(kind, &observed.seen, detail));
    let names = kind.spec().values.iter().map(|value| value.name.text.clone());
    let chain = names.zip(observed.values.clone().unwrap_or_default()).collect();
    let facts = kind.compare(&context.pools.read, &[Compare { identity: identity.clone(), values: None }]).await?;
    let database = facts.into_iter().find_map(|(_, compared)| compared.ok()).map(|compared| compared.facts.judged).unwrap_or_default();
    let look = look_at_rows(context, kind, std::slice::from_ref(&identity), context.chain.intent()).await.pop();
    let (verdict, differences) = match look {
        Some(Ok(look)) => {
            let drifts = look.judgement.plan.map(|plan| plan.drifts).unwrap_or_default();
            let show = |value: &Option<String>| value.clone().unwrap_or_else(|| "∅".to_owned());
            (
                look.judgement.verdict.to_string(),
                drifts.iter().map(|drift| format!("{}: {} → {}", drift.field, show(&drift.db), show(&drift.chain))).collect(),
            )
        }
        Some(Err(failure)) => (format!("failed: {failure}"), Vec::new()),
        None => ("failed".to_owned(), Vec::new()),
    };
    Ok(Some(Sample { identity: identity.0, chain, database: database.into_iter().collect(), verdict, differences, problem }))
}

fn problem(kind: &Kind, seen: &Seen, detail: &str) -> String {
    match (&kind.spec().source, seen) {
        (Source::Soroban(_), Seen::Unreadable) => {
            format!("the entry of the sampled row does not have the shape that [values] says: {detail}")
        }
        (Source::View(view), Seen::Unreadable) => {
            format!("what `{}` returns for the sampled row does not have the shape that [values] says: {detail}", view.function)
        }
        _ => detail.to_owned(),
    }
}
