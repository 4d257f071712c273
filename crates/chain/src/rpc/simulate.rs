//! Views: a function of a contract, run by the node against its ledger and never sent to the network.
//!
//! The envelope is without signatures and of an account that need not exist, so that nobody could apply it. A function
//! that would change something is told apart by its footprint, and is not called a view.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};
use stellar_xdr::{Limits, ReadXdr, SorobanTransactionData, SorobanTransactionDataExt};

use super::envelope::beginning;
use super::{Method, Retry, Rpc, field};
use crate::values::XDR_DEPTH_MAX;
use crate::{ReadError, ViewCall, ViewOutcome, ViewReading};

impl Rpc {
    /// What a view returns.
    pub(crate) async fn view(&self, call: &ViewCall) -> Result<ViewReading, ReadError> {
        let method = Method::SimulateTransaction;
        let params = json!({ "transaction": call.envelope() });
        let answer = self.call(method, Some(&params), Retry::Few).await?;
        let (ledger, outcome) = read(&answer).map_err(|what| self.garbage(method, &what))?;
        Ok(ViewReading { endpoint: self.endpoint().to_owned(), ledger, outcome })
    }
}

pub(super) fn read(answer: &Value) -> Result<(u32, ViewOutcome), String> {
    Ok((field::ledger(answer, "latestLedger")?, outcome(answer)?))
}

fn outcome(answer: &Value) -> Result<ViewOutcome, String> {
    if let Some(error) = answer.get("error").filter(|error| !error.is_null()) {
        let error = error.as_str().ok_or("`error` is no text")?;
        // What follows the first line is the host's log of events.
        return Ok(ViewOutcome::Failed(beginning(error.lines().next().unwrap_or_default().as_bytes())));
    }
    let data: SorobanTransactionData = open(field::text(answer, "transactionData")?, "transactionData")?;
    // Servers of protocols before 23 say so beside the answer, later ones within it.
    let is_archived = match &data.ext {
        SorobanTransactionDataExt::V0 => false,
        SorobanTransactionDataExt::V1(more) => !more.archived_soroban_entries.is_empty(),
    };
    if is_archived || answer.get("restorePreamble").is_some_and(|preamble| !preamble.is_null()) {
        return Ok(ViewOutcome::Archived);
    }
    if !data.resources.footprint.read_write.is_empty() {
        return Ok(ViewOutcome::NotAView("changes state"));
    }
    let result = match answer.get("results").and_then(Value::as_array).map(Vec::as_slice) {
        Some([result]) => result,
        _ => return Err("`results` does not hold one result".to_owned()),
    };
    match result.get("auth") {
        None | Some(Value::Null) => {}
        Some(Value::Array(wanted)) if wanted.is_empty() => {}
        Some(Value::Array(_)) => return Ok(ViewOutcome::NotAView("asks for an authorization")),
        Some(_) => return Err("`auth` is no list".to_owned()),
    }
    let xdr = field::text(result, "xdr")?;
    Ok(ViewOutcome::Returned { value: open(xdr, "xdr")?, xdr: xdr.to_owned() })
}

fn open<T: ReadXdr>(text: &str, name: &str) -> Result<T, String> {
    let bytes = BASE64.decode(text).map_err(|error| format!("`{name}` is no base64: {error}"))?;
    let limits = Limits { depth: XDR_DEPTH_MAX, len: bytes.len() };
    T::from_xdr(&bytes, limits).map_err(|error| format!("`{name}` is not XDR of protocol 30 or older: {error}"))
}
