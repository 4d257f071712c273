//! A liquidity pool: one position an account, totals in instance storage.

use soroban_sdk::{Address, Env, Symbol, contract, contracterror, contractevent, contractimpl, contracttype, symbol_short};

const TOTAL_SHARES: Symbol = symbol_short!("SHARES");
const TOTAL_DEPOSITED: Symbol = symbol_short!("DEPOSITED");
const BOOST_LOCK_SECS: u64 = 90 * 24 * 3_600;
const REWARD_BPS: i128 = 25;
const BPS: i128 = 10_000;

#[contract]
pub struct Pool;

#[contracttype]
#[derive(Clone)]
pub enum DataKey {
    Position(Address),
}

#[contracttype]
#[derive(Clone)]
pub enum Tier {
    Basic,
    Boosted(u32),
}

#[contracttype]
#[derive(Clone)]
pub struct Position {
    pub shares: i128,
    pub deposited: i128,
    pub rewards: i128,
    pub lock: Option<u64>,
    pub tier: Tier,
}

#[contracterror]
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum PoolError {
    NoPosition = 1,
    BadAmount = 2,
    NotEnough = 3,
    Locked = 4,
}

#[contractevent(topics = ["DEPOSIT"], data_format = "vec")]
pub struct Deposited {
    #[topic]
    pub provider: Address,
    pub amount: i128,
    pub shares: i128,
}

#[contractevent(topics = ["WITHDRAW"], data_format = "vec")]
pub struct Withdrawn {
    #[topic]
    pub provider: Address,
    pub amount: i128,
    pub shares: i128,
}

#[contractimpl]
impl Pool {
    pub fn __constructor(env: Env) {
        env.storage().instance().set(&TOTAL_SHARES, &0i128);
        env.storage().instance().set(&TOTAL_DEPOSITED, &0i128);
    }

    pub fn deposit(env: Env, provider: Address, amount: i128) -> Result<i128, PoolError> {
        provider.require_auth();
        if amount <= 0 {
            return Err(PoolError::BadAmount);
        }
        let mut position = load(&env, &provider).unwrap_or(Position { shares: 0, deposited: 0, rewards: 0, lock: None, tier: Tier::Basic });
        position.rewards += position.deposited * REWARD_BPS / BPS;
        position.deposited += amount;
        position.shares += amount;
        store(&env, &provider, &position);
        add(&env, amount);
        Deposited { provider, amount, shares: position.shares }.publish(&env);
        Ok(position.shares)
    }

    pub fn withdraw(env: Env, provider: Address, amount: i128) -> Result<i128, PoolError> {
        provider.require_auth();
        let mut position = load(&env, &provider).ok_or(PoolError::NoPosition)?;
        if amount <= 0 {
            return Err(PoolError::BadAmount);
        }
        if amount > position.shares {
            return Err(PoolError::NotEnough);
        }
        if position.lock.is_some_and(|until| until > env.ledger().timestamp()) {
            return Err(PoolError::Locked);
        }
        position.shares -= amount;
        position.deposited -= amount;
        if position.shares == 0 {
            env.storage().persistent().remove(&DataKey::Position(provider.clone()));
        } else {
            store(&env, &provider, &position);
        }
        add(&env, -amount);
        Withdrawn { provider, amount, shares: position.shares }.publish(&env);
        Ok(position.shares)
    }

    pub fn boost(env: Env, provider: Address, multiplier_bps: u32) -> Result<(), PoolError> {
        provider.require_auth();
        let mut position = load(&env, &provider).ok_or(PoolError::NoPosition)?;
        position.tier = Tier::Boosted(multiplier_bps);
        position.lock = Some(env.ledger().timestamp() + BOOST_LOCK_SECS);
        store(&env, &provider, &position);
        Ok(())
    }

    pub fn position(env: Env, provider: Address) -> Option<Position> {
        load(&env, &provider)
    }
}

fn load(env: &Env, provider: &Address) -> Option<Position> {
    env.storage().persistent().get(&DataKey::Position(provider.clone()))
}

fn store(env: &Env, provider: &Address, position: &Position) {
    env.storage().persistent().set(&DataKey::Position(provider.clone()), position);
}

fn add(env: &Env, amount: i128) {
    for total in [TOTAL_SHARES, TOTAL_DEPOSITED] {
        let sum: i128 = env.storage().instance().get(&total).unwrap_or(0);
        env.storage().instance().set(&total, &(sum + amount));
    }
}

/// The interface, as the code's `contractspecv0` section carries it. Its events
/// are left out: SDKs of protocols before 30 do not read their entries.
pub(super) fn spec() -> std::vec::Vec<u8> {
    [
        &Pool::spec_xdr___constructor()[..],
        &Pool::spec_xdr_deposit()[..],
        &Pool::spec_xdr_withdraw()[..],
        &Pool::spec_xdr_boost()[..],
        &Pool::spec_xdr_position()[..],
        &DataKey::spec_xdr()[..],
        &Tier::spec_xdr()[..],
        &Position::spec_xdr()[..],
        &PoolError::spec_xdr()[..],
    ]
    .concat()
}
