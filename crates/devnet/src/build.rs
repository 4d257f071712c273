//! Transactions that are signed and never submitted: their hashes stay `NOT_FOUND`.

use crate::devnet::{Call, Devnet};
use crate::error::Error;
use crate::execute::own;
use crate::xdr;

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
}
