//! What the contracts do.

use crate::client::{World, address_of, world};
use stellar_xdr::{ContractEvent, LedgerEntryData, LedgerKey, Limits, ReadXdr, ScVal, TransactionMeta};
use trueup_devnet::{Devnet, Error, Status, scval};

/// The fields of a struct entry.
fn fields(devnet: &Devnet, key: &LedgerKey) -> Vec<(String, ScVal)> {
    let entry = devnet.entry(key).expect("an entry");
    let data = LedgerEntryData::from_xdr(&entry.data, Limits::none()).expect("XDR");
    let LedgerEntryData::ContractData(data) = data else {
        panic!("no contract data");
    };
    let ScVal::Map(Some(map)) = data.val else {
        panic!("no struct");
    };
    map.iter()
        .map(|item| match &item.key {
            ScVal::Symbol(name) => (name.to_string(), item.val.clone()),
            other => panic!("not a field: {other:?}"),
        })
        .collect()
}

fn field(devnet: &Devnet, key: &LedgerKey, name: &str) -> ScVal {
    fields(devnet, key).into_iter().find(|(field, _)| field == name).map(|(_, value)| value).expect("the field")
}

fn unit(name: &str) -> ScVal {
    scval::vec(vec![scval::symbol(name).expect("short")]).expect("short")
}

async fn call(world: &World, account: u32, function: &str, args: Vec<ScVal>) -> Status {
    let source = world.devnet.account(account).expect("funded");
    world.devnet.invoke(&source, &world.contracts.lending, function, args).expect("made").status
}

#[tokio::test]
async fn a_loan_is_created_released_and_repaid() {
    let world = world().await;
    let id = world.create_loan(1, 1_000);
    let key = world.loan_key(id);
    assert_eq!(id, 1);
    assert_eq!(field(&world.devnet, &key, "status"), unit("Pending"));
    let release = vec![ScVal::U64(id), scval::i128(1_000)];
    assert_eq!(call(&world, 1, "release", release).await, Status::Success);
    assert_eq!(field(&world.devnet, &key, "status"), unit("Active"));
    let repay = vec![ScVal::U64(id), scval::i128(400)];
    assert_eq!(call(&world, 1, "repay", repay).await, Status::Success);
    assert_eq!(field(&world.devnet, &key, "remaining_balance"), scval::i128(600));
    let repay = vec![ScVal::U64(id), scval::i128(600)];
    assert_eq!(call(&world, 1, "repay", repay).await, Status::Success);
    assert_eq!(field(&world.devnet, &key, "status"), unit("Paid"));
    assert_eq!(fields(&world.devnet, &key).len(), 9);
}

#[tokio::test]
async fn repaying_more_than_is_owed_fails_and_changes_nothing() {
    let world = world().await;
    let id = world.create_loan(1, 1_000);
    call(&world, 1, "release", vec![ScVal::U64(id), scval::i128(1_000)]).await;
    let before = world.devnet.entry(&world.loan_key(id));
    let source = world.devnet.account(1).expect("funded");
    let args = vec![ScVal::U64(id), scval::i128(1_001)];
    let done = world.devnet.invoke(&source, &world.contracts.lending, "repay", args).expect("made");
    assert_eq!(done.status, Status::Failed);
    assert_eq!(done.result_code, "txFailed");
    assert!(done.return_value.is_none());
    assert!(done.error.expect("words").contains("Contract, #3"));
    assert_eq!(world.devnet.entry(&world.loan_key(id)), before);
}

#[tokio::test]
async fn only_the_admin_may_declare_a_default() {
    let world = world().await;
    let id = world.create_loan(1, 1_000);
    call(&world, 1, "release", vec![ScVal::U64(id), scval::i128(1_000)]).await;
    let stranger = world.devnet.account(1).expect("funded");
    let refused = world.devnet.invoke(&stranger, &world.contracts.lending, "default", vec![ScVal::U64(id)]);
    assert!(matches!(refused, Err(Error::NeedsSignature(_))), "{refused:?}");
    assert_eq!(call(&world, 0, "default", vec![ScVal::U64(id)]).await, Status::Success);
    assert_eq!(field(&world.devnet, &world.loan_key(id), "status"), unit("Defaulted"));
}

#[tokio::test]
async fn creating_a_loan_emits_its_event() {
    let world = world().await;
    let call = world.loan_call(1, 77);
    let done = world.devnet.invoke(&call.source, &call.contract, &call.function, call.args).expect("made");
    let answer = world.result("getTransaction", serde_json::json!({ "hash": done.hash })).await;
    let meta: TransactionMeta = crate::client::from_base64(&answer["resultMetaXdr"]);
    let TransactionMeta::V4(meta) = meta else {
        panic!("not V4");
    };
    assert_eq!(meta.soroban_meta.and_then(|soroban| soroban.return_value), Some(ScVal::U64(1)));
    let event: ContractEvent = crate::client::from_base64(&answer["events"]["contractEventsXdr"][0][0]);
    let stellar_xdr::ContractEventBody::V0(body) = event.body;
    assert_eq!(body.topics.to_vec(), [scval::symbol("LOANCRTD").expect("short"), address_of(&call.source)]);
    assert_eq!(body.data, scval::vec(vec![ScVal::U64(1), scval::i128(77)]).expect("short"));
}

#[tokio::test]
async fn a_position_holds_options_and_tuple_variants() {
    let world = world().await;
    let provider = world.devnet.account(2).expect("funded");
    let pool = &world.contracts.pool;
    let invoke = |function: &str, args| world.devnet.invoke(&provider, pool, function, args);
    invoke("deposit", vec![address_of(&provider), scval::i128(500)]).expect("made");
    let key = scval::vec(vec![scval::symbol("Position").expect("short"), address_of(&provider)]).expect("short");
    let key = scval::data_key(pool, key).expect("a contract");
    assert_eq!(field(&world.devnet, &key, "lock"), ScVal::Void);
    assert_eq!(field(&world.devnet, &key, "tier"), unit("Basic"));
    invoke("boost", vec![address_of(&provider), ScVal::U32(250)]).expect("made");
    let boosted = scval::vec(vec![scval::symbol("Boosted").expect("short"), ScVal::U32(250)]);
    assert_eq!(field(&world.devnet, &key, "tier"), boosted.expect("short"));
    assert!(matches!(field(&world.devnet, &key, "lock"), ScVal::U64(_)));
    let locked = invoke("withdraw", vec![address_of(&provider), scval::i128(1)]).expect("made");
    assert_eq!(locked.status, Status::Failed);
}

#[tokio::test]
async fn a_score_follows_what_the_admin_records() {
    let world = world().await;
    let admin = world.devnet.account(0).expect("funded");
    let user = world.devnet.key(9);
    for repaid in [true, false] {
        let args = vec![address_of(&user), ScVal::Bool(repaid)];
        world.devnet.invoke(&admin, &world.contracts.reputation, "record", args).expect("made");
    }
    let key = scval::vec(vec![scval::symbol("Score").expect("short"), address_of(&user)]);
    let key = scval::data_key(&world.contracts.reputation, key.expect("short")).expect("contract");
    assert_eq!(field(&world.devnet, &key, "score"), ScVal::U32(375));
    assert_eq!(field(&world.devnet, &key, "level"), scval::symbol("bronze").expect("short"));
}

#[tokio::test]
async fn usdc_is_a_trustline_for_accounts_and_contract_data_for_contracts() {
    let world = world().await;
    let owner = world.devnet.account(3).expect("funded");
    let status = |done: Result<trueup_devnet::Invoked, Error>| done.expect("made").status;
    assert_eq!(status(world.devnet.issue("USDC", &owner.address(), 5)), Status::Failed);
    assert_eq!(status(world.devnet.trust(&owner, "USDC")), Status::Success);
    assert_eq!(status(world.devnet.issue("USDC", &owner.address(), 5)), Status::Success);
    let usdc = &world.contracts.usdc;
    let balance = world.devnet.invoke(&owner, usdc, "balance", vec![address_of(&owner)]).expect("made");
    assert_eq!(balance.return_value, Some(scval::i128(5)));
    let pool = &world.contracts.pool;
    assert_eq!(status(world.devnet.issue("USDC", pool, 7)), Status::Success);
    let key = scval::vec(vec![scval::symbol("Balance").expect("short"), scval::address(pool).expect("an address")]);
    let key = scval::data_key(usdc, key.expect("short")).expect("a contract");
    assert_eq!(field(&world.devnet, &key, "amount"), scval::i128(7));
}

#[tokio::test]
async fn a_contract_that_panics_is_a_failed_transaction_and_the_chain_goes_on() {
    let world = world().await;
    let provider = world.devnet.account(2).expect("funded");
    let deposit = |amount| {
        let args = vec![address_of(&provider), scval::i128(amount)];
        let pool = &world.contracts.pool;
        let done = world.devnet.invoke(&provider, pool, "deposit", args);
        done.expect("made").status
    };
    assert_eq!(deposit(i128::MAX), Status::Success);
    assert_eq!(deposit(i128::MAX), Status::Failed);
    assert_eq!(world.create_loan(1, 10), 1);
}
