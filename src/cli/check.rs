use clap::Args;
use serde_json::json;
use trueup_database::Kind;
use trueup_spec::{FieldValue, Source, Spec};
use trueup_workers::{Checked, Context, Sample, SurveyedEndpoint, check_kind};

use super::{Exit, output};
use crate::view::{printable, table, value};
use crate::{Config, Trueup};

/// How the check is shown.
#[derive(Args)]
pub(crate) struct Arguments {
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Connecting has loaded the specs and prepared each against the database; what is left is the chain.
pub(super) async fn check(config: &Config, arguments: &Arguments) -> anyhow::Result<Exit> {
    let trueup = Trueup::connect_unwarned(config, config.worker_settings()?, config.queue_settings()?).await?;
    let context: &Context = trueup.context();
    context.reach_queue().await?;
    let endpoints = context.survey_endpoints().await;
    let mut sound = true;
    let mut documents = Vec::new();
    for kind in context.bound_kinds() {
        let checked = check_kind(context, kind).await?;
        sound &= problems(kind, &checked).is_empty();
        if arguments.json { documents.push(as_json(kind, &checked)) } else { output::line(&as_text(kind, &checked))? }
    }
    if arguments.json {
        let endpoints: Vec<_> = endpoints.iter().map(endpoint_as_json).collect();
        output::json(&json!({ "network": context.network(), "endpoints": endpoints, "sound": sound, "kinds": documents }))?;
    } else {
        output::line(&format!("network: {}", context.network()))?;
        output::line(&endpoints_as_text(&endpoints))?;
        if config.network_passphrase.is_none() {
            output::line(
                "warning: no network passphrase is configured, so that any network would do; set TRUEUP_NETWORK_PASSPHRASE to the one above",
            )?;
        }
    }
    Ok(if sound { Exit::Clean } else { Exit::Error })
}

/// An endpoint that is not well is no error as long as another is: the chain can be read.
fn endpoints_as_text(endpoints: &[SurveyedEndpoint]) -> String {
    let number = |value: Option<u32>| value.map(|it| it.to_string()).unwrap_or_default();
    let rows = endpoints.iter().map(|it| {
        let state = it.problem.as_deref().unwrap_or("ok").to_owned();
        vec![it.endpoint.clone(), number(it.ledger), number(it.lag), number(it.protocol_version), state]
    });
    table(&["endpoint", "ledger", "behind", "protocol", "state"], rows)
}

fn endpoint_as_json(it: &SurveyedEndpoint) -> serde_json::Value {
    json!({
        "endpoint": it.endpoint,
        "ledger": it.ledger,
        "lag": it.lag,
        "protocol_version": it.protocol_version,
        "problem": it.problem,
    })
}

/// What makes a kind unfit for a run.
fn problems(kind: &Kind, checked: &Checked) -> Vec<String> {
    let mut problems = Vec::new();
    if let Some((contract, false)) = &checked.contract {
        problems.push(format!(
            "{}: contract {contract} is not on this network; check the address in the spec and that the endpoint is of the right network",
            kind.spec().file
        ));
    }
    if let Some(problem) = checked.sample.as_ref().and_then(|sample| sample.problem.as_ref()) {
        problems.push(format!("{}: {problem}", kind.spec().file));
    }
    problems
}

fn as_text(kind: &Kind, checked: &Checked) -> String {
    let spec = kind.spec();
    let mut lines = vec![format!("{} · {}.{}", spec.kind, spec.table.schema, spec.table.table)];
    if let Some((contract, true)) = &checked.contract {
        lines.push(format!("  contract {contract} is there"));
    }
    lines.push(match kind.full_because() {
        None => "  sweeps: incremental; rows that have not moved are passed over".to_owned(),
        Some(why) => format!("  sweeps: full only, because {why}"),
    });
    lines.extend(kind.warnings().iter().map(|warning| format!("  warning: {warning}")));
    lines.extend(problems(kind, checked).into_iter().map(|problem| format!("  ERROR: {problem}")));
    match &checked.sample {
        Some(sample) => lines.push(sample_text(kind, sample)),
        None if checked.tried == 0 => lines.push("  the table has no rows to sample".to_owned()),
        None => lines.push(format!("  none of the first {} rows {}", checked.tried, absent(&spec.source))),
    }
    lines.join("\n") + "\n"
}

/// What no row has, and what to look at then.
const fn absent(source: &Source) -> &'static str {
    match source {
        Source::Soroban(_) => "has an entry on chain; are the entry's parts and its durability right?",
        Source::Transaction(_) => "has a transaction that is decided",
        Source::AssetBalance(_) => "has a balance on chain; are the asset and the holder right?",
        Source::Account(_) => "has an account on chain; is this the right network?",
        Source::View(_) => "has all that the view needs",
    }
}

fn sample_text(kind: &Kind, sample: &Sample) -> String {
    let rows = sample.chain.iter().map(|(name, chain)| {
        let column = column_of(kind.spec(), name);
        let database = column.as_ref().and_then(|column| sample.database.iter().find(|(name, _)| name == column));
        vec![
            name.clone(),
            value(chain.as_deref()),
            column.unwrap_or_default(),
            database.map(|(_, text)| value(text.as_deref())).unwrap_or_default(),
        ]
    });
    let mut text = format!(
        "  sample: row {}: {}\n{}",
        printable(&sample.identity),
        sample.verdict,
        table(&["value", "chain", "column", "database"], rows)
    );
    for difference in &sample.differences {
        text += &format!("\n  differs: {}", printable(difference));
    }
    text
}

/// The column that a value is compared with as it is.
fn column_of(spec: &Spec, name: &str) -> Option<String> {
    let index = spec.values.iter().position(|value| value.name.text == name)?;
    spec.fields.iter().find(|field| field.value == FieldValue::Value(index)).map(|field| field.column.text.clone())
}

fn as_json(kind: &Kind, checked: &Checked) -> serde_json::Value {
    let spec = kind.spec();
    json!({
        "kind": spec.kind,
        "table": format!("{}.{}", spec.table.schema, spec.table.table),
        "contract": checked.contract.as_ref().map(|(contract, there)| json!({ "id": contract, "exists": there })),
        "incremental": kind.full_because().is_none(),
        "full_because": kind.full_because(),
        "warnings": kind.warnings(),
        "problems": problems(kind, checked),
        "sample": checked.sample.as_ref().map(|sample| json!({
            "row": sample.identity,
            "verdict": sample.verdict,
            "chain": sample.chain.iter().cloned().collect::<std::collections::BTreeMap<_, _>>(),
            "database": sample.database.iter().cloned().collect::<std::collections::BTreeMap<_, _>>(),
            "differences": sample.differences,
        })),
    })
}
