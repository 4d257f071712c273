use serde_json::{Value, json};
use trueup_judge::{Answer, LedgerTime, Retention};

use super::{Method, Retry, Rpc, field};
use crate::transaction::{Outcome, RecordedEffects, outcome};
use crate::values::{timestamp, without_hex_prefix};
use crate::{ReadError, TransactionReading};

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
pub(crate) fn canonical(hash: &str) -> Result<String, ReadError> {
    let digits = without_hex_prefix(hash.trim());
    if digits.len() == HASH_DIGITS && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(digits.to_ascii_lowercase());
    }
    Err(ReadError::NotAHash { given: hash.chars().take(HASH_DIGITS + 2).collect() })
}

pub(super) fn read(answer: &Value, hash: &str, endpoint: &str) -> Result<TransactionReading, String> {
    let status = field::text(answer, "status")?;
    let end = |which: &str| -> Result<LedgerTime, String> {
        let (ledger, close_time) = (format!("{which}Ledger"), format!("{which}LedgerCloseTime"));
        Ok(LedgerTime { ledger: field::ledger(answer, &ledger)?, close_time: field::seconds(answer, &close_time)? })
    };
    let retention = Retention { oldest: end("oldest")?, latest: end("latest")? };
    if retention.oldest.ledger > retention.latest.ledger {
        return Err("the oldest ledger is newer than the latest".to_owned());
    }
    let found = match status {
        "SUCCESS" => true,
        "FAILED" => true,
        "NOT_FOUND" => false,
        other => return Err(format!("`status` is `{}`", other.chars().take(HASH_DIGITS).collect::<String>())),
    };
    // Older servers do not repeat the hash.
    let other_hash = answer.get("txHash").and_then(Value::as_str).filter(|other| !other.eq_ignore_ascii_case(hash));
    let mut reading = TransactionReading {
        endpoint: endpoint.to_owned(),
        ledger: retention.latest.ledger,
        answer: Answer::NotFound,
        retention: Some(retention),
        values: Vec::new(),
        result_xdr: None,
        effects: RecordedEffects::default(),
    };
    if found {
        let xdr = field::text(answer, "resultXdr")?;
        let outcome = outcome(xdr).map_err(|what| format!("`resultXdr` of {hash}: {what}"))?;
        if outcome.succeeded != (status == "SUCCESS") {
            return Err(format!("`status` of {hash} is {status}, and its result is {}", outcome.code));
        }
        if let Some(other) = other_hash.filter(|_| outcome.inner_hash.as_deref() != Some(hash)) {
            return Err(another(hash, other));
        }
        let closed_at = timestamp(field::seconds(answer, "createdAt")?).map_err(|error| error.to_string())?;
        reading.decided(&outcome, field::ledger(answer, "ledger")?, closed_at, xdr);
        reading.effects = recorded(answer);
    } else if let Some(other) = other_hash {
        return Err(another(hash, other));
    }
    Ok(reading)
}

fn another(asked: &str, answered: &str) -> String {
    format!("asked for {asked}, answered {}", answered.chars().take(HASH_DIGITS).collect::<String>())
}

/// What it did, undecoded: most who ask for an outcome ask for nothing else.
fn recorded(answer: &Value) -> RecordedEffects {
    let meta = answer.get("resultMetaXdr").and_then(Value::as_str).map(str::to_owned);
    // By operation; a transaction that calls a contract has one.
    let listed = answer.get("events").and_then(|events| events.get("contractEventsXdr")).and_then(Value::as_array);
    let events = listed.map(|operations| {
        let texts = operations.iter().filter_map(Value::as_array).flatten();
        texts.map(|event| event.as_str().unwrap_or_default().to_owned()).collect()
    });
    RecordedEffects { meta, events }
}

// === impl TransactionReading ===

impl TransactionReading {
    /// It is in that ledger.
    pub(crate) fn decided(&mut self, outcome: &Outcome, ledger: u32, closed_at: String, result_xdr: &str) {
        let status = if outcome.succeeded { "SUCCESS" } else { "FAILED" };
        self.answer = if outcome.succeeded { Answer::Success } else { Answer::Failed { code: outcome.code.to_owned() } };
        self.values = vec![
            Some(status.to_owned()),
            Some(outcome.code.to_owned()),
            Some(ledger.to_string()),
            Some(closed_at),
            Some(outcome.fee_charged.to_string()),
        ];
        self.result_xdr = Some(result_xdr.to_owned());
    }
}
