//! What functions of contracts return.

use std::collections::HashMap;

use futures::future::join_all;
use trueup_chain::{
    Intent, KeyError, LedgerKey, ReadError, Reading, ScVal, ViewCall, ViewOutcome, ViewReading, decode_all, key_value, ledger_key,
};
use trueup_database::Located;
use trueup_judge::{Durability, Seen, Stamp, UnknownReason};
use trueup_queue::Failure;
use trueup_spec::{Contract, Spec, View};

use super::observe::{Observation, Observed, seen_contract, unread};
use crate::context::Context;

/// A row's call, and the contract that it calls.
struct Call {
    view: ViewCall,
    instance: LedgerKey,
}

/// Calls the view for each row; one answer for each, in order. The contracts' instances are read beside: a view may be
/// answered by any contract, and a repair rests on the one that the spec names being there.
pub(super) async fn observe_views<'a>(
    context: &Context,
    spec: &Spec,
    view: &View,
    rows: impl Iterator<Item = &'a Located>,
    intent: Intent,
) -> Vec<Observation> {
    let calls: Vec<Result<Option<Call>, Failure>> =
        rows.map(|row| call(view, row).map_err(|error| Failure::permanent(format!("the row's arguments make no call: {error}")))).collect();
    let mut instances: Vec<LedgerKey> = calls.iter().flatten().flatten().map(|call| call.instance.clone()).collect();
    instances.sort_unstable();
    instances.dedup();
    let ask = async |call: &Result<Option<Call>, Failure>| match call {
        Ok(Some(call)) => Some(context.chain.view(&call.view).await),
        _ => None,
    };
    // The client bounds how many are on their way, and how many go out in a second.
    let (found, answers) = tokio::join!(context.chain.read_announced(instances.clone(), intent), join_all(calls.iter().map(ask)));
    let instances: HashMap<LedgerKey, Result<Reading, ReadError>> = instances.into_iter().zip(found).collect();
    calls
        .into_iter()
        .zip(answers)
        .map(|(call, answer)| match (call?, answer) {
            (Some(call), Some(Ok(reading))) => match instances.get(&call.instance) {
                Some(Err(error)) => unread(error),
                Some(Ok(instance)) => {
                    let contracts = instance.runs.iter().map(seen_contract).collect();
                    Ok(Observed { contracts, ..observed(spec, view, reading, instance.entry.is_some()) })
                }
                None => Ok(observed(spec, view, reading, false)),
            },
            (Some(_), Some(Err(error))) => unread(&error),
            _ => Ok(Observed::bare(Seen::NoKey)),
        })
        .collect()
}

/// The call of a row; none where something that it needs is NULL, or where the row is provisional.
fn call(view: &View, row: &Located) -> Result<Option<Call>, KeyError> {
    let contract = match &view.contract {
        Contract::Fixed(contract) => Some(contract.as_str()),
        Contract::Column(_) => row.contract.as_deref(),
    };
    let Some(contract) = contract.filter(|_| !row.provisional) else { return Ok(None) };
    let mut arguments = Vec::with_capacity(view.parameters.len());
    for parameter in &view.parameters {
        let Some(argument) = key_value(parameter, &view.arguments, &row.arguments)? else { return Ok(None) };
        arguments.push(argument);
    }
    let instance = ledger_key(contract, ScVal::LedgerKeyContractInstance, Durability::Persistent)?;
    Ok(Some(Call { view: ViewCall::new(contract, &view.function, arguments)?, instance }))
}

fn observed(spec: &Spec, view: &View, reading: ViewReading, with_instance: bool) -> Observed {
    let ViewReading { endpoint, ledger, outcome } = reading;
    let unusable = |reason, detail| Observed { with_instance, detail: Some(detail), ..Observed::bare(Seen::Unusable(reason)) };
    let function = &view.function;
    match outcome {
        ViewOutcome::Failed(_) if !with_instance => unusable(UnknownReason::NoInstance, "the contract is not on this network".to_owned()),
        ViewOutcome::Failed(words) => unusable(UnknownReason::ViewFailed, format!("the view `{function}` failed: {words}")),
        ViewOutcome::Archived => unusable(
            UnknownReason::Archived,
            format!("the view `{function}` reads entries that are archived; restore them, or read the entries themselves"),
        ),
        ViewOutcome::NotAView(why) => unusable(UnknownReason::NotAView, format!("the function `{function}` {why}, so that it is no view")),
        ViewOutcome::Returned { value, xdr } => match decode_all(&value, &spec.values) {
            Ok(values) => {
                let stamp = Stamp { endpoint, ledger, last_modified: None, archived: false, confirmed_by: None };
                Observed { values: Some(values), chain_entry: Some(xdr), with_instance, ..Observed::bare(Seen::Present(stamp)) }
            }
            Err(error) => {
                Observed { with_instance, chain_entry: Some(xdr), detail: Some(error.to_string()), ..Observed::bare(Seen::Unreadable) }
            }
        },
    }
}
