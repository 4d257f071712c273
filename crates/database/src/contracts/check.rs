use std::collections::{BTreeMap, BTreeSet};

use sqlx::PgConnection;
use trueup_judge::HeldBack;

use super::FIRST_SIGHT;

/// What a contract was seen to run.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SeenContract {
    /// The contract (`C…`).
    pub contract: String,
    /// A Wasm hash in lower-case hex, `stellar_asset`, or a reference to code that is elsewhere.
    pub executable: String,
    /// The same executable is always the same code. What is not, is accepted by a person only.
    pub names_its_code: bool,
}

/// What is accepted of the contracts that were asked about: none for one that is held back until a person accepts it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContractCheck {
    accepted: BTreeMap<String, String>,
}

impl ContractCheck {
    /// Why nothing that rests on this sight of a contract is repaired; none if it runs what is accepted.
    #[must_use]
    pub fn held_back(&self, seen: &SeenContract) -> Option<HeldBack> {
        let accepted = self.accepted.get(&seen.contract);
        if accepted == Some(&seen.executable) {
            return None;
        }
        Some(HeldBack::ChangedContract {
            contract: seen.contract.clone(),
            accepted: accepted.cloned().unwrap_or_else(|| "nothing".to_owned()),
            seen: seen.executable.clone(),
        })
    }
}

/// Compares what contracts run with what is accepted. A contract that was never seen before is accepted as it is, in
/// the caller's transaction.
///
/// # Errors
/// What Postgres said.
pub async fn check(conn: &mut PgConnection, seen: &BTreeSet<SeenContract>) -> Result<ContractCheck, sqlx::Error> {
    if seen.is_empty() {
        return Ok(ContractCheck::default());
    }
    let contracts: BTreeSet<&str> = seen.iter().map(|it| it.contract.as_str()).collect();
    let mut accepted = super::accepted(conn, &contracts).await?;
    let new: Vec<&SeenContract> = seen.iter().filter(|it| it.names_its_code && !accepted.contains_key(&it.contract)).collect();
    if !new.is_empty() {
        // Two sights that differ are one question for a person: whichever is recorded, the other is held back.
        sqlx::query(
            "INSERT INTO trueup.contracts (contract, executable, actor)
             SELECT contract, executable, $3 FROM unnest($1::text[], $2::text[]) AS new (contract, executable)
             ON CONFLICT (contract) WHERE previous IS NULL DO NOTHING",
        )
        .bind(new.iter().map(|it| it.contract.as_str()).collect::<Vec<_>>())
        .bind(new.iter().map(|it| it.executable.as_str()).collect::<Vec<_>>())
        .bind(FIRST_SIGHT)
        .execute(&mut *conn)
        .await?;
        accepted = super::accepted(conn, &contracts).await?;
    }
    Ok(ContractCheck { accepted })
}
