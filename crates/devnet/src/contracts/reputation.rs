//! Scores of borrowers, recorded by an admin.

use soroban_sdk::{Address, Env, Symbol, contract, contracterror, contractevent, contractimpl, contracttype, symbol_short};

const ADMIN: Symbol = symbol_short!("ADMIN");
const FIRST_SCORE: u32 = 500;
const BEST_SCORE: u32 = 1_000;
const REPAID_GAIN: u32 = 25;
const DEFAULT_LOSS: u32 = 150;

#[contract]
pub struct ReputationBook;

#[contracttype]
#[derive(Clone)]
pub enum DataKey {
    Score(Address),
}

#[contracttype]
#[derive(Clone)]
pub struct Reputation {
    pub score: u32,
    pub level: Symbol,
    pub repaid: u32,
    pub defaulted: u32,
    pub updated_at: u64,
}

#[contracterror]
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum ReputationError {
    NoAdmin = 1,
}

#[contractevent(topics = ["SCORED"], data_format = "vec")]
pub struct Scored {
    #[topic]
    pub user: Address,
    pub score: u32,
    pub repaid: bool,
}

#[contractimpl]
impl ReputationBook {
    pub fn __constructor(env: Env, admin: Address) {
        env.storage().instance().set(&ADMIN, &admin);
    }

    pub fn record(env: Env, user: Address, repaid: bool) -> Result<u32, ReputationError> {
        let admin: Address = env.storage().instance().get(&ADMIN).ok_or(ReputationError::NoAdmin)?;
        admin.require_auth();
        let key = DataKey::Score(user.clone());
        let mut reputation = env.storage().persistent().get(&key).unwrap_or(Reputation {
            score: FIRST_SCORE,
            level: level(FIRST_SCORE),
            repaid: 0,
            defaulted: 0,
            updated_at: 0,
        });
        if repaid {
            reputation.repaid += 1;
            reputation.score = (reputation.score + REPAID_GAIN).min(BEST_SCORE);
        } else {
            reputation.defaulted += 1;
            reputation.score = reputation.score.saturating_sub(DEFAULT_LOSS);
        }
        reputation.level = level(reputation.score);
        reputation.updated_at = env.ledger().timestamp();
        env.storage().persistent().set(&key, &reputation);
        Scored { user, score: reputation.score, repaid }.publish(&env);
        Ok(reputation.score)
    }

    pub fn score(env: Env, user: Address) -> Option<Reputation> {
        env.storage().persistent().get(&DataKey::Score(user))
    }
}

fn level(score: u32) -> Symbol {
    match score {
        0..400 => symbol_short!("bronze"),
        400..700 => symbol_short!("silver"),
        _ => symbol_short!("gold"),
    }
}

/// The interface, as the code's `contractspecv0` section carries it. Its events
/// are left out: SDKs of protocols before 30 do not read their entries.
pub(super) fn spec() -> std::vec::Vec<u8> {
    [
        &ReputationBook::spec_xdr___constructor()[..],
        &ReputationBook::spec_xdr_record()[..],
        &ReputationBook::spec_xdr_score()[..],
        &DataKey::spec_xdr()[..],
        &Reputation::spec_xdr()[..],
        &ReputationError::spec_xdr()[..],
    ]
    .concat()
}
