//! A local Soroban chain on the real host, served as Soroban RPC.
//!
//! A [`Devnet`] executes real transactions (signed envelopes, sequence numbers,
//! fees, authorizations) of real contracts on soroban-env-host, keeps the
//! resulting ledger entries, events, results and metas as XDR, and serves them
//! over JSON-RPC with the limits and error codes of stellar-rpc, so that the
//! published SDKs work against it unchanged.
//!
//! The way through the code, for one transaction: `rpc/send.rs` decodes it and
//! hands it to the chain (`chain.rs`), which checks it (`execute/check.rs`) and
//! queues it. When the ledger closes, `execute/run.rs` takes the fee and runs
//! the operations: contract calls in a fresh `Env` over a source that reads
//! entries when the host asks (`execute/host.rs`), so that a transaction costs
//! what it touches. What changed is committed from an overlay
//! (`execute/overlay.rs`), and the ledger (`ledger.rs`) keeps the bytes.
//!
//! ```no_run
//! # async fn run() -> Result<(), trueup_devnet::Error> {
//! use trueup_devnet::{Config, Devnet, scval};
//! use stellar_xdr::ScVal;
//!
//! let devnet = Devnet::new(Config::default());
//! let contracts = devnet.deploy_all()?;
//! let borrower = devnet.account(1)?;
//! let args = vec![scval::address(&borrower.address())?, scval::i128(1_000), ScVal::U32(3)];
//! let created = devnet.invoke(&borrower, &contracts.lending, "create", args)?;
//! assert_eq!(created.return_value, Some(ScVal::U64(1)));
//! let served = devnet.serve("127.0.0.1:8000").await?;
//! println!("{}", served.url);
//! # Ok(())
//! # }
//! ```

pub mod address;
mod build;
mod chain;
mod config;
mod contracts;
mod deploy;
mod devnet;
mod entries;
mod error;
mod execute;
mod faults;
mod keys;
mod ledger;
mod rpc;
pub mod scval;
mod snapshot;
mod writes;
mod xdr;

pub use build::{BuildOptions, Built};
pub use config::{AutoClose, Config, PROTOCOL_VERSION, STANDALONE_PASSPHRASE};
pub use contracts::NativeContract;
pub use deploy::Deployed;
pub use devnet::{Call, Devnet, Invoked, Ledger, Recorded, Status, account_key};
pub use entries::{StoredEntry, UNDO_LEDGERS};
pub use error::Error;
pub use faults::{FaultSwitch, Faults};
pub use keys::Keypair;
pub use rpc::{Emitted, Served};
