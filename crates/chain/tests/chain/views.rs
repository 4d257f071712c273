//! Views: what is asked, and what of the answer is believed.

use serde_json::{Value, json};
use stellar_xdr::{
    HostFunction, InvokeContractArgs, LedgerFootprint, LedgerKey, Limits, OperationBody, ReadXdr, ScVal, SorobanAuthorizationEntry,
    SorobanResources, SorobanResourcesExtV0, SorobanTransactionData, SorobanTransactionDataExt, TransactionEnvelope, WriteXdr,
};
use trueup_chain::{ReadError, ViewCall, ViewOutcome};

use crate::double::{Double, Reply};
use crate::ledger::{TIP, address, item};

fn base64(value: &impl WriteXdr) -> String {
    value.to_xdr_base64(Limits::none()).expect("it encodes")
}

fn data(read_write: Vec<LedgerKey>, archived: Vec<u32>) -> String {
    let ext = match archived.is_empty() {
        true => SorobanTransactionDataExt::V0,
        false => SorobanTransactionDataExt::V1(SorobanResourcesExtV0 { archived_soroban_entries: archived.try_into().expect("few") }),
    };
    let footprint =
        LedgerFootprint { read_only: vec![item(1, 1)].try_into().expect("one"), read_write: read_write.try_into().expect("few") };
    let resources = SorobanResources { footprint, ..SorobanResources::default() };
    base64(&SorobanTransactionData { ext, resources, resource_fee: 1 })
}

fn sound() -> Value {
    json!({
        "latestLedger": TIP, "minResourceFee": "1", "events": [], "transactionData": data(Vec::new(), Vec::new()),
        "results": [{ "auth": null, "xdr": base64(&ScVal::U32(7)) }],
    })
}

fn call() -> ViewCall {
    ViewCall::new(&address(1).to_string(), "price", vec![ScVal::U32(5)]).expect("a call")
}

async fn outcome(answer: Value) -> Result<ViewOutcome, ReadError> {
    let chain = Double::start(move |_| Reply::Result(answer.clone())).await.connect().await;
    chain.view(&call()).await.map(|reading| {
        assert_eq!((reading.ledger, reading.endpoint.as_str()), (TIP, chain.endpoint()));
        reading.outcome
    })
}

#[tokio::test]
async fn what_a_view_returns_comes_with_its_bytes_and_the_ledger() {
    for auth in [json!(null), json!([])] {
        let mut answer = sound();
        answer["results"][0]["auth"] = auth;
        assert_eq!(outcome(answer).await, Ok(ViewOutcome::Returned { value: ScVal::U32(7), xdr: base64(&ScVal::U32(7)) }));
    }
}

#[tokio::test]
async fn the_envelope_calls_that_function_and_nobody_signed_it() {
    let double = Double::start(|seen| {
        let envelope = seen.params["transaction"].as_str().expect("an envelope");
        let TransactionEnvelope::Tx(envelope) = TransactionEnvelope::from_xdr_base64(envelope, Limits::none()).expect("XDR") else {
            panic!("another version")
        };
        assert!(envelope.signatures.is_empty());
        let [operation] = envelope.tx.operations.as_slice() else { panic!("one operation") };
        let OperationBody::InvokeHostFunction(invoked) = &operation.body else { panic!("a call") };
        assert!(invoked.auth.is_empty());
        let expected = InvokeContractArgs {
            contract_address: address(1),
            function_name: stellar_xdr::ScSymbol("price".try_into().expect("short")),
            args: vec![ScVal::U32(5)].try_into().expect("one"),
        };
        assert_eq!(invoked.host_function, HostFunction::InvokeContract(expected));
        Reply::Result(sound())
    })
    .await;
    double.connect().await.view(&call()).await.expect("a sound answer");
    assert_eq!(double.count("simulateTransaction"), 1);
}

#[tokio::test]
async fn a_call_that_fails_is_told_by_its_first_line() {
    let failed = json!({ "latestLedger": TIP, "error": "HostError: Error(Contract, #1)\n\nEvent log (newest first):\n   0: …" });
    assert_eq!(outcome(failed).await, Ok(ViewOutcome::Failed("HostError: Error(Contract, #1)".to_owned())));
}

#[tokio::test]
async fn a_call_that_would_change_something_is_no_view() {
    let mut writes = sound();
    writes["transactionData"] = json!(data(vec![item(1, 2)], Vec::new()));
    assert_eq!(outcome(writes).await, Ok(ViewOutcome::NotAView("changes state")));
    let mut authorized = sound();
    authorized["results"][0]["auth"] = json!([base64(&SorobanAuthorizationEntry::default())]);
    assert_eq!(outcome(authorized).await, Ok(ViewOutcome::NotAView("asks for an authorization")));
}

#[tokio::test]
async fn a_call_that_reads_what_is_archived_says_so_in_either_form() {
    let mut before = sound();
    before["restorePreamble"] = json!({ "minResourceFee": "1", "transactionData": data(vec![item(1, 2)], Vec::new()) });
    assert_eq!(outcome(before).await, Ok(ViewOutcome::Archived));
    let mut since = sound();
    since["transactionData"] = json!(data(vec![item(1, 2)], vec![0]));
    assert_eq!(outcome(since).await, Ok(ViewOutcome::Archived));
}

#[tokio::test]
async fn an_answer_that_is_not_whole_is_garbage_and_never_a_value() {
    let spoil: [fn(&mut Value); 9] = [
        |answer| answer["latestLedger"] = json!("1000"),
        |answer| answer["transactionData"] = json!(null),
        |answer| answer["transactionData"] = json!("AAAA"),
        |answer| answer["results"] = json!([]),
        |answer| answer["results"] = json!(null),
        |answer| answer["results"][0]["xdr"] = json!("AAAA"),
        |answer| answer["results"][0]["xdr"] = json!(null),
        |answer| answer["results"][0]["auth"] = json!("none"),
        |answer| answer["error"] = json!(5),
    ];
    for spoil in spoil {
        let mut answer = sound();
        spoil(&mut answer);
        assert!(matches!(outcome(answer.clone()).await, Err(ReadError::Garbage { .. })), "{answer}");
    }
}

#[test]
fn what_cannot_be_called_is_refused_before_anyone_is_asked() {
    assert!(ViewCall::new("GAAZI4TCR3TY5OJHCTJC2A4QSY6CJWJH5IAJTGKIN2ER7LBNVKOCCWN7", "price", Vec::new()).is_err());
    assert!(ViewCall::new(&address(1).to_string(), &"p".repeat(33), Vec::new()).is_err());
}
