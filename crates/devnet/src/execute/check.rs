//! Whether a transaction may enter a ledger at all.

use crate::execute::account;
use crate::execute::host::Setting;
use crate::execute::overlay::Overlay;
use stellar_xdr::{
    DecoratedSignature, FeeBumpTransactionInnerTx, Operation, OperationBody, Preconditions, TimeBounds, Transaction, TransactionEnvelope,
    TransactionExt, TransactionResultResult, TransactionV1Envelope,
};

/// Stroops that every operation costs at least.
pub(crate) const BASE_FEE: i64 = 100;

/// The transaction inside an envelope, which a fee bump wraps once more.
pub(crate) fn inner(envelope: &TransactionEnvelope) -> Option<&TransactionV1Envelope> {
    match envelope {
        TransactionEnvelope::Tx(envelope) => Some(envelope),
        TransactionEnvelope::TxFeeBump(bump) => {
            let FeeBumpTransactionInnerTx::Tx(inner) = &bump.tx.inner_tx;
            Some(inner)
        }
        // SDKs have not built these since protocol 13.
        TransactionEnvelope::TxV0(_) => None,
    }
}

/// Whether the operation belongs to smart contracts.
pub(crate) fn is_soroban(operation: &Operation) -> bool {
    matches!(
        operation.body,
        OperationBody::InvokeHostFunction(_) | OperationBody::ExtendFootprintTtl(_) | OperationBody::RestoreFootprint(_)
    )
}

/// Checks an envelope against the state; `sequence` is the number that its
/// source's next transaction must carry (pending ones counted), if it exists.
///
/// # Errors
/// The result that the network answers.
pub(crate) fn check(
    envelope: &TransactionEnvelope,
    overlay: &Overlay,
    setting: &Setting,
    sequence: Option<i64>,
) -> Result<(), TransactionResultResult> {
    use TransactionResultResult as R;
    let inner = inner(envelope).ok_or(R::TxNotSupported)?;
    let tx = &inner.tx;
    if tx.operations.is_empty() {
        return Err(R::TxMissingOperation);
    }
    shape(tx)?;
    times(tx, setting.close_time)?;
    let source = account::load(overlay, &account::of(&tx.source_account)).ok_or(R::TxNoAccount)?;
    if Some(tx.seq_num.0) != sequence {
        return Err(R::TxBadSeq);
    }
    let least = BASE_FEE * tx.operations.len() as i64;
    let hash = inner_hash(inner, setting).ok_or(R::TxMalformed)?;
    signatures(tx, overlay, &hash, &inner.signatures)?;
    if let TransactionEnvelope::TxFeeBump(bump) = envelope {
        let payer = account::load(overlay, &account::of(&bump.tx.fee_source)).ok_or(R::TxNoAccount)?;
        if bump.tx.fee < least + BASE_FEE {
            return Err(R::TxInsufficientFee);
        }
        if payer.balance < bump.tx.fee {
            return Err(R::TxInsufficientBalance);
        }
        let hash = envelope.hash(setting.network_id).map_err(|_| R::TxMalformed)?;
        let mut used = vec![false; bump.signatures.len()];
        if !account::authorized(&payer, &hash, &bump.signatures, &mut used) {
            return Err(R::TxBadAuth);
        }
        if used.contains(&false) {
            return Err(R::TxBadAuthExtra);
        }
        return Ok(());
    }
    if i64::from(tx.fee) < least {
        return Err(R::TxInsufficientFee);
    }
    if source.balance < i64::from(tx.fee) {
        return Err(R::TxInsufficientBalance);
    }
    Ok(())
}

/// The result code as SDKs write it: `txBadSeq`.
pub(crate) fn code(result: &TransactionResultResult) -> String {
    let mut name = result.name().to_owned();
    if let Some(first) = name.get_mut(..1) {
        first.make_ascii_lowercase();
    }
    name
}

fn inner_hash(inner: &TransactionV1Envelope, setting: &Setting) -> Option<[u8; 32]> {
    inner.hash(setting.network_id).ok()
}

/// A contract operation stands alone and brings its resources.
fn shape(tx: &Transaction) -> Result<(), TransactionResultResult> {
    let soroban = tx.operations.iter().any(is_soroban);
    let has_data = matches!(tx.ext, TransactionExt::V1(_));
    if soroban && tx.operations.len() != 1 {
        return Err(TransactionResultResult::TxMalformed);
    }
    if soroban != has_data {
        return Err(TransactionResultResult::TxSorobanInvalid);
    }
    Ok(())
}

fn times(tx: &Transaction, close_time: u64) -> Result<(), TransactionResultResult> {
    let bounds: Option<&TimeBounds> = match &tx.cond {
        Preconditions::None => None,
        Preconditions::Time(bounds) => Some(bounds),
        Preconditions::V2(conditions) => conditions.time_bounds.as_ref(),
    };
    let Some(bounds) = bounds else {
        return Ok(());
    };
    if bounds.min_time.0 > close_time {
        return Err(TransactionResultResult::TxTooEarly);
    }
    // Zero means no end.
    if bounds.max_time.0 != 0 && bounds.max_time.0 < close_time {
        return Err(TransactionResultResult::TxTooLate);
    }
    Ok(())
}

fn signatures(
    tx: &Transaction,
    overlay: &Overlay,
    hash: &[u8; 32],
    signatures: &[DecoratedSignature],
) -> Result<(), TransactionResultResult> {
    let mut used = vec![false; signatures.len()];
    let sources = std::iter::once(&tx.source_account).chain(tx.operations.iter().filter_map(|op| op.source_account.as_ref()));
    for muxed in sources {
        let account = account::load(overlay, &account::of(muxed)).ok_or(TransactionResultResult::TxBadAuth)?;
        if !account::authorized(&account, hash, signatures, &mut used) {
            return Err(TransactionResultResult::TxBadAuth);
        }
    }
    if used.contains(&false) {
        return Err(TransactionResultResult::TxBadAuthExtra);
    }
    Ok(())
}
