use serde_json::{Value, json};
use stellar_xdr::{Limits, ReadXdr, TransactionResult, TransactionResultCode};
use trueup_judge::{Answer, Retention};

use super::{Method, Retry, Rpc, field};
use crate::values::{timestamp, without_hex_prefix};
use crate::{ReadError, TransactionReading};

/// How deep a result's XDR may nest, far above what operations return.
const RESULT_DEPTH_MAX: u32 = 500;
/// Hex digits of a hash.
const HASH_DIGITS: usize = 64;

impl Rpc {
    /// What has become of a transaction.
    pub(crate) async fn transaction(&self, hash: &str) -> Result<TransactionReading, ReadError> {
        let method = Method::GetTransaction;
        let hash = canonical(hash)?;
        let answer = self.call(method, Some(&json!({ "hash": hash })), Retry::Few).await?;
        read(&answer, &hash, self.endpoint()).map_err(|what| self.garbage(method, &what))
    }
}

/// A hash as the server wants it: lower-case hex.
fn canonical(hash: &str) -> Result<String, ReadError> {
    let digits = without_hex_prefix(hash.trim());
    if digits.len() == HASH_DIGITS && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(digits.to_ascii_lowercase());
    }
    Err(ReadError::NotAHash { given: hash.chars().take(HASH_DIGITS + 2).collect() })
}

fn read(answer: &Value, hash: &str, endpoint: &str) -> Result<TransactionReading, String> {
    let status = field::text(answer, "status")?;
    // Older servers do not repeat the hash.
    if let Some(other) = answer.get("txHash").and_then(Value::as_str).filter(|other| !other.eq_ignore_ascii_case(hash)) {
        return Err(format!("asked for {hash}, answered {}", other.chars().take(HASH_DIGITS).collect::<String>()));
    }
    let outcome = match status {
        "SUCCESS" => Answer::Success,
        "FAILED" => Answer::Failed,
        "NOT_FOUND" => Answer::NotFound,
        other => return Err(format!("`status` is `{}`", other.chars().take(HASH_DIGITS).collect::<String>())),
    };
    let mut reading = TransactionReading {
        endpoint: endpoint.to_owned(),
        ledger: field::ledger(answer, "latestLedger")?,
        answer: outcome,
        retention: Retention { oldest_close_time: field::seconds(answer, "oldestLedgerCloseTime")? },
        values: Vec::new(),
        result_xdr: None,
    };
    if outcome != Answer::NotFound {
        let xdr = field::text(answer, "resultXdr")?;
        let result = TransactionResult::from_xdr_base64(xdr, Limits { depth: RESULT_DEPTH_MAX, len: xdr.len() })
            .map_err(|error| format!("`resultXdr` of {hash} is not XDR of protocol 30 or older: {error}"))?;
        let closed_at = timestamp(field::seconds(answer, "createdAt")?).map_err(|error| error.to_string())?;
        reading.values = vec![
            Some(status.to_owned()),
            Some(code_name(result.result.discriminant()).to_owned()),
            Some(field::ledger(answer, "ledger")?.to_string()),
            Some(closed_at),
            Some(result.fee_charged.to_string()),
        ];
        reading.result_xdr = Some(xdr.to_owned());
    }
    Ok(reading)
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
