//! The native contracts of the devnet, and the Wasm hashes that they answer to.
//!
//! A native contract is bound to a hash in every fresh `Env`
//! ([`soroban_sdk::Env::upload_at`]); its instances are then ordinary ledger
//! entries whose executable is that hash.

mod lending;
mod pool;
mod reputation;

use sha2::{Digest, Sha256};
use soroban_sdk::Env;

/// A contract that the devnet brings along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NativeContract {
    /// Loans with a schedule of installments.
    Lending,
    /// Positions in a liquidity pool.
    Pool,
    /// Scores of borrowers.
    Reputation,
}

// === impl NativeContract ===

impl NativeContract {
    /// Every native contract.
    pub const ALL: [Self; 3] = [Self::Lending, Self::Pool, Self::Reputation];

    /// Its name, also the salt of its deterministic address.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Lending => "lending",
            Self::Pool => "pool",
            Self::Reputation => "reputation",
        }
    }

    /// The bytes of its code entry: a valid Wasm module without functions that
    /// carries the contract's name and interface, so that SDKs can read them and
    /// the hash of the code is the hash of its bytes, as on the real network.
    #[must_use]
    pub fn code(self) -> Vec<u8> {
        const WASM_HEADER: [u8; 8] = [0, b'a', b's', b'm', 1, 0, 0, 0];
        let spec = match self {
            Self::Lending => lending::spec(),
            Self::Pool => pool::spec(),
            Self::Reputation => reputation::spec(),
        };
        let mut code = WASM_HEADER.to_vec();
        code.extend(custom_section("trueup-devnet", self.name().as_bytes()));
        code.extend(custom_section("contractspecv0", &spec));
        code
    }

    /// The hash that its instances name as their executable.
    #[must_use]
    pub fn hash(self) -> [u8; 32] {
        Sha256::digest(self.code()).into()
    }
}

/// A custom section of a Wasm module.
fn custom_section(name: &str, content: &[u8]) -> Vec<u8> {
    const CUSTOM_SECTION: u8 = 0;
    let mut body = leb128(name.len());
    body.extend_from_slice(name.as_bytes());
    body.extend_from_slice(content);
    let mut section = vec![CUSTOM_SECTION];
    section.extend(leb128(body.len()));
    section.extend(body);
    section
}

/// An unsigned number as Wasm encodes it: seven bits a byte, lowest first.
fn leb128(mut number: usize) -> Vec<u8> {
    const MORE: u8 = 0x80;
    let mut bytes = Vec::new();
    while number >= usize::from(MORE) {
        bytes.push((number as u8) | MORE);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

/// Binds the native contracts to their hashes in `env`.
pub(crate) fn bind(env: &Env, hashes: &NativeHashes) {
    env.upload_at(hashes.lending, lending::Lending);
    env.upload_at(hashes.pool, pool::Pool);
    env.upload_at(hashes.reputation, reputation::ReputationBook);
}

/// The hashes of the native contracts, computed once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NativeHashes {
    lending: [u8; 32],
    pool: [u8; 32],
    reputation: [u8; 32],
}

// === impl NativeHashes ===

impl NativeHashes {
    pub(crate) fn new() -> Self {
        Self { lending: NativeContract::Lending.hash(), pool: NativeContract::Pool.hash(), reputation: NativeContract::Reputation.hash() }
    }

    /// Whether `hash` is the code of a native contract.
    pub(crate) fn contains(&self, hash: &[u8; 32]) -> bool {
        [self.lending, self.pool, self.reputation].contains(hash)
    }
}
