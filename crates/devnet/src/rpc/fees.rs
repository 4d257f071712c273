//! `getFeeStats`.

use crate::rpc::Endpoint;
use crate::rpc::protocol::RpcError;
use crate::rpc::view::View;
use serde_json::{Map, Value, json};

/// How many ledgers back fees are looked at.
const WINDOW_LEDGERS: u32 = 50;
const PERCENTILES: [u8; 11] = [10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 99];

pub(crate) fn stats(endpoint: &Endpoint) -> Result<Value, RpcError> {
    let view = View::of(endpoint);
    let (oldest, latest) = view.range();
    let first = latest.saturating_sub(WINDOW_LEDGERS - 1).max(oldest);
    let mut classic = Vec::new();
    let mut soroban = Vec::new();
    for ledger in (first..=latest).filter_map(|sequence| view.ledger(sequence)) {
        for tx in &ledger.transactions {
            let fees = if tx.soroban { &mut soroban } else { &mut classic };
            fees.push(tx.inclusion_fee);
        }
    }
    let ledgers = latest - first + 1;
    Ok(json!({
        "sorobanInclusionFee": distribution(soroban, ledgers),
        "inclusionFee": distribution(classic, ledgers),
        "latestLedger": latest,
    }))
}

fn distribution(mut fees: Vec<u64>, ledgers: u32) -> Value {
    fees.sort_unstable();
    let text = |fee: Option<&u64>| Value::String(fee.copied().unwrap_or(0).to_string());
    let mut answer = Map::new();
    answer.insert("max".to_owned(), text(fees.last()));
    answer.insert("min".to_owned(), text(fees.first()));
    answer.insert("mode".to_owned(), text(mode(&fees).as_ref()));
    for percent in PERCENTILES {
        // The nearest rank: the smallest fee that so many percent do not exceed.
        let rank = (fees.len() * usize::from(percent)).div_ceil(100);
        answer.insert(format!("p{percent}"), text(fees.get(rank.saturating_sub(1))));
    }
    answer.insert("transactionCount".to_owned(), fees.len().to_string().into());
    answer.insert("ledgerCount".to_owned(), ledgers.into());
    Value::Object(answer)
}

/// The most frequent of sorted fees, the smaller of two.
fn mode(sorted: &[u64]) -> Option<u64> {
    sorted.chunk_by(|a, b| a == b).rev().max_by_key(|run| run.len()).and_then(|run| run.first().copied())
}

#[cfg(test)]
mod tests {
    use super::distribution;

    #[test]
    fn the_distribution_of_fees_has_ranks_and_strings() {
        let answer = distribution(vec![100, 300, 100, 200], 5);
        assert_eq!(answer["mode"], "100");
        assert_eq!(answer["p50"], "100");
        assert_eq!(answer["p99"], "300");
        assert_eq!(answer["transactionCount"], "4");
        assert_eq!(answer["ledgerCount"], 5);
    }
}
