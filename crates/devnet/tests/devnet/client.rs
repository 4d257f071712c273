//! A bare JSON-RPC client, and a chain to point it at.

use serde_json::{Value, json};
use std::sync::Once;
use stellar_xdr::{LedgerKey, Limits, ReadXdr, ScVal, WriteXdr};
use trueup_devnet::{Call, Config, Deployed, Devnet, Keypair, Served, scval};

/// A devnet with every contract, and one endpoint.
pub struct World {
    pub devnet: Devnet,
    pub contracts: Deployed,
    pub served: Served,
}

pub async fn world() -> World {
    world_of(Config::default()).await
}

pub async fn world_of(config: Config) -> World {
    let devnet = Devnet::new(config);
    let contracts = devnet.deploy_all().expect("contracts deploy");
    let served = devnet.serve("127.0.0.1:0").await.expect("a free port");
    World { devnet, contracts, served }
}

impl World {
    /// Creates a loan of the account with an index; returns its id.
    pub fn create_loan(&self, account: u32, amount: i128) -> u64 {
        let call = self.loan_call(account, amount);
        let done = self.devnet.invoke(&call.source, &call.contract, &call.function, call.args).expect("the call is made");
        match done.return_value {
            Some(ScVal::U64(id)) => id,
            other => panic!("no loan id but {other:?}: {:?}", done.error),
        }
    }

    pub fn loan_call(&self, account: u32, amount: i128) -> Call {
        let source = self.devnet.account(account).expect("a funded account");
        Call {
            contract: self.contracts.lending.clone(),
            function: "create".to_owned(),
            args: vec![address_of(&source), scval::i128(amount), ScVal::U32(3)],
            source,
        }
    }

    pub fn loan_key(&self, id: u64) -> LedgerKey {
        let key = vec![scval::symbol("Loan").expect("short"), ScVal::U32((id % 32) as u32), ScVal::U64(id)];
        scval::data_key(&self.contracts.lending, scval::vec(key).expect("short")).expect("a contract")
    }

    /// The result of a call; panics on an error.
    pub async fn result(&self, method: &str, params: Value) -> Value {
        let answer = self.answer(method, params).await;
        assert!(answer["error"].is_null(), "{method}: {answer}");
        answer["result"].clone()
    }

    /// Code and message of a call that fails.
    pub async fn error(&self, method: &str, params: Value) -> (i64, String) {
        let answer = self.answer(method, params).await;
        let error = &answer["error"];
        (error["code"].as_i64().expect("an error"), error["message"].as_str().unwrap_or_default().to_owned())
    }

    async fn answer(&self, method: &str, params: Value) -> Value {
        answer(&self.served.url, method, params).await
    }
}

pub fn address_of(key: &Keypair) -> ScVal {
    ScVal::Address(key.sc_address())
}

pub async fn answer(url: &str, method: &str, params: Value) -> Value {
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    let text = post(url, body.to_string()).await.1;
    serde_json::from_str(&text).expect("the answer is JSON")
}

/// Status and body of a raw request.
pub async fn post(url: &str, body: String) -> (u16, String) {
    let response = http().post(url).body(body).send().await.expect("an answer");
    let status = response.status().as_u16();
    (status, response.text().await.expect("a body"))
}

pub fn http() -> reqwest::Client {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        let provider = rustls::crypto::ring::default_provider();
        provider.install_default().expect("the first provider");
    });
    reqwest::Client::new()
}

pub fn base64(value: &impl WriteXdr) -> String {
    value.to_xdr_base64(Limits::none()).expect("small")
}

pub fn from_base64<T: ReadXdr>(text: &Value) -> T {
    T::from_xdr_base64(text.as_str().expect("a string"), Limits::none()).expect("XDR")
}
