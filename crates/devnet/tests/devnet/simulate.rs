//! `simulateTransaction`.

use crate::client::{base64, from_base64, world};
use serde_json::json;
use stellar_xdr::{
    LedgerKey, Limits, ReadXdr, ScVal, SorobanAuthorizationEntry, SorobanCredentials, SorobanTransactionData, TransactionEnvelope,
};
use trueup_devnet::{BuildOptions, Call, scval};

/// The envelope as an SDK sends it to be simulated: without authorizations.
fn bare(envelope: &str) -> String {
    let envelope = TransactionEnvelope::from_xdr_base64(envelope, Limits::none()).expect("XDR");
    let TransactionEnvelope::Tx(mut envelope) = envelope else {
        panic!("not a plain transaction");
    };
    let mut operations = envelope.tx.operations.to_vec();
    if let stellar_xdr::OperationBody::InvokeHostFunction(op) = &mut operations[0].body {
        op.auth = Default::default();
    }
    envelope.tx.operations = operations.try_into().expect("one");
    base64(&TransactionEnvelope::Tx(envelope))
}

#[tokio::test]
async fn a_simulation_tells_footprint_authorization_and_fee_and_changes_nothing() {
    let world = world().await;
    let call = world.loan_call(1, 10);
    let built = world.devnet.build(&call, BuildOptions::default()).expect("built");
    let before = world.devnet.latest();
    let params = json!({ "transaction": bare(&built.envelope) });
    let answer = world.result("simulateTransaction", params).await;
    assert!(answer["error"].is_null(), "{answer}");
    assert_eq!(answer["latestLedger"], before.sequence);
    let fee: i64 = answer["minResourceFee"].as_str().expect("text").parse().expect("a number");
    assert!(fee > 0);
    let data: SorobanTransactionData = from_base64(&answer["transactionData"]);
    let written = data.resources.footprint.read_write.to_vec();
    assert!(written.contains(&world.loan_key(1)));
    let code = data.resources.footprint.read_only.to_vec();
    assert!(code.iter().any(|key| matches!(key, LedgerKey::ContractCode(_))));
    let value: ScVal = from_base64(&answer["results"][0]["xdr"]);
    assert_eq!(value, ScVal::U64(1));
    let auth: SorobanAuthorizationEntry = from_base64(&answer["results"][0]["auth"][0]);
    assert_eq!(auth.credentials, SorobanCredentials::SourceAccount);
    let created = answer["stateChanges"].as_array().expect("changes");
    assert!(created.iter().any(|change| change["type"] == "created" && change["before"].is_null()));
    assert!(!answer["events"].as_array().expect("events").is_empty());
    assert_eq!(world.devnet.latest(), before);
    assert!(world.devnet.entry(&world.loan_key(1)).is_none());
}

#[tokio::test]
async fn authorizations_of_others_are_recorded_with_a_nonce_of_their_own() {
    let world = world().await;
    let mut call = world.loan_call(1, 10);
    let built = world.devnet.build(&call, BuildOptions::default()).expect("built");
    // Account 2 sends what account 1 must authorize.
    call.source = world.devnet.account(2).expect("funded");
    let envelope = TransactionEnvelope::from_xdr_base64(bare(&built.envelope), Limits::none());
    let Ok(TransactionEnvelope::Tx(mut envelope)) = envelope else {
        panic!("not a plain transaction");
    };
    envelope.tx.source_account = stellar_xdr::MuxedAccount::Ed25519(stellar_xdr::Uint256(call.source.public()));
    let text = base64(&TransactionEnvelope::Tx(envelope));
    let credentials = async |upgraded: bool| {
        let params = json!({ "transaction": text, "useUpgradedAuth": upgraded });
        let answer = world.result("simulateTransaction", params).await;
        let auth: SorobanAuthorizationEntry = from_base64(&answer["results"][0]["auth"][0]);
        auth.credentials
    };
    let nonce = |credentials: SorobanCredentials| match credentials {
        SorobanCredentials::Address(c) => c.nonce,
        other => panic!("not of an address: {other:?}"),
    };
    assert_ne!(nonce(credentials(false).await), nonce(credentials(false).await));
    assert!(matches!(credentials(true).await, SorobanCredentials::AddressV2(_)));
}

#[tokio::test]
async fn a_call_that_fails_is_an_answer_with_an_error() {
    let world = world().await;
    let call = Call { function: "repay".to_owned(), args: vec![ScVal::U64(404), scval::i128(1)], ..world.loan_call(1, 10) };
    let built = world.devnet.build(&call, BuildOptions::default()).expect("built");
    let params = json!({ "transaction": bare(&built.envelope) });
    let answer = world.result("simulateTransaction", params).await;
    assert!(answer["error"].as_str().expect("text").contains("Error(Contract, #1)"), "{answer}");
    assert!(answer.get("results").is_none());
    let nonsense = world.result("simulateTransaction", json!({ "transaction": "AAAA" })).await;
    assert_eq!(nonsense["error"], "Could not unmarshal transaction");
}
