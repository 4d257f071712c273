//! What has become of transactions: what is asked of whom, until `judge` can decide or nobody knows more.

use futures::future::join_all;
use serde_json::{Value, json};
use trueup_chain::{History, Intent, ReadError, Reading, TransactionFacts, TransactionReading, account_seen, transaction_facts};
use trueup_database::Located;
use trueup_judge::{
    Answer, Because, Checkpoint, Decision, Evidence, LedgerTime, Retention, Seen, Stamp, TransactionState, pending_transaction,
};
use trueup_queue::Failure;

use super::observe::{Observation, Observed};
use crate::context::Context;

/// Where a transaction's values say which ledger holds it.
const LEDGER_VALUE: usize = 2;
/// How many values a transaction has.
const VALUES: usize = trueup_spec::TRANSACTION_VALUES.len();

/// A transaction that is asked for.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    hash: String,
    facts: Option<TransactionFacts>,
    submitted: Option<i64>,
    earlier: Option<Checkpoint>,
}

/// What a transaction is, and all that this rests on.
#[derive(Debug, Clone)]
pub(crate) struct Decided {
    pub(crate) decision: Decision,
    /// The answer that decided; where none did, the endpoint's.
    pub(crate) reading: TransactionReading,
    evidence: Evidence,
    account: Option<Reading>,
}

// === impl Asked ===

impl Asked {
    /// A transaction by its hash, with what the application keeps of it: the envelope (base64), the time of its
    /// submission (Unix seconds); and with what an earlier look remembered.
    ///
    /// # Errors
    /// The envelope cannot be read, or is another transaction's: nothing may be concluded from it.
    pub(crate) fn new(
        context: &Context,
        hash: &str,
        envelope: Option<&str>,
        submitted: Option<i64>,
        checkpoint: Option<&Value>,
    ) -> Result<Self, Failure> {
        let facts = envelope.map(|envelope| transaction_facts(envelope, context.network())).transpose();
        let facts = facts.map_err(|error| Failure::permanent(error.to_string()))?;
        if let Some(facts) = facts.as_ref().filter(|facts| !facts.is_of(hash)) {
            let inner = facts.inner_hash.as_ref().map(|inner| format!(", within it {inner}")).unwrap_or_default();
            return Err(Failure::permanent(format!(
                "the row's envelope is that of another transaction: its hash is {}{inner}, and the row's is {hash}; correct the row, or the network that trueup is connected to",
                facts.hash
            )));
        }
        // What another version remembered in another form is forgotten.
        let earlier = checkpoint.and_then(|checkpoint| serde_json::from_value(checkpoint.clone()).ok());
        Ok(Self { hash: hash.to_owned(), facts, submitted, earlier })
    }
}

/// Finds out what has become of transactions; one answer for each, in order. `intent` announced the accounts that may
/// have to be read, and ends when they are.
pub(crate) async fn decide_transactions(context: &Context, asked: Vec<Asked>, intent: Intent) -> Vec<Result<Decided, Failure>> {
    let readings = join_all(asked.iter().map(|asked| context.chain.transaction_of(&asked.hash, asked.facts.as_ref()))).await;
    let accounts = accounts(context, &asked, &readings, intent).await;
    let decisions =
        asked.into_iter().zip(readings).zip(accounts).map(|((asked, reading), account)| decide(context, asked, reading, account));
    join_all(decisions).await
}

/// The accounts of transactions that were not found, for those whose envelope says which.
async fn accounts(
    context: &Context,
    asked: &[Asked],
    readings: &[Result<TransactionReading, ReadError>],
    intent: Intent,
) -> Vec<Option<Result<Reading, ReadError>>> {
    let mut accounts: Vec<Option<Result<Reading, ReadError>>> = asked.iter().map(|_| None).collect();
    let wanted: Vec<(usize, _)> = asked
        .iter()
        .zip(readings)
        .enumerate()
        .filter(|(_, (_, reading))| matches!(reading, Ok(reading) if reading.answer == Answer::NotFound))
        .filter_map(|(place, (asked, _))| Some((place, asked.facts.as_ref()?.account.clone())))
        .collect();
    let keys = wanted.iter().map(|(_, key)| key.clone()).collect();
    for ((place, _), reading) in wanted.into_iter().zip(context.chain.read_announced(keys, intent).await) {
        accounts[place] = Some(reading);
    }
    accounts
}

async fn decide(
    context: &Context,
    asked: Asked,
    reading: Result<TransactionReading, ReadError>,
    account: Option<Result<Reading, ReadError>>,
) -> Result<Decided, Failure> {
    let mut reading = reading.map_err(|error| unanswered(&error))?;
    let account = account.transpose().map_err(|error| unanswered(&error))?;
    let account_seen = account.as_ref().and_then(account_seen);
    let terms = asked.facts.as_ref().map(|facts| facts.terms);
    // The account's number is used as of a ledger that the endpoint had not looked into: perhaps by this transaction.
    let used_after = account_seen.zip(terms).is_some_and(|(account, terms)| {
        account.ledger > reading.ledger && account.sequence.is_some_and(|sequence| sequence >= terms.sequence)
    });
    if used_after {
        reading = context.chain.transaction_of(&asked.hash, asked.facts.as_ref()).await.map_err(|error| unanswered(&error))?;
    }
    let retention = reading.retention.ok_or_else(|| Failure::passing("the endpoint does not say which ledgers it keeps"))?;
    let mut evidence = Evidence {
        hash: asked.hash,
        answer: reading.answer.clone(),
        endpoint: reading.endpoint.clone(),
        retention,
        submitted: asked.submitted,
        terms,
        account: account_seen,
        earlier: asked.earlier,
        archive: None,
    };
    let mut decision = pending_transaction(&evidence);
    if let (TransactionState::Pruned, Some(archive)) = (&decision.state, &context.archive) {
        let archived = archive.transaction_of(&evidence.hash, asked.facts.as_ref()).await.map_err(|error| unanswered(&error))?;
        evidence.archive = Some(archived.answer.clone());
        decision = pending_transaction(&evidence);
        if archived.answer != Answer::NotFound {
            reading = archived;
        }
    }
    Ok(Decided { decision, reading, evidence, account })
}

/// No answer is not an absence: the job is tried again. What is no hash is the row's own fault.
fn unanswered(error: &ReadError) -> Failure {
    match error {
        ReadError::NotAHash { .. } => Failure::permanent(error.to_string()),
        error => Failure::passing(error.to_string()),
    }
}

/// Asks the chain for the transactions of rows; one answer for each, in order.
pub(super) async fn observe_transactions<'a>(
    context: &Context,
    rows: impl Iterator<Item = &'a Located>,
    intent: Intent,
) -> Vec<Observation> {
    let mut observations: Vec<Option<Observation>> = Vec::new();
    let mut asked = Vec::new();
    let mut places = Vec::new();
    for row in rows {
        let one =
            row.hash.as_deref().map(|hash| Asked::new(context, hash, row.envelope.as_deref(), row.submitted, row.checkpoint.as_ref()));
        observations.push(match one {
            None => Some(Ok(Observed::bare(Seen::NoKey))),
            Some(Err(failure)) => Some(Err(failure)),
            Some(Ok(one)) => {
                places.push(observations.len());
                asked.push(one);
                None
            }
        });
    }
    for (place, decided) in places.into_iter().zip(decide_transactions(context, asked, intent).await) {
        observations[place] = Some(decided.map(Decided::observed));
    }
    observations.into_iter().flatten().collect()
}

// === impl Decided ===

impl Decided {
    pub(super) fn observed(self) -> Observed {
        let remember = self.remember();
        let mut observed = match &self.decision.state {
            TransactionState::InFlight => Observed::bare(Seen::InFlight),
            TransactionState::Pruned => Observed::bare(Seen::Pruned),
            TransactionState::Succeeded | TransactionState::Failed { .. } => Observed {
                values: Some(self.reading.values.clone()),
                chain_entry: self.reading.result_xdr.clone(),
                ..Observed::bare(Seen::Present(self.found_stamp()))
            },
            TransactionState::Expired => self.observed_without_ledger(trueup_spec::STATUS_EXPIRED),
            TransactionState::Superseded => self.observed_without_ledger(trueup_spec::STATUS_SUPERSEDED),
        };
        observed.remember = remember;
        observed.nearly = self.decision.nearly;
        observed
    }

    /// What is to be remembered, where it is not remembered yet.
    fn remember(&self) -> Option<Value> {
        let checkpoint = self.decision.checkpoint.as_ref().filter(|checkpoint| self.evidence.earlier.as_ref() != Some(*checkpoint))?;
        serde_json::to_value(checkpoint).ok()
    }

    /// What is final is final as of the ledger that holds it, whatever the endpoint has seen since. An archive is asked
    /// because the endpoint did not find it, so that its answer is as new as the endpoint's.
    fn found_stamp(&self) -> Stamp {
        Stamp {
            endpoint: self.reading.endpoint.clone(),
            ledger: self.evidence.retention.latest.ledger,
            last_modified: self.reading.values.get(LEDGER_VALUE).and_then(Option::as_deref).and_then(|ledger| ledger.parse().ok()),
            archived: false,
            confirmed_by: None,
        }
    }

    /// It is final, and in no ledger: the evidence stands for the bytes that there are none of.
    fn observed_without_ledger(&self, status: &str) -> Observed {
        let mut values = vec![None; VALUES];
        values[0] = Some(status.to_owned());
        let by_account = self.account.as_ref().filter(|_| self.decision.because == Because::Sequence);
        let stamp = by_account.map_or_else(
            || Stamp { last_modified: None, ..self.found_stamp() },
            |account| Stamp { last_modified: None, ..account.stamp.clone() },
        );
        Observed { values: Some(values), chain_entry: Some(self.evidence_text(status)), ..Observed::bare(Seen::Present(stamp)) }
    }

    fn evidence_text(&self, status: &str) -> String {
        let Evidence { hash, endpoint, retention: Retention { oldest, latest }, submitted, terms, account, earlier, .. } = &self.evidence;
        let ledger = |it: &LedgerTime| json!({ "ledger": it.ledger, "close_time": it.close_time });
        json!({
            "status": status,
            "because": self.decision.because.as_str(),
            "hash": hash,
            "answer": { "endpoint": endpoint, "status": "NOT_FOUND", "oldest": ledger(oldest), "latest": ledger(latest) },
            "submitted": submitted,
            "envelope": terms.map(|terms| json!({
                "sequence": terms.sequence.to_string(),
                "min_time": terms.min_time, "max_time": terms.max_time,
                "min_ledger": terms.min_ledger, "max_ledger": terms.max_ledger,
            })),
            "account": account.map(|account| json!({
                "sequence": account.sequence.map(|sequence| sequence.to_string()),
                "ledger": account.ledger,
                "xdr": self.account.as_ref().and_then(|reading| reading.entry.as_ref()).map(|entry| &entry.xdr),
            })),
            "earlier": earlier,
        })
        .to_string()
    }
}
