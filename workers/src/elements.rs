//! The elements that entries hold, as keys of rows.

use trueup_chain::{DecodeError, elements, key_value, ledger_key};
use trueup_database::Kind;
use trueup_spec::{Contract, Soroban};

use crate::context::Context;

/// The keys of a parent's elements, each with one text for every key column; or why they cannot be known.
pub(crate) type Below = Result<Vec<Vec<String>>, String>;

/// Reads parents, each given as one text for every key column that tells them apart; one answer for each, in order.
/// The chain's not answering is an error; its answering something else concerns that parent.
pub(crate) async fn elements_below(
    context: &Context,
    kind: &Kind,
    soroban: &Soroban,
    parents: &[Vec<String>],
) -> anyhow::Result<Vec<Below>> {
    let key = &kind.spec().key;
    let (Some(spec), Some(columns), Some(parent_columns)) = (&soroban.element, soroban.element_columns(key), soroban.parent_columns(key))
    else {
        anyhow::bail!("the rows of {} are no elements that can be enumerated", kind.spec().kind);
    };
    let places = places(context, kind, soroban, parents).await?;
    let asked = places.iter().filter_map(|place| place.as_ref().ok().cloned()).collect();
    let mut readings = context.chain.read(asked).await.into_iter();
    let mut below = Vec::with_capacity(parents.len());
    for (parent, place) in parents.iter().zip(places) {
        let found = match place.map(|_| readings.next()) {
            Ok(Some(Err(error))) if error.is_transient() => return Err(error.into()),
            Ok(Some(Err(error))) => Err(error.to_string()),
            Ok(Some(Ok(reading))) => match &reading.entry {
                Some(entry) => match entry.value() {
                    Some(value) => elements(&value, spec, &soroban.arguments).map_err(|error| error.to_string()),
                    None => Err(DecodeError::NoContractData { found: entry.data.name() }.to_string()),
                },
                None if reading.with_instance => Ok(Vec::new()),
                None => Err("the contract's instance did not come in the answer".to_owned()),
            },
            Ok(None) => Err("the chain gave no answer".to_owned()),
            Err(why) => Err(why),
        };
        let whole_key = |element: Vec<String>| {
            let mut texts = vec![String::new(); key.len()];
            let parts = parent_columns.iter().zip(parent.clone()).chain(columns.iter().zip(element));
            parts.for_each(|(column, text)| texts[*column] = text);
            texts
        };
        below.push(found.map(|elements| elements.into_iter().map(whole_key).collect()));
    }
    Ok(below)
}

/// The ledger keys of parents, or why one has none.
async fn places(
    context: &Context,
    kind: &Kind,
    soroban: &Soroban,
    parents: &[Vec<String>],
) -> anyhow::Result<Vec<Result<trueup_chain::LedgerKey, String>>> {
    let located = kind.locate_parents(&context.pools().read, parents).await?;
    anyhow::ensure!(located.len() == parents.len(), "each parent is located");
    let place = |arguments: &[Option<String>], contract: Option<&str>| {
        let contract = match &soroban.contract {
            Contract::Fixed(contract) => Some(contract.as_str()),
            Contract::Column(_) => contract,
        };
        let value = key_value(&soroban.entry, &soroban.arguments, arguments).map_err(|error| error.to_string())?;
        match (contract, value) {
            (Some(contract), Some(value)) => ledger_key(contract, value, soroban.durability).map_err(|error| error.to_string()),
            _ => Err("a part of its key is NULL".to_owned()),
        }
    };
    let places = located.into_iter().map(|located| match located {
        Ok(located) => place(&located.arguments, located.contract.as_deref()),
        Err(error) => Err(error.to_string()),
    });
    Ok(places.collect())
}
