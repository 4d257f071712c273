//! Transactions that the chain does not know, decided by what their envelopes say.

use trueup::Mode;
use trueup_chain::Chain;
use trueup_devnet::{BuildOptions, Built, Call, Faults, Invoked, Keypair, scval};

use crate::pending_transactions::archive::Archive;
use crate::support::{Deployment, Finished};

const SPEC: &str = r#"
kind  = "transaction"
table = "transactions"
key   = "hash"

[chain]
source    = "transaction"
hash      = "hash"
state     = "status"
submitted = "submitted_at"
envelope  = "envelope"
states    = { pending = "pending", succeeded = "success", failed = "failed", expired = "expired", superseded = "replaced" }

[repair]
orphaned_pending_transaction = "update"
stale_status                 = "update"
"#;

struct World {
    deployment: Deployment,
    next_account: u32,
}

impl World {
    async fn new(spec: &str, column: &str) -> Self {
        let deployment = Deployment::with_spec(1, spec).await;
        let table = "CREATE TABLE transactions (name text PRIMARY KEY, hash text, status text NOT NULL, submitted_at timestamptz, envelope";
        deployment.sql(&format!("{table} {column})")).await;
        Self { deployment, next_account: 100 }
    }

    /// An account that nobody else uses.
    fn account(&mut self) -> Keypair {
        self.next_account += 1;
        self.deployment.devnet.account(self.next_account).expect("funded")
    }

    fn call(&self, source: &Keypair) -> Call {
        let args = vec![scval::address(&source.address()).expect("an address"), scval::i128(7), stellar_xdr::ScVal::U32(1)];
        Call { source: source.clone(), contract: self.deployment.contracts.lending.clone(), function: "create".into(), args }
    }

    fn build(&self, source: &Keypair, max_time: Option<u64>) -> Built {
        self.deployment.devnet.build(&self.call(source), BuildOptions { max_time, ..BuildOptions::default() }).expect("built")
    }

    fn invoke(&self, source: &Keypair) -> Invoked {
        let Call { contract, function, args, .. } = self.call(source);
        self.deployment.devnet.invoke(source, &contract, &function, args).expect("included")
    }

    fn now(&self) -> u64 {
        self.deployment.devnet.latest().close_time
    }

    async fn row(&self, name: &str, hash: &str, status: &str, submitted: Option<u64>, envelope: Option<&str>) {
        sqlx::query("INSERT INTO transactions VALUES ($1, $2, $3, to_timestamp($4), $5)")
            .bind(name)
            .bind(hash)
            .bind(status)
            .bind(submitted.map(|it| i64::try_from(it).expect("a time")))
            .bind(envelope)
            .execute(self.deployment.pool())
            .await
            .expect("a row");
    }

    async fn states(&self) -> String {
        self.deployment.value("SELECT coalesce(string_agg(name || '=' || status, ', ' ORDER BY name), '') FROM transactions").await
    }
}

fn not_judged<'a>(run: &'a Finished, what: &str) -> Option<&'a u64> {
    run.document.kinds["transaction"].not_judged.get(what)
}

#[tokio::test]
async fn a_transaction_whose_time_is_over_has_expired_if_its_number_was_never_used() {
    let mut world = World::new(SPEC, "text").await;
    let (one, other, third) = (world.account(), world.account(), world.account());
    let over = world.build(&one, Some(world.now() + 5));
    let to_come = world.build(&other, Some(world.now() + 500));
    let endless = world.build(&third, None);
    world.row("over", &over.hash, "pending", None, Some(&over.envelope)).await;
    world.row("over, and called failed", &over.hash, "failed", None, Some(&over.envelope)).await;
    world.row("over, without its envelope", &over.hash, "pending", Some(world.now()), None).await;
    world.row("to come", &to_come.hash, "pending", None, Some(&to_come.envelope)).await;
    world.row("without an end", &endless.hash, "pending", None, Some(&endless.envelope)).await;
    let early = world.deployment.run(Mode::Repair).await;
    assert_eq!(early.found(), Vec::<String>::new(), "nothing is over yet");
    for _ in 0..2 {
        world.deployment.devnet.close_ledger();
    }
    let run = world.deployment.run(Mode::Repair).await;
    assert_eq!(run.found(), ["orphaned_pending_transaction status over", "stale_status status over, and called failed"]);
    assert_eq!(
        world.states().await,
        "over=expired, over, and called failed=expired, over, without its envelope=pending, to come=pending, without an end=pending"
    );
    let evidence: String = world.deployment.value("SELECT chain_entry FROM trueup.repairs WHERE identity = 'over'").await;
    let evidence: serde_json::Value = serde_json::from_str(&evidence).expect("the evidence is JSON");
    assert_eq!((evidence["status"].as_str(), evidence["because"].as_str()), (Some("EXPIRED"), Some("sequence")));
    assert_eq!(evidence["envelope"]["sequence"], over.sequence.to_string());
    assert_eq!(evidence["account"]["sequence"], (over.sequence - 1).to_string());
    assert!(evidence["account"]["xdr"].is_string(), "whoever doubts it can decode the account");
    let again = world.deployment.run(Mode::Repair).await;
    assert_eq!(again.found(), Vec::<String>::new());
}

#[tokio::test]
async fn a_used_number_is_an_expiry_after_two_answers_and_without_an_end_it_is_superseded() {
    let mut world = World::new(SPEC, "text").await;
    let (one, other, third) = (world.account(), world.account(), world.account());
    let ended = world.build(&one, Some(world.now() + 15));
    let ending = world.build(&third, Some(world.now() + 500));
    let endless = world.build(&other, None);
    for account in [&one, &other, &third] {
        world.invoke(account);
    }
    let submitted = Some(world.now() - 60);
    for (name, built) in [("ended", &ended), ("ending", &ending), ("endless", &endless)] {
        world.row(name, &built.hash, "pending", submitted, Some(&built.envelope)).await;
    }
    // Nobody knows since when the chain could have held it, so that its absence says nothing.
    world.row("endless, of nobody knows when", &endless.hash, "pending", None, Some(&endless.envelope)).await;
    world.deployment.devnet.close_ledger();
    let run = world.deployment.run(Mode::Repair).await;
    assert_eq!(world.states().await, "ended=expired, ending=pending, endless=replaced, endless, of nobody knows when=pending");
    assert_eq!(not_judged(&run, "unknown:pruned"), Some(&1));
    let evidence = "SELECT string_agg(chain_entry::json ->> 'because', ', ' ORDER BY identity) FROM trueup.repairs";
    assert_eq!(world.deployment.value::<String>(evidence).await, "absence, sequence_used");
    let remembered = "SELECT count(*) FROM trueup.entities WHERE checkpoint -> 'ended_at' IS NOT NULL AND identity = 'ended'";
    assert_eq!(world.deployment.value::<i64>(remembered).await, 1);
}

#[tokio::test]
async fn where_two_endpoints_must_agree_each_shows_an_absence_twice() {
    let mut world = World::new(SPEC, "text").await;
    let second = world.deployment.devnet.serve_with("127.0.0.1:0", Faults::default()).await.expect("a free port");
    world.deployment.config.rpc_urls = vec![second.url.clone()];
    world.deployment.config.confirm = Some(2);
    let account = world.account();
    let submitted = world.now();
    let ended = world.build(&account, Some(submitted + 15));
    world.invoke(&account);
    world.row("ended", &ended.hash, "pending", Some(submitted), Some(&ended.envelope)).await;
    for _ in 0..3 {
        world.deployment.devnet.close_ledger();
    }
    world.deployment.run(Mode::Repair).await;
    assert_eq!(world.states().await, "ended=expired");
    let endpoints = "SELECT count(*) FROM trueup.entities, jsonb_object_keys(checkpoint -> 'ended_at')";
    assert_eq!(world.deployment.value::<i64>(endpoints).await, 2, "the second one's first answer is remembered, too");
}

#[tokio::test]
async fn what_is_remembered_of_a_look_is_written_once_and_used_by_the_next_run() {
    let mut world = World::new(SPEC, "text").await;
    let account = world.account();
    let built = world.build(&account, Some(world.now() + 20));
    world.row("waiting", &built.hash, "pending", None, Some(&built.envelope)).await;
    world.deployment.run(Mode::Detect).await;
    let row = "SELECT concat_ws(' ', checkpoint ->> 'unapplied_at', xmin) FROM trueup.entities WHERE identity = 'waiting'";
    let first: String = world.deployment.value(row).await;
    assert!(first.starts_with(&world.deployment.devnet.latest().sequence.to_string()), "{first}");
    world.deployment.run(Mode::Detect).await;
    assert_eq!(world.deployment.value::<String>(row).await, first, "nothing new was learned, and nothing written");
    // Another transaction uses the number. Since the first look the endpoint has seen all that could hold this one.
    world.invoke(&account);
    for _ in 0..5 {
        world.deployment.devnet.close_ledger();
    }
    world.deployment.run(Mode::Repair).await;
    assert_eq!(world.states().await, "waiting=expired");
}

#[tokio::test]
async fn a_state_that_the_spec_has_no_label_for_is_reported_and_not_written() {
    let spec = SPEC.replace(", expired = \"expired\", superseded = \"replaced\"", "");
    let mut world = World::new(&spec, "text").await;
    let account = world.account();
    let built = world.build(&account, Some(world.now() + 5));
    world.row("over", &built.hash, "pending", None, Some(&built.envelope)).await;
    world.deployment.devnet.close_ledger();
    world.deployment.devnet.close_ledger();
    let run = world.deployment.run(Mode::Repair).await;
    let drift = &run.drifts[0];
    assert_eq!((drift.chain.as_deref(), drift.withheld.as_deref()), (Some("EXPIRED"), Some("unmapped")));
    assert_eq!(world.states().await, "over=pending");
}

#[tokio::test]
async fn an_envelope_of_another_transaction_fails_its_row_for_good_and_no_other() {
    let mut world = World::new(SPEC, "text").await;
    let (one, other) = (world.account(), world.account());
    let (mine, anothers) = (world.build(&one, Some(world.now() + 5)), world.build(&other, Some(world.now() + 5)));
    world.row("another's", &mine.hash, "pending", None, Some(&anothers.envelope)).await;
    world.row("broken", &mine.hash, "pending", None, Some("AAAA")).await;
    world.row("right", &mine.hash, "pending", None, Some(&mine.envelope)).await;
    world.deployment.devnet.close_ledger();
    world.deployment.devnet.close_ledger();
    let run = world.deployment.run(Mode::Repair).await;
    assert_eq!(run.document.kinds["transaction"].verdicts["failed"], 2);
    assert_eq!(world.states().await, "another's=pending, broken=pending, right=expired");
    let errors: Vec<String> = sqlx::query_scalar("SELECT error FROM trueup.all_jobs WHERE state = 'dead' ORDER BY key")
        .fetch_all(world.deployment.pool())
        .await
        .expect("the errors");
    assert!(errors[0].contains(&anothers.hash) && errors[0].contains(&mine.hash), "{}", errors[0]);
    assert!(errors[1].contains("`TransactionEnvelope` in base64"), "{}", errors[1]);
}

#[tokio::test]
async fn a_fee_bump_is_decided_by_its_inner_transaction_under_either_hash() {
    let mut world = World::new(SPEC, "text").await;
    let devnet = world.deployment.devnet.clone();
    let payer = world.account();
    let (one, other, third, fourth) = (world.account(), world.account(), world.account(), world.account());
    let landed = world.build(&one, None);
    let landed_outer = devnet.fee_bump(&landed, &payer).expect("bumped");
    devnet.submit(&landed_outer).expect("included");
    let alone = world.build(&other, None);
    let alone_outer = devnet.fee_bump(&alone, &payer).expect("bumped");
    devnet.submit(&alone).expect("included");
    let over = world.build(&third, Some(world.now() + 5));
    let over_outer = devnet.fee_bump(&over, &payer).expect("bumped");
    let repay = Call { function: "repay".into(), args: vec![stellar_xdr::ScVal::U64(404), scval::i128(1)], ..world.call(&fourth) };
    let failed = devnet.build(&repay, BuildOptions::default()).expect("built");
    let failed_outer = devnet.fee_bump(&failed, &payer).expect("bumped");
    devnet.submit(&failed_outer).expect("included");
    let now = Some(world.now());
    for (name, hash, envelope) in [
        ("1 landed, inner", &landed.hash, Some(&landed.envelope)),
        ("2 landed, inner, kept as bump", &landed.hash, Some(&landed_outer.envelope)),
        ("3 landed, outer", &landed_outer.hash, Some(&landed_outer.envelope)),
        ("4 landed alone, outer", &alone_outer.hash, Some(&alone_outer.envelope)),
        ("5 landed alone, outer, no envelope", &alone_outer.hash, None),
        ("6 over, outer", &over_outer.hash, Some(&over_outer.envelope)),
        ("7 over, inner", &over.hash, Some(&over_outer.envelope)),
        ("8 failed, inner", &failed.hash, None),
        ("9 failed, outer", &failed_outer.hash, None),
    ] {
        world.row(name, hash, "pending", now, envelope.map(String::as_str)).await;
    }
    devnet.close_ledger();
    devnet.close_ledger();
    world.deployment.run(Mode::Repair).await;
    assert_eq!(
        world.states().await,
        "1 landed, inner=success, 2 landed, inner, kept as bump=success, 3 landed, outer=success, 4 landed alone, outer=success, \
         5 landed alone, outer, no envelope=pending, 6 over, outer=expired, 7 over, inner=expired, 8 failed, inner=failed, 9 failed, outer=failed"
    );
}

/// A success and a failure that the endpoint keeps no longer, and an archive that has them.
async fn pruned() -> (World, Archive) {
    let mut world = World::new(SPEC, "text").await;
    let devnet = world.deployment.devnet.clone();
    let archive = Archive::serve(&devnet.config().network_passphrase).await;
    let (one, other, third) = (world.account(), world.account(), world.account());
    let succeeded = world.build(&one, None);
    let repay = Call { function: "repay".into(), args: vec![stellar_xdr::ScVal::U64(404), scval::i128(1)], ..world.call(&other) };
    let failed = devnet.build(&repay, BuildOptions::default()).expect("built");
    let unknown = world.build(&third, None);
    let submitted = Some(world.now());
    let chain = Chain::connect(trueup_chain::Config::new(&world.deployment.rpc.url)).await.expect("an endpoint");
    for built in [&succeeded, &failed] {
        let included = devnet.submit(built).expect("included");
        let reading = chain.transaction(&built.hash).await.expect("an answer");
        let result = reading.result_xdr.expect("a result");
        archive.keep(&built.hash, included.ledger, &built.envelope, &result, built == &succeeded);
    }
    world.invoke(&third);
    for (name, built) in [("failed", &failed), ("succeeded", &succeeded), ("unknown", &unknown)] {
        world.row(name, &built.hash, "pending", submitted, Some(&built.envelope)).await;
    }
    let oldest = devnet.close_ledger().sequence;
    devnet.faults().update(|faults| faults.oldest_ledger = Some(oldest));
    (world, archive)
}

#[tokio::test]
async fn what_the_endpoint_has_pruned_is_unknown_and_left_alone() {
    let (world, _archive) = pruned().await;
    let run = world.deployment.run(Mode::Repair).await;
    assert_eq!((run.found(), not_judged(&run, "unknown:pruned")), (Vec::new(), Some(&3)));
    assert_eq!(world.states().await, "failed=pending, succeeded=pending, unknown=pending");
}

#[tokio::test]
async fn an_archive_decides_what_the_endpoint_has_pruned_and_what_it_lacks_stays_unknown() {
    let (mut world, archive) = pruned().await;
    world.deployment.config.horizon_url = Some(archive.url.clone());
    let run = world.deployment.run(Mode::Repair).await;
    assert_eq!(not_judged(&run, "unknown:pruned"), Some(&1));
    assert_eq!(world.states().await, "failed=failed, succeeded=success, unknown=pending");
    let host = archive.url.trim_start_matches("http://").to_owned();
    let audited: String = world.deployment.value("SELECT stamp ->> 'endpoint' FROM trueup.repairs WHERE identity = 'succeeded'").await;
    assert_eq!(audited, host, "the audit names who answered");
    assert!(run.document.usage["archive_requests"] >= 5, "{:?}", run.document.usage);
}

#[tokio::test]
async fn an_archive_that_fails_has_not_answered() {
    let (mut world, archive) = pruned().await;
    world.deployment.config.horizon_url = Some(archive.url.clone());
    let trueup = world.deployment.trueup().await;
    archive.fail();
    let run = trueup_workers::start_run(trueup.context(), crate::support::new_run(Mode::Repair)).await.expect("a run");
    let finished = world.deployment.finish(&trueup, run).await;
    assert_eq!(finished.document.kinds["transaction"].verdicts["failed"], 3);
    assert_eq!(world.states().await, "failed=pending, succeeded=pending, unknown=pending");
}

#[tokio::test]
async fn an_archive_of_another_network_is_refused_at_start() {
    let mut deployment = Deployment::with_spec(1, SPEC).await;
    deployment
        .sql("CREATE TABLE transactions (name text PRIMARY KEY, hash text, status text, submitted_at timestamptz, envelope text)")
        .await;
    let archive = Archive::serve("Another Network").await;
    deployment.config.horizon_url = Some(archive.url);
    let error = trueup::Trueup::connect(&deployment.config).await.err().expect("another network").to_string();
    assert!(error.contains("belongs to the network `Another Network`") && error.contains("correct horizon_url"), "{error}");
}

#[tokio::test]
async fn an_envelope_may_be_kept_as_bytes() {
    let mut world = World::new(SPEC, "bytea").await;
    let account = world.account();
    let built = world.build(&account, Some(world.now() + 5));
    sqlx::query("INSERT INTO transactions VALUES ('over', $1, 'pending', NULL, decode($2, 'base64'))")
        .bind(&built.hash)
        .bind(&built.envelope)
        .execute(world.deployment.pool())
        .await
        .expect("a row");
    world.deployment.devnet.close_ledger();
    world.deployment.devnet.close_ledger();
    world.deployment.run(Mode::Repair).await;
    assert_eq!(world.states().await, "over=expired");
}
