//! A report as a person reads it.

use std::fmt::Write as _;

use trueup_database::report::DriftRow;
use trueup_judge::{Guarded, Mode, Sweep};
use trueup_workers::{ARCHIVE_REQUESTS, Document, KindPart, SQL_STATEMENTS};

use super::reason::explain;
use super::{printable, table, value};

const VERDICTS: [&str; 7] = ["in_sync", "drifted", "settling", "skipped", "unknown", "failed", "unjudged"];

/// A report without its drifts, for a caller that lists them elsewhere.
pub(crate) fn summary(report: &Document) -> String {
    before_drifts(report) + &after_drifts(report, 0, 0)
}

/// What was looked at, and what could not be judged.
pub(crate) fn before_drifts(report: &Document) -> String {
    heading(report) + &coverage(report) + &not_judged(report)
}

/// After those drifts that were shown: how many more there are, and what was done about them.
pub(crate) fn after_drifts(report: &Document, shown: u64, more: u64) -> String {
    let mut text = String::new();
    if shown == 0 {
        text += none_shown(report);
    } else if more > 0 {
        let _ = writeln!(text, "… and {more} more; --all shows every one, --json for machines");
    }
    text += &repairs(report);
    text += &guard(report);
    text += &footer(report);
    text
}

fn heading(report: &Document) -> String {
    let run = &report.run;
    let mut text = format!(
        "Run {} · {}{} · {} · {} · {}.{:03} s\n",
        run.id,
        run.mode,
        if run.sweep == Sweep::Incremental { ", incremental" } else { "" },
        run.state,
        run.opened_at.format("%Y-%m-%d %H:%M:%S UTC"),
        run.duration_ms / 1000,
        run.duration_ms % 1000
    );
    if run.partial {
        text += "PARTIAL: the run ended before every entity had its verdict.\n";
    }
    for (name, kind) in report.kinds.iter().filter(|(_, kind)| kind.ranges_missed > 0) {
        let _ = writeln!(text, "NOT LOOKED AT: {name}: {} ranges of rows, each counted as one entity below", kind.ranges_missed);
    }
    for note in &report.notes {
        let _ = writeln!(text, "NOTE: {note}");
    }
    if let Some(throttled) = &report.throttled {
        let took = throttled.took_percent.map(|percent| format!(": the database's statements took {percent} % of their usual time"));
        let (secs, millis) = (throttled.waited_ms / 1000, throttled.waited_ms % 1000);
        let _ = writeln!(text, "Throttled for {secs}.{millis:03} s{}", took.unwrap_or_default());
    }
    text
}

fn coverage(report: &Document) -> String {
    let used: Vec<&str> =
        VERDICTS.into_iter().filter(|verdict| matches!(*verdict, "in_sync" | "drifted") || report.total(verdict) > 0).collect();
    let passed_over = report.kinds.values().any(|kind| kind.unmoved > 0);
    let unmoved = |kind: &KindPart| passed_over.then(|| kind.unmoved.to_string());
    let head: Vec<&str> = ["kind", "entities"].into_iter().chain(used.iter().copied()).chain(passed_over.then_some("unmoved")).collect();
    let rows = report.kinds.iter().map(|(name, kind)| {
        let counts = used.iter().map(|verdict| kind.verdicts.get(*verdict).copied().unwrap_or_default().to_string());
        [name.clone(), kind.entities.to_string()].into_iter().chain(counts).chain(unmoved(kind)).collect()
    });
    format!("\n{}\n", table(&head, rows))
}

fn not_judged(report: &Document) -> String {
    let run = report.run.id;
    let rows: Vec<Vec<String>> = report
        .kinds
        .iter()
        .flat_map(|(name, kind)| kind.not_judged.iter().map(move |(outcome, count)| (name, outcome, count)))
        .map(|(name, outcome, count)| {
            let why = match outcome.as_str() {
                "failed" => format!("`trueup jobs list --run {run} --state dead` shows why"),
                outcome => explain(outcome).to_owned(),
            };
            vec![name.clone(), count.to_string(), outcome.clone(), why]
        })
        .collect();
    if rows.is_empty() { String::new() } else { format!("\n{}\n", table(&["kind", "not judged", "verdict", "why"], rows.into_iter())) }
}

/// These drifts, as a table.
pub(crate) fn drifts(drifts: &[DriftRow]) -> String {
    let rows = drifts.iter().map(|drift| {
        vec![
            drift.kind.clone(),
            drift.identity.clone().or_else(|| drift.chain_key.clone()).unwrap_or_default(),
            drift.class.clone(),
            drift.field.clone(),
            value(drift.db.as_deref()),
            value(drift.chain.as_deref()),
            outcome(drift),
        ]
    });
    format!("\n{}\n", table(&["kind", "entity", "class", "field", "database", "chain", "outcome"], rows))
}

/// Where no drift is listed there may be none, or its caller lists it elsewhere.
fn none_shown(report: &Document) -> &'static str {
    let found = report.kinds.values().any(|kind| !kind.drifts.is_empty());
    let left_open = ["unknown", "failed", "settling", "unjudged"].iter().any(|verdict| report.total(verdict) > 0);
    match (found, left_open) {
        (true, _) => "",
        (false, true) => "\nNo drift in what could be judged.\n",
        (false, false) => "\nNo drift.\n",
    }
}

fn outcome(drift: &DriftRow) -> String {
    let archived = if drift.archived == Some(true) { ", archived" } else { "" };
    let detail = drift.detail.as_deref().map(|detail| format!(": {detail}")).unwrap_or_default();
    match (&drift.withheld, &drift.repair) {
        (Some(why), _) => format!("reported ({why}{archived})"),
        (None, Some(repair)) => format!("{repair}{archived}{detail}"),
        (None, None) => format!("{} planned{archived}", drift.action),
    }
}

fn repairs(report: &Document) -> String {
    let counts: Vec<String> = report
        .kinds
        .iter()
        .flat_map(|(name, kind): (&String, &KindPart)| kind.repairs.iter().map(move |(outcome, count)| format!("{name} {outcome} {count}")))
        .collect();
    if counts.is_empty() { String::new() } else { format!("\nRepairs: {}\n", counts.join(" · ")) }
}

/// What was held back, and whom the guard let through. A guard that would trip is told before the first repair too.
fn guard(report: &Document) -> String {
    let mut text = String::new();
    for (name, kind) in &report.kinds {
        for why in &kind.held_back {
            let _ = writeln!(text, "\nHELD BACK: {name}: nothing is repaired: {}", printable(why));
        }
        let Some(part) = kind.guard.as_ref().filter(|part| part.tripped) else { continue };
        let Guarded { entities, plans, allowed, .. } = part.guarded;
        match &report.run.guard_override {
            Some(by) if part.overridden => {
                let (actor, reason) = (printable(&by.actor), printable(&by.reason));
                let _ = writeln!(
                    text,
                    "\nGUARD OVERRIDDEN by {actor}: {name}: {plans} of {entities} would be written, {allowed} are allowed: {reason}"
                );
            }
            _ if report.run.mode != Mode::Repair.as_str() => {
                let _ = writeln!(
                    text,
                    "\nGUARD: {name}: {plans} of {entities} would be written, {allowed} are allowed: a repair would be held back"
                );
            }
            _ => {}
        }
    }
    text
}

fn footer(report: &Document) -> String {
    let ledgers = report.ledgers.as_ref().map_or_else(|| "none read".to_owned(), |ledgers| format!("{}–{}", ledgers.min, ledgers.max));
    let calls: Vec<String> = report
        .usage
        .iter()
        .filter(|(name, _)| !matches!(name.as_str(), SQL_STATEMENTS | ARCHIVE_REQUESTS))
        .map(|(method, count)| format!("{method} {count}"))
        .collect();
    let statements = report.usage.get(SQL_STATEMENTS).copied().unwrap_or_default();
    let archive = report.usage.get(ARCHIVE_REQUESTS).map(|count| format!(" · archive requests: {count}")).unwrap_or_default();
    format!(
        "\nLedgers {ledgers} · RPC calls: {}{archive} · SQL statements: {statements}\n",
        if calls.is_empty() { "none".to_owned() } else { calls.join(", ") }
    )
}
