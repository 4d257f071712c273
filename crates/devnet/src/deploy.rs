//! Deploying contracts and funding accounts, by real transactions.

use crate::address;
use crate::contracts::NativeContract;
use crate::devnet::{Devnet, Invoked, Status, last};
use crate::error::Error;
use crate::execute::account::{self, STROOPS};
use crate::execute::own::sign;
use crate::keys::Keypair;
use crate::scval;
use crate::xdr;
use stellar_xdr::{
    AccountId, AlphaNum4, AlphaNum12, Asset, AssetCode4, AssetCode12, ChangeTrustAsset, ChangeTrustOp, ContractExecutable,
    ContractIdPreimage, ContractIdPreimageFromAddress, CreateAccountOp, CreateContractArgs, CreateContractArgsV2, Hash, HashIdPreimage,
    HashIdPreimageContractId, HostFunction, Memo, Operation, OperationBody, PaymentOp, Preconditions, ScVal, SequenceNumber, Transaction,
    TransactionEnvelope, TransactionExt, TransactionV1Envelope, Uint256,
};

/// What an account is funded with, in stroops.
const FUNDING: i64 = 10_000 * STROOPS;
/// Most operations of one transaction.
const OPERATIONS_PER_TX: usize = 100;

/// The contracts of [`Devnet::deploy_all`] (`C…`) and the issuer of USDC (`G…`).
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Deployed {
    /// The lending book.
    pub lending: String,
    /// The liquidity pool.
    pub pool: String,
    /// The reputation contract.
    pub reputation: String,
    /// The asset contract of USDC.
    pub usdc: String,
    /// Who issues USDC.
    pub usdc_issuer: String,
}

impl Devnet {
    /// Deploys every contract; a second time it returns what is there.
    ///
    /// # Errors
    /// [`Error::Failed`] if a deployment fails.
    pub fn deploy_all(&self) -> Result<Deployed, Error> {
        Ok(Deployed {
            lending: self.deploy_lending()?,
            pool: self.deploy_pool()?,
            reputation: self.deploy_reputation()?,
            usdc: self.deploy_asset("USDC")?,
            usdc_issuer: self.issuer()?.address(),
        })
    }

    /// Deploys the lending book with account 0 as admin.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub fn deploy_lending(&self) -> Result<String, Error> {
        self.deploy(NativeContract::Lending, 0)
    }

    /// Deploys the liquidity pool.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub fn deploy_pool(&self) -> Result<String, Error> {
        self.deploy(NativeContract::Pool, 0)
    }

    /// Deploys the reputation contract with account 0 as admin.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub fn deploy_reputation(&self) -> Result<String, Error> {
        self.deploy(NativeContract::Reputation, 0)
    }

    /// Deploys instance `number` of a contract, or finds it. Its address is the
    /// same on every devnet of one configuration.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub fn deploy(&self, contract: NativeContract, number: u32) -> Result<String, Error> {
        let deployer = self.account(0)?;
        let salt = xdr::sha256(format!("{} {number}", contract.name()).as_bytes());
        let preimage = ContractIdPreimage::Address(ContractIdPreimageFromAddress { address: deployer.sc_address(), salt: Uint256(salt) });
        let constructor_args = match contract {
            NativeContract::Lending | NativeContract::Reputation => {
                vec![ScVal::Address(deployer.sc_address())]
            }
            NativeContract::Pool => Vec::new(),
        };
        let function = HostFunction::CreateContractV2(CreateContractArgsV2 {
            contract_id_preimage: preimage.clone(),
            executable: ContractExecutable::Wasm(Hash(contract.hash())),
            constructor_args: constructor_args.try_into()?,
        });
        self.create(&deployer, &preimage, function, contract.name())
    }

    /// Deploys the asset contract of `code`, issued by [`Devnet::issuer`].
    ///
    /// # Errors
    /// [`Error::BadAssetCode`], [`Error::Failed`].
    pub fn deploy_asset(&self, code: &str) -> Result<String, Error> {
        let deployer = self.account(0)?;
        let preimage = ContractIdPreimage::Asset(self.asset(code)?);
        let function = HostFunction::CreateContract(CreateContractArgs {
            contract_id_preimage: preimage.clone(),
            executable: ContractExecutable::StellarAsset,
        });
        self.create(&deployer, &preimage, function, code)
    }

    /// The account that issues the devnet's assets.
    ///
    /// # Errors
    /// The root account ran dry.
    pub fn issuer(&self) -> Result<Keypair, Error> {
        let key = Keypair::derive(self.shared.config.seed, "issuer");
        self.fund(&[key.account_id()])?;
        Ok(key)
    }

    /// The asset `code` of [`Devnet::issuer`].
    ///
    /// # Errors
    /// [`Error::BadAssetCode`].
    pub fn asset(&self, code: &str) -> Result<Asset, Error> {
        let issuer = self.issuer()?.account_id();
        let bytes = code.as_bytes();
        let alphanumeric = bytes.iter().all(u8::is_ascii_alphanumeric);
        match bytes.len() {
            1..=4 if alphanumeric => {
                let mut padded = [0; 4];
                padded[..bytes.len()].copy_from_slice(bytes);
                Ok(Asset::CreditAlphanum4(AlphaNum4 { asset_code: AssetCode4(padded), issuer }))
            }
            5..=12 if alphanumeric => {
                let mut padded = [0; 12];
                padded[..bytes.len()].copy_from_slice(bytes);
                Ok(Asset::CreditAlphanum12(AlphaNum12 { asset_code: AssetCode12(padded), issuer }))
            }
            _ => Err(Error::BadAssetCode(code.to_owned())),
        }
    }

    /// Gives an account a trustline for the asset `code`.
    ///
    /// # Errors
    /// [`Error::BadAssetCode`], [`Error::NoAccount`].
    pub fn trust(&self, owner: &Keypair, code: &str) -> Result<Invoked, Error> {
        let line = match self.asset(code)? {
            Asset::CreditAlphanum4(asset) => ChangeTrustAsset::CreditAlphanum4(asset),
            Asset::CreditAlphanum12(asset) => ChangeTrustAsset::CreditAlphanum12(asset),
            Asset::Native => ChangeTrustAsset::Native,
        };
        let op = OperationBody::ChangeTrust(ChangeTrustOp { line, limit: i64::MAX });
        self.operate(owner, vec![op])
    }

    /// Issues `amount` base units of the asset `code` to an address: a payment
    /// for accounts (which need a trustline), a mint for contracts.
    ///
    /// # Errors
    /// [`Error::BadAddress`], [`Error::BadAssetCode`].
    pub fn issue(&self, code: &str, to: &str, amount: i64) -> Result<Invoked, Error> {
        let issuer = self.issuer()?;
        match address::parse_address(to)? {
            stellar_xdr::ScAddress::Account(id) => {
                let payment = OperationBody::Payment(PaymentOp {
                    destination: stellar_xdr::MuxedAccount::Ed25519(Uint256(*address::account_bytes(&id))),
                    asset: self.asset(code)?,
                    amount,
                });
                self.operate(&issuer, vec![payment])
            }
            _ => {
                let contract = self.deploy_asset(code)?;
                let args = vec![scval::address(to)?, scval::i128(i128::from(amount))];
                self.invoke(&issuer, &contract, "mint", args)
            }
        }
    }

    /// Runs classic operations as one transaction of `source`, in a ledger now.
    ///
    /// # Errors
    /// [`Error::NoAccount`]; [`Error::Failed`] if the network refuses it.
    pub fn operate(&self, source: &Keypair, operations: Vec<OperationBody>) -> Result<Invoked, Error> {
        let mut chain = self.chain();
        let sequence = chain.next_sequence(&source.account_id()).ok_or_else(|| Error::NoAccount(source.address()))?;
        let fee = crate::execute::check::BASE_FEE * operations.len() as i64;
        let operations: Vec<Operation> = operations.into_iter().map(|body| Operation { source_account: None, body }).collect();
        let envelope = TransactionEnvelope::Tx(TransactionV1Envelope {
            tx: Transaction {
                source_account: source.muxed(),
                fee: u32::try_from(fee).unwrap_or(u32::MAX),
                seq_num: SequenceNumber(sequence),
                cond: Preconditions::None,
                memo: Memo::None,
                operations: operations.try_into()?,
                ext: TransactionExt::V0,
            },
            signatures: Default::default(),
        });
        let hash = envelope.hash(chain.network_id())?;
        let envelope = sign(envelope, source, &hash);
        if let crate::chain::Submitted::Refused(result) = chain.submit(envelope, hash) {
            return Err(Error::Failed { what: "the transaction".to_owned(), code: crate::execute::check::code(&result) });
        }
        last(chain.close(Vec::new()))
    }

    /// Funds those of the accounts that do not exist; returns the last
    /// transaction that did it, if one was needed.
    pub(crate) fn fund(&self, ids: &[AccountId]) -> Result<Option<Invoked>, Error> {
        let missing: Vec<AccountId> = {
            let overlay = self.chain().overlay();
            ids.iter().filter(|id| account::load(&overlay, id).is_none()).cloned().collect()
        };
        let mut funded = None;
        for batch in missing.chunks(OPERATIONS_PER_TX) {
            let operations = batch
                .iter()
                .map(|id| OperationBody::CreateAccount(CreateAccountOp { destination: id.clone(), starting_balance: FUNDING }))
                .collect();
            let root = self.shared.root.clone();
            let done = self.operate(&root, operations)?;
            if done.status == Status::Failed {
                return Err(Error::Failed { what: "funding accounts".to_owned(), code: done.result_code });
            }
            funded = Some(done);
        }
        Ok(funded)
    }

    fn create(&self, deployer: &Keypair, preimage: &ContractIdPreimage, function: HostFunction, name: &str) -> Result<String, Error> {
        let network_id = self.chain().network_id();
        let image =
            HashIdPreimage::ContractId(HashIdPreimageContractId { network_id: Hash(network_id), contract_id_preimage: preimage.clone() });
        let contract = address::contract_strkey(&xdr::sha256(&xdr::bytes(&image)));
        if self.entry(&scval::instance_key(&contract)?).is_some() {
            return Ok(contract);
        }
        let done = self.run(deployer, function)?;
        match done.status {
            Status::Success => Ok(contract),
            Status::Failed => Err(Error::Failed { what: format!("deploying {name}"), code: done.error.unwrap_or(done.result_code) }),
        }
    }
}
