//! Fields of answers. An error says which field and what is wrong with it.

use serde_json::Value;

pub(crate) fn text<'a>(answer: &'a Value, name: &str) -> Result<&'a str, String> {
    answer.get(name).and_then(Value::as_str).ok_or_else(|| wrong(answer, name, "a text"))
}

pub(crate) fn ledger(answer: &Value, name: &str) -> Result<u32, String> {
    let number = answer.get(name).and_then(Value::as_u64);
    number.and_then(|number| u32::try_from(number).ok()).ok_or_else(|| wrong(answer, name, "a ledger number"))
}

/// Unix seconds: the server writes them as a string in some answers and as a number in others.
pub(crate) fn seconds(answer: &Value, name: &str) -> Result<i64, String> {
    let field = answer.get(name);
    let number = field.and_then(Value::as_i64).or_else(|| field.and_then(Value::as_str).and_then(|text| text.parse().ok()));
    number.ok_or_else(|| wrong(answer, name, "a time in seconds"))
}

fn wrong(answer: &Value, name: &str, wanted: &str) -> String {
    match answer.get(name) {
        None => format!("`{name}` is missing"),
        Some(other) => {
            let other: String = other.to_string().chars().take(60).collect();
            format!("`{name}` is {other}, not {wanted}")
        }
    }
}
