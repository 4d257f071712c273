//! One call: asked, halved where it must be, and answered key by key.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use tokio::time::Instant;
use trueup_judge::Stamp;

use super::pending::{Wanted, carried};
use super::{AskedKey, Key};
use crate::endpoints::Endpoints;
use crate::error::{HTTP_TOO_LARGE, RPC_INTERNAL, RPC_INVALID_PARAMS};
use crate::rpc::{Answered, Found, Retry, Rpc};
use crate::{ReadError, Reading};

/// After how many failed parts, with none that succeeded, a call is given up: nothing singles out a culprit then.
/// Enough to come down from 200 keys to 7.
const FAILED_PARTS_MAX: usize = 31;
/// The same where the server fails inside: it may be ill altogether, and many calls do not make it better. One key that
/// it stumbles over leaves a half that succeeds long before.
const FAILED_PARTS_INTERNAL_MAX: usize = 7;
/// How long a call is taken apart, in timeouts of an attempt: a server that hangs must not be asked 400 times.
const SPLIT_TIMEOUTS_MAX: u32 = 4;

/// Reads these keys and answers everyone who waits for them.
///
/// A call that is too large, too slow, or refused because of what is in it is halved until the culprit stands alone,
/// so that nobody's group fails for a neighbour's.
pub(crate) async fn perform(endpoints: &Endpoints, wanted: Vec<Wanted>) {
    let give_up = Instant::now() + endpoints.timeout() * SPLIT_TIMEOUTS_MAX;
    let mut retry = Retry::Few;
    let (mut failed, mut succeeded) = (0, 0);
    let mut parts = VecDeque::from([wanted]);
    while let Some(mut part) = parts.pop_front() {
        match entries(endpoints, &keys(&part), retry).await {
            Ok((endpoint, answered)) => {
                succeeded += 1;
                answer(&endpoint, &answered, part);
            }
            Err(error) => {
                failed += 1;
                let hopeless = (succeeded == 0 && failed >= failed_parts_max(&error)) || Instant::now() >= give_up;
                if part.len() > 1 && !hopeless && may_be_of_one_key(&error) {
                    tracing::debug!(%error, keys = part.len(), "the call is halved");
                    let half = part.split_off(part.len() / 2);
                    parts.extend([part, half]);
                    retry = Retry::Never;
                } else {
                    part.into_iter().for_each(|wanted| wanted.answer(Err(error.clone())));
                }
                if hopeless {
                    parts.drain(..).flatten().for_each(|wanted| wanted.answer(Err(error.clone())));
                }
            }
        }
    }
}

/// One response of one endpoint, which is named.
async fn entries(endpoints: &Endpoints, keys: &[Key], retry: Retry) -> Result<(String, Answered), ReadError> {
    let read = |rpc: Arc<Rpc>| async move { rpc.entries(keys, retry).await };
    let (rpc, answered) = match retry {
        Retry::Few => endpoints.any(read).await?,
        Retry::Never => endpoints.once(read).await?,
    };
    Ok((rpc.endpoint().to_owned(), answered))
}

/// The distinct keys of a call, the contracts' instances among them.
fn keys(part: &[Wanted]) -> Vec<Key> {
    let mut seen = HashSet::new();
    let carried = part.iter().flat_map(|wanted| carried(&wanted.asked));
    carried.filter(|key| seen.insert(*key)).cloned().collect()
}

/// Whether fewer keys may fare better: size, time, or a key that the server refuses or stumbles over.
fn may_be_of_one_key(error: &ReadError) -> bool {
    match error {
        ReadError::TooLarge { .. } | ReadError::Timeout { .. } => true,
        ReadError::Http { status, .. } => *status == HTTP_TOO_LARGE,
        ReadError::Rpc { code, .. } => matches!(*code, RPC_INVALID_PARAMS | RPC_INTERNAL),
        _ => false,
    }
}

fn failed_parts_max(error: &ReadError) -> usize {
    match error {
        ReadError::Rpc { code: RPC_INTERNAL, .. } => FAILED_PARTS_INTERNAL_MAX,
        _ => FAILED_PARTS_MAX,
    }
}

fn answer(endpoint: &str, answered: &Answered, part: Vec<Wanted>) {
    for wanted in part {
        let readings = wanted.asked.iter().map(|asked| match answered.found.get(asked.key.bytes()) {
            Some(Err(what)) => Err(ReadError::Undecodable { endpoint: endpoint.to_owned(), what: what.clone() }),
            Some(Ok(found)) => Ok(reading(endpoint, answered, asked, Some(found))),
            None => Ok(reading(endpoint, answered, asked, None)),
        });
        let readings = readings.collect();
        wanted.answer(readings);
    }
}

fn reading(endpoint: &str, answered: &Answered, asked: &AskedKey, found: Option<&Found>) -> Reading {
    let instance = asked.instance.as_ref().and_then(|instance| answered.found.get(instance.bytes())).and_then(|it| it.as_ref().ok());
    Reading {
        stamp: Stamp {
            endpoint: endpoint.to_owned(),
            ledger: answered.ledger,
            last_modified: found.map(|found| found.last_modified),
            archived: found.is_some_and(|found| found.archived),
            confirmed_by: None,
        },
        entry: found.map(|found| Arc::clone(&found.entry)),
        with_instance: instance.is_some(),
        runs: instance.and_then(|instance| instance.runs.clone()),
    }
}
