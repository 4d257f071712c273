//! Rows that are wrong, none at all, and very many.

use crate::applications::support::chain::Chain;
use crate::applications::support::values::variant;
use crate::applications::support::{Application, contract};
use crate::bad_input::bank::{TABLES, bank, chain, odd, spec, spec_with};
use stellar_xdr::ScVal;

#[tokio::test]
async fn rows_whose_key_does_not_cast_fail_alone() {
    let bank = bank(&spec()).await;
    bank.sql("INSERT INTO accounts (number) VALUES ('two'), ('-1'), ('18446744073709551616'), ('1.5'), (' '), ('🦀''\"'), (NULL)").await;
    let repaired = bank.repair().await.expect(4);
    assert_eq!(repaired.drifts(), ["account 1 stale_value balance: 11 → 10", "account 2 stale_value balance: 22 → 20"]);
    assert_eq!((repaired.verdict("account", "failed"), repaired.verdict("account", "skipped")), (6, 1));
    assert_eq!(bank.value("SELECT sum(balance) FROM accounts").await, "30.0000000");
    let shown = bank.trueup(&["report"]).await.out;
    assert!(shown.contains("`trueup jobs list --run 1 --state dead` shows why"), "{shown}");
    let dead = bank.trueup(&["jobs", "list", "--run", "1", "--state", "dead", "--json"]).await.expect(0).json();
    for job in dead.as_array().expect("jobs") {
        assert!(job["error"].as_str().is_some_and(|error| !error.is_empty()), "each says why: {job}");
    }
}

#[tokio::test]
async fn where_that_fails_on_one_row_fails_that_row() {
    let bank = bank(&spec_with("[chain]", "where = \"10 / (balance - 5) > 0\"\n\n[chain]")).await;
    bank.sql("INSERT INTO accounts (number, balance) VALUES ('3', 5), ('4', 1)").await;
    let repaired = bank.repair().await.expect(4);
    assert_eq!(repaired.drifts(), ["account 1 stale_value balance: 11 → 10", "account 2 stale_value balance: 22 → 20"]);
    assert_eq!(repaired.verdict("account", "failed"), 1);
    let dead = bank.trueup(&["jobs", "list", "--state", "dead"]).await.expect(0).out;
    assert!(dead.contains("division by zero"), "{dead}");
}

#[tokio::test]
async fn a_label_that_the_enum_lacks_is_refused_and_its_neighbours_are_repaired() {
    let bank = bank(&spec_with("Closed = \"closed\"", "Closed = \"shut\"")).await;
    let closed = crate::bad_input::bank::account(3, 0);
    let chain = Chain::serve(&chain().entry(&contract(1), closed.0, closed.1)).await;
    bank.sql("INSERT INTO accounts (number) VALUES ('3')").await;
    let repaired = bank.trueup(&["run", "--mode", "repair", "--json", "--rpc-url", &chain.url]).await.expect(3).json();
    assert_eq!(repaired["kinds"]["account"]["repairs"], serde_json::json!({ "repaired": 2, "refused": 1 }));
    let table = bank.trueup(&["report"]).await.out;
    assert!(table.contains("invalid input value for enum account_state"), "{table}");
}

#[tokio::test]
async fn an_entry_of_another_shape_is_unknown_and_check_says_so() {
    let bank = bank(&spec()).await;
    let chain = Chain::serve(&chain().entry(&contract(1), variant("Account", [ScVal::U64(3)]), odd())).await;
    bank.sql("DELETE FROM accounts; INSERT INTO accounts (number) VALUES ('3')").await;
    let checked = bank.trueup(&["check", "--rpc-url", &chain.url]).await.expect(1);
    assert!(checked.out.contains("does not have the shape that [values] says"), "{}", checked.out);
    let ran = bank.trueup(&["run", "--rpc-url", &chain.url]).await.expect(4);
    assert!(ran.out.contains("unknown:undecodable"), "{}", ran.out);
}

#[tokio::test]
async fn an_empty_table_is_a_clean_run() {
    let bank = Application::new(TABLES, &chain(), &spec()).await;
    assert!(bank.check().await.contains("the table has no rows to sample"));
    let ran = bank.trueup(&["run", "--mode", "repair"]).await.expect(0);
    assert!(ran.out.contains("No drift."), "{}", ran.out);
}

/// A table with very many rows takes time and not memory.
#[tokio::test]
async fn a_big_table_is_a_clean_run_in_little_memory() {
    const ROWS: u64 = 200_000;
    const PEAK_KIB: u64 = 256 * 1024;
    /// What a run asks besides, and the last calls that nobody fills.
    const SPARE_CALLS: u64 = 5;
    const KEYS_PER_CALL: u64 = 199;
    let bank = Application::new(TABLES, &chain(), &spec_with("[values]", "durability = \"temporary\"\n\n[values]")).await;
    bank.sql(&format!("INSERT INTO accounts (number) SELECT n FROM generate_series(1, {ROWS}) AS n")).await;
    let mut running =
        bank.command(&["run", "--json"]).stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::null()).spawn().expect("starts");
    let pid = running.id().expect("it runs");
    let peak = async move {
        let mut peak = 0;
        while let Some(now) = resident_kib(pid) {
            peak = peak.max(now);
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        peak
    };
    let watching = tokio::spawn(peak);
    let mut out = Vec::new();
    let mut pipe = running.stdout.take().expect("a pipe");
    tokio::io::AsyncReadExt::read_to_end(&mut pipe, &mut out).await.expect("readable");
    assert_eq!(running.wait().await.expect("it ends").code(), Some(4), "no entry is there, and temporary ones need not be");
    let report: serde_json::Value = serde_json::from_slice(&out).expect("the report");
    assert_eq!(report["kinds"]["account"]["not_judged"], serde_json::json!({ "unknown:temporary_absent": ROWS }));
    let calls = report["usage"]["getLedgerEntries"].as_u64().expect("calls");
    let full = ROWS.div_ceil(KEYS_PER_CALL);
    assert!(calls * 100 <= full * 105 + SPARE_CALLS * 100, "calls should be full: {calls} for {full}");
    let peak = watching.await.expect("no panic");
    assert!(peak < PEAK_KIB, "{peak} KiB");
}

/// The memory that the process has; none when it has ended.
fn resident_kib(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.trim().trim_end_matches(" kB").trim().parse().ok()
}
