use std::cmp::Ordering;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use stellar_xdr::LedgerKey;

use crate::values::{key_bytes, sentinel_key};

/// A ledger key as it is compared and sent. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Key(Arc<Encoded>);

#[derive(Debug)]
struct Encoded {
    bytes: Vec<u8>,
    base64: String,
}

/// A key that is asked for, with what tells an absence under it from a broken answer.
#[derive(Debug, Clone)]
pub(crate) struct AskedKey {
    pub(crate) key: Key,
    /// The contract's instance, or a trustline's account; none for keys that belong to nothing else.
    pub(crate) instance: Option<Key>,
}

// === impl Key ===

impl Key {
    fn new(key: &LedgerKey) -> Result<Self, stellar_xdr::Error> {
        let bytes = key_bytes(key)?;
        let base64 = BASE64.encode(&bytes);
        Ok(Self(Arc::new(Encoded { bytes, base64 })))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0.bytes
    }

    pub(crate) fn base64(&self) -> &str {
        &self.0.base64
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.bytes() == other.bytes()
    }
}

impl Eq for Key {}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        self.bytes().cmp(other.bytes())
    }
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bytes().hash(state);
    }
}

/// Encodes keys, in their order. Keys of one contract share its instance's encoding, and trustlines of one account its.
pub(crate) fn asked_keys<'a>(keys: impl IntoIterator<Item = &'a LedgerKey>) -> Vec<Result<AskedKey, stellar_xdr::Error>> {
    let mut sentinels: HashMap<LedgerKey, Key> = HashMap::new();
    keys.into_iter()
        .map(|ledger_key| {
            let instance = match sentinel_key(ledger_key) {
                None => None,
                Some(sentinel) => Some(match sentinels.entry(sentinel) {
                    Entry::Occupied(known) => known.get().clone(),
                    Entry::Vacant(vacant) => {
                        let key = Key::new(vacant.key())?;
                        vacant.insert(key).clone()
                    }
                }),
            };
            Ok(AskedKey { key: Key::new(ledger_key)?, instance })
        })
        .collect()
}
