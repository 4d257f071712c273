//! An endpoint whose tip, network and faults a test turns while it runs.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use serde_json::json;
use trueup_chain::{Chain, Config};

use crate::double::{Double, PASSPHRASE, Reply, Seen};
use crate::ledger::{Ledger, TIP};

/// What a node answers.
#[derive(Clone, Copy)]
pub enum Fault {
    None,
    Status(u16),
    Busy(&'static str),
    Error(i64),
    Garbage,
    Hang,
}

pub struct State {
    pub tip: u32,
    pub passphrase: &'static str,
    pub protocol: u32,
    /// Of everything.
    pub fault: Fault,
}

pub struct Node {
    pub double: Double,
    state: Arc<Mutex<State>>,
}

impl Node {
    /// A node of contract 1 with items 0 to 499.
    pub async fn start() -> Self {
        let state = Arc::new(Mutex::new(State { tip: TIP, passphrase: PASSPHRASE, protocol: 30, fault: Fault::None }));
        let ledger = Ledger::of(&[1]).with(1, 0..500);
        let seen_by = Arc::clone(&state);
        let double = Double::start_bare(move |seen| answer(&seen_by.lock().expect("not poisoned"), &ledger, seen)).await;
        Self { double, state }
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("not poisoned")
    }

    /// Its name in stamps.
    pub fn name(&self) -> &str {
        self.double.url.trim_start_matches("http://")
    }

    /// How many `getLedgerEntries` it was sent.
    pub fn reads(&self) -> usize {
        self.double.count("getLedgerEntries")
    }
}

fn answer(state: &State, ledger: &Ledger, seen: &Seen) -> Reply {
    match state.fault {
        Fault::None => {}
        Fault::Status(status) => return Reply::Status(status, &[]),
        Fault::Busy("1") => return Reply::Status(429, &[("retry-after", "1")]),
        Fault::Busy(_) => return Reply::Status(429, &[("retry-after", "2")]),
        Fault::Error(code) => return Reply::Error(code, "a fault"),
        Fault::Garbage => return Reply::Body("<html>hello</html>".to_owned()),
        Fault::Hang => return Reply::Hang,
    }
    Reply::Result(match seen.method.as_str() {
        "getNetwork" => json!({ "passphrase": state.passphrase, "protocolVersion": state.protocol }),
        "getHealth" => json!({ "status": "healthy", "latestLedger": state.tip, "oldestLedger": 10 }),
        _ => json!({ "entries": ledger.items(seen), "latestLedger": state.tip }),
    })
}

/// These nodes, compared so often that a test need not wait.
pub fn config(nodes: &[&Node]) -> Config {
    Config {
        urls: nodes.iter().map(|node| node.double.url.clone()).collect(),
        calls_per_second: 10_000,
        timeout: Duration::from_millis(500),
        watch_every: Duration::from_millis(20),
        ..Config::default()
    }
}

pub async fn connect(nodes: &[&Node]) -> Chain {
    Chain::connect(config(nodes)).await.unwrap_or_else(|error| panic!("{error}"))
}
