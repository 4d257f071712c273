//! Quoted names in a quoted schema, a counter from 0, timestamps, archived entries.

use crate::applications::support::values::{map, structure, symbol, variant};
use crate::applications::support::{Application, Snapshot, contract};
use stellar_xdr::ScVal;

const TABLES: &str = r#"CREATE SCHEMA "App";
CREATE TABLE "App"."User Subscriptions" (
    "subscriptionId" bigint PRIMARY KEY,
    "planName" text NOT NULL DEFAULT 'pro',
    "paidUntil" timestamp,
    "deletedAt" timestamptz,
    "updatedAt" timestamptz NOT NULL DEFAULT now() - interval '1 hour',
    "it's ""odd""" integer
)"#;

const SPEC: &str = r#"
kind    = "subscription"
table   = '"App"."User Subscriptions"'
key     = "subscriptionId"
where   = '"deletedAt" is null'
changed = "updatedAt"
settle  = { grace = "5 seconds" }

[chain]
source    = "soroban"
contract  = "CONTRACT"
entry     = [{ symbol = "Sub" }, { u64 = '"subscriptionId"' }]
enumerate = { counter = { instance = "NextId", first = 0, holds = "next" } }

[values]
paid_until = { path = "paid_until", type = "timestamptz" }
plan       = { path = "plan",       type = "text" }
odd        = { path = 'meta["due date"]', type = "numeric" }

[[field]]
column = "paidUntil"
value  = "paid_until"

[[field]]
column = "it's \"odd\""
value  = "odd"

[[condition]]
name  = "a paid plan is not free"
holds = """db."planName" <> 'free' or chain.plan = 'Free'"""

[repair]
stale_value = "update"
missing_row = "insert"
"#;

fn subscription(paid_until: u64) -> ScVal {
    let meta = structure([("due date", ScVal::I32(-3))]);
    structure([("paid_until", ScVal::Timepoint(stellar_xdr::TimePoint(paid_until))), ("plan", variant("Pro", [])), ("meta", meta)])
}

#[tokio::test]
async fn quoted_names_a_counter_from_zero_and_an_archived_entry() {
    let subscriptions = contract(5);
    let key = |id: u64| variant("Sub", [ScVal::U64(id)]);
    let chain = Snapshot::default()
        .instance_storage(&subscriptions, map([(variant("NextId", []), ScVal::U32(4)), (symbol("ADMIN"), ScVal::Void)]))
        .entry(&subscriptions, key(0), subscription(1_700_000_000))
        .entry(&subscriptions, key(1), subscription(1_700_000_001))
        .archived(&subscriptions, key(2), subscription(1_700_000_002))
        .entry(&subscriptions, key(3), subscription(1_700_000_003));
    let application = Application::new(TABLES, &chain, &SPEC.replace("CONTRACT", &subscriptions)).await;
    application
        .sql(
            r#"INSERT INTO "App"."User Subscriptions" ("subscriptionId", "paidUntil", "it's ""odd""")
                SELECT n, to_timestamp(1700000000 + n) AT TIME ZONE 'UTC', -3 FROM generate_series(0, 2) AS n;
               UPDATE "App"."User Subscriptions" SET "planName" = 'free', "it's ""odd""" = 0 WHERE "subscriptionId" = 1;
               UPDATE "App"."User Subscriptions" SET "paidUntil" = NULL WHERE "subscriptionId" = 2"#,
        )
        .await;
    let found = application.detect().await.expect(3);
    let condition = found.drifts().into_iter().find(|drift| drift.contains("condition_violated")).expect("the condition");
    assert!(condition.starts_with("subscription 1 condition_violated a paid plan is not free:"), "{condition}");
    application
        .mends_but(
            &[
                &condition,
                "subscription 1 stale_value it's \"odd\": 0 → -3",
                "subscription 2 stale_value paidUntil: ∅ → 2023-11-14 22:13:22+00",
                "subscription 3 missing_row: ∅ → 3",
            ],
            &[&condition],
        )
        .await;
    assert_eq!(found.json()["kinds"]["subscription"]["archived"], 1);
    let restored = application.value(r#"SELECT "paidUntil" FROM "App"."User Subscriptions" WHERE "subscriptionId" = 3"#).await;
    assert_eq!(restored, "2023-11-14 22:13:23");
}

#[tokio::test]
async fn a_row_that_was_written_a_moment_ago_settles() {
    let subscriptions = contract(5);
    let chain = Snapshot::default().instance_storage(&subscriptions, map([(symbol("NextId"), ScVal::U64(1))])).entry(
        &subscriptions,
        variant("Sub", [ScVal::U64(0)]),
        subscription(1_700_000_000),
    );
    let application = Application::new(TABLES, &chain, &SPEC.replace("CONTRACT", &subscriptions)).await;
    application.sql(r#"INSERT INTO "App"."User Subscriptions" VALUES (0, 'pro', NULL, NULL, now(), -3)"#).await;
    let found = application.detect().await.expect(3);
    assert_eq!(found.drifts(), ["subscription 0 stale_value paidUntil: ∅ → 2023-11-14 22:13:20+00"], "looked at until it had settled");
    assert_eq!(application.value("SELECT looks > 0 FROM trueup.all_jobs WHERE task = 'detect' AND kind = 'subscription'").await, "true");
}
