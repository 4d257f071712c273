use serde_json::{Value, json};

use super::Method;

/// How much of a server's own words is repeated.
const MESSAGE_CHARS_MAX: usize = 300;

/// What stands in a JSON-RPC response.
#[derive(Debug, PartialEq)]
pub(crate) enum Answer {
    Result(Value),
    Error { code: i64, message: String },
}

/// A JSON-RPC request.
pub(crate) fn request(id: u64, method: Method, params: Option<&Value>) -> Vec<u8> {
    let mut request = json!({ "jsonrpc": "2.0", "id": id, "method": method.as_str() });
    if let Some(params) = params {
        request["params"] = params.clone();
    }
    request.to_string().into_bytes()
}

/// Opens a response; the error says what is wrong with it.
pub(crate) fn open(body: &[u8], id: u64) -> Result<Answer, String> {
    let mut response: Value = serde_json::from_slice(body).map_err(|error| format!("no JSON ({error}): {}", beginning(body)))?;
    let version = response.get("jsonrpc").and_then(Value::as_str);
    if version != Some("2.0") {
        return Err(format!("no JSON-RPC 2.0 response: {}", beginning(body)));
    }
    // A server that could not read the request answers with an error and the id null.
    let error = response.get("error").filter(|error| !error.is_null());
    let answered_id = response.get("id").unwrap_or(&Value::Null);
    if answered_id.as_u64() != Some(id) && !(error.is_some() && answered_id.is_null()) {
        return Err(format!("the response's id is {}, the request's was {id}", beginning(answered_id.to_string().as_bytes())));
    }
    if let Some(error) = error {
        let code = error.get("code").and_then(Value::as_i64).ok_or("a JSON-RPC error without a code")?;
        let message = error.get("message").and_then(Value::as_str).unwrap_or("no message");
        return Ok(Answer::Error { code, message: beginning(message.as_bytes()) });
    }
    match response.get_mut("result").map(Value::take) {
        Some(result) if !result.is_null() => Ok(Answer::Result(result)),
        _ => Err("a response with neither result nor error".to_owned()),
    }
}

/// The beginning of a text from outside, on one line.
pub(crate) fn beginning(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let mut shown: String = text.chars().take(MESSAGE_CHARS_MAX).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(MESSAGE_CHARS_MAX).is_some() {
        shown.push('…');
    }
    shown.trim().to_owned()
}
