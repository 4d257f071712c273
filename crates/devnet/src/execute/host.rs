//! One host function on the real host.
//!
//! The host gets a fresh `Env` for every call, over a source that reads the
//! shared state when the host asks: the cost is what the call touches, never
//! the size of the state. One growing `Env` would be quadratic.

use crate::contracts::{self, NativeHashes};
use crate::entries::{self, Entries};
use crate::execute::overlay::Overlay;
use soroban_env_host::{DiagnosticLevel, storage::EntryWithLiveUntil};
use soroban_sdk::Env;
use soroban_sdk::testutils::{EnvTestConfig, HostError, LedgerInfo, SnapshotSource, SnapshotSourceInput};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::{Arc, RwLock};
use stellar_xdr::{
    AccountId, ContractEvent, ContractEventType, DiagnosticEvent, HostFunction, LedgerEntryData, LedgerKey, ScAddress, ScVal,
    SorobanAddressCredentials, SorobanAuthorizationEntry, SorobanAuthorizedInvocation, SorobanCredentials,
};

/// Rent settings of the main network, in ledgers.
pub(crate) const MIN_PERSISTENT_TTL: u32 = 2_073_600;
pub(crate) const MIN_TEMPORARY_TTL: u32 = 17_280;
pub(crate) const MAX_TTL: u32 = 3_110_400;
/// Stroops an account must hold per entry that it owns.
pub(crate) const BASE_RESERVE: u32 = 5_000_000;

/// Where a call takes place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting {
    pub(crate) protocol: u32,
    pub(crate) ledger: u32,
    pub(crate) close_time: u64,
    pub(crate) network_id: [u8; 32],
}

/// Where the authorizations of a call come from.
pub(crate) enum Authorization {
    /// Signed entries, verified by the host.
    Enforce(Vec<SorobanAuthorizationEntry>),
    /// The host records which ones would be needed.
    Record { allow_non_root: bool, address_v2: bool },
}

/// What the host is asked to do.
pub(crate) struct Call {
    pub(crate) source: AccountId,
    pub(crate) function: HostFunction,
    pub(crate) authorization: Authorization,
    /// Collect diagnostic events and fees: for simulation, as it costs time.
    pub(crate) diagnose: bool,
    /// Told apart by this, two runs of one call draw different random numbers
    /// and record different nonces.
    pub(crate) draw: u64,
}

/// One entry that a call touched.
pub(crate) struct Touched {
    pub(crate) key: LedgerKey,
    pub(crate) before: Option<(LedgerEntryData, Option<u32>)>,
    pub(crate) after: Option<(LedgerEntryData, Option<u32>)>,
    /// The entry itself differs (not only its TTL).
    pub(crate) written: bool,
}

/// What came of a call.
pub(crate) struct Outcome {
    /// The return value, or the host's error as text.
    pub(crate) result: Result<ScVal, String>,
    pub(crate) touched: Vec<Touched>,
    pub(crate) events: Vec<ContractEvent>,
    pub(crate) diagnostics: Vec<DiagnosticEvent>,
    /// Recorded authorizations (unsigned), if they were recorded.
    pub(crate) authorizations: Vec<SorobanAuthorizationEntry>,
    pub(crate) instructions: u32,
    /// Estimated resource fee in stroops; 0 unless diagnosed.
    pub(crate) resource_fee: i64,
}

type Loaded = Option<EntryWithLiveUntil>;

/// Reads entries when the host asks, and remembers what it gave.
struct LazySource {
    entries: Arc<RwLock<Entries>>,
    staged: HashMap<Vec<u8>, Loaded>,
    given: RefCell<HashMap<LedgerKey, Loaded>>,
}

// === impl LazySource ===

impl LazySource {
    fn read(&self, key: &LedgerKey) -> Result<Loaded, HostError> {
        let bytes = crate::xdr::bytes(key);
        if let Some(staged) = self.staged.get(&bytes) {
            return Ok(staged.clone());
        }
        let entries = self.entries.read().unwrap_or_else(|e| e.into_inner());
        let Some(stored) = entries.get(&bytes) else {
            return Ok(None);
        };
        let Ok(entry) = stored.decode() else {
            return Err(HostError::from((stellar_xdr::ScErrorType::Storage, stellar_xdr::ScErrorCode::InternalError)));
        };
        // The host refuses contract entries without a TTL; a snapshot may lack it.
        let live_until = entries::durability(key).map(|_| stored.live_until.unwrap_or(u32::MAX));
        Ok(Some((Rc::new(entry), live_until)))
    }
}

impl SnapshotSource for LazySource {
    fn get(&self, key: &Rc<LedgerKey>) -> Result<Option<EntryWithLiveUntil>, HostError> {
        if let Some(given) = self.given.borrow().get(key.as_ref()) {
            return Ok(given.clone());
        }
        let loaded = self.read(key)?;
        self.given.borrow_mut().insert(key.as_ref().clone(), loaded.clone());
        Ok(loaded)
    }
}

/// Runs a call over the state under `overlay`. Nothing is written: the caller
/// applies [`Outcome::touched`].
pub(crate) fn invoke(overlay: &Overlay, setting: &Setting, natives: &NativeHashes, call: Call) -> Outcome {
    let source = Rc::new(LazySource { entries: overlay.entries(), staged: overlay.staged(), given: RefCell::default() });
    let mut env = Env::from_ledger_snapshot(SnapshotSourceInput {
        source: source.clone(),
        ledger_info: Some(LedgerInfo {
            protocol_version: setting.protocol,
            sequence_number: setting.ledger,
            timestamp: setting.close_time,
            network_id: setting.network_id,
            base_reserve: BASE_RESERVE,
            min_persistent_entry_ttl: MIN_PERSISTENT_TTL,
            min_temp_entry_ttl: MIN_TEMPORARY_TTL,
            max_entry_ttl: MAX_TTL,
        }),
        snapshot: None,
    });
    env.set_config(EnvTestConfig { capture_snapshot_at_drop: false });
    contracts::bind(&env, natives);
    let run = run(&env, setting, call);
    let mut outcome = run.unwrap_or_else(|error| Outcome {
        result: Err(format!("{error:?}")),
        touched: Vec::new(),
        events: Vec::new(),
        diagnostics: Vec::new(),
        authorizations: Vec::new(),
        instructions: 0,
        resource_fee: 0,
    });
    outcome.touched = touched(&env, &source, natives).unwrap_or_default();
    outcome
}

fn run(env: &Env, setting: &Setting, call: Call) -> Result<Outcome, HostError> {
    let host = env.host();
    host.set_base_prng_seed(seed(setting, &call))?;
    host.set_source_account(call.source)?;
    if !call.diagnose {
        host.set_diagnostic_level(DiagnosticLevel::None)?;
    }
    // Limits are the network's to enforce; an estimate of native code has none.
    host.set_invocation_resource_limits(None)?;
    let mut address_v2_credentials = false;
    let recording = match call.authorization {
        Authorization::Enforce(entries) => {
            host.set_authorization_entries(entries)?;
            false
        }
        Authorization::Record { allow_non_root, address_v2 } => {
            host.switch_to_recording_auth(!allow_non_root)?;
            address_v2_credentials = address_v2;
            true
        }
    };
    let result = host.invoke_function(call.function);
    let succeeded = result.is_ok();
    let authorizations = if recording && succeeded {
        host.get_recorded_auth_payloads()?
            .into_iter()
            .map(|payload| unsigned(payload.address, payload.nonce, payload.invocation, address_v2_credentials))
            .collect()
    } else {
        Vec::new()
    };
    let events = host.get_events()?.0;
    let mut contract_events = Vec::new();
    let mut diagnostics = Vec::new();
    for event in events {
        if call.diagnose {
            diagnostics.push(DiagnosticEvent { in_successful_contract_call: !event.failed_call, event: event.event.clone() });
        }
        if succeeded && !event.failed_call && event.event.type_ != ContractEventType::Diagnostic {
            contract_events.push(event.event);
        }
    }
    let instructions = host.budget_cloned().get_cpu_insns_consumed()?;
    Ok(Outcome {
        result: result.map_err(|error| words(&error, call.diagnose)),
        touched: Vec::new(),
        events: contract_events,
        diagnostics,
        authorizations,
        instructions: u32::try_from(instructions).unwrap_or(u32::MAX),
        resource_fee: if call.diagnose { env.cost_estimate().fee().total } else { 0 },
    })
}

/// The seed of a call's random numbers: the same on every devnet of one configuration.
fn seed(setting: &Setting, call: &Call) -> [u8; 32] {
    let mut image = setting.network_id.to_vec();
    image.extend_from_slice(&setting.ledger.to_be_bytes());
    image.extend_from_slice(&call.draw.to_be_bytes());
    image.extend(crate::xdr::bytes(&call.source));
    image.extend(crate::xdr::bytes(&call.function));
    crate::xdr::sha256(&image)
}

/// The host's own words: with the log of events in a diagnosis, else the error alone.
fn words(error: &HostError, diagnosed: bool) -> String {
    let all = format!("{error:?}");
    match all.split_once('\n') {
        Some((first, _)) if !diagnosed => first.to_owned(),
        _ => all,
    }
}

fn unsigned(
    address: Option<ScAddress>,
    nonce: Option<i64>,
    root_invocation: SorobanAuthorizedInvocation,
    address_v2: bool,
) -> SorobanAuthorizationEntry {
    let credentials = match address {
        None => SorobanCredentials::SourceAccount,
        Some(address) => {
            let credentials = SorobanAddressCredentials {
                address,
                nonce: nonce.unwrap_or_default(),
                signature_expiration_ledger: 0,
                signature: ScVal::Void,
            };
            if address_v2 { SorobanCredentials::AddressV2(credentials) } else { SorobanCredentials::Address(credentials) }
        }
    };
    SorobanAuthorizationEntry { credentials, root_invocation }
}

/// What the host holds now against what it was given.
fn touched(env: &Env, source: &LazySource, natives: &NativeHashes) -> Result<Vec<Touched>, HostError> {
    let mut touched = Vec::new();
    for (key, after) in env.host().get_stored_entries()? {
        // Binding native code writes placeholders that no transaction made.
        if let LedgerKey::ContractCode(code) = key.as_ref()
            && natives.contains(&code.hash.0)
        {
            continue;
        }
        // A key that the host made up itself was never asked for: it is new.
        let before = source.given.borrow().get(key.as_ref()).cloned().flatten();
        let written = match (&before, &after) {
            (Some((before, _)), Some((after, _))) => !Rc::ptr_eq(before, after) && before.data != after.data,
            (None, None) => false,
            _ => true,
        };
        touched.push(Touched {
            key: key.as_ref().clone(),
            before: before.map(|(entry, live)| (entry.data.clone(), live)),
            after: after.map(|(entry, live)| (entry.data.clone(), live)),
            written,
        });
    }
    Ok(touched)
}
