//! Which versions of a row's entries were seen, as one number. Values are not looked at.

use sha2::{Digest, Sha256};
use trueup_chain::{Intent, Reading};
use trueup_database::Located;
use trueup_database::contracts::SeenContract;
use trueup_queue::Failure;
use trueup_spec::Soroban;

use super::entries::{Answered, asked};
use crate::context::Context;

/// How many bytes of the hash make a mark.
const MARK_BYTES: usize = 8;

/// What was seen of one row's entries.
pub(crate) struct Sight {
    /// Their versions; none where an answer says too little to tell.
    pub(crate) mark: Option<i64>,
    /// As of which ledger.
    pub(crate) ledger: u32,
    /// What their contracts run.
    pub(crate) contracts: Vec<SeenContract>,
}

/// Asks the chain about rows' entries; one answer for each row, in order; none for a row that has none. `intent`
/// announced the keys.
pub(crate) async fn see_entries<'a>(
    context: &Context,
    soroban: &Soroban,
    rows: impl Iterator<Item = &'a Located>,
    intent: Intent,
) -> Vec<Result<Option<Sight>, Failure>> {
    let asked: Vec<_> = rows.map(|row| asked(soroban, row).ok().flatten()).collect();
    let groups = asked.iter().flatten().map(|it| it.keys()).collect();
    let mut answers = context.chain.read_groups(groups, intent).await.into_iter();
    let network = context.network();
    asked
        .iter()
        .map(|asked| match asked {
            None => Ok(None),
            Some(asked) => match answers.next() {
                Some(Ok(readings)) => {
                    let answered = Answered::of(asked, readings);
                    Ok(Some(Sight { mark: mark(network, &answered), ledger: answered.stamp().ledger, contracts: answered.contracts() }))
                }
                Some(Err(error)) => Err(Failure::passing(error.to_string())),
                None => Err(Failure::passing("the chain's answer lacks keys that were asked for")),
            },
        })
        .collect()
}

/// A hash over the network and over each entry in the order of the spec: the ledger that changed it last, and what its
/// contract runs. None where the row's own entry is not there, or where an answer does not say these.
///
/// Whatever changes an entry gives it a newer last-modified ledger, and one that is gone has none.
pub(super) fn mark(network: &str, answered: &Answered) -> Option<i64> {
    answered.own.entry.as_ref()?;
    let mut hash = Sha256::new();
    let mut text = |text: &str| {
        hash.update(text.len().to_be_bytes());
        hash.update(text.as_bytes());
    };
    text(network);
    for reading in std::iter::once(Some(&answered.own)).chain(answered.also.iter().map(Option::as_ref)) {
        match reading {
            None => text("not asked for"),
            Some(reading) => text(&version(reading)?),
        }
    }
    let digest = hash.finalize();
    digest.first_chunk::<MARK_BYTES>().map(|bytes| i64::from_be_bytes(*bytes))
}

fn version(reading: &Reading) -> Option<String> {
    let runs = &reading.runs.as_ref()?.executable;
    match &reading.entry {
        Some(_) => Some(format!("{} {runs}", reading.stamp.last_modified?)),
        None => Some(format!("absent {runs}")),
    }
}
