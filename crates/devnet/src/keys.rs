//! Deterministic ed25519 keys.

use ed25519_dalek::{Signer, SigningKey};
use sha2::{Digest, Sha256};
use stellar_xdr::{AccountId, DecoratedSignature, MuxedAccount, PublicKey, ScAddress, Signature, SignatureHint, Uint256};

/// A key pair of an account.
#[derive(Clone)]
pub struct Keypair {
    key: SigningKey,
}

// === impl Keypair ===

impl Keypair {
    /// The key pair of a label under a seed; the same one every time.
    #[must_use]
    pub fn derive(seed: u64, label: &str) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(b"trueup devnet key");
        hasher.update(seed.to_be_bytes());
        hasher.update(label.as_bytes());
        let secret: [u8; 32] = hasher.finalize().into();
        Self { key: SigningKey::from_bytes(&secret) }
    }

    /// The raw public key.
    #[must_use]
    pub fn public(&self) -> [u8; 32] {
        self.key.verifying_key().to_bytes()
    }

    /// The account's address (`G…`).
    #[must_use]
    pub fn address(&self) -> String {
        crate::address::account_strkey(&self.public())
    }

    /// The secret seed (`S…`), for SDKs.
    #[must_use]
    pub fn secret(&self) -> String {
        let key = stellar_strkey::ed25519::PrivateKey(self.key.to_bytes());
        format!("{}", key.as_unredacted())
    }

    /// The account id in XDR.
    #[must_use]
    pub fn account_id(&self) -> AccountId {
        AccountId(PublicKey::PublicKeyTypeEd25519(Uint256(self.public())))
    }

    /// The address as a contract sees it.
    #[must_use]
    pub fn sc_address(&self) -> ScAddress {
        ScAddress::Account(self.account_id())
    }

    pub(crate) fn muxed(&self) -> MuxedAccount {
        MuxedAccount::Ed25519(Uint256(self.public()))
    }

    /// Signs a transaction hash.
    pub(crate) fn sign(&self, hash: &[u8; 32]) -> DecoratedSignature {
        let public = self.public();
        let mut signature = Vec::with_capacity(64);
        signature.extend_from_slice(&self.key.sign(hash).to_bytes());
        DecoratedSignature {
            hint: SignatureHint([public[28], public[29], public[30], public[31]]),
            // An ed25519 signature is exactly as long as the XDR allows.
            signature: Signature(signature.try_into().unwrap_or_default()),
        }
    }
}

impl std::fmt::Debug for Keypair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Keypair").field(&self.address()).finish()
    }
}
