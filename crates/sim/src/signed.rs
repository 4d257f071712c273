//! Transactions that are signed and never arrive.

use std::sync::Arc;

use trueup_devnet::{BuildOptions, scval};

use crate::application::Application;
use crate::kind::Columns;

/// How long some of them are valid, in chain seconds.
const VALID_SECS: u64 = 30;
/// Ledgers that close when all is done: more than what is valid for a while lasts, and than the minute in which the
/// event of a request may lie.
const LEDGERS_AFTER: u32 = 15;

impl Application {
    /// Signs a transaction, valid for a while or for ever, and keeps it as pending.
    pub(crate) async fn sign(&mut self, provider: u32, bounded: bool) -> anyhow::Result<()> {
        let world = Arc::clone(&self.world);
        let user = world.user(provider);
        let args = vec![scval::address(&user.address())?, scval::i128(1_000)];
        let call = world.call(user, &world.contracts.pool, "deposit", args);
        let devnet = world.devnet.clone();
        let max_time = bounded.then(|| devnet.latest().close_time + VALID_SECS);
        let options = BuildOptions { max_time, ..BuildOptions::default() };
        let built = tokio::task::spawn_blocking(move || devnet.build(&call, options)).await??;
        let known = sqlx::query("INSERT INTO sim.envelopes VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING")
            .bind(&built.hash)
            .bind(user.address())
            .bind(built.sequence)
            .bind(max_time.map(i64::try_from).transpose()?)
            .execute(&self.pool)
            .await;
        let is_known = known.is_ok();
        self.wrote(known.map(drop));
        if is_known {
            let columns = Columns::from([("status", Some("pending".to_owned())), ("envelope", Some(built.envelope))]);
            self.keep(&built.hash, columns).await;
        }
        Ok(())
    }

    /// Closes ledgers until what is valid for a while is so no more.
    pub(crate) async fn let_time_pass(&self) {
        let devnet = self.world.devnet.clone();
        // A ledger without calls cannot fail to close.
        let closed = tokio::task::spawn_blocking(move || (0..LEDGERS_AFTER).for_each(|_| drop(devnet.close_ledger()))).await;
        drop(closed);
    }
}
