//! Users and application at work: deeds are done, and what the application makes of them is written.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use sqlx::PgPool;
use stellar_xdr::ScVal;
use trueup_devnet::{Call, Invoked, Status, scval};

use crate::deeds::{Deed, Kept, Written};
use crate::entry::units;
use crate::kind::{Columns, Kind, transaction_columns};
use crate::rows::{self, Key};
use crate::script::At;
use crate::story::Story;
use crate::world::World;
use crate::wrong::wrong_value;

/// How many deeds later a late write comes.
const LATE_BY: usize = 4;
/// Numbers of loans that the chain never gives out.
const INVENTED_FROM: u32 = 900_000;

/// The application.
pub(crate) struct Application {
    pub(crate) world: Arc<World>,
    pub(crate) pool: PgPool,
    pub(crate) story: Story,
    /// Writes that come later: after so many deeds.
    late: VecDeque<(usize, Kind, Key, Columns)>,
    /// Made-up keys and the true ones.
    made_up: VecDeque<(String, u64)>,
    /// Real keys of requests that are still to be noted in the model.
    pub(crate) real_keys: Vec<(i64, String)>,
    pub(crate) deeds: usize,
    /// Writes that the database did not take; they are lost, as the application's own errors are.
    pub(crate) lost: usize,
}

// === impl Application ===

impl Application {
    pub(crate) fn new(world: Arc<World>, pool: PgPool, story: Story) -> Self {
        Self { world, pool, story, late: VecDeque::new(), made_up: VecDeque::new(), real_keys: Vec::new(), deeds: 0, lost: 0 }
    }

    /// Does each deed at its moment.
    pub(crate) async fn work(&mut self, deeds: &[At<Deed>]) -> anyhow::Result<()> {
        let began = tokio::time::Instant::now();
        for at in deeds {
            tokio::time::sleep_until(began + Duration::from_millis(at.ms)).await;
            self.perform(&at.what).await?;
        }
        Ok(())
    }

    /// Writes what is still to come, and gives made-up keys their true ones, but for the last if it is to stay.
    pub(crate) async fn finish(&mut self, leave_one: bool) {
        while let Some((_, kind, key, columns)) = self.late.pop_front() {
            self.wrote(rows::set(&self.pool, kind, &key, &columns).await);
        }
        while self.made_up.len() > usize::from(leave_one) {
            self.resolve().await;
        }
        self.note_real_keys().await;
        self.let_time_pass().await;
    }

    pub(crate) async fn perform(&mut self, deed: &Deed) -> anyhow::Result<()> {
        self.deeds += 1;
        self.write_late().await;
        let world = Arc::clone(&self.world);
        match *deed {
            Deed::Create { borrower, amount, installments, made_up, loan, mirror, kept } => {
                self.create(borrower, amount, installments, made_up, [loan, mirror], kept).await?;
            }
            Deed::Release { loan, percent, rows, kept } => {
                self.move_loan("release", loan, |it| share(it.total - it.released, percent), rows, kept).await?;
            }
            Deed::Repay { loan, percent, rows, kept } => {
                self.move_loan("repay", loan, |it| share(it.balance, percent), rows, kept).await?;
            }
            Deed::Default { loan, rows, kept } => {
                if let Some(id) = self.some_loan(loan) {
                    let call = world.call(&world.devnet.key(0), &world.contracts.lending, "default", vec![ScVal::U64(id)]);
                    if self.did(&call, kept).await? {
                        self.write_loan(id, rows).await?;
                    }
                }
            }
            Deed::Overpay { loan, believed, kept } => {
                if let Some(id) = self.some_loan(loan) {
                    let call = self.loan_call("repay", id, 1_000_000 * crate::entry::UNIT)?;
                    self.did(&call, kept).await?;
                    if believed {
                        let paid = Columns::from([("status", Some("completed".to_owned())), ("balance", Some("0".to_owned()))]);
                        self.wrote(rows::set(&self.pool, Kind::Loan, &[id.to_string()], &paid).await);
                    }
                }
            }
            Deed::Deposit { provider, amount, row, kept } => {
                self.position(provider, "deposit", |wallet| Ok(vec![scval::address(wallet)?, scval::i128(amount)]), row, kept).await?;
            }
            Deed::Withdraw { provider, percent, row, kept } => {
                let shares = self.shares(world.user(provider).address().as_str())?;
                let args = |wallet: &str| Ok(vec![scval::address(wallet)?, scval::i128(share(shares, percent))]);
                self.position(provider, "withdraw", args, row, kept).await?;
            }
            Deed::Boost { provider, bps, row, kept } => {
                self.position(provider, "boost", |wallet| Ok(vec![scval::address(wallet)?, ScVal::U32(bps)]), row, kept).await?;
            }
            Deed::Record { user, repaid, row, kept } => {
                let wallet = world.user(user).address();
                let args = vec![scval::address(&wallet)?, ScVal::Bool(repaid)];
                let call = world.call(&world.devnet.key(0), &world.contracts.reputation, "record", args);
                if self.did(&call, kept).await? {
                    self.write(Kind::Score, vec![wallet], row, true).await?;
                }
            }
            Deed::Submit { provider, bounded } => {
                self.sign(provider, bounded).await?;
            }
            Deed::Request { requester, amount, fate, payments } => {
                self.request(requester, amount, fate, payments).await?;
            }
            Deed::Scribble { kind, row, column } => {
                let columns = kind.columns();
                let column = columns[column as usize % columns.len()].name;
                let wrong = Columns::from([(column, wrong_value(kind, column, row))]);
                self.on_some_row(kind, row, &wrong).await;
            }
            Deed::Delete { kind, row } => {
                if let Some(key) = self.some_row(kind, row).await {
                    self.wrote(rows::delete(&self.pool, kind, &key).await);
                }
            }
            Deed::Invent { kind, number } => self.invent(kind, number).await?,
            Deed::Reject { row } => {
                let rejected = Columns::from([("status", Some("rejected".to_owned()))]);
                self.on_some_row(Kind::Loan, row, &rejected).await;
            }
            Deed::Hide { row } => {
                if let Some(key) = self.some_row(Kind::Mirror, row).await {
                    self.wrote(rows::hide(&self.pool, &key).await);
                }
            }
            Deed::Note { kind, row, text } => self.note(kind, row, text).await,
            Deed::Resolve => self.resolve().await,
        }
        Ok(())
    }

    async fn create(
        &mut self,
        borrower: u32,
        amount: i128,
        installments: u32,
        made_up: bool,
        [loan, mirror]: [Written; 2],
        kept: Kept,
    ) -> anyhow::Result<()> {
        let world = Arc::clone(&self.world);
        let user = world.user(borrower);
        let made_up = made_up.then(|| format!("pending-{}", self.deeds));
        if let Some(key) = &made_up {
            let columns = Columns::from([("wallet", Some(user.address())), ("amount", Some(units(amount)))]);
            let made = rows::make(&self.pool, Kind::Loan, std::slice::from_ref(key), &columns).await;
            self.wrote(made);
        }
        let args = vec![scval::address(&user.address())?, scval::i128(amount), ScVal::U32(installments)];
        let call = world.call(user, &world.contracts.lending, "create", args);
        let invoked = world.invoke(&call).await?;
        self.keep_end(&invoked, kept).await;
        let Some(ScVal::U64(id)) = invoked.return_value else { return Ok(()) };
        let known = sqlx::query("INSERT INTO public.known_loans VALUES ($1, $2)")
            .bind(&world.contracts.lending)
            .bind(i64::try_from(id)?)
            .execute(&self.pool)
            .await;
        self.wrote(known.map(drop));
        match made_up {
            Some(key) => self.made_up.push_back((key, id)),
            None => self.write(Kind::Loan, vec![id.to_string()], loan, true).await?,
        }
        self.write(Kind::Mirror, vec![world.contracts.lending.clone(), id.to_string()], mirror, true).await
    }

    async fn move_loan(
        &mut self,
        function: &str,
        pick: u32,
        amount: impl Fn(&Loan) -> i128,
        rows: [Written; 2],
        kept: Kept,
    ) -> anyhow::Result<()> {
        let Some(id) = self.some_loan(pick) else { return Ok(()) };
        let loan = self.loan(id)?;
        let call = self.loan_call(function, id, amount(&loan).max(1))?;
        if self.did(&call, kept).await? {
            self.write_loan(id, rows).await?;
        }
        Ok(())
    }

    async fn write_loan(&mut self, id: u64, [loan, mirror]: [Written; 2]) -> anyhow::Result<()> {
        self.write(Kind::Loan, vec![id.to_string()], loan, false).await?;
        self.write(Kind::Mirror, vec![self.world.contracts.lending.clone(), id.to_string()], mirror, false).await
    }

    fn loan_call(&self, function: &str, id: u64, amount: i128) -> anyhow::Result<Call> {
        let borrower = self.loan(id)?.borrower;
        let user = self.world.users.iter().find(|user| user.address() == borrower).context("a loan of one of the users")?;
        Ok(self.world.call(user, &self.world.contracts.lending, function, vec![ScVal::U64(id), scval::i128(amount)]))
    }

    async fn position(
        &mut self,
        pick: u32,
        function: &str,
        args: impl Fn(&str) -> anyhow::Result<Vec<ScVal>>,
        row: Written,
        kept: Kept,
    ) -> anyhow::Result<()> {
        let world = Arc::clone(&self.world);
        let user = world.user(pick);
        let wallet = user.address();
        let known = sqlx::query("INSERT INTO public.profiles VALUES ($1) ON CONFLICT DO NOTHING").bind(&wallet).execute(&self.pool).await;
        self.wrote(known.map(drop));
        if self.did(&world.call(user, &world.contracts.pool, function, args(&wallet)?), kept).await? {
            self.write(Kind::Position, vec![wallet], row, true).await?;
        }
        Ok(())
    }

    /// Makes a call; whether it took effect.
    async fn did(&mut self, call: &Call, kept: Kept) -> anyhow::Result<bool> {
        let invoked = self.world.invoke(call).await?;
        self.keep_end(&invoked, kept).await;
        Ok(invoked.status == Status::Success)
    }

    async fn keep_end(&mut self, invoked: &Invoked, kept: Kept) {
        let succeeded = invoked.status == Status::Success;
        let columns = match kept {
            Kept::Right => transaction_columns(succeeded, invoked.ledger),
            Kept::Opposite => transaction_columns(!succeeded, invoked.ledger),
            Kept::Pending => Columns::from([("status", Some("pending".to_owned()))]),
            Kept::Nothing => return,
        };
        self.keep(&invoked.hash, columns).await;
    }

    pub(crate) async fn keep(&mut self, hash: &str, mut columns: Columns) {
        // As of the ledger before: a transaction is submitted before its ledger closes.
        let submitted = self.world.devnet.latest().close_time.saturating_sub(self.world.devnet.config().ledger_seconds);
        columns.insert("submitted_at", crate::kind::instant(&submitted.to_string()).ok());
        self.wrote(rows::make(&self.pool, Kind::Transaction, &[hash.to_owned()], &columns).await);
    }

    /// Writes a row as the chain is now, or otherwise.
    async fn write(&mut self, kind: Kind, key: Key, how: Written, make: bool) -> anyhow::Result<()> {
        let chain_key = if key.len() == 1 { key[0].clone() } else { serde_json::to_string(&key)? };
        let Some(value) = self.world.value(kind, &chain_key)? else { return Ok(()) };
        let mut columns = kind.project(&value)?;
        match kind {
            Kind::Score => drop(columns.insert("level", Some(Kind::level(&value)?))),
            Kind::Loan if columns.get("status") == Some(&Some("completed".to_owned())) => {
                columns.insert("completed_at", Some("2026-01-01 00:00:00+00".to_owned()));
            }
            _ => {}
        }
        match how {
            Written::Lost => return Ok(()),
            Written::Right => {}
            Written::Wrong => {
                let wrong = kind.columns()[self.deeds % kind.columns().len()].name;
                columns.insert(wrong, wrong_value(kind, wrong, u32::try_from(self.deeds)?));
            }
            Written::Late => {
                self.late.push_back((self.deeds + LATE_BY, kind, key, columns));
                return Ok(());
            }
        }
        let written =
            if make { rows::make(&self.pool, kind, &key, &columns).await } else { rows::set(&self.pool, kind, &key, &columns).await };
        self.wrote(written);
        Ok(())
    }

    async fn write_late(&mut self) {
        while self.late.front().is_some_and(|(due, ..)| *due <= self.deeds) {
            let Some((_, kind, key, columns)) = self.late.pop_front() else { return };
            self.wrote(rows::set(&self.pool, kind, &key, &columns).await);
        }
    }

    async fn resolve(&mut self) {
        if let Some((made_up, loan)) = self.made_up.pop_front() {
            self.wrote(rows::resolve(&self.pool, &made_up, loan).await);
        }
    }

    async fn invent(&mut self, kind: Kind, number: u32) -> anyhow::Result<()> {
        let world = Arc::clone(&self.world);
        let id = (INVENTED_FROM + number % 1_000).to_string();
        let stranger = world.devnet.key(1_000 + number % 1_000).address();
        let amount = Some("5".to_owned());
        let (key, columns) = match kind {
            Kind::Loan => (vec![id], Columns::from([("amount", amount)])),
            Kind::Mirror => (vec![world.contracts.lending.clone(), id], Columns::from([("amount", amount)])),
            Kind::Position => (vec![stranger], Columns::from([("shares", amount.clone()), ("deposited", amount)])),
            Kind::Score => (vec![stranger], Columns::from([("score", Some("1".to_owned())), ("level", Some("tin".to_owned()))])),
            Kind::Request => return Ok(()),
            Kind::Transaction => {
                self.keep(&format!("{number:064x}"), Columns::from([("status", Some("pending".to_owned()))])).await;
                return Ok(());
            }
        };
        self.wrote(rows::make(&self.pool, kind, &key, &columns).await);
        if kind == Kind::Score && number.is_multiple_of(2) {
            let walletless = sqlx::query("INSERT INTO public.scores (score, level) VALUES (1, 'tin')").execute(&self.pool).await;
            self.wrote(walletless.map(drop));
        }
        Ok(())
    }

    async fn note(&mut self, kind: Kind, row: u32, text: u32) {
        let columns = match kind {
            Kind::Loan => Columns::from([("note", Some(format!("note {text}")))]),
            Kind::Mirror => Columns::from([("details", Some(format!("{{\"tag\": \"tag {text}\"}}")))]),
            Kind::Position => Columns::from([("nickname", Some(format!("nick {text}")))]),
            Kind::Score => Columns::from([("badge", Some("gold".to_owned()))]),
            Kind::Transaction | Kind::Request => return,
        };
        self.on_some_row(kind, row, &columns).await;
    }

    async fn on_some_row(&mut self, kind: Kind, pick: u32, columns: &Columns) {
        if let Some(key) = self.some_row(kind, pick).await {
            self.wrote(rows::set(&self.pool, kind, &key, columns).await);
        }
    }

    async fn some_row(&mut self, kind: Kind, pick: u32) -> Option<Key> {
        match rows::some_key(&self.pool, kind, pick).await {
            Ok(key) => key,
            Err(error) => {
                self.wrote(Err(error));
                None
            }
        }
    }

    /// Counts a write that the database did not take.
    pub(crate) fn wrote(&mut self, result: Result<(), sqlx::Error>) {
        if let Err(error) = result {
            self.lost += 1;
            self.story.tell(format!("the application lost a write: {error}"));
        }
    }

    fn some_loan(&self, pick: u32) -> Option<u64> {
        Some(u64::from(pick).checked_rem(self.world.loans())? + 1)
    }

    fn loan(&self, id: u64) -> anyhow::Result<Loan> {
        let value = self.world.value(Kind::Loan, &id.to_string())?.with_context(|| format!("no loan {id}"))?;
        let base = |name: &str| -> anyhow::Result<i128> { scval::as_i128(crate::entry::field(&value, name)?).context("an amount") };
        Ok(Loan {
            borrower: crate::entry::text(crate::entry::field(&value, "borrower")?)?,
            total: base("total_amount")?,
            released: base("released")?,
            balance: base("remaining_balance")?,
        })
    }

    fn shares(&self, wallet: &str) -> anyhow::Result<i128> {
        let Some(value) = self.world.value(Kind::Position, wallet)? else { return Ok(1) };
        scval::as_i128(crate::entry::field(&value, "shares")?).context("shares")
    }
}

struct Loan {
    borrower: String,
    total: i128,
    released: i128,
    balance: i128,
}

fn share(whole: i128, percent: u32) -> i128 {
    whole * i128::from(percent) / 100
}
