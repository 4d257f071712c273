use serde_json::Value;

use super::{Method, Retry, Rpc, field};
use crate::{Network, ReadError};

impl Rpc {
    /// Which network the endpoint belongs to.
    pub(crate) async fn network(&self) -> Result<Network, ReadError> {
        let method = Method::GetNetwork;
        let answer = self.call(method, None, Retry::Few).await?;
        read(&answer).map_err(|what| self.garbage(method, &what))
    }
}

pub(super) fn read(answer: &Value) -> Result<Network, String> {
    let passphrase = field::text(answer, "passphrase")?.to_owned();
    let protocol_version = answer.get("protocolVersion").and_then(Value::as_u64).and_then(|version| u32::try_from(version).ok());
    Ok(Network { passphrase, protocol_version })
}
