use stellar_xdr::{
    HostFunction, InvokeContractArgs, InvokeHostFunctionOp, Limits, Memo, MuxedAccount, Operation, OperationBody, Preconditions, ScAddress,
    ScSymbol, ScVal, SequenceNumber, Transaction, TransactionEnvelope, TransactionExt, TransactionV1Envelope, Uint256, VecM, WriteXdr,
};

use crate::KeyError;
use crate::values::{XDR_DEPTH_MAX, holder};

/// Who calls: an account without a key, so that the envelope is nobody's to sign. A simulation does not look it up.
const NOBODY: Uint256 = Uint256([0; 32]);

/// A call of a contract's function, to see what it returns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewCall {
    envelope: String,
}

/// What a node said of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewReading {
    /// The endpoint that answered, as host and port.
    pub endpoint: String,
    /// The ledger whose state it was called on.
    pub ledger: u32,
    /// What came of it.
    pub outcome: ViewOutcome,
}

/// What came of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ViewOutcome {
    /// It returned.
    Returned {
        /// What.
        value: ScVal,
        /// The same in base64, byte for byte as it was answered.
        xdr: String,
    },
    /// It did not: the first line of the node's words.
    Failed(String),
    /// It reads entries that are archived.
    Archived,
    /// It is no view, because it "changes state" or "asks for an authorization".
    NotAView(&'static str),
}

// === impl ViewCall ===

impl ViewCall {
    /// The call of `function` of `contract` (`C…`).
    ///
    /// # Errors
    /// The contract is none, or the rest is too large for the chain.
    pub fn new(contract: &str, function: &str, arguments: Vec<ScVal>) -> Result<Self, KeyError> {
        let contract_address = match holder(contract) {
            Ok(address @ ScAddress::Contract(_)) => address,
            _ => return Err(KeyError::contract(contract)),
        };
        let call = InvokeContractArgs {
            contract_address,
            function_name: ScSymbol(function.try_into().map_err(|_| KeyError::TooLarge)?),
            args: arguments.try_into().map_err(|_| KeyError::TooLarge)?,
        };
        let operation = InvokeHostFunctionOp { host_function: HostFunction::InvokeContract(call), auth: VecM::default() };
        let operation = Operation { source_account: None, body: OperationBody::InvokeHostFunction(operation) };
        let tx = Transaction {
            source_account: MuxedAccount::Ed25519(NOBODY),
            fee: 0,
            seq_num: SequenceNumber(0),
            cond: Preconditions::None,
            memo: Memo::None,
            operations: vec![operation].try_into().map_err(|_| KeyError::TooLarge)?,
            ext: TransactionExt::V0,
        };
        let envelope = TransactionEnvelope::Tx(TransactionV1Envelope { tx, signatures: VecM::default() });
        let envelope = envelope.to_xdr_base64(Limits::depth(XDR_DEPTH_MAX)).map_err(|_| KeyError::TooLarge)?;
        Ok(Self { envelope })
    }

    /// The unsigned envelope in base64.
    pub(crate) fn envelope(&self) -> &str {
        &self.envelope
    }
}
