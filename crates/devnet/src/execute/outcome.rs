//! What a transaction came to: its result and its meta.

use crate::execute::check;
use crate::execute::host::Setting;
use crate::execute::overlay::Overlay;
use stellar_xdr::{
    ContractEvent, ExtensionPoint, InnerTransactionResult, InnerTransactionResultExt, InnerTransactionResultPair,
    InnerTransactionResultResult, InvokeHostFunctionResult, LedgerEntryChanges, OperationMetaV2, OperationResult, OperationResultTr, ScVal,
    SorobanTransactionMetaExt, SorobanTransactionMetaV2, TransactionEnvelope, TransactionMeta, TransactionMetaV4, TransactionResult,
    TransactionResultExt, TransactionResultResult,
};

/// A transaction as a ledger holds it.
pub(crate) struct Applied {
    pub(crate) hash: [u8; 32],
    pub(crate) envelope: TransactionEnvelope,
    pub(crate) result: TransactionResult,
    pub(crate) meta: TransactionMeta,
    pub(crate) fee_changes: LedgerEntryChanges,
    pub(crate) events: Vec<ContractEvent>,
    pub(crate) return_value: Option<ScVal>,
    pub(crate) succeeded: bool,
    /// The host's own words, if it failed.
    pub(crate) error: Option<String>,
    /// An address other than the source that the call needed to sign.
    pub(crate) needs_signature: Option<String>,
}

/// What the operations of a transaction came to.
pub(crate) struct Operations {
    pub(crate) results: Vec<OperationResult>,
    pub(crate) events: Vec<ContractEvent>,
    pub(crate) return_value: Option<ScVal>,
    pub(crate) succeeded: bool,
    pub(crate) error: Option<String>,
}

// === impl Operations ===

impl Operations {
    /// A call that failed in the host, in the host's words.
    pub(crate) fn trapped(error: String) -> Self {
        Self {
            results: vec![invoke_result(InvokeHostFunctionResult::Trapped)],
            events: Vec::new(),
            return_value: None,
            succeeded: false,
            error: Some(error),
        }
    }
}

pub(crate) fn invoke_result(result: InvokeHostFunctionResult) -> OperationResult {
    OperationResult::OpInner(OperationResultTr::InvokeHostFunction(result))
}

/// Commits what succeeded, and writes down the rest.
pub(crate) fn finish(
    mut overlay: Overlay,
    envelope: TransactionEnvelope,
    hash: [u8; 32],
    fee: i64,
    fee_changes: LedgerEntryChanges,
    operations: Operations,
    setting: &Setting,
) -> Applied {
    let succeeded = operations.succeeded;
    if !succeeded {
        overlay.discard();
    }
    let changes = overlay.commit();
    let count = if succeeded { operations.results.len() } else { 0 };
    let events = if succeeded { operations.events } else { Vec::new() };
    // The changes of a transaction of several (classic) operations stand under
    // its first one.
    let mut metas = Vec::with_capacity(count);
    for index in 0..count {
        metas.push(OperationMetaV2 {
            ext: ExtensionPoint::V0,
            changes: if index == 0 { changes.clone() } else { Default::default() },
            events: if index == 0 { events.clone().try_into().unwrap_or_default() } else { Default::default() },
        });
    }
    let soroban = check::inner(&envelope).is_some_and(|inner| inner.tx.operations.iter().any(check::is_soroban));
    let return_value = operations.return_value.filter(|_| succeeded);
    let meta = TransactionMeta::V4(TransactionMetaV4 {
        ext: ExtensionPoint::V0,
        tx_changes_before: Default::default(),
        operations: metas.try_into().unwrap_or_default(),
        tx_changes_after: Default::default(),
        soroban_meta: soroban.then(|| SorobanTransactionMetaV2 { ext: SorobanTransactionMetaExt::V0, return_value: return_value.clone() }),
        events: Default::default(),
        diagnostic_events: Default::default(),
    });
    let result = result(&envelope, fee, operations.results, succeeded, setting);
    Applied { hash, envelope, result, meta, fee_changes, events, return_value, succeeded, error: operations.error, needs_signature: None }
}

fn result(
    envelope: &TransactionEnvelope,
    fee: i64,
    results: Vec<OperationResult>,
    succeeded: bool,
    setting: &Setting,
) -> TransactionResult {
    let results = results.try_into().unwrap_or_default();
    let result = match envelope {
        TransactionEnvelope::TxFeeBump(_) => {
            let hash = check::inner(envelope).and_then(|inner| inner.hash(setting.network_id).ok()).unwrap_or_default();
            let pair = InnerTransactionResultPair {
                transaction_hash: stellar_xdr::Hash(hash),
                result: InnerTransactionResult {
                    fee_charged: 0,
                    result: if succeeded {
                        InnerTransactionResultResult::TxSuccess(results)
                    } else {
                        InnerTransactionResultResult::TxFailed(results)
                    },
                    ext: InnerTransactionResultExt::V0,
                },
            };
            if succeeded {
                TransactionResultResult::TxFeeBumpInnerSuccess(pair)
            } else {
                TransactionResultResult::TxFeeBumpInnerFailed(pair)
            }
        }
        _ if succeeded => TransactionResultResult::TxSuccess(results),
        _ => TransactionResultResult::TxFailed(results),
    };
    TransactionResult { fee_charged: fee, result, ext: TransactionResultExt::V0 }
}
