use anyhow::{Context as _, bail, ensure};
use clap::Args;
use serde_json::json;
use trueup_chain::{Chain, ContractError, STELLAR_ASSET};
use trueup_database::contracts::{self, Acceptance, AcceptedContract};

use super::{Exit, by, output};
use crate::Config;
use crate::service::{connect_chain, connect_database};
use crate::view::{printable, table};

/// How many acceptances of a contract are shown, newest first.
const SHOWN_HISTORY: i64 = 20;
/// How many contracts are fetched at a time.
const PAGE: i64 = 1_000;
/// A Wasm's hash has so many hex digits.
const HASH_DIGITS: usize = 64;

/// Which contract, and which code of it.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The contract (C…)
    #[arg(required_unless_present = "list")]
    contract: Option<String>,
    /// What is accepted: the Wasm hash in hex (or stellar_asset) that the chain shows. Without it, nothing is accepted
    #[arg(long, value_name = "HASH", requires = "reason")]
    wasm: Option<String>,
    /// Who
    #[arg(long, env = "USER", default_value = by::UNKNOWN)]
    actor: String,
    /// Why
    #[arg(long)]
    reason: Option<String>,
    /// List what is accepted of every contract
    #[arg(long, conflicts_with_all = ["contract", "wasm"])]
    list: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn accept(config: &Config, arguments: &Arguments) -> anyhow::Result<Exit> {
    let Some(contract) = &arguments.contract else { return list(config, arguments.json).await };
    let wanted = arguments.wasm.as_deref().map(executable).transpose()?;
    let pools = connect_database(config).await?;
    let chain = connect_chain(config).await?;
    let seen = on_chain(&chain, contract).await?;
    let mut connection = pools.write.acquire().await?;
    let Some(wanted) = wanted else {
        let history = contracts::history(&mut connection, contract, SHOWN_HISTORY).await?;
        return show(contract, &seen, &history, arguments.json);
    };
    ensure!(
        wanted == seen,
        "contract {contract} runs {seen} and not {wanted}; only what the chain shows now can be accepted. \
         Look at what was deployed, then accept that hash"
    );
    let reason = by::reason(arguments.reason.as_deref().unwrap_or_default())?;
    drop(connection);
    let mut tx = pools.write.begin().await?;
    let acceptance = contracts::accept(&mut tx, contract, &wanted, by::actor(&arguments.actor), reason).await?;
    tx.commit().await?;
    if arguments.json {
        let (recorded, previous) = match &acceptance {
            Acceptance::Recorded { previous } => (true, previous.clone()),
            Acceptance::AlreadyAccepted => (false, None),
        };
        output::json(&json!({ "contract": contract, "executable": wanted, "recorded": recorded, "previous": previous }))?;
    } else {
        output::line(&match acceptance {
            Acceptance::Recorded { previous: Some(previous) } => {
                format!("accepted: contract {contract} runs {wanted}, before it {previous}. The next run repairs again what rests on it")
            }
            Acceptance::Recorded { previous: None } => format!("accepted: contract {contract} runs {wanted}"),
            Acceptance::AlreadyAccepted => format!("contract {contract}: {wanted} was accepted already; nothing is changed"),
        })?;
    }
    Ok(Exit::Clean)
}

/// A Wasm hash in its one form, or what asset contracts run.
fn executable(given: &str) -> anyhow::Result<String> {
    let text = given.trim().to_ascii_lowercase();
    let is_hash = text.len() == HASH_DIGITS && text.bytes().all(|digit| digit.is_ascii_hexdigit());
    // Code that is elsewhere is named as the chain names it; whether it does is compared later.
    let is_reference = given.trim().starts_with("external_ref:");
    match (is_hash || text == STELLAR_ASSET, is_reference) {
        (true, _) => Ok(text),
        (_, true) => Ok(given.trim().to_owned()),
        _ => bail!("`{}` is no Wasm hash: {HASH_DIGITS} hex digits are needed, or `{STELLAR_ASSET}`", printable(given)),
    }
}

async fn on_chain(chain: &Chain, contract: &str) -> anyhow::Result<String> {
    let running = chain.running(contract).await.map_err(|error| match error {
        ContractError::Address(_) => {
            anyhow::anyhow!("`{}` is not the address of a contract: C and 55 more characters are needed", printable(contract))
        }
        error @ ContractError::Read(_) => error.into(),
    })?;
    let running = running.with_context(|| {
        format!("contract {contract} is not on this network; check the address, and that the endpoint is of the right network")
    })?;
    Ok(running.executable)
}

/// What is on chain beside what is accepted. Not being the same is what nobody may overlook.
fn show(contract: &str, seen: &str, history: &[AcceptedContract], json: bool) -> anyhow::Result<Exit> {
    let accepted = history.first().map(|newest| newest.executable.as_str());
    let same = accepted == Some(seen);
    if json {
        output::json(&json!({ "contract": contract, "on_chain": seen, "accepted": accepted, "history": history }))?;
    } else {
        output::line(&format!("contract  {contract}\non chain  {seen}\naccepted  {}", accepted.unwrap_or("nothing yet")))?;
        if !history.is_empty() {
            output::line(&format!("\n{}", as_table(history)))?;
        }
        if !same {
            output::line(&format!(
                "\nnothing that rests on it is repaired until somebody accepts it: trueup accept {contract} --wasm {seen} --reason '…'"
            ))?;
        }
    }
    Ok(if same { Exit::Clean } else { Exit::Partial })
}

async fn list(config: &Config, json: bool) -> anyhow::Result<Exit> {
    let pools = connect_database(config).await?;
    let mut connection = pools.read.acquire().await?;
    let mut found: Vec<AcceptedContract> = Vec::new();
    loop {
        let after = found.last().map(|last| last.contract.clone()).unwrap_or_default();
        let page = contracts::latest(&mut connection, &after, PAGE).await?;
        if page.is_empty() {
            break;
        }
        found.extend(page);
    }
    match (json, found.is_empty()) {
        (true, _) => output::json(&found)?,
        (false, true) => output::line("no contract was read yet; the first run records what they run")?,
        (false, false) => output::line(&as_table(&found))?,
    }
    Ok(Exit::Clean)
}

fn as_table(found: &[AcceptedContract]) -> String {
    table(
        &["contract", "runs", "accepted (UTC)", "by", "why"],
        found.iter().map(|it| {
            vec![
                it.contract.clone(),
                it.executable.clone(),
                it.accepted_at.format("%Y-%m-%d %H:%M:%S").to_string(),
                it.actor.clone(),
                it.reason.clone().unwrap_or_default(),
            ]
        }),
    )
}

#[cfg(test)]
mod tests {
    use super::executable;

    #[test]
    fn a_hash_has_one_form_and_nothing_else_is_one() {
        let hash = "AB".repeat(32);
        assert_eq!(executable(&format!(" {hash}")).expect("a hash"), hash.to_lowercase());
        assert_eq!(executable("stellar_asset").expect("what asset contracts run"), "stellar_asset");
        for wrong in ["", "ab", &"g".repeat(64), &"a".repeat(63)] {
            assert!(executable(wrong).is_err(), "{wrong}");
        }
    }
}
