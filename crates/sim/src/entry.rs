//! Reading contract values, without any of trueup's own decoding.

use anyhow::{Context as _, bail};
use serde_json::{Map, Value};
use stellar_xdr::{LedgerEntryData, Limits, ReadXdr, ScMap, ScSymbol, ScVal};
use trueup_devnet::scval;

/// One unit of the application in the chain's base units.
pub(crate) const UNIT: i128 = 10_000_000;

/// The value of a contract's entry.
pub(crate) fn value(data: &[u8]) -> anyhow::Result<ScVal> {
    match LedgerEntryData::from_xdr(data, Limits::none())? {
        LedgerEntryData::ContractData(data) => Ok(data.val),
        other => bail!("{} is no contract data", other.name()),
    }
}

pub(crate) fn field<'a>(value: &'a ScVal, name: &str) -> anyhow::Result<&'a ScVal> {
    let ScVal::Map(Some(ScMap(entries))) = value else { bail!("not a struct: {}", value.name()) };
    let wanted = ScVal::Symbol(ScSymbol(name.try_into()?));
    entries.iter().find(|entry| entry.key == wanted).map(|entry| &entry.val).with_context(|| format!("no field {name}"))
}

/// An amount in units.
pub(crate) fn amount(value: &ScVal, name: &str) -> anyhow::Result<String> {
    let base = scval::as_i128(field(value, name)?).with_context(|| format!("{name} is no amount"))?;
    Ok(units(base))
}

/// Base units as the application writes them: seven decimals.
pub(crate) fn units(base: i128) -> String {
    let sign = if base < 0 { "-" } else { "" };
    format!("{sign}{}.{:07}", (base / UNIT).abs(), (base % UNIT).abs())
}

/// The name of an enum's variant.
pub(crate) fn label(value: &ScVal) -> anyhow::Result<String> {
    match value {
        ScVal::Vec(Some(parts)) => text(parts.first().context("an empty enum")?),
        other => text(other),
    }
}

/// The first field of an enum's variant, if it has one.
pub(crate) fn variant_field(value: &ScVal) -> Option<&ScVal> {
    match value {
        ScVal::Vec(Some(parts)) => parts.get(1),
        _ => None,
    }
}

pub(crate) fn text(value: &ScVal) -> anyhow::Result<String> {
    Ok(match value {
        ScVal::Symbol(symbol) => symbol.to_utf8_string()?,
        ScVal::U32(number) => number.to_string(),
        ScVal::U64(number) => number.to_string(),
        ScVal::Address(address) => address.to_string(),
        other => bail!("{} is not expected here", other.name()),
    })
}

/// The JSON form that docs/spec.md describes, of what the simulated contracts hold.
pub(crate) fn json(value: &ScVal) -> anyhow::Result<Value> {
    Ok(match value {
        ScVal::Bool(it) => Value::Bool(*it),
        ScVal::I128(_) => Value::String(scval::as_i128(value).context("an integer")?.to_string()),
        ScVal::Vec(Some(items)) => Value::Array(items.iter().map(json).collect::<anyhow::Result<_>>()?),
        ScVal::Map(Some(ScMap(entries))) => Value::Object(
            entries.iter().map(|entry| Ok((text(&entry.key)?, json(&entry.val)?))).collect::<anyhow::Result<Map<String, Value>>>()?,
        ),
        other => Value::String(text(other)?),
    })
}
