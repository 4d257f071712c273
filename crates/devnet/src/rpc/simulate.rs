//! `simulateTransaction`: runs a transaction on the real host without applying
//! it, and answers what it needs: footprint, authorizations, resources, fee.

use crate::contracts::NativeHashes;
use crate::execute::account;
use crate::execute::check;
use crate::execute::footprint;
use crate::execute::host::{self, Authorization, Call, Outcome, Setting, Touched};
use crate::execute::overlay::Overlay;
use crate::rpc::Endpoint;
use crate::rpc::format::{Format, json_of};
use crate::rpc::protocol::{RpcError, params};
use crate::xdr;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use stellar_xdr::{
    AccountId, InvokeHostFunctionOp, LedgerEntry, LedgerEntryData, LedgerEntryExt, LedgerKey, OperationBody, ReadXdr, ScVal,
    SorobanResources, SorobanTransactionData, SorobanTransactionDataExt, TransactionEnvelope, TransactionExt, WriteXdr,
};

/// Stroops that extending or restoring an entry is estimated at.
const RENT_FEE_PER_KEY: i64 = 100_000;
/// Hundredths by which estimates exceed what was measured, as native code is
/// cheaper than the Wasm it stands for.
const MARGIN_PERCENT: i64 = 15;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Params {
    #[serde(default)]
    transaction: String,
    resource_config: Option<ResourceConfig>,
    #[serde(default)]
    auth_mode: String,
    #[serde(default)]
    use_upgraded_auth: bool,
    xdr_format: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResourceConfig {
    #[serde(default)]
    instruction_leeway: u32,
}

/// Where a simulation takes place; taken under the chain's lock, used without it.
struct Place {
    overlay: Overlay,
    setting: Setting,
    natives: NativeHashes,
    latest: u32,
    /// The number of this simulation.
    draw: u64,
}

pub(crate) fn simulate(endpoint: &Endpoint, value: Value) -> Result<Value, RpcError> {
    let params: Params = params(value)?;
    let place = {
        let chain = endpoint.devnet.chain();
        Place {
            overlay: chain.overlay(),
            setting: chain.next_setting(),
            natives: *chain.natives(),
            latest: chain.latest().sequence,
            draw: endpoint.devnet.next_draw(),
        }
    };
    // Unlike in other methods, what is wrong with a transaction is no error of
    // the call, but the answer.
    run(&params, &place).or_else(|failure| match failure {
        Failure::Answer(message) => Ok(json!({ "error": message, "latestLedger": place.latest })),
        Failure::Rpc(error) => Err(error),
    })
}

enum Failure {
    Answer(String),
    Rpc(RpcError),
}

impl From<RpcError> for Failure {
    fn from(error: RpcError) -> Self {
        Self::Rpc(error)
    }
}

fn refuse<T>(message: impl Into<String>) -> Result<T, Failure> {
    Err(Failure::Answer(message.into()))
}

fn run(params: &Params, place: &Place) -> Result<Value, Failure> {
    let Ok(format) = Format::parse(params.xdr_format.as_deref()) else {
        return refuse("expected base64 or json in xdrFormat");
    };
    let envelope: Option<TransactionEnvelope> = xdr::from_base64(&params.transaction).ok().and_then(|bytes| xdr::read(&bytes).ok());
    let Some(envelope) = envelope else {
        return refuse("Could not unmarshal transaction");
    };
    let Some(inner) = check::inner(&envelope) else {
        return refuse("Transaction is of a version that is no longer supported");
    };
    let tx = &inner.tx;
    let [operation] = tx.operations.as_slice() else {
        return refuse("Transaction contains more than one operation");
    };
    let source = account::of(operation.source_account.as_ref().unwrap_or(&tx.source_account));
    match &operation.body {
        OperationBody::InvokeHostFunction(op) => invoke(params, place, format, source, op),
        body @ (OperationBody::ExtendFootprintTtl(_) | OperationBody::RestoreFootprint(_)) => {
            let TransactionExt::V1(data) = &tx.ext else {
                return refuse(
                    "To perform a SimulateTransaction for ExtendFootprintTtl or RestoreFootprint operations, SorobanTransactionData must be provided",
                );
            };
            if !params.auth_mode.is_empty() {
                return refuse("cannot set authMode with non-InvokeHostFunction operations");
            }
            rent(place, format, data, body)
        }
        body => refuse(format!("Transaction contains unsupported operation type: {}", body.name())),
    }
}

fn invoke(params: &Params, place: &Place, format: Format, source: AccountId, op: &InvokeHostFunctionOp) -> Result<Value, Failure> {
    let record = |allow_non_root| Authorization::Record { allow_non_root, address_v2: params.use_upgraded_auth };
    let authorization = match (params.auth_mode.as_str(), op.auth.is_empty()) {
        ("", true) | ("record", true) => record(false),
        ("record_allow_nonroot", true) => record(true),
        ("" | "enforce", _) => Authorization::Enforce(op.auth.to_vec()),
        (mode @ ("record" | "record_allow_nonroot"), false) => {
            return refuse(format!("cannot set authMode to '{mode}' with an auth footprint"));
        }
        _ => {
            return refuse("optional 'authMode' must be one of enforce,record,record_allow_nonroot when included");
        }
    };
    let call = Call { source, function: op.host_function.clone(), authorization, diagnose: true, draw: place.draw };
    let mut outcome = host::invoke(&place.overlay, &place.setting, &place.natives, call);
    if outcome.authorizations.is_empty() {
        outcome.authorizations = op.auth.to_vec();
    }
    let value = match std::mem::replace(&mut outcome.result, Err(String::new())) {
        Ok(value) => value,
        Err(error) => {
            let mut answer = Map::new();
            answer.insert("error".to_owned(), error.into());
            put_all(&mut answer, format, ("events", "eventsJson"), &outcome.diagnostics)?;
            answer.insert("latestLedger".to_owned(), place.latest.into());
            return Ok(Value::Object(answer));
        }
    };
    success(params, place, format, &outcome, &value)
}

fn success(params: &Params, place: &Place, format: Format, outcome: &Outcome, value: &ScVal) -> Result<Value, Failure> {
    let leeway = params.resource_config.as_ref().map_or(0, |config| config.instruction_leeway);
    let ledger = place.setting.ledger;
    let fee = outcome.resource_fee + outcome.resource_fee * MARGIN_PERCENT / 100;
    let data = SorobanTransactionData {
        ext: footprint::archived_ext(&outcome.touched, ledger),
        resources: SorobanResources {
            footprint: footprint::of(&outcome.touched, ledger),
            instructions: outcome.instructions.saturating_add(leeway),
            disk_read_bytes: footprint::disk_read_bytes(&outcome.touched),
            write_bytes: footprint::written_bytes(&outcome.touched),
        },
        resource_fee: fee,
    };
    let mut result = Map::new();
    put_all(&mut result, format, ("auth", "authJson"), &outcome.authorizations)?;
    format.put::<ScVal>(&mut result, ("xdr", "returnValueJson"), &xdr::bytes(value))?;
    let mut answer = Map::new();
    put_data(&mut answer, format, &data)?;
    put_all(&mut answer, format, ("events", "eventsJson"), &outcome.diagnostics)?;
    answer.insert("results".to_owned(), json!([result]));
    let changes: Vec<Value> =
        outcome.touched.iter().filter(|touch| touch.written).map(|touch| state_change(touch, format, ledger)).collect::<Result<_, _>>()?;
    if !changes.is_empty() {
        answer.insert("stateChanges".to_owned(), changes.into());
    }
    answer.insert("latestLedger".to_owned(), place.latest.into());
    Ok(Value::Object(answer))
}

fn rent(place: &Place, format: Format, data: &SorobanTransactionData, body: &OperationBody) -> Result<Value, Failure> {
    let footprint = &data.resources.footprint;
    let (keys, wrong) = match body {
        OperationBody::ExtendFootprintTtl(_) => (&footprint.read_only, &footprint.read_write),
        _ => (&footprint.read_write, &footprint.read_only),
    };
    if keys.is_empty() || !wrong.is_empty() {
        return refuse(format!("the footprint of {} must name its keys, and nothing else", body.name()));
    }
    let mut data = data.clone();
    data.ext = SorobanTransactionDataExt::V0;
    data.resource_fee = RENT_FEE_PER_KEY * keys.len() as i64;
    let mut answer = Map::new();
    put_data(&mut answer, format, &data)?;
    answer.insert("latestLedger".to_owned(), place.latest.into());
    Ok(Value::Object(answer))
}

fn put_data(answer: &mut Map<String, Value>, format: Format, data: &SorobanTransactionData) -> Result<(), RpcError> {
    format.put::<SorobanTransactionData>(answer, ("transactionData", "transactionDataJson"), &xdr::bytes(data))?;
    answer.insert("minResourceFee".to_owned(), data.resource_fee.to_string().into());
    Ok(())
}

/// Puts a list of XDR values into an answer.
fn put_all<T: ReadXdr + WriteXdr + Serialize>(
    answer: &mut Map<String, Value>,
    format: Format,
    names: (&str, &str),
    values: &[T],
) -> Result<(), RpcError> {
    let (name, values) = match format {
        Format::Base64 => (names.0, values.iter().map(|v| Value::String(xdr::to_base64(v))).collect::<Vec<_>>()),
        Format::Json => (names.1, values.iter().map(|v| json_of::<T>(&xdr::bytes(v))).collect::<Result<Vec<_>, _>>()?),
    };
    answer.insert(name.to_owned(), Value::Array(values));
    Ok(())
}

fn state_change(touch: &Touched, format: Format, ledger: u32) -> Result<Value, RpcError> {
    let entry = |live: &Option<(LedgerEntryData, Option<u32>)>| {
        live.as_ref()
            .map(|(data, _)| xdr::bytes(&LedgerEntry { last_modified_ledger_seq: ledger, data: data.clone(), ext: LedgerEntryExt::V0 }))
    };
    let (before, after) = (entry(&touch.before), entry(&touch.after));
    let type_ = match (&before, &after) {
        (None, _) => "created",
        (Some(_), Some(_)) => "updated",
        (Some(_), None) => "deleted",
    };
    let mut change = Map::new();
    change.insert("type".to_owned(), type_.into());
    format.put::<LedgerKey>(&mut change, ("key", "keyJson"), &xdr::bytes(&touch.key))?;
    for (names, bytes) in [(("before", "beforeJson"), before), (("after", "afterJson"), after)] {
        match bytes {
            Some(bytes) => format.put::<LedgerEntry>(&mut change, names, &bytes)?,
            None => {
                change.insert(names.0.to_owned(), Value::Null);
            }
        }
    }
    Ok(Value::Object(change))
}
