//! Assets, and where the ledger keeps what someone holds of them.

use sha2::{Digest, Sha256};
use stellar_xdr::{
    AccountId, AlphaNum4, AlphaNum12, Asset, AssetCode4, AssetCode12, ContractId, ContractIdPreimage, Hash, HashIdPreimage,
    HashIdPreimageContractId, LedgerEntryData, LedgerKey, LedgerKeyTrustLine, ScAddress, ScSymbol, ScVal, ScVec, TrustLineAsset,
};
use stellar_xdr::{ContractDataDurability, ContractExecutable, LedgerKeyContractData};
use trueup_spec::NATIVE_CODES;

use super::entry::xdr_bytes;
use super::error::KeyError;
use super::holder::{holder, key_of_account};

/// Under which name an asset's contract keeps balances (`DataKey::Balance` of the Stellar Asset Contract).
const BALANCE: &str = "Balance";

/// An asset by its code and its issuer (`G…`). Without an issuer, or with an empty one, only the network's own has a
/// code, one of [`NATIVE_CODES`]; any other row names no asset, and gets none.
///
/// # Errors
/// The code or the issuer is none.
pub fn asset(code: &str, issuer: Option<&str>) -> Result<Option<Asset>, KeyError> {
    let Some(issuer_text) = issuer.filter(|issuer| !issuer.is_empty()) else {
        return Ok(NATIVE_CODES.contains(&code).then_some(Asset::Native));
    };
    let bytes = code.as_bytes();
    if !bytes.iter().all(u8::is_ascii_alphanumeric) {
        return Err(wrong_code(code));
    }
    let ScAddress::Account(issuer) = holder(issuer_text)? else {
        return Err(KeyError::argument("issuer", issuer_text, "it must be an account: G…"));
    };
    match bytes.len() {
        1..=4 => Ok(Some(Asset::CreditAlphanum4(AlphaNum4 { asset_code: AssetCode4(padded(bytes)), issuer }))),
        5..=12 => Ok(Some(Asset::CreditAlphanum12(AlphaNum12 { asset_code: AssetCode12(padded(bytes)), issuer }))),
        _ => Err(wrong_code(code)),
    }
}

fn wrong_code(code: &str) -> KeyError {
    KeyError::argument("asset code", code, "it must be 1 to 12 of a-z, A-Z and 0-9")
}

fn padded<const N: usize>(bytes: &[u8]) -> [u8; N] {
    std::array::from_fn(|index| bytes.get(index).copied().unwrap_or_default())
}

/// Where the ledger keeps what someone holds of an asset: an account's own entry for the network's asset, its trustline
/// for others, and for a contract the balance within the asset's contract. None for the issuer, who holds nothing of
/// what they issue.
///
/// # Errors
/// What is to be encoded is too large for the chain; no asset is.
pub fn balance_key(asset: &Asset, holder: &ScAddress, network_passphrase: &str) -> Result<Option<LedgerKey>, KeyError> {
    let ScAddress::Account(account_id) = holder else {
        return token_balance_key(asset_contract(asset, network_passphrase)?, holder).map(Some);
    };
    let (asset, issuer) = match asset {
        Asset::Native => return Ok(Some(key_of_account(account_id.clone()))),
        Asset::CreditAlphanum4(asset) => (TrustLineAsset::CreditAlphanum4(asset.clone()), &asset.issuer),
        Asset::CreditAlphanum12(asset) => (TrustLineAsset::CreditAlphanum12(asset.clone()), &asset.issuer),
    };
    Ok((issuer != account_id).then(|| trustline(account_id.clone(), asset)))
}

const fn trustline(account_id: AccountId, asset: TrustLineAsset) -> LedgerKey {
    LedgerKey::Trustline(LedgerKeyTrustLine { account_id, asset })
}

/// The contract of a classic asset: its id follows from the asset and the network (CAP-46-06).
///
/// # Errors
/// As [`balance_key`].
pub fn asset_contract(asset: &Asset, network_passphrase: &str) -> Result<ScAddress, KeyError> {
    let image = HashIdPreimage::ContractId(HashIdPreimageContractId {
        network_id: Hash(Sha256::digest(network_passphrase.as_bytes()).into()),
        contract_id_preimage: ContractIdPreimage::Asset(asset.clone()),
    });
    let image = xdr_bytes(&image).map_err(|_| KeyError::TooLarge)?;
    Ok(ScAddress::Contract(ContractId(Hash(Sha256::digest(&image).into()))))
}

/// The key under which a token contract keeps a holder's balance, if it does so as the contracts of classic assets do:
/// persistent, `[Balance, holder]`.
///
/// # Errors
/// As [`balance_key`].
pub fn token_balance_key(contract: ScAddress, holder: &ScAddress) -> Result<LedgerKey, KeyError> {
    let name = ScVal::Symbol(ScSymbol(BALANCE.try_into().map_err(|_| KeyError::TooLarge)?));
    let parts = vec![name, ScVal::Address(holder.clone())].try_into().map_err(|_| KeyError::TooLarge)?;
    let key = ScVal::Vec(Some(ScVec(parts)));
    Ok(LedgerKey::ContractData(LedgerKeyContractData { contract, key, durability: ContractDataDurability::Persistent }))
}

/// Whether an instance is that of a classic asset's contract, which keeps the balances of contracts alone: those of
/// accounts are trustlines.
#[must_use]
pub fn is_asset_contract(instance: &LedgerEntryData) -> bool {
    match instance {
        LedgerEntryData::ContractData(entry) => {
            matches!(&entry.val, ScVal::ContractInstance(instance) if instance.executable == ContractExecutable::StellarAsset)
        }
        _ => false,
    }
}
