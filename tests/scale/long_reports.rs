//! A report of very many drifts is shown a page at a time.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::time::Duration;

use trueup::{Config, Mode};

use crate::program::Program;
use crate::support::Deployment;

const DRIFTS: u64 = 200_000;
/// How much more memory a long report may take than a short one: some pages of rows.
const MORE_KIB: u64 = 24 * 1024;
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// The drifts, and repairs, of one row, as many times over.
const MANY: &str = "
    INSERT INTO trueup.plans (run, kind, identity, chain_key, plan, verdict, repair)
        SELECT run, kind, 'x' || n, chain_key, plan, verdict, repair FROM trueup.plans, generate_series(1, {drifts}) AS n;
    INSERT INTO trueup.drifts (run, plan, kind, identity, chain_key, class, field, db_value, chain_value)
        SELECT p.run, p.id, p.kind, p.identity, p.chain_key, d.class, d.field, d.db_value, d.chain_value
        FROM trueup.plans AS p, trueup.drifts AS d WHERE p.identity LIKE 'x%';
    INSERT INTO trueup.repairs (run, plan, kind, table_name, identity, chain_key, action, before, intended, after, actor)
        SELECT p.run, p.id, p.kind, table_name, p.identity, p.chain_key, action, before, intended, after, actor
        FROM trueup.plans AS p, trueup.repairs AS r WHERE p.identity LIKE 'x%';
    UPDATE trueup.reports SET document = jsonb_set(document, '{kinds,loan,drifts,stale_status}', '{all}');
    ANALYZE trueup.plans, trueup.drifts, trueup.repairs";

#[tokio::test]
async fn a_report_of_200_000_drifts_and_repairs_is_shown_in_the_memory_of_a_short_one() {
    let deployment = Deployment::with_loans(3).await;
    deployment.sql("UPDATE loans SET status = 'active' WHERE id = 1").await;
    deployment.run(Mode::Repair).await;
    let (short, lines) = shown(&deployment.config, &["report", "--json"]).await;
    assert_eq!(lines.iter().filter(|line| line.contains("\"class\": \"stale_status\"")).count(), 2, "one drift, and its repair");

    let all = (DRIFTS + 1).to_string();
    deployment.sql(&MANY.replace("{drifts}", &DRIFTS.to_string()).replace("{all}", &all)).await;
    for how in ["--json", "--all"] {
        let (long, lines) = shown(&deployment.config, &["report", how]).await;
        let (row, last) = if how == "--json" { ("\"priority\":", "}") } else { ("repaired", "Ledgers") };
        let rows = lines.iter().filter(|line| line.contains(row) && !line.contains("Repairs")).count();
        assert_eq!(u64::try_from(rows).expect("few"), DRIFTS + 1, "{how}: every drift is there once");
        let repairs = lines.iter().filter(|line| line.contains("\"table_name\":")).count();
        assert_eq!(u64::try_from(repairs).expect("few"), if how == "--json" { DRIFTS + 1 } else { 0 }, "{how}: and every repair");
        assert!(lines.last().is_some_and(|line| line.starts_with(last)), "{how}: and it is written to its end");
        assert!(long < short + MORE_KIB, "{how}: {long} KiB for {DRIFTS} drifts, {short} KiB for one");
    }
    let (_, lines) = shown(&deployment.config, &["report"]).await;
    assert!(lines.iter().any(|line| line.contains(&format!("and {} more", DRIFTS + 1 - 50))), "{lines:#?}");
}

/// How much memory a command takes at most, in KiB, and what it writes.
async fn shown(config: &Config, arguments: &[&str]) -> (u64, Vec<String>) {
    let file = tempfile::NamedTempFile::new().expect("a file");
    let program = Program::start_into(file.reopen().expect("the file"), config, arguments);
    let mut peak = 0;
    while let Some(now) = program.peak_memory_kib() {
        peak = now.max(peak);
        tokio::time::sleep(LOOK_EVERY).await;
    }
    program.end().await.expect_code(0);
    let lines = BufReader::new(File::open(file.path()).expect("the file")).lines();
    (peak, lines.collect::<Result<_, _>>().expect("its lines"))
}
