//! Drift of many sorts, put into the database as applications do it, each recorded in the answer key.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use sqlx::PgPool;
use stellar_xdr::ScVal;
use trueup_devnet::Devnet;
use trueup_judge::Class;

use super::answers::{Answer, AnswerKey};
use super::application::entry_key;
use super::chain::World;

/// How many rows of each sort.
const EACH: usize = 20;

/// Injects everything.
pub(super) async fn inject(pool: &PgPool, devnet: &Devnet, world: &World, seed: u64) -> anyhow::Result<AnswerKey> {
    let mut drift = Drift { pool, random: ChaCha8Rng::seed_from_u64(seed), key: AnswerKey::default() };
    drift.loans(devnet, world).await?;
    drift.positions().await?;
    drift.reputations().await?;
    drift.transactions().await?;
    Ok(drift.key)
}

struct Drift<'a> {
    pool: &'a PgPool,
    random: ChaCha8Rng,
    key: AnswerKey,
}

/// One sort of drift that is one UPDATE of some rows.
struct Sort {
    name: &'static str,
    kind: &'static str,
    table: &'static str,
    identity: &'static str,
    set: &'static str,
    drifts: &'static [(Class, &'static str)],
    repairable: bool,
}

impl Drift<'_> {
    /// Draws rows that nothing was done to yet: each row drifts in one way.
    async fn draw(&mut self, table: &str, identity: &str, filter: &str, count: usize) -> anyhow::Result<Vec<String>> {
        let mut ids: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(format!(
            "SELECT {identity}::text FROM {table} WHERE ({filter}) AND updated_at < now() - interval '30 minutes' ORDER BY {identity}"
        )))
        .fetch_all(self.pool)
        .await?;
        ids.shuffle(&mut self.random);
        ids.truncate(count);
        anyhow::ensure!(ids.len() == count, "the scenario has too few rows of {table} where {filter}");
        Ok(ids)
    }

    async fn apply(&mut self, sort: &Sort, filter: &str) -> anyhow::Result<()> {
        let ids = self.draw(sort.table, sort.identity, filter, EACH).await?;
        // Twenty minutes ago: after what was there before, and long enough ago to be settled.
        sqlx::query(sqlx::AssertSqlSafe(format!(
            "UPDATE {} SET {}, updated_at = now() - interval '20 minutes' WHERE {}::text = ANY($1)",
            sort.table, sort.set, sort.identity
        )))
        .bind(&ids)
        .execute(self.pool)
        .await?;
        for id in ids {
            for (class, field) in sort.drifts {
                self.key.add(sort.name, sort.repairable, Answer::new(sort.kind, id.clone(), *class, field));
            }
        }
        Ok(())
    }

    async fn loans(&mut self, devnet: &Devnet, world: &World) -> anyhow::Result<()> {
        let sort = |name, set, drifts, repairable| Sort { name, kind: "loan", table: "loans", identity: "id", set, drifts, repairable };
        let status: &[_] = &[(Class::StaleStatus, "status")];
        let balance: &[_] = &[(Class::StaleValue, "remaining_balance")];
        self.apply(&sort("loan paid back, row still active", "status = 'active'", status, true), "status = 'completed'").await?;
        self.apply(&sort("loan paid out, row still pending", "status = 'pending'", status, true), "status = 'active'").await?;
        self.apply(
            &sort("balance off by one base unit", "remaining_balance = remaining_balance - 0.0000001", balance, true),
            "status = 'active'",
        )
        .await?;
        self.apply(
            &sort("repayment that was never written", "remaining_balance = amount", balance, true),
            "status = 'active' AND remaining_balance < amount",
        )
        .await?;
        self.apply(&sort("balance that was never written", "remaining_balance = NULL", balance, true), "status = 'pending'").await?;
        self.apply(&sort("payout that was never written", "released = 0", &[(Class::StaleValue, "released")], true), "released > 0")
            .await?;
        self.apply(
            &sort("due date in another time zone", "due_at = due_at + interval '2 hours'", &[(Class::StaleValue, "due_at")], true),
            "status = 'pending'",
        )
        .await?;
        let both: &[_] = &[(Class::StaleStatus, "status"), (Class::StaleValue, "remaining_balance")];
        self.apply(
            &sort("status and balance both stale", "status = 'active', remaining_balance = amount", both, true),
            "status = 'completed'",
        )
        .await?;
        let condition: &[_] = &[(Class::ConditionViolated, "completed loans say when")];
        self.apply(&sort("completed without a date", "completed_at = NULL", condition, false), "status = 'completed'").await?;
        self.archived(devnet, world).await?;
        self.missing_loans().await?;
        self.unknown_loans().await?;
        self.provisional_loans().await
    }

    /// Archived entries hold data, and are compared like any other.
    async fn archived(&mut self, devnet: &Devnet, world: &World) -> anyhow::Result<()> {
        let sort = Sort {
            name: "stale against an archived entry",
            kind: "loan",
            table: "loans",
            identity: "id",
            set: "status = 'pending'",
            drifts: &[(Class::StaleStatus, "status")],
            repairable: true,
        };
        let before = self.key.all();
        self.apply(&sort, "status = 'active'").await?;
        anyhow::ensure!(self.key.all().len() > before.len(), "something was injected");
        let archived: Vec<i64> = sqlx::query_scalar(
            "SELECT loan_id::bigint FROM loans WHERE status = 'pending' AND released > 0 ORDER BY updated_at DESC, id LIMIT 20",
        )
        .fetch_all(self.pool)
        .await?;
        for id in archived {
            let id = u64::try_from(id)?;
            let shard = u32::try_from(id % 32)?;
            devnet.archive(&entry_key(world.lending(), "Loan", &[ScVal::U32(shard), ScVal::U64(id)])?);
        }
        Ok(())
    }

    /// While provisional rows are unresolved, a missing loan could be one of theirs: it is reported, not inserted.
    async fn missing_loans(&mut self) -> anyhow::Result<()> {
        let keys = self.draw("loans", "loan_id", "status = 'pending'", EACH).await?;
        self.delete_loans(&keys).await?;
        for key in keys {
            self.key.add("loan that was never written", false, Answer::new("loan", key, Class::MissingRow, ""));
        }
        Ok(())
    }

    async fn delete_loans(&self, keys: &[String]) -> anyhow::Result<()> {
        sqlx::query("DELETE FROM loan_payments WHERE loan_id = ANY($1)").bind(keys).execute(self.pool).await?;
        sqlx::query("DELETE FROM loans WHERE loan_id = ANY($1)").bind(keys).execute(self.pool).await?;
        Ok(())
    }

    async fn unknown_loans(&mut self) -> anyhow::Result<()> {
        let ids: Vec<i64> = sqlx::query_scalar(
            "INSERT INTO loans (loan_id, user_wallet, amount, remaining_balance, status, updated_at)
             SELECT (900000 + n)::text, 'GAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAWHF', 10, 10, 'active', now() - interval '20 minutes'
             FROM generate_series(1, 20) AS n RETURNING id",
        )
        .fetch_all(self.pool)
        .await?;
        for id in ids {
            self.key.add("loan that the chain has never had", false, Answer::new("loan", id.to_string(), Class::MissingOnChain, ""));
        }
        Ok(())
    }

    async fn provisional_loans(&mut self) -> anyhow::Result<()> {
        let ids: Vec<i64> = sqlx::query_scalar(
            "INSERT INTO loans (loan_id, user_wallet, amount, remaining_balance, updated_at)
             SELECT 'pending-' || n, 'GAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAWHF', 10, 10, now() - interval '20 minutes'
             FROM generate_series(1, 20) AS n RETURNING id",
        )
        .fetch_all(self.pool)
        .await?;
        for id in ids {
            self.key.add("loan without its real id", false, Answer::new("loan", id.to_string(), Class::ProvisionalId, ""));
        }
        Ok(())
    }

    async fn positions(&mut self) -> anyhow::Result<()> {
        let sort = |name, set, drifts| Sort {
            name,
            kind: "position",
            table: "liquidity_positions",
            identity: "wallet",
            set,
            drifts,
            repairable: true,
        };
        self.apply(&sort("withdrawal that was written twice", "shares = shares / 2", &[(Class::StaleValue, "shares")]), "true").await?;
        self.apply(&sort("boost that was never written", "tier = 'basic'", &[(Class::StaleStatus, "tier")]), "tier = 'boosted'").await?;
        self.apply(
            &sort("lock that the chain has not", "locked_until = now()", &[(Class::StaleValue, "locked_until")]),
            "locked_until IS NULL",
        )
        .await?;
        let wallets = self.draw("liquidity_positions", "wallet", "true", EACH).await?;
        sqlx::query("DELETE FROM liquidity_positions WHERE wallet = ANY($1)").bind(&wallets).execute(self.pool).await?;
        for wallet in wallets {
            self.key.add("position that was never written", true, Answer::new("position", wallet, Class::MissingRow, ""));
        }
        Ok(())
    }

    async fn reputations(&mut self) -> anyhow::Result<()> {
        let sort =
            |name, set, drifts| Sort { name, kind: "reputation", table: "reputation_cache", identity: "id", set, drifts, repairable: true };
        self.apply(&sort("score that went stale", "score = score + 1", &[(Class::StaleValue, "score")]), "true").await?;
        self.apply(&sort("level that went stale", "level = 'platinum'", &[(Class::StaleStatus, "level")]), "true").await?;
        // No wallet is no drift: there is nothing to compare with.
        let skipped = self.draw("reputation_cache", "id", "true", EACH).await?;
        sqlx::query("UPDATE reputation_cache SET wallet = NULL, updated_at = now() - interval '20 minutes' WHERE id::text = ANY($1)")
            .bind(skipped)
            .execute(self.pool)
            .await?;
        Ok(())
    }

    async fn transactions(&mut self) -> anyhow::Result<()> {
        let sort = |name, set, drifts, repairable| Sort {
            name,
            kind: "transaction",
            table: "transactions",
            identity: "id",
            set,
            drifts,
            repairable,
        };
        let orphaned: &[_] = &[(Class::OrphanedPendingTransaction, "status"), (Class::StaleValue, "ledger")];
        self.apply(&sort("pending, and succeeded long ago", "status = 'pending', ledger = NULL", orphaned, true), "status = 'success'")
            .await?;
        self.apply(&sort("pending, and failed long ago", "status = 'pending', ledger = NULL", orphaned, true), "status = 'failed'").await?;
        let wrong: &[_] = &[(Class::StaleStatus, "status")];
        // The spec asks for no repair of a final state that is another final state on chain.
        self.apply(&sort("marked failed, and succeeded", "status = 'failed'", wrong, false), "status = 'success'").await?;
        // Pruned is no drift: the chain that is asked no longer knows, and nobody may guess.
        let pruned = self.draw("transactions", "id", "status = 'pending'", 5).await?;
        sqlx::query(
            "UPDATE transactions SET submitted_at = '2020-01-01', updated_at = now() - interval '20 minutes' WHERE id::text = ANY($1)",
        )
        .bind(pruned)
        .execute(self.pool)
        .await?;
        Ok(())
    }
}
