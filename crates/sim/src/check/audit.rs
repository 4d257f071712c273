//! Every repair is justified: by the chain's bytes in its audit, which are those of the chain's own history at its
//! stamp, and by a row that was not so before.

use std::collections::BTreeMap;
use std::time::SystemTime;

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::types::Json;
use sqlx::{AssertSqlSafe, FromRow, PgPool};

use crate::entry;
use crate::kind::{Column, Columns, Kind, ended_columns, transaction_columns};
use crate::seed::Shared;
use crate::world::World;

type Texts = BTreeMap<String, Option<String>>;

#[derive(FromRow)]
struct Repair {
    id: i64,
    kind: String,
    identity: String,
    chain_key: Option<String>,
    action: String,
    before: Json<Texts>,
    intended: Json<Texts>,
    chain_entry: Option<String>,
    stamp: Option<Json<Value>>,
    repaired_at: DateTime<Utc>,
}

/// Two texts of one column that are compared as the column's values.
struct Pair {
    repair: i64,
    column: String,
    left: Option<String>,
    right: Option<String>,
}

/// What is found in one pass over the audit.
#[derive(Default)]
struct Found {
    wrongs: Vec<String>,
    /// What was intended, and what the chain says.
    justified: BTreeMap<Kind, Vec<Pair>>,
    /// What was there before, and what the chain says: must differ.
    needed: BTreeMap<Kind, Vec<Pair>>,
    /// What was there before, and what the newest ledger said then: some must differ.
    fresh: BTreeMap<Kind, Vec<Pair>>,
}

pub(super) async fn check(shared: &Shared, pool: &PgPool) -> anyhow::Result<Vec<String>> {
    let repairs: Vec<Repair> = sqlx::query_as(
        "SELECT id, kind, identity, chain_key, action, before, intended, chain_entry, stamp, repaired_at
         FROM trueup.repairs WHERE action <> 'revert' ORDER BY id",
    )
    .fetch_all(pool)
    .await?;
    let mut found = Found::default();
    let known = Known::load(pool).await?;
    for repair in &repairs {
        if let Err(error) = verify(&shared.world, &known, repair, &mut found) {
            found.wrongs.push(format!("repair {} of {} {:?}: {error:#}", repair.id, repair.kind, repair.chain_key));
        }
    }
    let mut wrongs = std::mem::take(&mut found.wrongs);
    for (kind, pairs) in &found.justified {
        for (pair, _) in compare(pool, *kind, pairs).await?.iter().filter(|(_, same)| !same) {
            wrongs.push(format!(
                "repair {} set {} {} to {:?}, and the chain says {:?}",
                pair.repair,
                kind.name(),
                pair.column,
                pair.left,
                pair.right
            ));
        }
    }
    for (kind, pairs) in &found.needed {
        for (pair, _) in compare(pool, *kind, pairs).await?.iter().filter(|(_, same)| *same) {
            wrongs.push(format!("repair {} touched {} {}, which was {:?} already", pair.repair, kind.name(), pair.column, pair.left));
        }
    }
    let mut overwritten = Vec::new();
    for (kind, pairs) in &found.fresh {
        let mut same_by_repair: BTreeMap<i64, bool> = BTreeMap::new();
        for (pair, same) in compare(pool, *kind, pairs).await? {
            *same_by_repair.entry(pair.repair).or_insert(true) &= same;
        }
        overwritten.extend(same_by_repair.into_iter().filter(|(_, same)| *same).map(|(repair, _)| repair));
    }
    if !overwritten.is_empty() {
        let what = format!("repairs set what was right to what an older ledger said: {overwritten:?}");
        // Without a second endpoint to agree nobody can know that one is behind.
        if shared.world.confirm == 1 && shared.world.has_lagged() {
            shared.story.tell(format!("tolerated, for an endpoint was behind and no other was asked: {what}"));
        } else {
            wrongs.push(what);
        }
    }
    Ok(wrongs)
}

fn verify(world: &World, known: &Known, repair: &Repair, found: &mut Found) -> anyhow::Result<()> {
    let kind = Kind::named(&repair.kind).context("no such kind")?;
    if kind == Kind::Request {
        return verify_request(known, repair);
    }
    let chain_key = repair.chain_key.as_deref().context("it names no chain key")?;
    let stamp = &repair.stamp.as_ref().context("it has no stamp")?.0;
    let ledger = |name: &str| stamp.get(name).and_then(Value::as_u64).and_then(|it| u32::try_from(it).ok());
    let as_of = ledger("ledger").context("its stamp has no ledger")?;
    if let (Kind::Transaction, Some(status)) = (kind, known.ended.get(chain_key)) {
        let evidence: Value = serde_json::from_str(repair.chain_entry.as_deref().context("it has no evidence")?)?;
        anyhow::ensure!(evidence.get("because").is_some(), "its evidence does not say because of what");
        return justify(kind, repair, &ended_columns(status), found);
    }
    let bytes = STANDARD.decode(repair.chain_entry.as_deref().context("it has no bytes of the chain")?)?;
    let should = if kind == Kind::Transaction {
        let recorded = world.devnet.recorded(&chain_key.to_lowercase()).context("the chain has no such transaction")?;
        anyhow::ensure!(recorded.result == bytes, "its bytes are not the transaction's result");
        anyhow::ensure!(recorded.ledger <= as_of, "it is stamped {as_of}, before the transaction's ledger {}", recorded.ledger);
        transaction_columns(recorded.succeeded, recorded.ledger)
    } else {
        let key = kind.ledger_key(&world.contracts, chain_key)?;
        let then = world.devnet.entry_at(&key, as_of).with_context(|| format!("ledger {as_of} has no such entry"))?;
        anyhow::ensure!(then.data[..] == bytes[..], "its bytes are not those of ledger {as_of}");
        anyhow::ensure!(
            ledger("last_modified") == Some(then.last_modified),
            "its stamp says {:?}, and ledger {} modified the entry last",
            stamp.get("last_modified"),
            then.last_modified
        );
        if let Some(now) = tip_columns(world, kind, &key, repair)? {
            push(&mut found.fresh, kind, repair, &repair.before.0, &now);
        }
        kind.project(&entry::value(&bytes)?)?
    };
    justify(kind, repair, &should, found)
}

/// Holds what was written against what should be there.
fn justify(kind: Kind, repair: &Repair, should: &Columns, found: &mut Found) -> anyhow::Result<()> {
    for (name, intended) in &repair.intended.0 {
        if kind.column(name).is_none() {
            let is_key = kind.key().contains(&name.as_str()) || kind == Kind::Transaction && name == "submitted_at";
            anyhow::ensure!(is_key && repair.action == "insert", "it wrote {name}, which is not its to write");
            continue;
        }
        let expected = should.get(name.as_str()).with_context(|| format!("it wrote {name}, for which the chain has no value"))?;
        let pair = Pair { repair: repair.id, column: name.clone(), left: intended.clone(), right: expected.clone() };
        found.justified.entry(kind).or_default().push(pair);
    }
    if repair.action == "update" {
        push(&mut found.needed, kind, repair, &repair.before.0, should);
    }
    Ok(())
}

/// A made-up key becomes the real one, or the row is called what became of its creation; never anything else.
fn verify_request(known: &Known, repair: &Repair) -> anyhow::Result<()> {
    let (fate, real) = known.requests.get(&repair.identity).context("nobody made such a request")?;
    let (column, expected) = match repair.action.as_str() {
        "resolve" => ("loan_id", real.as_deref()),
        _ => ("status", Some(fate.as_str()).filter(|fate| ["failed", "expired"].contains(fate))),
    };
    for (name, intended) in &repair.intended.0 {
        let is_right = name == column && intended.is_some() && intended.as_deref() == expected;
        anyhow::ensure!(is_right, "it set {name} to {intended:?} of a request that is {fate} and really {real:?}");
    }
    Ok(())
}

/// What the model knows beyond the chain.
struct Known {
    /// Transactions that never arrived and cannot any more, with their state.
    ended: BTreeMap<String, String>,
    /// Requests by their row: what becomes of them, and their real key.
    requests: BTreeMap<String, (String, Option<String>)>,
}

impl Known {
    async fn load(pool: &PgPool) -> anyhow::Result<Self> {
        let ended: Vec<(String, String)> =
            sqlx::query_as("SELECT hash, status FROM truth.transactions WHERE status IN ('expired', 'superseded')").fetch_all(pool).await?;
        let requests: Vec<(String, String, Option<String>)> =
            sqlx::query_as("SELECT id::text, fate, real FROM sim.requests").fetch_all(pool).await?;
        Ok(Self { ended: ended.into_iter().collect(), requests: requests.into_iter().map(|(id, fate, real)| (id, (fate, real))).collect() })
    }
}

/// What the newest ledger said when the repair was made, where that is another than its stamp's.
fn tip_columns(world: &World, kind: Kind, key: &stellar_xdr::LedgerKey, repair: &Repair) -> anyhow::Result<Option<Columns>> {
    let tip = if repair.action == "update" { world.tip_at(SystemTime::from(repair.repaired_at)) } else { None };
    let Some(now) = tip.and_then(|tip| world.devnet.entry_at(key, tip)) else { return Ok(None) };
    Ok(Some(kind.project(&entry::value(&now.data)?)?))
}

fn push(into: &mut BTreeMap<Kind, Vec<Pair>>, kind: Kind, repair: &Repair, before: &Texts, should: &Columns) {
    for (name, left) in before {
        if let Some(right) = should.get(name.as_str()) {
            into.entry(kind).or_default().push(Pair { repair: repair.id, column: name.clone(), left: left.clone(), right: right.clone() });
        }
    }
}

/// Says of each pair whether its two texts are one value of its column.
async fn compare<'a>(pool: &PgPool, kind: Kind, pairs: &'a [Pair]) -> anyhow::Result<Vec<(&'a Pair, bool)>> {
    let mut compared = Vec::with_capacity(pairs.len());
    for Column { name, cast, lens } in kind.columns() {
        let of_column: Vec<&Pair> = pairs.iter().filter(|pair| pair.column == *name).collect();
        let side = |name: &str| lens.replace("{}", &format!("{name}::{cast}"));
        let sql = format!(
            "SELECT {} IS NOT DISTINCT FROM {} FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS p (l, r, ord) ORDER BY ord",
            side("l"),
            side("r")
        );
        let same: Vec<bool> = sqlx::query_scalar(AssertSqlSafe(sql))
            .bind(of_column.iter().map(|pair| pair.left.clone()).collect::<Vec<_>>())
            .bind(of_column.iter().map(|pair| pair.right.clone()).collect::<Vec<_>>())
            .fetch_all(pool)
            .await?;
        compared.extend(of_column.into_iter().zip(same));
    }
    Ok(compared)
}
