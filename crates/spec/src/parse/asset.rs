//! `[chain] source = "asset_balance"`.

use stellar_strkey::Strkey;

use super::{Chain, chain, given, table};
use crate::document::{Item, Section, Text};
use crate::{ASSET_BALANCE_VALUES, ASSET_DECIMALS, Argument, ArgumentType, Asset, AssetBalance, Position, Source};

/// The longest code of an asset, in characters (`AssetCode12` of the protocol).
const MAX_CODE_CHARS: usize = 12;

/// The most decimals of a token's amounts.
const MAX_DECIMALS: i64 = 38;

const ASSET: &str = "write `\"USDC:G…\"`, `\"native\"`, `{ code = \"…\", issuer = \"…\" }` or `{ contract = \"C…\" }`";

pub(super) fn chain(mut section: Section<'_>, key: Option<Item<'_>>, values: Option<Item<'_>>, source_at: Position) -> Option<Chain> {
    let key = table::required_key(section.document, key.as_ref());
    let mut arguments = Vec::new();
    let asset = section.require("asset", ASSET).and_then(|item| asset(&item, &mut arguments));
    let holder = section
        .require("holder", "name the key column with the holder's address, as in `holder = \"wallet\"`")
        .and_then(|item| argument(&item, ArgumentType::Address, &mut arguments));
    section.finish();

    let values = given::values(values.as_ref(), &ASSET_BALANCE_VALUES, "a balance", source_at);
    let source = AssetBalance { asset: asset?, holder: holder?, arguments };
    Some(Chain { key: key?, source: Source::AssetBalance(source), values, values_are_whole: true })
}

fn asset(item: &Item<'_>, arguments: &mut Vec<Argument>) -> Option<Asset> {
    if !item.is_section() {
        return written(&item.text_or("an asset in a string, or a table")?);
    }
    let mut section = item.section("`asset` in [chain]", "a table")?;
    if let Some(contract) = section.take("contract") {
        let contract = chain::contract(&contract);
        let decimals = section.take("decimals").map_or(Some(i64::from(ASSET_DECIMALS)), |item| item.integer(0, MAX_DECIMALS));
        section.finish();
        return Some(Asset::Token { contract: contract?, decimals: u32::try_from(decimals?).ok()? });
    }
    let code = section.require("code", ASSET);
    let issuer = section.require("issuer", ASSET);
    section.finish();
    let code = argument(&code?, ArgumentType::String, arguments);
    let issuer = argument(&issuer?, ArgumentType::Address, arguments);
    Some(Asset::Arguments { code: code?, issuer: issuer? })
}

/// SQL over the key columns, and its place among the arguments.
fn argument(item: &Item<'_>, kind: ArgumentType, arguments: &mut Vec<Argument>) -> Option<usize> {
    arguments.push(Argument { kind, sql: item.sql()? });
    Some(arguments.len() - 1)
}

/// `native`, or code and issuer.
fn written(text: &Text<'_>) -> Option<Asset> {
    if text.text == "native" {
        return Some(Asset::Native);
    }
    let Some((code, issuer)) = text.text.split_once(':') else {
        let why = if text.text.parse::<Strkey>().is_ok() { "is an address, not an asset" } else { "is not an asset" };
        return text.fail(format!("`{}` {why}", text.text), Some(ASSET.to_owned()));
    };
    if code.is_empty() || code.len() > MAX_CODE_CHARS || !code.bytes().all(|it| it.is_ascii_alphanumeric()) {
        let help = format!("a code has 1 to {MAX_CODE_CHARS} of A-Z, a-z and 0-9");
        return text.fail(format!("`{code}` is not the code of an asset"), Some(help));
    }
    let issuer_at = code.chars().count() + 1;
    match issuer.parse::<Strkey>() {
        Ok(Strkey::PublicKeyEd25519(_)) => Some(Asset::Issued { code: code.to_owned(), issuer: issuer.to_owned() }),
        Ok(Strkey::Contract(_)) => {
            let help = format!("an asset is issued by an account; a token of a contract is `{{ contract = \"{issuer}\" }}`");
            text.fail_at(issuer_at, format!("`{issuer}` is a contract, not an issuer"), Some(help))
        }
        _ => {
            let help = "an issuer's address has 56 characters and begins with G; check that it was copied whole".to_owned();
            text.fail_at(issuer_at, format!("`{issuer}` is not an account's address"), Some(help))
        }
    }
}
