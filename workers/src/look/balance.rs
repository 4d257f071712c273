//! What someone holds of an asset.

use std::collections::HashMap;

use trueup_chain::{
    Intent, KeyError, LedgerKey, ReadError, Reading, ScAddress, ScVal, account_key, asset, balance_key, balance_values, holder,
    is_asset_contract, ledger_key, token_balance_key,
};
use trueup_database::Located;
use trueup_judge::{Durability, Missing, Seen};
use trueup_queue::Failure;
use trueup_spec::{ASSET_DECIMALS, Asset, AssetBalance, Contract};

use super::observe::{Observation, Observed, seen_contract, unread};
use crate::context::Context;

/// Where a row's balance is.
struct Place {
    key: LedgerKey,
    decimals: u32,
    /// What to read if there is nothing under the key, before that means anything.
    doubt: Option<LedgerKey>,
}

/// What a row says before the chain is asked.
enum Row {
    At(Box<Place>),
    Decided(Seen),
}

/// Asks the chain for balances; one answer for each row, in order.
pub(super) async fn observe_balances<'a>(
    context: &Context,
    balance: &AssetBalance,
    rows: impl Iterator<Item = &'a Located>,
    intent: Intent,
) -> Vec<Observation> {
    let network = context.network();
    let places: Vec<Result<Row, Failure>> = rows
        .map(|row| place(balance, row, network).map_err(|error| Failure::permanent(format!("the row names no balance: {error}"))))
        .collect();
    let asked: Vec<&Place> =
        places.iter().filter_map(|row| if let Ok(Row::At(place)) = row { Some(place.as_ref()) } else { None }).collect();
    let readings = context.chain.read_announced(asked.iter().map(|place| place.key.clone()).collect(), intent).await;
    let doubts = settle_doubts(context, &asked, &readings).await;

    let mut readings = readings.into_iter();
    places
        .into_iter()
        .map(|row| match row? {
            Row::Decided(seen) => Ok(Observed::bare(seen)),
            Row::At(place) => match readings.next() {
                Some(Ok(reading)) => observed(&place, reading, &doubts),
                Some(Err(error)) => unread(&error),
                None => Err(Failure::passing("the chain gave no answer")),
            },
        })
        .collect()
}

/// Where a row's balance is. A row that lacks a part of it, or is provisional, has none.
fn place(balance: &AssetBalance, row: &Located, network: &str) -> Result<Row, KeyError> {
    let argument = |index: usize| row.arguments.get(index).and_then(Option::as_deref);
    let Some(holder_text) = argument(balance.holder).filter(|_| !row.provisional) else { return Ok(Row::Decided(Seen::NoKey)) };
    let holder = holder(holder_text)?;
    let asset = match &balance.asset {
        Asset::Token { contract, decimals } => {
            let contract = match contract {
                Contract::Fixed(contract) => Some(contract.as_str()),
                Contract::Column(_) => row.contract.as_deref(),
            };
            return contract.map_or(Ok(Row::Decided(Seen::NoKey)), |contract| token_place(contract, &holder, *decimals));
        }
        Asset::Native => Some(trueup_chain::Asset::Native),
        Asset::Issued { code, issuer } => asset(code, Some(issuer))?,
        Asset::Arguments { code, issuer } => argument(*code).map_or(Ok(None), |code| asset(code, argument(*issuer)))?,
    };
    let Some(asset) = asset else { return Ok(Row::Decided(Seen::NoKey)) };
    let Some(key) = balance_key(&asset, &holder, network)? else { return Ok(Row::Decided(Seen::Issuer)) };
    let doubt = if matches!(key, LedgerKey::Trustline(_)) { Some(account_key(holder_text)?) } else { None };
    Ok(Row::At(Box::new(Place { key, decimals: ASSET_DECIMALS, doubt })))
}

fn token_place(contract: &str, holder: &ScAddress, decimals: u32) -> Result<Row, KeyError> {
    let instance = ledger_key(contract, ScVal::LedgerKeyContractInstance, Durability::Persistent)?;
    let LedgerKey::ContractData(data) = &instance else { return Ok(Row::Decided(Seen::NoKey)) };
    let key = token_balance_key(data.contract.clone(), holder)?;
    let doubt = matches!(holder, ScAddress::Account(_)).then_some(instance);
    Ok(Row::At(Box::new(Place { key, decimals, doubt })))
}

/// Reads what the absences leave open, in as few calls as it takes; none where there are none.
async fn settle_doubts(
    context: &Context,
    asked: &[&Place],
    readings: &[Result<Reading, ReadError>],
) -> HashMap<LedgerKey, Result<Reading, ReadError>> {
    let open = |(place, reading): (&&Place, &Result<Reading, ReadError>)| match reading {
        Ok(Reading { entry: None, with_instance, .. }) if is_open(place, *with_instance) => place.doubt.clone(),
        _ => None,
    };
    let mut keys: Vec<LedgerKey> = asked.iter().zip(readings).filter_map(open).collect();
    keys.sort_unstable();
    keys.dedup();
    let answers = context.chain.read(keys.clone()).await;
    keys.into_iter().zip(answers).collect()
}

/// A trustline's absence is open if its account did not come with it; a token's, if its contract is there and may be
/// one that keeps no accounts' balances.
const fn is_open(place: &Place, with_instance: bool) -> bool {
    match &place.doubt {
        Some(LedgerKey::Account(_)) => !with_instance,
        Some(_) => with_instance,
        None => false,
    }
}

fn observed(place: &Place, reading: Reading, doubts: &HashMap<LedgerKey, Result<Reading, ReadError>>) -> Observation {
    let Reading { stamp, entry, with_instance, runs } = reading;
    let is_classic = !matches!(place.key, LedgerKey::ContractData(_));
    let Some(entry) = entry else {
        let seen = match &place.key {
            LedgerKey::Account(_) => Seen::NotInLedger { stamp, what: Missing::Account },
            LedgerKey::Trustline(_) if with_instance => Seen::NotInLedger { stamp, what: Missing::Trustline },
            _ => Seen::Absent { stamp, with_instance },
        };
        let doubt = place.doubt.as_ref().filter(|_| is_open(place, with_instance)).and_then(|key| doubts.get(key));
        return doubt.map_or_else(|| Ok(Observed { with_instance, ..Observed::bare(seen.clone()) }), |doubt| settled(doubt, seen.clone()));
    };
    // The classic ledger keeps its entries without a contract.
    let with_instance = with_instance || is_classic;
    Ok(match balance_values(&entry.data, place.decimals) {
        Ok(values) => {
            let contracts = runs.iter().map(seen_contract).collect();
            Observed {
                values: Some(values),
                chain_entry: Some(entry.xdr.clone()),
                with_instance,
                contracts,
                ..Observed::bare(Seen::Present(stamp))
            }
        }
        Err(error) => Observed {
            chain_entry: Some(entry.xdr.clone()),
            with_instance,
            detail: Some(error.to_string()),
            ..Observed::bare(Seen::Unreadable)
        },
    })
}

/// What an absence is, in the light of what was read to settle it.
fn settled(doubt: &Result<Reading, ReadError>, otherwise: Seen) -> Observation {
    let reading = match doubt {
        Ok(reading) => reading,
        Err(error) => return unread(error),
    };
    match (&reading.entry, &otherwise) {
        (Some(entry), Seen::Absent { with_instance: true, .. }) if is_asset_contract(&entry.data) => {
            let detail = "the contract is that of a classic asset, which keeps balances of accounts as trustlines: write the asset itself, as in `asset = \"USDC:G…\"`";
            Ok(Observed { detail: Some(detail.to_owned()), ..Observed::bare(Seen::Unreadable) })
        }
        (_, Seen::Absent { with_instance: true, .. }) => Ok(Observed::bare(otherwise)),
        (None, _) => Ok(Observed::bare(Seen::NotInLedger { stamp: reading.stamp.clone(), what: Missing::Account })),
        (Some(_), _) => Err(Failure::passing("the account came into being while its trustline was read")),
    }
}
