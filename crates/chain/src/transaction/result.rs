use stellar_xdr::{InnerTransactionResultPair, TransactionResult, TransactionResultCode, TransactionResultResult};

/// What a `TransactionResult` says. Of a fee bump what its inner transaction came to, which is what the application
/// asked for; only the fee is the outer one's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) succeeded: bool,
    pub(crate) code: &'static str,
    /// In stroops.
    pub(crate) fee_charged: i64,
    /// The hash of the inner transaction, if there is one.
    pub(crate) inner_hash: Option<String>,
}

/// Reads a `TransactionResult` in base64.
pub(crate) fn outcome(xdr: &str) -> Result<Outcome, String> {
    let result: TransactionResult = super::from_base64(xdr)?;
    let fee_charged = result.fee_charged;
    Ok(match &result.result {
        TransactionResultResult::TxFeeBumpInnerSuccess(pair) | TransactionResultResult::TxFeeBumpInnerFailed(pair) => {
            inner(pair, fee_charged)
        }
        own => {
            let code = own.discriminant();
            Outcome { succeeded: code == TransactionResultCode::TxSuccess, code: code_name(code), fee_charged, inner_hash: None }
        }
    })
}

fn inner(pair: &InnerTransactionResultPair, fee_charged: i64) -> Outcome {
    let code = pair.result.result.discriminant();
    Outcome {
        succeeded: code == TransactionResultCode::TxSuccess,
        code: code_name(code),
        fee_charged,
        inner_hash: Some(hex::encode(pair.transaction_hash.0)),
    }
}

/// The code's name in the protocol (`Stellar-transaction.x`).
const fn code_name(code: TransactionResultCode) -> &'static str {
    use TransactionResultCode as Code;
    match code {
        Code::TxFeeBumpInnerSuccess => "txFEE_BUMP_INNER_SUCCESS",
        Code::TxSuccess => "txSUCCESS",
        Code::TxFailed => "txFAILED",
        Code::TxTooEarly => "txTOO_EARLY",
        Code::TxTooLate => "txTOO_LATE",
        Code::TxMissingOperation => "txMISSING_OPERATION",
        Code::TxBadSeq => "txBAD_SEQ",
        Code::TxBadAuth => "txBAD_AUTH",
        Code::TxInsufficientBalance => "txINSUFFICIENT_BALANCE",
        Code::TxNoAccount => "txNO_ACCOUNT",
        Code::TxInsufficientFee => "txINSUFFICIENT_FEE",
        Code::TxBadAuthExtra => "txBAD_AUTH_EXTRA",
        Code::TxInternalError => "txINTERNAL_ERROR",
        Code::TxNotSupported => "txNOT_SUPPORTED",
        Code::TxFeeBumpInnerFailed => "txFEE_BUMP_INNER_FAILED",
        Code::TxBadSponsorship => "txBAD_SPONSORSHIP",
        Code::TxBadMinSeqAgeOrGap => "txBAD_MIN_SEQ_AGE_OR_GAP",
        Code::TxMalformed => "txMALFORMED",
        Code::TxSorobanInvalid => "txSOROBAN_INVALID",
        Code::TxFrozenKeyAccessed => "txFROZEN_KEY_ACCESSED",
    }
}
