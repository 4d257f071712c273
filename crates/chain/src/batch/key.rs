use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use stellar_xdr::{LedgerKey, ScAddress};

use crate::values::{instance_key, key_bytes};

/// A ledger key as it is compared and sent. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Key(Arc<Encoded>);

#[derive(Debug)]
struct Encoded {
    bytes: Vec<u8>,
    base64: String,
}

/// A key that is asked for, with its contract's instance.
#[derive(Debug, Clone)]
pub(crate) struct AskedKey {
    pub(crate) key: Key,
    /// None for keys that belong to no contract.
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

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bytes().hash(state);
    }
}

/// Encodes keys, in their order. Keys of one contract share its instance's encoding.
pub(crate) fn asked_keys<'a>(keys: impl IntoIterator<Item = &'a LedgerKey>) -> Vec<Result<AskedKey, stellar_xdr::Error>> {
    let mut instances: HashMap<&ScAddress, Key> = HashMap::new();
    keys.into_iter()
        .map(|ledger_key| {
            let key = Key::new(ledger_key)?;
            let instance = match ledger_key {
                LedgerKey::ContractData(data) => match (instances.get(&data.contract), instance_key(ledger_key)) {
                    (Some(known), _) => Some(known.clone()),
                    (None, Some(instance)) => {
                        let instance = Key::new(&instance)?;
                        instances.insert(&data.contract, instance.clone());
                        Some(instance)
                    }
                    (None, None) => None,
                },
                _ => None,
            };
            Ok(AskedKey { key, instance })
        })
        .collect()
}
