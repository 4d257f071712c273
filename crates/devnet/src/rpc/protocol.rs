//! JSON-RPC 2.0: what a request is, and how it is answered.

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Most requests of one batch.
const MAX_BATCH: usize = 100;

const PARSE_ERROR: i32 = -32_700;
const INVALID_REQUEST: i32 = -32_600;
const METHOD_NOT_FOUND: i32 = -32_601;
const INVALID_PARAMS: i32 = -32_602;
const INTERNAL_ERROR: i32 = -32_603;

/// An error answer.
#[derive(Debug)]
pub(crate) struct RpcError {
    code: i32,
    message: String,
}

// === impl RpcError ===

impl RpcError {
    pub(crate) fn invalid_params(message: impl Into<String>) -> Self {
        Self::new(INVALID_PARAMS, message)
    }

    pub(crate) fn invalid_request(message: impl Into<String>) -> Self {
        Self::new(INVALID_REQUEST, message)
    }

    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::new(INTERNAL_ERROR, message)
    }

    /// The same complaint from a method that answers all bad parameters as a
    /// bad request.
    pub(crate) fn into_invalid_request(self) -> Self {
        Self::new(INVALID_REQUEST, self.message)
    }

    pub(crate) fn no_such_method(method: &str) -> Self {
        Self::new(METHOD_NOT_FOUND, format!("no such method {method:?}"))
    }

    fn new(code: i32, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    fn answer(self, id: Value) -> Value {
        json!({
            "jsonrpc": "2.0",
            "id": id,
            "error": { "code": self.code, "message": self.message },
        })
    }
}

impl From<stellar_xdr::Error> for RpcError {
    fn from(error: stellar_xdr::Error) -> Self {
        Self::internal(error.to_string())
    }
}

/// One call of a body.
pub(crate) struct Request {
    pub(crate) method: String,
    params: Value,
    /// `None` for a notification, which is not answered.
    id: Option<Value>,
}

/// A body: one request or a batch of them; a bad one stands with its answer.
pub(crate) struct Body {
    batch: bool,
    requests: Vec<Result<Request, Value>>,
}

// === impl Body ===

impl Body {
    /// Reads a body; one that is not JSON-RPC at all is an answer right away.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Value> {
        let value: Value = serde_json::from_slice(bytes)
            .map_err(|error| RpcError::new(PARSE_ERROR, format!("parse error: {error}")).answer(Value::Null))?;
        match value {
            Value::Array(items) if items.is_empty() => Err(RpcError::invalid_request("empty request batch").answer(Value::Null)),
            Value::Array(items) if items.len() > MAX_BATCH => {
                Err(RpcError::invalid_request(format!("batch of {} exceeds maximum supported ({MAX_BATCH})", items.len()))
                    .answer(Value::Null))
            }
            Value::Array(items) => Ok(Self { batch: true, requests: items.into_iter().map(Request::parse).collect() }),
            one => Ok(Self { batch: false, requests: vec![Request::parse(one)] }),
        }
    }

    /// The methods that are called, in order.
    pub(crate) fn methods(&self) -> impl Iterator<Item = &str> {
        self.requests.iter().filter_map(|request| request.as_ref().ok()).map(|request| request.method.as_str())
    }

    /// Answers every request; `None` if none of them wants an answer.
    pub(crate) fn answer(self, call: impl Fn(&str, Value) -> Result<Value, RpcError>) -> Option<Value> {
        let mut answers: Vec<Value> = self
            .requests
            .into_iter()
            .filter_map(|request| match request {
                Ok(request) => {
                    let result = call(&request.method, request.params);
                    let id = request.id?;
                    Some(match result {
                        Ok(result) => json!({ "jsonrpc": "2.0", "id": id, "result": result }),
                        Err(error) => error.answer(id),
                    })
                }
                Err(answer) => Some(answer),
            })
            .collect();
        if self.batch { (!answers.is_empty()).then_some(Value::Array(answers)) } else { answers.pop() }
    }
}

// === impl Request ===

impl Request {
    fn parse(value: Value) -> Result<Self, Value> {
        let Value::Object(mut object) = value else {
            return Err(RpcError::invalid_request("request is not a JSON object").answer(Value::Null));
        };
        let id = object.remove("id").filter(|id| !id.is_null());
        let refuse = |message: &str| Err(RpcError::invalid_request(message).answer(id.clone().unwrap_or_default()));
        if object.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
            return refuse("invalid version marker: \"jsonrpc\" must be \"2.0\"");
        }
        match object.remove("method") {
            Some(Value::String(method)) if !method.is_empty() => {
                Ok(Self { method, params: object.remove("params").unwrap_or_default(), id })
            }
            _ => refuse("empty method name"),
        }
    }
}

/// Reads a method's parameters; absent ones are an empty object.
pub(crate) fn params<T: DeserializeOwned>(value: Value) -> Result<T, RpcError> {
    let value = if value.is_null() { json!({}) } else { value };
    if !value.is_object() {
        return Err(RpcError::invalid_params("invalid parameters: expected an object"));
    }
    serde_json::from_value(value).map_err(|error| RpcError::invalid_params(format!("invalid parameters: {error}")))
}
