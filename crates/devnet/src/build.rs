//! Transactions that are signed, and submitted later or never: until then their hashes are `NOT_FOUND`.

use crate::chain::Submitted;
use crate::devnet::{Call, Devnet, Invoked};
use crate::error::Error;
use crate::execute::check::{self, BASE_FEE};
use crate::execute::own;
use crate::keys::Keypair;
use crate::xdr;
use stellar_xdr::{FeeBumpTransaction, FeeBumpTransactionEnvelope, FeeBumpTransactionExt, FeeBumpTransactionInnerTx, TransactionEnvelope};

/// What to build a transaction with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BuildOptions {
    /// Its sequence number; the account's next one if `None`.
    pub sequence: Option<i64>,
    /// Unix seconds after which it is no longer valid; never if `None`.
    pub max_time: Option<u64>,
}

/// A signed transaction that was not submitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Built {
    /// Its hash, lower-case hex.
    pub hash: String,
    /// Its envelope, base64 XDR: as `sendTransaction` takes it.
    pub envelope: String,
    /// Its sequence number.
    pub sequence: i64,
}

impl Devnet {
    /// Builds and signs a call without submitting it. It is run once, on a
    /// state that is thrown away, to find its footprint.
    ///
    /// # Errors
    /// As [`Devnet::invoke`].
    pub fn build(&self, call: &Call, options: BuildOptions) -> Result<Built, Error> {
        let function = call.host_function()?;
        let (overlay, setting, natives, next) = {
            let chain = self.chain();
            let next = chain.next_sequence(&call.source.account_id());
            (chain.overlay(), chain.next_setting(), *chain.natives(), next)
        };
        let sequence = match (options.sequence, next) {
            (Some(sequence), _) | (None, Some(sequence)) => sequence,
            (None, None) => return Err(Error::NoAccount(call.source.address())),
        };
        let own = own::build(&overlay, &setting, &natives, &call.source, sequence, function, options.max_time);
        match own.stranger {
            Some(address) => Err(Error::NeedsSignature(address)),
            None => Ok(Built { hash: hex::encode(own.hash), envelope: xdr::to_base64(&own.envelope), sequence }),
        }
    }

    /// Wraps a transaction in a fee bump that `payer` signs and pays for, without submitting it.
    ///
    /// # Errors
    /// What was built is not the envelope of a transaction.
    pub fn fee_bump(&self, built: &Built, payer: &Keypair) -> Result<Built, Error> {
        let TransactionEnvelope::Tx(inner) = decode(built)? else {
            return Err(Error::Failed { what: "a fee bump".to_owned(), code: "it wraps no transaction".to_owned() });
        };
        let fee = 2 * (i64::from(inner.tx.fee) + BASE_FEE);
        let tx = FeeBumpTransaction {
            fee_source: payer.muxed(),
            fee,
            inner_tx: FeeBumpTransactionInnerTx::Tx(inner),
            ext: FeeBumpTransactionExt::V0,
        };
        let hash = tx.hash(self.chain().network_id())?;
        let signatures = vec![payer.sign(&hash)].try_into().unwrap_or_default();
        let envelope = TransactionEnvelope::TxFeeBump(FeeBumpTransactionEnvelope { tx, signatures });
        Ok(Built { hash: hex::encode(hash), envelope: xdr::to_base64(&envelope), sequence: built.sequence })
    }

    /// Submits what was built, and includes it at once in a ledger of its own, with whatever else waits.
    ///
    /// # Errors
    /// The network would not take it.
    pub fn submit(&self, built: &Built) -> Result<Invoked, Error> {
        let refused = |code: String| Error::Failed { what: "submitting a transaction".to_owned(), code };
        let envelope = decode(built)?;
        let mut chain = self.chain();
        let hash = envelope.hash(chain.network_id())?;
        match chain.submit(envelope, hash) {
            Submitted::Pending => {}
            Submitted::Duplicate => return Err(refused("it waits already".to_owned())),
            Submitted::Refused(result) => return Err(refused(check::code(&result))),
        }
        let included = chain.close(Vec::new()).into_iter().find(|it| it.hash == hash);
        included.map_or_else(|| Err(refused("it is not in its ledger".to_owned())), Invoked::of)
    }
}

fn decode(built: &Built) -> Result<TransactionEnvelope, Error> {
    let bytes = xdr::from_base64(&built.envelope)
        .map_err(|error| Error::Failed { what: "reading an envelope".to_owned(), code: error.to_string() })?;
    Ok(xdr::read(&bytes)?)
}
