//! Whatever is changed, on either side, an incremental sweep says what a full one says.

use std::collections::BTreeSet;

use rand::seq::{IndexedRandom, SliceRandom};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use trueup::Sweep;
use trueup_devnet::scval;

use super::{remember, sweep};
use crate::endpoints::chain::{change_on_chain, loan_key};
use crate::support::{Deployment, Finished};

const LOANS: u32 = 40;
/// How often the whole list of changes is gone through, each time in another order.
const ROUNDS: usize = 1;

/// Changes of the row `{id}`, by the application.
const ROW_CHANGES: [&str; 14] = [
    "UPDATE loans SET status = 'active' WHERE id = {id}",
    "UPDATE loans SET status = 'no such label' WHERE id = {id}",
    "UPDATE loans SET balance = balance - 0.0000001 WHERE id = {id}",
    "UPDATE loans SET balance = NULL WHERE id = {id}",
    "UPDATE loans SET wallet = NULL, amount = amount + 1 WHERE id = {id}",
    "UPDATE loans SET balance = amount, status = 'pending' WHERE id = {id}",
    "UPDATE loans SET updated_at = updated_at - interval '1 second' WHERE id = {id}",
    "UPDATE loans SET loan_id = loan_id || '000' WHERE id = {id}",
    "UPDATE loans SET loan_id = 'pending-' || id WHERE id = {id}",
    "UPDATE loans SET loan_id = id WHERE id = {id}",
    "BEGIN; SAVEPOINT a; UPDATE loans SET status = 'paid' WHERE id = {id}; RELEASE a; COMMIT",
    "BEGIN; SAVEPOINT a; UPDATE loans SET status = 'paid' WHERE id = {id}; ROLLBACK TO a; COMMIT",
    "DELETE FROM loans WHERE id = {id}",
    "INSERT INTO loans (loan_id, amount) SELECT max(loan_id::bigint) + {id}, 1 FROM loans WHERE loan_id ~ '^[0-9]+$'",
];

/// What the application's administrators do to the table.
const TABLE_CHANGES: [&str; 5] = [
    "VACUUM FULL loans",
    "VACUUM (FREEZE) loans",
    "CLUSTER loans USING loans_pkey",
    "ALTER TABLE loans ALTER COLUMN updated_at TYPE timestamptz(3)",
    "ALTER TABLE loans ADD COLUMN IF NOT EXISTS remark text DEFAULT 'none'",
];

#[derive(Clone, Copy, Debug)]
enum Change {
    Row(&'static str),
    Table(&'static str),
    /// Another status on chain.
    Entry(&'static str),
    /// The entry is written again as it is.
    Rewritten,
    Gone,
    Archived,
    /// A loan that only the chain has.
    Lent,
}

#[tokio::test]
async fn whatever_changes_is_found_as_a_full_sweep_finds_it() {
    let deployment = Deployment::with_loans(LOANS).await;
    remember(&deployment, i64::from(LOANS)).await;
    let seed = rand::random();
    let mut dice = ChaCha8Rng::seed_from_u64(seed);
    let mut changes: Vec<Change> = ROW_CHANGES.map(Change::Row).into_iter().chain(TABLE_CHANGES.map(Change::Table)).collect();
    changes.extend(["Active", "Paid", "Defaulted", "Pending"].map(Change::Entry));
    changes.extend([Change::Rewritten, Change::Gone, Change::Archived, Change::Lent]);
    let mut passed_over = 0;
    let mut found = BTreeSet::new();
    for _ in 0..ROUNDS {
        changes.shuffle(&mut dice);
        for change in &changes {
            let loan = dice.random_range(1..=LOANS);
            apply(&deployment, *change, loan).await;
            // What ranges are made of must not matter.
            let incremental = sweep(&deployment, Sweep::Incremental).await;
            let full = sweep(&deployment, Sweep::Full).await;
            assert_eq!(said(&incremental), said(&full), "seed {seed}: after {change:?} of loan {loan}");
            passed_over += incremental.document.kinds["loan"].unmoved;
            found.extend(full.drifts.iter().map(|drift| drift.class.clone()));
        }
    }
    assert!(passed_over > 0, "seed {seed}: nothing was ever passed over");
    for class in ["missing_row", "stale_status", "stale_value", "provisional_id", "missing_on_chain"] {
        assert!(found.contains(class), "seed {seed}: {class} was never found: {found:?}");
    }
}

/// All that a report says of the kind, but for how many rows were passed over.
fn said(finished: &Finished) -> String {
    let loans = &finished.document.kinds["loan"];
    format!("{:?} {} {:?} {:?} {:?}", finished.found(), loans.entities, loans.verdicts, loans.not_judged, loans.drifts)
}

async fn apply(deployment: &Deployment, change: Change, loan: u32) {
    match change {
        Change::Row(sql) | Change::Table(sql) => deployment.sql(&sql.replace("{id}", &loan.to_string())).await,
        // A loan that is gone stays so.
        Change::Entry(_) | Change::Rewritten if deployment.devnet.entry(&loan_key(deployment, loan)).is_none() => {}
        Change::Entry(status) => change_on_chain(deployment, loan, status),
        Change::Rewritten => change_on_chain(deployment, loan, "Pending"),
        Change::Gone => drop(deployment.devnet.remove_entry(&loan_key(deployment, loan))),
        Change::Archived => drop(deployment.devnet.archive(&loan_key(deployment, loan))),
        Change::Lent => {
            let lender = deployment.devnet.fund_accounts(1).expect("an account").remove(0);
            let args = vec![scval::address(&lender.address()).expect("an address"), scval::i128(1), stellar_xdr::ScVal::U32(1)];
            deployment.devnet.invoke(&lender, &deployment.contracts.lending, "create", args).expect("lent");
        }
    }
}

#[tokio::test]
async fn several_changes_at_once_in_small_ranges_are_found_too() {
    let mut dice = ChaCha8Rng::seed_from_u64(rand::random());
    let deployment = Deployment::with_loans(LOANS).await;
    remember(&deployment, i64::from(LOANS)).await;
    let moved: BTreeSet<u32> = (1..=LOANS).collect::<Vec<_>>().sample(&mut dice, 7).copied().collect();
    for loan in &moved {
        deployment.sql(&format!("UPDATE loans SET status = 'active' WHERE id = {loan}")).await;
    }
    let swept = super::sweep_in_ranges_of(&deployment, 3).await;
    let mut expected: Vec<String> = moved.iter().map(|loan| format!("stale_status status {loan}")).collect();
    expected.sort();
    assert_eq!(swept.found(), expected);
    let loans = &swept.document.kinds["loan"];
    assert_eq!((loans.entities, loans.unmoved), (u64::from(LOANS), u64::from(LOANS) - moved.len() as u64));
}
