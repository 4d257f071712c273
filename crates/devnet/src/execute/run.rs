//! One transaction, applied.

use crate::contracts::NativeHashes;
use crate::entries::Entries;
use crate::execute::check;
use crate::execute::host::{self, Authorization, Call, Outcome, Setting};
use crate::execute::outcome::{self, Applied, Operations};
use crate::execute::overlay::Overlay;
use crate::execute::{account, classic, footprint, own, rent};
use crate::keys::Keypair;
use std::sync::{Arc, RwLock};
use stellar_xdr::{
    AccountId, ExtendFootprintTtlResult, HostFunction, InvokeHostFunctionOp, InvokeHostFunctionResult, InvokeHostFunctionSuccessPreImage,
    LedgerEntryChanges, LedgerFootprint, Operation, OperationBody, OperationResult, OperationResultTr, RestoreFootprintResult, Transaction,
    TransactionEnvelope, TransactionExt,
};

/// A transaction that waits for the next ledger.
pub(crate) enum Submission {
    /// Signed elsewhere and checked.
    Signed { envelope: Box<TransactionEnvelope>, hash: [u8; 32] },
    /// A call by an account whose key the devnet holds: it is run once, with
    /// authorizations recorded, and its envelope is signed with what was seen.
    Own { source: Keypair, sequence: i64, function: Box<HostFunction> },
}

// === impl Submission ===

impl Submission {
    /// The source account and its sequence number.
    pub(crate) fn source(&self) -> Option<(AccountId, i64)> {
        match self {
            Self::Signed { envelope, .. } => {
                check::inner(envelope).map(|inner| (account::of(&inner.tx.source_account), inner.tx.seq_num.0))
            }
            Self::Own { source, sequence, .. } => Some((source.account_id(), *sequence)),
        }
    }
}

/// Applies a transaction to the state.
pub(crate) fn apply(entries: Arc<RwLock<Entries>>, setting: &Setting, natives: &NativeHashes, submission: Submission) -> Applied {
    let mut overlay = Overlay::new(entries, setting.ledger);
    match submission {
        Submission::Signed { envelope, hash } => {
            let fee = fee(&envelope);
            let fee_changes = charge(&mut overlay, &envelope, fee);
            let operations = match check::inner(&envelope) {
                Some(inner) => run_all(&mut overlay, setting, natives, &inner.tx),
                None => Operations::trapped("unsupported envelope".to_owned()),
            };
            outcome::finish(overlay, *envelope, hash, fee, fee_changes, operations, setting)
        }
        Submission::Own { source, sequence, function } => {
            let own = own::build(&overlay, setting, natives, &source, sequence, *function, None);
            let fee = fee(&own.envelope);
            let fee_changes = charge(&mut overlay, &own.envelope, fee);
            let operations = match &own.stranger {
                Some(_) => Operations::trapped("the call needs another signature".to_owned()),
                None => stage(&mut overlay, own.outcome),
            };
            let mut applied = outcome::finish(overlay, own.envelope, own.hash, fee, fee_changes, operations, setting);
            applied.needs_signature = own.stranger;
            applied
        }
    }
}

/// The stroops that a transaction is charged: all that it offers.
fn fee(envelope: &TransactionEnvelope) -> i64 {
    match envelope {
        TransactionEnvelope::Tx(envelope) => i64::from(envelope.tx.fee),
        TransactionEnvelope::TxFeeBump(bump) => bump.tx.fee,
        TransactionEnvelope::TxV0(envelope) => i64::from(envelope.tx.fee),
    }
}

/// Takes the fee and consumes the sequence number: both stay if the rest fails.
fn charge(overlay: &mut Overlay, envelope: &TransactionEnvelope, fee: i64) -> LedgerEntryChanges {
    let Some(inner) = check::inner(envelope) else {
        return LedgerEntryChanges::default();
    };
    let source = account::of(&inner.tx.source_account);
    let payer = match envelope {
        TransactionEnvelope::TxFeeBump(bump) => account::of(&bump.tx.fee_source),
        _ => source.clone(),
    };
    if let Some(mut account) = account::load(overlay, &payer) {
        account.balance -= fee.min(account.balance);
        account::store(overlay, account);
    }
    if let Some(mut account) = account::load(overlay, &source) {
        account.seq_num = inner.tx.seq_num.clone();
        account::store(overlay, account);
    }
    overlay.commit()
}

fn run_all(overlay: &mut Overlay, setting: &Setting, natives: &NativeHashes, tx: &Transaction) -> Operations {
    let mut all = Operations {
        results: Vec::with_capacity(tx.operations.len()),
        events: Vec::new(),
        return_value: None,
        succeeded: true,
        error: None,
    };
    for operation in tx.operations.iter() {
        let source = account::of(operation.source_account.as_ref().unwrap_or(&tx.source_account));
        let one = run_one(overlay, setting, natives, tx, &source, operation);
        all.results.extend(one.results);
        all.events.extend(one.events);
        all.return_value = one.return_value.or(all.return_value);
        all.error = all.error.or(one.error);
        all.succeeded &= one.succeeded;
    }
    all
}

fn run_one(
    overlay: &mut Overlay,
    setting: &Setting,
    natives: &NativeHashes,
    tx: &Transaction,
    source: &AccountId,
    operation: &Operation,
) -> Operations {
    let declared = match &tx.ext {
        TransactionExt::V1(data) => data.resources.footprint.clone(),
        TransactionExt::V0 => LedgerFootprint::default(),
    };
    let single = |result, succeeded| Operations { results: vec![result], events: Vec::new(), return_value: None, succeeded, error: None };
    match &operation.body {
        OperationBody::InvokeHostFunction(op) => {
            let draw = tx.seq_num.0.unsigned_abs();
            invoke(overlay, setting, natives, source, op, &declared, draw)
        }
        OperationBody::ExtendFootprintTtl(op) => {
            let result = rent::extend(overlay, op, &declared, setting.ledger);
            let ok = result == ExtendFootprintTtlResult::Success;
            single(OperationResult::OpInner(OperationResultTr::ExtendFootprintTtl(result)), ok)
        }
        OperationBody::RestoreFootprint(_) => {
            let result = rent::restore(overlay, &declared, setting.ledger);
            let ok = result == RestoreFootprintResult::Success;
            single(OperationResult::OpInner(OperationResultTr::RestoreFootprint(result)), ok)
        }
        body => {
            let (result, ok) = classic::apply(overlay, source, body, setting.ledger);
            single(result, ok)
        }
    }
}

fn invoke(
    overlay: &mut Overlay,
    setting: &Setting,
    natives: &NativeHashes,
    source: &AccountId,
    op: &InvokeHostFunctionOp,
    declared: &LedgerFootprint,
    draw: u64,
) -> Operations {
    let call = Call {
        source: source.clone(),
        function: op.host_function.clone(),
        authorization: Authorization::Enforce(op.auth.to_vec()),
        diagnose: false,
        draw,
    };
    let outcome = host::invoke(overlay, setting, natives, call);
    if outcome.result.is_ok()
        && let Some(key) = footprint::violation(&outcome.touched, declared)
    {
        let mut operations = Operations::trapped(format!("{} is not in the footprint", key.name()));
        operations.results = vec![outcome::invoke_result(InvokeHostFunctionResult::ResourceLimitExceeded)];
        return operations;
    }
    stage(overlay, outcome)
}

/// Stages what a call touched, if it succeeded.
fn stage(overlay: &mut Overlay, outcome: Outcome) -> Operations {
    let value = match outcome.result {
        Ok(value) => value,
        Err(error) => {
            return Operations::trapped(error);
        }
    };
    for touch in outcome.touched {
        let ttl_changed = touch.before.as_ref().and_then(|b| b.1) != touch.after.as_ref().and_then(|a| a.1);
        if touch.written || ttl_changed {
            overlay.set(touch.key, touch.after);
        }
    }
    let image =
        InvokeHostFunctionSuccessPreImage { return_value: value.clone(), events: outcome.events.clone().try_into().unwrap_or_default() };
    let hash = stellar_xdr::Hash(crate::xdr::sha256(&crate::xdr::bytes(&image)));
    Operations {
        results: vec![outcome::invoke_result(InvokeHostFunctionResult::Success(hash))],
        events: outcome.events,
        return_value: Some(value),
        succeeded: true,
        error: None,
    }
}
