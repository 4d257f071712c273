//! Markets: jsonb, nested structs, tuple variants, maps and bytes.

use crate::applications::support::values::{bytes, i128, map, structure, symbol, variant, vec};
use crate::applications::support::{Application, Snapshot, contract};
use stellar_xdr::ScVal;

const TABLES: &str = r#"CREATE TABLE markets (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    slug text NOT NULL UNIQUE,
    outcome text NOT NULL DEFAULT 'open',
    winning_side smallint,
    odds numeric,
    terms_hash text,
    terms bytea,
    closes_at timestamptz,
    details jsonb NOT NULL DEFAULT '{}',
    raw jsonb
)"#;

const SPEC: &str = r#"
kind  = "market"
table = "markets"
key   = "slug"

[chain]
source   = "soroban"
contract = "CONTRACT"
entry    = [{ symbol = "Market" }, { symbol = { sql = "slug" } }]

[values]
outcome  = { path = "outcome",            type = "text" }
winner   = { path = "outcome[1]",         type = "numeric", optional = true }
yes      = { path = "pools[u32:1]",       type = "numeric", decimals = 7 }
no       = { path = "pools[u32:0]",       type = "numeric", decimals = 7 }
terms    = { path = "meta.terms_hash",    type = "text" }
raw      = { path = "meta.terms_hash",    type = "bytea" }
closes   = { path = "meta.closes_at",     type = "timestamptz" }
tags     = { path = "meta.tags",          type = "jsonb" }
first    = { path = "meta.tags[0]",       type = "text", optional = true }
whole    = { path = "pools",              type = "jsonb" }

[[field]]
column = "outcome"
value  = "outcome"
map    = { None = "open", Winner = "resolved", Split = "resolved" }
class  = "stale_status"

[[field]]
column = "winning_side"
value  = "winner"

[[field]]
column    = "odds"
value     = "chain.yes / nullif(chain.yes + chain.no, 0)"
tolerance = "0.0001"

[[field]]
column = "terms_hash"
value  = "terms"
read   = "lower(db.terms_hash)"
write  = "chain.terms"

[[field]]
column = "terms"
value  = "raw"

[[field]]
column = "closes_at"
value  = "closes"

[[field]]
column = "details"
value  = "tags"
read   = "db.details->'tags'"
write  = "jsonb_set(db.details, '{tags}', chain.tags)"

[[field]]
column = "raw"
value  = "whole"

[[condition]]
name  = "has a tag"
holds = "chain.first is not null and jsonb_array_length(chain.tags) < 3"

[repair]
stale_status = "update"
stale_value  = "update"
"#;

const CLOSES: u64 = 1_767_225_600;

fn market(outcome: ScVal, yes: i128, no: i128, tags: &[&str]) -> ScVal {
    let meta = structure([
        ("terms_hash", bytes(&[0xAB; 32])),
        ("closes_at", ScVal::U64(CLOSES)),
        ("tags", vec(tags.iter().map(|tag| symbol(tag)))),
    ]);
    structure([("outcome", outcome), ("pools", map([(ScVal::U32(1), i128(yes)), (ScVal::U32(0), i128(no))])), ("meta", meta)])
}

#[tokio::test]
async fn tuple_variants_nested_structs_maps_bytes_and_json() {
    let markets = contract(4);
    let key = |slug: &str| variant("Market", [symbol(slug)]);
    let chain = Snapshot::default()
        .instance(&markets)
        .entry(&markets, key("rain"), market(variant("None", []), 250_000_000, 750_000_000, &["weather"]))
        .entry(&markets, key("cup"), market(variant("Winner", [ScVal::U32(1)]), 1, 2, &["sport", "final"]))
        .entry(&markets, key("tie"), market(variant("Split", [ScVal::U32(1), ScVal::U32(2)]), 0, 0, &["a"]));
    let application = Application::new(TABLES, &chain, &SPEC.replace("CONTRACT", &markets)).await;
    let rows = format!(
        r#"INSERT INTO markets (slug, outcome, winning_side, odds, terms_hash, terms, closes_at, details, raw)
            SELECT slug, outcome, winning_side, odds, repeat('AB', 32), decode(repeat('ab', 32), 'hex'), to_timestamp({CLOSES}),
                jsonb_build_object('tags', tags, 'ours', 7), raw
            FROM (VALUES
                ('rain', 'open', NULL, 0.25005, '["weather"]'::jsonb, '{{"1": "250000000", "0": "750000000"}}'::jsonb),
                ('cup', 'resolved', 1, 0.3333, '["sport", "final"]', '{{"0": "2", "1": "1"}}'),
                ('tie', 'resolved', 1, NULL, '["a"]', '{{"1": "0", "0": "0"}}'))
            AS m (slug, outcome, winning_side, odds, tags, raw)"#
    );
    application.sql(&rows).await;
    application.mends(&[]).await;
    application
        .sql(
            r#"UPDATE markets SET outcome = 'open', winning_side = NULL, odds = 0.4, terms = '\x00', details = '{"tags": ["sport"], "ours": 7}' WHERE slug = 'cup';
               UPDATE markets SET terms_hash = NULL, closes_at = closes_at + interval '1 second', raw = '{}' WHERE slug = 'rain'"#,
        )
        .await;
    let hash = "ab".repeat(32);
    let detected = application.detect().await.expect(3);
    for drift in [
        "market 2 stale_status outcome: open → resolved".to_owned(),
        "market 2 stale_value winning_side: ∅ → 1".to_owned(),
        r#"market 2 stale_value details: ["sport"] → ["sport", "final"]"#.to_owned(),
        format!("market 1 stale_value terms_hash: ∅ → {hash}"),
        r#"market 1 stale_value raw: {} → {"0": "750000000", "1": "250000000"}"#.to_owned(),
    ] {
        assert!(detected.drifts().contains(&drift), "{drift} in {:#?}", detected.drifts());
    }
    assert_eq!(detected.drifts().len(), 8, "{:#?}", detected.drifts());
    application.repair().await.expect(0);
    application.mends(&[]).await;
    assert_eq!(application.value("SELECT details FROM markets WHERE slug = 'cup'").await, r#"{"ours": 7, "tags": ["sport", "final"]}"#);
}

#[tokio::test]
async fn what_does_not_decode_is_unknown_and_never_repaired() {
    let markets = contract(4);
    let odd = structure([("outcome", ScVal::U32(5)), ("pools", ScVal::Void), ("meta", ScVal::Void)]);
    let chain = Snapshot::default().instance(&markets).entry(&markets, variant("Market", [symbol("odd")]), odd).entry(
        &markets,
        variant("Market", [symbol("good")]),
        market(variant("None", []), 0, 0, &["a"]),
    );
    let application = Application::new(TABLES, &chain, &SPEC.replace("CONTRACT", &markets)).await;
    application.sql("INSERT INTO markets (slug) VALUES ('odd'), ('good'), ('not a symbol'), ('absent')").await;
    application.sql("UPDATE markets SET outcome = 'resolved'").await;
    let repaired = application.repair().await;
    let not_judged = repaired.json()["kinds"]["market"]["not_judged"].clone();
    assert_eq!(not_judged, serde_json::json!({ "unknown:undecodable": 1, "failed": 1 }));
    assert_eq!(application.value("SELECT string_agg(outcome, ' ' ORDER BY slug) FROM markets").await, "resolved open resolved resolved");
    let dead = application.trueup(&["jobs", "list", "--state", "dead"]).await.expect(0).out;
    assert!(dead.contains("not a symbol"), "{dead}");
}
