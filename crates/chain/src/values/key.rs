use stellar_xdr::{ContractDataDurability, ContractId, Hash, LedgerKey, LedgerKeyContractData, ScAddress, ScMap, ScMapEntry, ScVal, ScVec};
use trueup_judge::Durability;
use trueup_spec::{Argument, KeyTemplate};

use super::argument::{argument, symbol};
use super::error::KeyError;

/// Fills a key's template with a row's arguments.
///
/// `texts` are the arguments' values in the order of `arguments`, as [`argument`] takes them. None if one that the
/// template uses is NULL: the row has no chain key.
///
/// # Errors
/// An argument is not of its type, or the key cannot be built from them.
pub fn key_value(template: &KeyTemplate, arguments: &[Argument], texts: &[Option<String>]) -> Result<Option<ScVal>, KeyError> {
    match template {
        KeyTemplate::Instance => Ok(Some(ScVal::LedgerKeyContractInstance)),
        part => key_part(part, arguments, texts),
    }
}

fn key_part(template: &KeyTemplate, arguments: &[Argument], texts: &[Option<String>]) -> Result<Option<ScVal>, KeyError> {
    match template {
        KeyTemplate::Symbol(text) => Ok(Some(ScVal::Symbol(symbol(text)?))),
        KeyTemplate::Argument(index) => {
            let missing = || KeyError::MissingArgument { index: *index, given: texts.len().min(arguments.len()) };
            let kind = arguments.get(*index).ok_or_else(missing)?.kind;
            let text = texts.get(*index).ok_or_else(missing)?;
            text.as_deref().map(|text| argument(kind, text)).transpose()
        }
        KeyTemplate::Vec(parts) => {
            let mut values = Vec::with_capacity(parts.len());
            for part in parts {
                let Some(value) = key_part(part, arguments, texts)? else { return Ok(None) };
                values.push(value);
            }
            Ok(Some(ScVal::Vec(Some(ScVec(values.try_into().map_err(|_| KeyError::TooLarge)?)))))
        }
        KeyTemplate::Map(pairs) => {
            let mut entries = Vec::with_capacity(pairs.len());
            for (key, value) in pairs {
                let Some(key) = key_part(key, arguments, texts)? else { return Ok(None) };
                let Some(val) = key_part(value, arguments, texts)? else { return Ok(None) };
                entries.push(ScMapEntry { key, val });
            }
            Ok(Some(ScVal::Map(Some(ScMap::sorted_from_entries(entries.into_iter()).map_err(|_| KeyError::Map)?))))
        }
        KeyTemplate::Instance => Err(KeyError::InstanceWithin),
    }
}

/// The ledger key of a contract's storage entry. The instance is persistent, whatever `durability` says.
///
/// # Errors
/// `contract` is not a contract's strkey.
pub fn ledger_key(contract: &str, key: ScVal, durability: Durability) -> Result<LedgerKey, KeyError> {
    let id = stellar_strkey::Contract::from_string(contract).map_err(|_| KeyError::contract(contract))?;
    let durability = match (durability, &key) {
        (_, ScVal::LedgerKeyContractInstance) | (Durability::Persistent, _) => ContractDataDurability::Persistent,
        (Durability::Temporary, _) => ContractDataDurability::Temporary,
    };
    let contract = ScAddress::Contract(ContractId(Hash(id.0)));
    Ok(LedgerKey::ContractData(LedgerKeyContractData { contract, key, durability }))
}
