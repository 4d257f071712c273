//! `getLedgerEntries` as anybody would call it: no batching, no retries, no checks of the answer's ledger.

use anyhow::{Context as _, ensure};
use serde::Deserialize;
use serde_json::json;
use stellar_xdr::{LedgerEntryData, Limits, ReadXdr, ScVal, WriteXdr};
use trueup_devnet::scval;

use crate::loans;

/// One endpoint and the contract that is read through it.
#[derive(Clone)]
pub(super) struct Ledger {
    client: reqwest::Client,
    url: String,
    contract: String,
}

#[derive(Deserialize)]
struct Answer {
    result: Entries,
}

#[derive(Deserialize)]
struct Entries {
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    xdr: String,
}

impl Ledger {
    pub(super) fn new(url: &str, contract: &str) -> Self {
        Self { client: reqwest::Client::new(), url: url.to_owned(), contract: contract.to_owned() }
    }

    /// The key of a loan, in base64.
    pub(super) fn loan_key(&self, id: u64) -> anyhow::Result<String> {
        Ok(loans::entry_key(&self.contract, id)?.to_xdr_base64(Limits::none())?)
    }

    /// The key of the contract's instance, in base64.
    pub(super) fn instance_key(&self) -> anyhow::Result<String> {
        Ok(scval::instance_key(&self.contract)?.to_xdr_base64(Limits::none())?)
    }

    /// The entries of these keys, in base64, in one call.
    pub(super) async fn entries(&self, keys: &[String]) -> anyhow::Result<Vec<String>> {
        let request = json!({ "jsonrpc": "2.0", "id": 1, "method": "getLedgerEntries", "params": { "keys": keys } });
        let answer: Answer = self.client.post(&self.url).json(&request).send().await?.error_for_status()?.json().await?;
        Ok(answer.result.entries.into_iter().map(|entry| entry.xdr).collect())
    }

    /// What a contract keeps under one key, read alone.
    pub(super) async fn value(&self, key: String) -> anyhow::Result<ScVal> {
        let entries = self.entries(&[key]).await?;
        ensure!(entries.len() == 1, "one key, {} entries", entries.len());
        match LedgerEntryData::from_xdr_base64(entries.first().context("an entry")?, Limits::none())? {
            LedgerEntryData::ContractData(data) => Ok(data.val),
            _ => anyhow::bail!("no contract's data"),
        }
    }
}
