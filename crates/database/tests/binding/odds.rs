//! Prices that follow from two pools, as Postgres computes them.

use std::collections::HashMap;

use proptest::prelude::*;
use trueup_database::Compare;
use trueup_judge::RowIdentity;

use crate::application::Application;
use crate::spec_text::spec;

/// Pairs of pools in one comparison.
const PAIRS: usize = 500;
/// One, in the column's last digit.
const ONE: i128 = 1_000_000;

/// A decimal of the column as an integer of its last digit.
fn last_digits(text: &str) -> i128 {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    format!("{whole}{fraction:0<6}").parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// What the two columns would be set to, for each pair.
async fn odds(pools: &[(u128, u128)]) -> Vec<[i128; 2]> {
    let application = Application::new(&format!(
        "CREATE TABLE markets (id bigint PRIMARY KEY, yes_price numeric(9, 6), no_price numeric(9, 6));
         INSERT INTO markets SELECT n FROM generate_series(0, {}) AS n",
        pools.len()
    ))
    .await;
    let text = spec("markets")
        .value("yes", "numeric")
        .value("no", "numeric")
        .field("yes_price", "round(chain.yes / (chain.yes + chain.no), 6)", "type = \"numeric\"")
        .field("no_price", "round(chain.no / (chain.yes + chain.no), 6)", "type = \"numeric\"");
    let kind = application.bind(&text).await;
    let rows: Vec<Compare> = pools
        .iter()
        .enumerate()
        .map(|(id, (yes, no))| Compare {
            identity: RowIdentity(id.to_string()),
            values: Some(vec![Some(yes.to_string()), Some(no.to_string())]),
        })
        .collect();
    let compared: HashMap<RowIdentity, _> = kind.compare(&application.pools.read, &rows).await.unwrap().into_iter().collect();
    rows.iter()
        .map(|row| {
            let differences = &compared[&row.identity].as_ref().unwrap().differences;
            let prices: Vec<i128> = differences.iter().map(|it| last_digits(it.chain.as_deref().unwrap())).collect();
            [prices[0], prices[1]]
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]

    /// Each price is rounded by half of its last digit at most, so that the sum is off by one of these at most.
    #[test]
    fn the_odds_of_any_positive_pair_of_pools_sum_to_one(pools in prop::collection::vec((1..=u128::MAX, 1..=u128::MAX), PAIRS)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        for ([yes, no], pools) in runtime.block_on(odds(&pools)).into_iter().zip(&pools) {
            prop_assert!((yes + no - ONE).abs() <= 1, "{yes} + {no} for {pools:?}");
            prop_assert!(yes >= 0 && no >= 0);
        }
    }
}
