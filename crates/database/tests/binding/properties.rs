//! What holds of whole tables of made-up rows: each property meets thousands of rows in one statement.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::{AssertSqlSafe, Row};
use trueup_database::{Compare, Compared, Kind, Order, RepairOutcome, RevertOutcome, RowError};
use trueup_judge::{Class, Judgement, RowIdentity, Seen, judge_row};

use crate::application::{Application, order, stamp};
use crate::spec_text::spec;

/// Rows of a table of each property.
const ROWS: usize = 4_000;
/// Rows that are repaired, and reverted one by one.
const REVERTED: usize = 1_000;
/// Liquidity pairs.
const PAIRS: usize = 10_000;
/// The digits of stored odds behind the point.
const ODDS_SCALE: u32 = 7;

/// The columns that are compared, with carrier, and how another value is made of one.
const COLUMNS: [(&str, &str, &str); 8] = [
    ("amount", "numeric", "coalesce(amount, 0) + 0.0000001"),
    ("shares", "numeric", "coalesce(shares, 0) + 1"),
    ("label", "text", "coalesce(label, '') || ' '"),
    ("paid", "bool", "NOT coalesce(paid, false)"),
    ("moment", "timestamptz", "coalesce(moment, now()) + interval '1 microsecond'"),
    ("zoneless", "timestamptz", "coalesce(zoneless, 'epoch') + interval '1 second'"),
    ("bytes", "bytea", "coalesce(bytes, '') || '\\x00'"),
    ("meta", "jsonb", "jsonb_build_object('was', meta)"),
];

/// `it`: rows of every sort of value, some of each NULL, from a hash of their number.
const FILL: &str = "CREATE TYPE state AS ENUM ('open', 'done', 'lost');
    CREATE TABLE it (id bigint PRIMARY KEY, status state NOT NULL, amount numeric(38, 18), shares bigint, label text, paid boolean, moment timestamptz, zoneless timestamp, bytes bytea, meta jsonb);
    INSERT INTO it
    SELECT n, (ARRAY['open', 'done', 'lost'])[1 + abs(h) % 3]::state,
        CASE WHEN h % 11 <> 0 THEN h::numeric * h / 10 ^ (n % 19)::numeric / 1e18 END,
        CASE WHEN h % 7 <> 0 THEN h END,
        CASE WHEN h % 5 <> 0 THEN left(E'a\\'\\\\{\"x\",}\\U0001F980\\n ', (n % 14)::int) || md5(n::text) END,
        CASE WHEN h % 3 <> 0 THEN h > 0 END,
        CASE WHEN h % 13 <> 0 THEN to_timestamp(h % 4000000000) + n * interval '1 microsecond' END,
        CASE WHEN h % 17 <> 0 THEN timestamp '2020-01-01' + (h % 100000000) * interval '1 second' END,
        CASE WHEN h % 19 <> 0 THEN decode(left(md5(n::text), (n % 17)::int * 2 % 32), 'hex') END,
        CASE WHEN h % 23 <> 0 THEN jsonb_build_object('n', h::text, 'l', jsonb_build_array(n::text, NULL)) END
    FROM (SELECT n, hashint8extended(n, 7) AS h FROM generate_series(1, ROWS) AS n) AS s";

/// What each row holds, as the chain would say it: numbers with zeros behind, moments as ISO 8601, labels before `map`.
const CHAIN: &str = "SELECT id::text AS id, ARRAY[initcap(status::text),
        CASE WHEN scale(amount) > 0 THEN amount::text || '00' ELSE amount::text END, shares::text, label, paid::text,
        to_char(moment AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), to_char(zoneless, 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'),
        '\\x' || encode(bytes, 'hex'), meta::text]::text[] AS chain FROM it ORDER BY it.id";

async fn table() -> (Application, Kind) {
    let application = Application::new(&FILL.replace("ROWS", &ROWS.to_string())).await;
    let mut text = spec("it").value("status", "text").field(
        "status",
        "status",
        "map = { Open = \"open\", Done = \"done\", Lost = \"lost\" }\nclass = \"stale_status\"",
    );
    for (column, carrier, _) in COLUMNS {
        text = text.compare(column, carrier);
    }
    let kind = application.bind(text.repaired()).await;
    (application, kind)
}

/// What the chain says of each row while all are in sync.
async fn chain(application: &Application) -> Vec<Compare> {
    let rows = sqlx::query(AssertSqlSafe(CHAIN)).fetch_all(&application.pools.read).await.unwrap();
    rows.iter().map(|row| Compare { identity: RowIdentity(row.get("id")), values: Some(row.get("chain")) }).collect()
}

async fn compared(application: &Application, kind: &Kind, rows: &[Compare]) -> BTreeMap<String, Result<Compared, RowError>> {
    let compared = kind.compare(&application.pools.read, rows).await.unwrap();
    compared.into_iter().map(|(row, it)| (row.0, it)).collect()
}

/// In each row another column than in the row before it.
async fn inject(application: &Application) {
    let cases = COLUMNS.len() + 1;
    let set = COLUMNS
        .iter()
        .enumerate()
        .map(|(index, (column, _, other))| format!("{column} = CASE WHEN id % {cases} = {} THEN {other} ELSE {column} END", index + 1));
    let set: Vec<_> = set.collect();
    application
        .run(&format!(
            "UPDATE it SET status = CASE WHEN id % {cases} = 0 THEN (CASE status WHEN 'open' THEN 'done' WHEN 'done' THEN 'lost' ELSE 'open' END)::state ELSE status END, {}",
            set.join(", ")
        ))
        .await;
}

#[tokio::test]
async fn pairs_in_sync_never_differ_and_any_single_difference_is_found_with_its_class() {
    let (application, kind) = table().await;
    let chain = chain(&application).await;
    assert_eq!(chain.len(), ROWS);
    assert_eq!(compared(&application, &kind, &chain).await, BTreeMap::new());
    inject(&application).await;
    let found = compared(&application, &kind, &chain).await;
    assert_eq!(found.len(), ROWS, "each row differs");
    for (row, it) in found {
        let it = it.unwrap_or_else(|error| panic!("{row}: {}", error.message));
        let [difference] = it.differences.as_slice() else { panic!("{row}: {:?}", it.differences) };
        let injected = row.parse::<usize>().unwrap() % (COLUMNS.len() + 1);
        let (field, class) = match injected.checked_sub(1) {
            None => ("status", Class::StaleStatus),
            Some(index) => (COLUMNS[index].0, Class::StaleValue),
        };
        assert_eq!((difference.field.as_str(), difference.class), (field, class), "{row}");
        assert_ne!(difference.db, difference.chain, "{row}");
    }
}

#[tokio::test]
async fn a_repair_brings_the_chain_and_its_revert_brings_back_every_byte() {
    const TEXT: &str = "SELECT string_agg(it::text, E'\\n' ORDER BY id) FROM it";
    let (application, kind) = table().await;
    let mut chain = chain(&application).await;
    chain.truncate(REVERTED);
    application.run(&format!("DELETE FROM it WHERE id > {REVERTED}")).await;
    let in_sync = application.text(TEXT).await;
    inject(&application).await;
    let drifted = application.text(TEXT).await;
    let mut orders: Vec<Order> = Vec::new();
    for (row, it) in compared(&application, &kind, &chain).await {
        let it = it.unwrap();
        let Judgement { plan, .. } = judge_row(&it.facts, &Seen::Present(stamp()), it.differences, kind.rules());
        orders.push(order(row.parse().unwrap(), &row, plan.expect("a plan")));
    }
    let outcomes = application.repair(&kind, &orders).await;
    let repairs: Vec<i64> = outcomes
        .iter()
        .map(|it| match it {
            RepairOutcome::Repaired { repair, .. } => *repair,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(repairs.len(), REVERTED);
    assert_eq!(application.text(TEXT).await, in_sync, "each repair brought the chain's value");
    let mut tx = application.pools.write.begin().await.unwrap();
    for repair in repairs {
        let outcome = kind.revert(&mut tx, repair, "ada", None).await.unwrap();
        assert!(matches!(outcome, RevertOutcome::Reverted { .. }), "{outcome:?}");
    }
    tx.commit().await.unwrap();
    assert_eq!(application.text(TEXT).await, drifted, "each revert brought back what was there");
}

/// The odds that a repair writes, of pools from one base unit to the most that 128 bits hold.
#[tokio::test]
async fn the_odds_of_any_pair_with_liquidity_sum_to_one() {
    let application = Application::new(&format!("CREATE TABLE it (id bigint PRIMARY KEY, odds_yes numeric(8, {ODDS_SCALE}), odds_no numeric(8, {ODDS_SCALE})); INSERT INTO it SELECT n FROM generate_series(1, {PAIRS}) AS n")).await;
    let yes = format!("round(chain.no / (chain.yes + chain.no), {ODDS_SCALE})");
    let text = spec("it")
        .value("yes", "numeric")
        .value("no", "numeric")
        .field("odds_yes", &yes, "type = \"numeric\"")
        .field("odds_no", &format!("1 - {yes}"), "type = \"numeric\"")
        .table("[[condition]]\nname = \"quotients\"\nholds = \"abs(chain.yes / (chain.yes + chain.no) + chain.no / (chain.yes + chain.no) - 1) < 1e-15\"");
    let kind = application.bind(text).await;
    let pools = sqlx::query(AssertSqlSafe(
        format!("SELECT n::text AS id, ARRAY[pool(n, 1), pool(n, 2)]::text[] AS chain FROM generate_series(1, {PAIRS}) AS n")
            .replace("pool(n, 1)", "(1 + floor((2 ^ (n % 127)::numeric) * abs(hashint8extended(n, 1) % 1000) / 1000))::numeric / 1e7")
            .replace("pool(n, 2)", "(1 + floor((2 ^ (n * 31 % 127)::numeric) * abs(hashint8extended(n, 2) % 1000) / 1000))::numeric / 1e7"),
    ))
    .fetch_all(&application.pools.read)
    .await
    .unwrap();
    let pairs: Vec<_> = pools.iter().map(|row| Compare { identity: RowIdentity(row.get("id")), values: Some(row.get("chain")) }).collect();
    let one = 10_i64.pow(ODDS_SCALE);
    let mut seen = BTreeSet::new();
    for (row, it) in compared(&application, &kind, &pairs).await {
        let it = it.unwrap();
        let fields: Vec<_> = it.differences.iter().map(|it| it.field.as_str()).collect();
        assert_eq!(fields, ["odds_yes", "odds_no"], "{row}: the table has no odds, and the quotients sum to one");
        let odds: Vec<i64> = it.differences.iter().map(|it| units(it.chain.as_deref().unwrap())).collect();
        assert_eq!(odds[0] + odds[1], one, "{row}: {odds:?}");
        assert!(odds.iter().all(|it| (0..=one).contains(it)), "{row}: {odds:?}");
        seen.insert(odds[0]);
    }
    assert!(seen.len() > PAIRS / 10 && seen.contains(&0) && seen.contains(&one), "pairs of all sorts: {}", seen.len());
}

/// A decimal in units of its last digit.
fn units(text: &str) -> i64 {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    format!("{whole}{fraction:0<width$}", width = ODDS_SCALE as usize).parse().unwrap()
}

#[tokio::test]
async fn rows_that_fail_change_nothing_for_the_others() {
    let application = Application::new(&format!("CREATE TABLE it (id bigint PRIMARY KEY, c text, part int); INSERT INTO it SELECT n, (n % 10)::text, 1 FROM generate_series(1, {ROWS}) AS n")).await;
    let text =
        spec("it").value("v", "numeric").field("c", "v", "").table("[[condition]]\nname = \"parts\"\nholds = \"100 / db.part < 1000\"");
    let kind = application.bind(text.repaired()).await;
    let rows: Vec<_> =
        (1..=ROWS).map(|n| Compare { identity: RowIdentity(n.to_string()), values: Some(vec![Some((n % 7).to_string())]) }).collect();
    let before = compared(&application, &kind, &rows).await;
    assert!(before.values().all(Result::is_ok) && before.len() > ROWS / 2);
    application.run("UPDATE it SET c = 'five' WHERE id % 397 = 0; UPDATE it SET part = 0 WHERE id % 401 = 0").await;
    let after = compared(&application, &kind, &rows).await;
    let is_bad = |row: &str| row.parse::<usize>().unwrap().is_multiple_of(397) || row.parse::<usize>().unwrap().is_multiple_of(401);
    let failed: Vec<_> = after.iter().filter(|(_, it)| it.is_err()).map(|(row, _)| row.as_str()).collect();
    assert_eq!(failed.len(), ROWS / 397 + ROWS / 401, "{failed:?}");
    assert!(failed.iter().all(|row| is_bad(row)));
    let others = |all: BTreeMap<String, _>| all.into_iter().filter(|(row, _)| !is_bad(row)).collect::<BTreeMap<_, _>>();
    assert_eq!(others(after), others(before));
}
