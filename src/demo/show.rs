//! What the demo says while it goes.

use std::time::Instant;

use trueup_database::report::DriftRow;
use trueup_workers::Document;

use super::answers::AnswerKey;
use super::chain::World;
use crate::Config;
use crate::view::{summary, table};

/// How many of the drifts that are left are listed.
const LISTED: usize = 8;

pub(super) struct Show {
    began: Instant,
}

impl Show {
    pub(super) fn new() -> Self {
        Self { began: Instant::now() }
    }

    fn elapsed(&self) -> String {
        let elapsed = self.began.elapsed();
        format!("{:>3}.{} s", elapsed.as_secs(), elapsed.subsec_millis() / 100)
    }

    pub(super) fn title(&self, seed: u64) {
        println!("trueup {} · demo, seed {seed}\n", env!("CARGO_PKG_VERSION"));
    }

    pub(super) fn step(&mut self, what: &str) {
        println!("{}  {what}", self.elapsed());
    }

    pub(super) fn verified(&mut self, what: &str) {
        println!("{}  ✔ {what}", self.elapsed());
    }

    pub(super) fn injected(&mut self, key: &AnswerKey) {
        let rows = key.sorts().map(|(name, count, repairable)| {
            vec![name.to_owned(), count.to_string(), if repairable { "trueup repairs it" } else { "a person decides" }.to_owned()]
        });
        println!(
            "{}  {} sorts of drift, {} in all:\n{}\n",
            self.elapsed(),
            key.sorts().count(),
            key.all().len(),
            table(&["sort", "drifts", ""], rows)
        );
    }

    pub(super) fn run(&mut self, what: &str, document: &Document) {
        println!(
            "\n── {what} {}\n{}",
            "─".repeat(70_usize.saturating_sub(what.chars().count())),
            summary(document).replace("\nNo drift.\n", "")
        );
    }

    pub(super) fn left(&mut self, rows: &[DriftRow]) {
        let mut classes: Vec<&str> = rows.iter().map(|row| row.class.as_str()).collect();
        classes.sort_unstable();
        classes.dedup();
        let shown =
            classes.iter().flat_map(|class| rows.iter().filter(move |row| row.class == **class).take(LISTED / classes.len().max(1) + 1));
        let rows = shown.map(|row| {
            vec![
                row.kind.clone(),
                row.identity.clone().or_else(|| row.chain_key.clone()).unwrap_or_default(),
                row.class.clone(),
                crate::view::value(row.db.as_deref()),
                crate::view::value(row.chain.as_deref()),
                row.withheld.clone().unwrap_or_default(),
            ]
        });
        println!("\n{}\n", table(&["kind", "entity", "class", "database", "chain", "why it is left"], rows));
    }

    pub(super) fn kept(&self, config: &Config, world: &World) {
        println!("\nEverything stays up until Ctrl-C. In another terminal:\n");
        println!("  export DATABASE_URL={}", config.database_url.as_deref().unwrap_or_default());
        println!("  export TRUEUP_RPC_URL={}", config.rpc_url.as_deref().unwrap_or_default());
        println!("  export TRUEUP_NETWORK_PASSPHRASE='{}'", config.network_passphrase.as_deref().unwrap_or_default());
        println!("  export TRUEUP_SPECS=specs/lending");
        for (variable, contract) in world.contracts() {
            println!("  export {variable}={contract}");
        }
        println!("\n  trueup report          trueup repairs list          trueup jobs list          trueup run --mode repair");
    }

    pub(super) fn done(&self) {
        println!("{}  done; nothing is left running", self.elapsed());
    }
}
