//! `sendTransaction`: checks, queues, and (as configured) closes a ledger.

use crate::chain::Submitted;
use crate::config::AutoClose;
use crate::rpc::Endpoint;
use crate::rpc::format::Format;
use crate::rpc::protocol::{RpcError, params};
use crate::xdr;
use serde::Deserialize;
use serde_json::{Map, Value};
use stellar_xdr::{TransactionEnvelope, TransactionResult, TransactionResultExt, TransactionResultResult};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Params {
    #[serde(default)]
    transaction: String,
    xdr_format: Option<String>,
}

pub(crate) fn send(endpoint: &Endpoint, value: Value) -> Result<Value, RpcError> {
    let params: Params = params(value)?;
    let format = Format::parse(params.xdr_format.as_deref())?;
    let envelope: TransactionEnvelope = xdr::from_base64(&params.transaction)
        .ok()
        .and_then(|bytes| xdr::read(&bytes).ok())
        .ok_or_else(|| RpcError::invalid_params("invalid_xdr"))?;
    let mut chain = endpoint.devnet.chain();
    let hash = envelope.hash(chain.network_id()).map_err(|_| RpcError::invalid_params("invalid_hash"))?;
    let mut answer = Map::new();
    answer.insert("hash".to_owned(), hex::encode(hash).into());
    let latest = chain.latest();
    answer.insert("latestLedger".to_owned(), latest.sequence.into());
    answer.insert("latestLedgerCloseTime".to_owned(), latest.close_time.to_string().into());
    let status = match chain.submit(envelope, hash) {
        Submitted::Pending => "PENDING",
        Submitted::Duplicate => "DUPLICATE",
        Submitted::Refused(result) => {
            let result = xdr::bytes(&refusal(result));
            format.put::<TransactionResult>(&mut answer, ("errorResultXdr", "errorResultJson"), &result)?;
            "ERROR"
        }
    };
    answer.insert("status".to_owned(), status.into());
    let per_transaction = endpoint.devnet.config().auto_close == AutoClose::PerTransaction;
    if per_transaction && chain.has_pending() {
        chain.close(Vec::new());
    }
    Ok(Value::Object(answer))
}

fn refusal(result: TransactionResultResult) -> TransactionResult {
    TransactionResult { fee_charged: 0, result, ext: TransactionResultExt::V0 }
}
