//! A lending book: loans with amounts, a status and a schedule of installments.
//!
//! Loans are sharded by `id % 32` in their key, and instance storage counts
//! them under `LOANCNT` (the last id; the first is 1).

use soroban_sdk::{Address, Env, Symbol, Vec, contract, contracterror, contractevent, contractimpl, contracttype, symbol_short};

const LAST_ID: Symbol = symbol_short!("LOANCNT");
const ADMIN: Symbol = symbol_short!("ADMIN");
const SHARDS: u64 = 32;
const RATE_BPS: u32 = 500;
const INSTALLMENT_SECS: u64 = 30 * 24 * 3_600;
const MAX_INSTALLMENTS: u32 = 60;

#[contract]
pub struct Lending;

#[contracttype]
#[derive(Clone)]
pub enum DataKey {
    Loan(u32, u64),
}

#[contracttype]
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Pending,
    Active,
    Paid,
    Defaulted,
}

#[contracttype]
#[derive(Clone)]
pub struct Installment {
    pub due_at: u64,
    pub amount: i128,
    pub paid: bool,
}

#[contracttype]
#[derive(Clone)]
pub struct Loan {
    pub borrower: Address,
    pub status: Status,
    pub total_amount: i128,
    pub released: i128,
    pub remaining_balance: i128,
    pub rate_bps: u32,
    pub created_at: u64,
    pub due_at: u64,
    pub schedule: Vec<Installment>,
}

#[contracterror]
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum LendingError {
    NoSuchLoan = 1,
    BadAmount = 2,
    MoreThanOwed = 3,
    WrongStatus = 4,
    BadSchedule = 5,
}

#[contractevent(topics = ["LOANCRTD"], data_format = "vec")]
pub struct LoanCreated {
    #[topic]
    pub borrower: Address,
    pub id: u64,
    pub amount: i128,
}

#[contractevent(topics = ["LOANRLSD"], data_format = "vec")]
pub struct LoanReleased {
    #[topic]
    pub borrower: Address,
    pub id: u64,
    pub amount: i128,
}

#[contractevent(topics = ["LOANREPD"], data_format = "vec")]
pub struct LoanRepaid {
    #[topic]
    pub borrower: Address,
    pub id: u64,
    pub amount: i128,
    pub remaining: i128,
}

#[contractevent(topics = ["LOANDFLT"], data_format = "vec")]
pub struct LoanDefaulted {
    #[topic]
    pub borrower: Address,
    pub id: u64,
    pub remaining: i128,
}

#[contractimpl]
impl Lending {
    pub fn __constructor(env: Env, admin: Address) {
        env.storage().instance().set(&ADMIN, &admin);
        env.storage().instance().set(&LAST_ID, &0u64);
    }

    pub fn create(env: Env, borrower: Address, amount: i128, installments: u32) -> Result<u64, LendingError> {
        borrower.require_auth();
        if amount <= 0 {
            return Err(LendingError::BadAmount);
        }
        if installments == 0 || installments > MAX_INSTALLMENTS {
            return Err(LendingError::BadSchedule);
        }
        let id = env.storage().instance().get(&LAST_ID).unwrap_or(0u64) + 1;
        env.storage().instance().set(&LAST_ID, &id);
        let now = env.ledger().timestamp();
        let loan = Loan {
            borrower: borrower.clone(),
            status: Status::Pending,
            total_amount: amount,
            released: 0,
            remaining_balance: amount,
            rate_bps: RATE_BPS,
            created_at: now,
            due_at: now + u64::from(installments) * INSTALLMENT_SECS,
            schedule: schedule(&env, now, amount, installments),
        };
        store(&env, id, &loan);
        LoanCreated { borrower, id, amount }.publish(&env);
        Ok(id)
    }

    pub fn release(env: Env, id: u64, amount: i128) -> Result<(), LendingError> {
        let mut loan = load(&env, id)?;
        loan.borrower.require_auth();
        if !matches!(loan.status, Status::Pending | Status::Active) {
            return Err(LendingError::WrongStatus);
        }
        if amount <= 0 || amount > loan.total_amount - loan.released {
            return Err(LendingError::BadAmount);
        }
        loan.released += amount;
        loan.status = Status::Active;
        store(&env, id, &loan);
        LoanReleased { borrower: loan.borrower, id, amount }.publish(&env);
        Ok(())
    }

    pub fn repay(env: Env, id: u64, amount: i128) -> Result<i128, LendingError> {
        let mut loan = load(&env, id)?;
        loan.borrower.require_auth();
        if loan.status != Status::Active {
            return Err(LendingError::WrongStatus);
        }
        if amount <= 0 {
            return Err(LendingError::BadAmount);
        }
        if amount > loan.remaining_balance {
            return Err(LendingError::MoreThanOwed);
        }
        loan.remaining_balance -= amount;
        loan.schedule = settle(&env, &loan.schedule, loan.total_amount - loan.remaining_balance);
        if loan.remaining_balance == 0 {
            loan.status = Status::Paid;
        }
        store(&env, id, &loan);
        LoanRepaid { borrower: loan.borrower, id, amount, remaining: loan.remaining_balance }.publish(&env);
        Ok(loan.remaining_balance)
    }

    pub fn default(env: Env, id: u64) -> Result<(), LendingError> {
        let admin: Address = env.storage().instance().get(&ADMIN).ok_or(LendingError::WrongStatus)?;
        admin.require_auth();
        let mut loan = load(&env, id)?;
        if loan.status != Status::Active {
            return Err(LendingError::WrongStatus);
        }
        loan.status = Status::Defaulted;
        store(&env, id, &loan);
        LoanDefaulted { borrower: loan.borrower, id, remaining: loan.remaining_balance }.publish(&env);
        Ok(())
    }

    pub fn loan(env: Env, id: u64) -> Result<Loan, LendingError> {
        load(&env, id)
    }
}

fn key(id: u64) -> DataKey {
    DataKey::Loan((id % SHARDS) as u32, id)
}

fn load(env: &Env, id: u64) -> Result<Loan, LendingError> {
    env.storage().persistent().get(&key(id)).ok_or(LendingError::NoSuchLoan)
}

fn store(env: &Env, id: u64, loan: &Loan) {
    env.storage().persistent().set(&key(id), loan);
}

/// Equal installments; the last one takes the remainder, so that they add up.
fn schedule(env: &Env, now: u64, amount: i128, installments: u32) -> Vec<Installment> {
    let share = amount / i128::from(installments);
    let mut schedule = Vec::new(env);
    for n in 1..=installments {
        let amount = if n == installments { amount - share * i128::from(installments - 1) } else { share };
        schedule.push_back(Installment { due_at: now + u64::from(n) * INSTALLMENT_SECS, amount, paid: false });
    }
    schedule
}

/// Marks the installments that `repaid` in total covers, oldest first.
fn settle(env: &Env, schedule: &Vec<Installment>, repaid: i128) -> Vec<Installment> {
    let mut covered = 0i128;
    let mut settled = Vec::new(env);
    for mut installment in schedule.iter() {
        covered += installment.amount;
        installment.paid = covered <= repaid;
        settled.push_back(installment);
    }
    settled
}

/// The interface, as the code's `contractspecv0` section carries it. Its events
/// are left out: SDKs of protocols before 30 do not read their entries.
pub(super) fn spec() -> std::vec::Vec<u8> {
    [
        &Lending::spec_xdr___constructor()[..],
        &Lending::spec_xdr_create()[..],
        &Lending::spec_xdr_release()[..],
        &Lending::spec_xdr_repay()[..],
        &Lending::spec_xdr_default()[..],
        &Lending::spec_xdr_loan()[..],
        &DataKey::spec_xdr()[..],
        &Status::spec_xdr()[..],
        &Installment::spec_xdr()[..],
        &Loan::spec_xdr()[..],
        &LendingError::spec_xdr()[..],
    ]
    .concat()
}
