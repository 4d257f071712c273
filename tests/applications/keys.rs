//! Keys of every type that a part of an entry can have, from columns of every sort.

use crate::applications::support::values::{bytes, i128, i256, map, string, structure, symbol, u128, variant, vec};
use crate::applications::support::{Application, Snapshot, contract};
use stellar_xdr::{Duration, ScVal, TimePoint};

/// One row of that table has that key, and a state that differs from the entry's.
async fn found_and_mended(columns: &str, key: &str, row: &str, entry: &str, on_chain: ScVal) {
    let registry = contract(12);
    let chain = Snapshot::default().instance(&registry).entry(&registry, on_chain, structure([("state", symbol("Open"))]));
    let spec = format!(
        "kind = 'thing'\ntable = 'things'\nkey = {key}\n[chain]\nsource = 'soroban'\ncontract = '{registry}'\nentry = {entry}\n\
         [values]\nstate = {{ path = 'state', type = 'text' }}\n[[field]]\ncolumn = 'state'\nvalue = 'state'\n[repair]\nstale_value = 'update'\n"
    );
    let application = Application::new(&format!("CREATE TABLE things ({columns}, state text)"), &chain, &spec).await;
    application.sql(&format!("INSERT INTO things VALUES ({row}, 'Closed')")).await;
    let detected = application.detect().await;
    assert!(detected.code == 3, "{entry}: {}", detected.err);
    assert!(detected.drifts()[0].ends_with("stale_value state: Closed → Open"), "{entry}: {:?}", detected.drifts());
    application.repair().await.expect(0);
    application.detect().await.expect(0);
}

#[tokio::test]
async fn whole_numbers_of_every_width() {
    let id = "id numeric PRIMARY KEY";
    found_and_mended(id, "'id'", "5.00", "{ u32 = 'id' }", ScVal::U32(5)).await;
    found_and_mended(id, "'id'", "-5", "{ i32 = 'id' }", ScVal::I32(-5)).await;
    found_and_mended(id, "'id'", "18446744073709551615", "{ u64 = 'id' }", ScVal::U64(u64::MAX)).await;
    found_and_mended(id, "'id'", "-9223372036854775808", "{ i64 = 'id' }", ScVal::I64(i64::MIN)).await;
    found_and_mended(id, "'id'", "340282366920938463463374607431768211455", "{ u128 = 'id' }", u128(u128::MAX)).await;
    found_and_mended(id, "'id'", "-170141183460469231731687303715884105728", "{ i128 = 'id' }", i128(i128::MIN)).await;
    found_and_mended(id, "'id'", "-340282366920938463463374607431768211451", "{ i256 = 'id' }", i256(-1, 5)).await;
}

#[tokio::test]
async fn times_and_spans() {
    let at = "at timestamptz PRIMARY KEY";
    found_and_mended(at, "'at'", "'2023-11-14 22:13:20.5+00'", "{ timepoint = 'at' }", ScVal::Timepoint(TimePoint(1_700_000_000))).await;
    let seconds = "[{ symbol = 'At' }, { u64 = 'extract(epoch from at)::bigint' }]";
    found_and_mended(at, "'at'", "'2023-11-14 22:13:20+00'", seconds, variant("At", [ScVal::U64(1_700_000_000)])).await;
    found_and_mended("span interval PRIMARY KEY", "'span'", "'1 hour'", "{ duration = 'span' }", ScVal::Duration(Duration(3_600))).await;
    let day = "[{ symbol = 'Day' }, { string = 'day::text' }]";
    found_and_mended("day date PRIMARY KEY", "'day'", "'2026-02-03'", day, variant("Day", [string("2026-02-03")])).await;
}

#[tokio::test]
async fn bytes_from_bytea_hex_and_uuid() {
    let on_chain = || bytes(&[0xde, 0xad, 0xbe, 0xef]);
    found_and_mended("h bytea PRIMARY KEY", "'h'", r"'\xdeadbeef'", "{ bytes = 'h' }", on_chain()).await;
    for text in ["'deadbeef'", "'0xDEADBEEF'", r"'\xdeadbeef'"] {
        found_and_mended("h text PRIMARY KEY", "'h'", text, "{ bytes = 'h' }", on_chain()).await;
    }
}

#[tokio::test]
async fn structs_maps_tuples_and_enums_in_keys() {
    let columns = "side text, id int, deep boolean, PRIMARY KEY (side, id, deep)";
    let key = "['side', 'id', 'deep']";
    let row = "'Long', 7, true";
    let nested = "[{ symbol = 'Of' }, { vec = [{ symbol = { sql = 'side' } }] }, { u64 = 'id' }, { bool = 'deep' }]";
    let on_chain = variant("Of", [variant("Long", []), ScVal::U64(7), ScVal::Bool(true)]);
    found_and_mended(columns, key, row, nested, on_chain).await;
    let fields = "{ struct = { zeta = { u32 = 'id' }, alpha = { string = 'lower(side)' } } }";
    found_and_mended(columns, key, row, fields, structure([("alpha", string("long")), ("zeta", ScVal::U32(7))])).await;
    let pairs = "{ map = [[{ u32 = 9 }, { bool = 'deep' }], [{ u32 = 'id' }, { vec = [] }]] }";
    found_and_mended(columns, key, row, pairs, map([(ScVal::U32(7), vec([])), (ScVal::U32(9), ScVal::Bool(true))])).await;
    let literal = "[{ string = \"'v1'\" }, { u32 = 3 }, { i128 = '-id' }]";
    found_and_mended(columns, key, row, literal, vec([string("v1"), ScVal::U32(3), i128(-7)])).await;
}

#[tokio::test]
async fn keys_from_enums_domains_and_identities() {
    let tables = "id bigint GENERATED ALWAYS AS IDENTITY, code char(8) UNIQUE, PRIMARY KEY (id)";
    let registry = contract(12);
    let chain = Snapshot::default().instance(&registry).entry(&registry, symbol("abc"), structure([("state", symbol("Open"))]));
    let spec = format!(
        "kind = 'thing'\ntable = 'things'\nkey = 'code'\n[chain]\nsource = 'soroban'\ncontract = '{registry}'\nentry = {{ symbol = {{ sql = 'code' }} }}\n\
         [values]\nstate = {{ path = 'state', type = 'text' }}\n[[field]]\ncolumn = 'state'\nvalue = 'state'\n[repair]\nstale_value = 'update'\n"
    );
    let application = Application::new(&format!("CREATE TABLE things ({tables}, state text)"), &chain, &spec).await;
    application.sql("INSERT INTO things (code, state) VALUES ('abc', 'Shut'), (NULL, 'no key')").await;
    application.mends(&["thing 1 stale_value state: Shut → Open"]).await;
}
