//! Loans that are asked for under made-up keys: what becomes of each is drawn, so that its real key is known here.

use std::sync::Arc;

use stellar_xdr::ScVal;
use trueup_devnet::{BuildOptions, Call, Invoked, Keypair, scval};

use crate::application::Application;
use crate::deeds::Fate;
use crate::entry::units;
use crate::kind::instant;

/// Accounts that never do anything but ask once.
const ASKERS_FROM: u32 = 5_000;
/// How long a transaction is valid that never arrives, in chain seconds.
const VALID_SECS: u64 = 10;

/// A row to be written.
struct Row<'a> {
    key: String,
    wallet: &'a str,
    amount: i128,
    hash: Option<&'a str>,
    envelope: Option<&'a str>,
    fate: &'a str,
    payments: u32,
}

impl Application {
    pub(crate) async fn request(&mut self, pick: u32, amount: i128, fate: Fate, payments: u32) -> anyhow::Result<()> {
        let world = Arc::clone(&self.world);
        let number = self.deeds;
        let key = format!("pending-{number}");
        let requester = world.requester(pick).clone();
        let wallet = requester.address();
        let row = |key: &str, hash, fate| Row { key: key.to_owned(), wallet: &wallet, amount, hash, envelope: None, fate, payments };
        match fate {
            Fate::Known => {
                let call = self.creation(&requester, amount)?;
                let devnet = world.devnet.clone();
                let built = tokio::task::spawn_blocking(move || devnet.build(&call, BuildOptions::default())).await??;
                let there = self.ask(&[row(&key, Some(built.hash.as_str()), "known")]).await;
                let invoked = world.submit(&built).await?;
                self.landed(&there, &invoked).await;
            }
            Fate::Unseen => {
                let there = self.ask(&[row(&key, None, "unseen")]).await;
                let invoked = world.invoke(&self.creation(&requester, amount)?).await?;
                self.landed(&there, &invoked).await;
            }
            Fate::Twins => {
                self.ask(&[row(&key, None, "twin"), row(&format!("{key}-b"), None, "twin")]).await;
                for _ in 0..2 {
                    world.invoke(&self.creation(&requester, amount)?).await?;
                }
            }
            Fate::Taken => {
                let invoked = world.invoke(&self.creation(&requester, amount)?).await?;
                if let Some(ScVal::U64(id)) = invoked.return_value {
                    self.ask(&[row(&id.to_string(), None, "true"), row(&key, Some(invoked.hash.as_str()), "taken")]).await;
                }
            }
            Fate::Failed => {
                let invoked = world.invoke(&self.creation(&requester, 0)?).await?;
                self.ask(&[row(&key, Some(invoked.hash.as_str()), "failed")]).await;
            }
            Fate::Expired | Fate::InFlight => {
                let devnet = world.devnet.clone();
                let asker = tokio::task::spawn_blocking(move || devnet.account(ASKERS_FROM + u32::try_from(number).unwrap_or_default()));
                let asker = asker.await??;
                let max_time = (fate == Fate::Expired).then(|| world.devnet.latest().close_time + VALID_SECS);
                let (devnet, call) = (world.devnet.clone(), self.creation(&asker, amount)?);
                let options = BuildOptions { max_time, ..BuildOptions::default() };
                let built = tokio::task::spawn_blocking(move || devnet.build(&call, options)).await??;
                let fate = if max_time.is_some() { "expired" } else { "in_flight" };
                let (hash, envelope) = (Some(built.hash.as_str()), Some(built.envelope.as_str()));
                self.ask(&[Row { key, wallet: &asker.address(), amount, hash, envelope, fate, payments }]).await;
            }
        }
        Ok(())
    }

    fn creation(&self, source: &Keypair, amount: i128) -> anyhow::Result<Call> {
        let args = vec![scval::address(&source.address())?, scval::i128(amount), ScVal::U32(2)];
        Ok(self.world.call(source, &self.world.contracts.lending, "create", args))
    }

    /// Writes rows, their payments and what is known of them, all or nothing. Gives back their ids.
    async fn ask(&mut self, rows: &[Row<'_>]) -> Vec<i64> {
        let at = instant(&self.world.devnet.latest().close_time.to_string()).ok();
        match self.write_requests(rows, at.as_deref()).await {
            Ok(ids) => ids,
            Err(error) => {
                self.wrote(Err(error));
                Vec::new()
            }
        }
    }

    async fn write_requests(&self, rows: &[Row<'_>], at: Option<&str>) -> Result<Vec<i64>, sqlx::Error> {
        let mut tx = self.pool.begin().await?;
        let mut ids = Vec::new();
        for row in rows {
            let id: i64 = sqlx::query_scalar(
                "INSERT INTO public.requests (loan_id, wallet, amount, tx_hash, envelope, created_at)
                 VALUES ($1, $2, $3::text::numeric, $4, $5, $6::text::timestamptz) RETURNING id",
            )
            .bind(&row.key)
            .bind(row.wallet)
            .bind(units(row.amount))
            .bind(row.hash)
            .bind(row.envelope)
            .bind(at)
            .fetch_one(&mut *tx)
            .await?;
            sqlx::query("INSERT INTO public.request_payments (loan_id, request) SELECT $1, $2 FROM generate_series(1, $3)")
                .bind(&row.key)
                .bind(id)
                .bind(i32::try_from(row.payments).unwrap_or_default())
                .execute(&mut *tx)
                .await?;
            sqlx::query("INSERT INTO sim.requests SELECT $1, $2, $3, $4::text::timestamptz")
                .bind(id)
                .bind(row.fate)
                .bind((row.fate == "true").then_some(&row.key))
                .bind(at)
                .execute(&mut *tx)
                .await?;
            ids.push(id);
        }
        tx.commit().await?;
        Ok(ids)
    }

    /// Notes the real key of a row. A note that the database did not take is kept for later.
    async fn landed(&mut self, rows: &[i64], invoked: &Invoked) {
        let (Some(row), Some(ScVal::U64(id))) = (rows.first(), &invoked.return_value) else { return };
        self.real_keys.push((*row, id.to_string()));
        self.note_real_keys().await;
    }

    /// Writes the real keys that are not noted yet.
    pub(crate) async fn note_real_keys(&mut self) {
        while let Some((row, real)) = self.real_keys.last() {
            let noted = sqlx::query("UPDATE sim.requests SET real = $2 WHERE id = $1").bind(row).bind(real).execute(&self.pool).await;
            if let Err(error) = noted {
                self.story.tell(format!("a real key is to be noted later: {error}"));
                return;
            }
            self.real_keys.pop();
        }
    }
}
