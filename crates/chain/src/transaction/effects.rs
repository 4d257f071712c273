use stellar_xdr::{ContractEvent, ContractEventBody, ContractEventType, ScAddress, ScVal, TransactionMeta};

/// What a transaction did, as its meta tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Effects {
    /// What its contract call returned; none for a transaction that made none, or failed.
    pub return_value: Option<ScVal>,
    /// The events that contracts emitted, in their order.
    pub events: Vec<ContractEventSeen>,
}

/// An event of a contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContractEventSeen {
    /// The contract, as a strkey (`C…`).
    pub contract: String,
    /// Its topics.
    pub topics: Vec<ScVal>,
    /// Its data.
    pub data: ScVal,
}

/// What a transaction did, as it was answered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RecordedEffects {
    /// The `TransactionMeta` in base64.
    pub(crate) meta: Option<String>,
    /// The `ContractEvent`s in base64, where the server lists them beside the meta.
    pub(crate) events: Option<Vec<String>>,
}

// === impl RecordedEffects ===

impl RecordedEffects {
    pub(crate) fn open(&self) -> Result<Effects, String> {
        let Some(meta) = &self.meta else { return Err("the answer has no `resultMetaXdr`".to_owned()) };
        let meta: TransactionMeta = super::from_base64(meta).map_err(|what| format!("`resultMetaXdr`: {what}"))?;
        let (return_value, mut events) = within(meta)?;
        if let Some(listed) = &self.events {
            events = listed.iter().map(|event| super::from_base64(event)).collect::<Result<_, _>>()?;
        }
        Ok(Effects { return_value, events: events.into_iter().filter_map(seen).collect() })
    }
}

/// The return value and the events within a meta. Before protocol 20 there were neither.
fn within(meta: TransactionMeta) -> Result<(Option<ScVal>, Vec<ContractEvent>), String> {
    Ok(match meta {
        TransactionMeta::V4(meta) => {
            let events = meta.operations.iter().flat_map(|operation| operation.events.iter().cloned()).collect();
            (meta.soroban_meta.and_then(|soroban| soroban.return_value), events)
        }
        TransactionMeta::V3(meta) => {
            meta.soroban_meta.map_or_else(|| (None, Vec::new()), |soroban| (Some(soroban.return_value), soroban.events.to_vec()))
        }
        TransactionMeta::V0(_) | TransactionMeta::V1(_) | TransactionMeta::V2(_) => (None, Vec::new()),
    })
}

/// Events of the system and of diagnosis are none of a contract's.
fn seen(event: ContractEvent) -> Option<ContractEventSeen> {
    let contract = event.contract_id.filter(|_| event.type_ == ContractEventType::Contract)?;
    let ContractEventBody::V0(body) = event.body;
    Some(ContractEventSeen { contract: ScAddress::Contract(contract).to_string(), topics: body.topics.to_vec(), data: body.data })
}
