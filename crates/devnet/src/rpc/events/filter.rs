//! The filters of `getEvents`.

use crate::address;
use crate::rpc::protocol::RpcError;
use crate::xdr;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use stellar_xdr::{ContractEvent, ContractEventBody, ScVal};

const MAX_FILTERS: usize = 5;
const MAX_CONTRACTS: usize = 5;
const MAX_TOPICS: usize = 5;
const MAX_SEGMENTS: usize = 4;

/// One filter: everything in it must match.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Filter {
    #[serde(default, rename = "type")]
    types: String,
    #[serde(default)]
    contract_ids: Vec<String>,
    #[serde(default)]
    topics: Vec<Vec<Segment>>,
}

enum Segment {
    /// `*`: one topic, whatever it is.
    One,
    /// `**`: any number of topics, at the end.
    Rest,
    Exactly(Box<ScVal>),
}

impl<'de> Deserialize<'de> for Segment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.as_str() {
            "*" => Ok(Self::One),
            "**" => Ok(Self::Rest),
            text => {
                let bytes = xdr::from_base64(text).map_err(D::Error::custom)?;
                let value = xdr::read(&bytes).map_err(D::Error::custom)?;
                Ok(Self::Exactly(Box::new(value)))
            }
        }
    }
}

/// Checks the limits of a request's filters.
pub(super) fn check(filters: &[Filter]) -> Result<(), RpcError> {
    if filters.len() > MAX_FILTERS {
        return Err(RpcError::invalid_params("maximum 5 filters per request"));
    }
    for (index, filter) in filters.iter().enumerate() {
        filter.check().map_err(|reason| RpcError::invalid_params(format!("filter {} invalid: {reason}", index + 1)))?;
    }
    Ok(())
}

// === impl Filter ===

impl Filter {
    fn check(&self) -> Result<(), String> {
        if self.type_names().any(|name| name != "system" && name != "contract") {
            return Err("filter type invalid: if set, type must be either 'system' or 'contract'".into());
        }
        if self.contract_ids.len() > MAX_CONTRACTS {
            return Err("maximum 5 contract IDs per filter".into());
        }
        if self.topics.len() > MAX_TOPICS {
            return Err("maximum 5 topics per filter".into());
        }
        for (index, id) in self.contract_ids.iter().enumerate() {
            if address::parse_contract(id).is_err() {
                return Err(format!("contract ID {} invalid", index + 1));
            }
        }
        for (index, topic) in self.topics.iter().enumerate() {
            check_topic(topic).map_err(|reason| format!("topic {} invalid: {reason}", index + 1))?;
        }
        Ok(())
    }

    fn type_names(&self) -> impl Iterator<Item = &str> {
        self.types.split(',').filter(|name| !name.is_empty())
    }

    pub(super) fn matches(&self, event: &ContractEvent) -> bool {
        let ContractEventBody::V0(body) = &event.body;
        let type_matches = self.types.is_empty() || self.type_names().any(|name| name == super::type_name(event.type_));
        let contract = event.contract_id.as_ref().map(|id| address::contract_strkey(&id.0.0));
        let contract_matches = self.contract_ids.is_empty() || contract.is_some_and(|contract| self.contract_ids.contains(&contract));
        let topic_matches = self.topics.is_empty() || self.topics.iter().any(|t| topic_matches(t, &body.topics));
        type_matches && contract_matches && topic_matches
    }
}

fn check_topic(topic: &[Segment]) -> Result<(), String> {
    let Some((last, others)) = topic.split_last() else {
        return Err("topic must have at least 1 segment".into());
    };
    if let Some(index) = others.iter().position(|s| matches!(s, Segment::Rest)) {
        return Err(format!("segment {} invalid: wildcard '**' is only allowed as the last segment", index + 1));
    }
    let segments = others.len() + usize::from(!matches!(last, Segment::Rest));
    if segments > MAX_SEGMENTS {
        return Err(format!("topic cannot have more than {MAX_SEGMENTS} segments"));
    }
    Ok(())
}

fn topic_matches(filter: &[Segment], topics: &[ScVal]) -> bool {
    let (segments, open) = match filter.split_last() {
        Some((Segment::Rest, others)) => (others, true),
        _ => (filter, false),
    };
    let length_matches = if open { topics.len() >= segments.len() } else { topics.len() == segments.len() };
    length_matches
        && segments.iter().zip(topics).all(|(segment, topic)| match segment {
            Segment::One | Segment::Rest => true,
            Segment::Exactly(value) => value.as_ref() == topic,
        })
}

#[cfg(test)]
mod tests {
    use super::{Segment, topic_matches};
    use stellar_xdr::ScVal;

    fn exactly(n: u32) -> Segment {
        Segment::Exactly(Box::new(ScVal::U32(n)))
    }

    #[test]
    fn a_star_is_one_topic_and_two_stars_are_the_rest() {
        let topics = [ScVal::U32(1), ScVal::U32(2)];
        assert!(topic_matches(&[exactly(1), Segment::One], &topics));
        assert!(topic_matches(&[exactly(1), Segment::Rest], &topics));
        assert!(topic_matches(&[Segment::Rest], &topics));
        assert!(topic_matches(&[exactly(1), exactly(2), Segment::Rest], &topics));
        assert!(!topic_matches(&[exactly(1)], &topics));
        assert!(!topic_matches(&[Segment::One, exactly(1)], &topics));
    }
}
