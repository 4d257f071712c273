//! What triggers make of a repair after the statement that wrote it has returned.

use std::collections::BTreeMap;

use trueup_database::{RepairOutcome, RevertOutcome};

use crate::application::{Application, LOAN_SPEC, LOANS, insertion, order};

const AUDITS: &str =
    "SELECT string_agg(concat_ws(' ', identity, altered, coalesce(after ->> 'balance', 'nothing')), ', ' ORDER BY id) FROM trueup.repairs";

/// Loans 1 to 3 of 20, and a trigger with that body of which the statement does not wait for the outcome.
async fn with_trigger(when: &str, body: &str) -> Application {
    let application = Application::new(LOANS).await;
    application
        .run(&format!(
            "INSERT INTO loans SELECT n, 'active', 20 FROM generate_series(1, 3) AS n;
             CREATE FUNCTION again() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body}; RETURN NULL; END $$;
             CREATE {when} FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION again()"
        ))
        .await;
    application
}

async fn repair_to_five(application: &Application) -> Vec<RepairOutcome> {
    let kind = application.bind(LOAN_SPEC).await;
    let mut orders = Vec::new();
    for row in 1..=3 {
        let plan = application.plan(&kind, &row.to_string(), &[Some("Active"), Some("5")]).await;
        orders.push(order(row, &row.to_string(), plan));
    }
    application.repair(&kind, &orders).await
}

#[tokio::test]
async fn a_trigger_that_writes_the_row_again_is_noticed_and_its_neighbours_are_repaired() {
    for when in ["TRIGGER again AFTER UPDATE ON loans", "CONSTRAINT TRIGGER again AFTER UPDATE ON loans DEFERRABLE INITIALLY DEFERRED"] {
        let application = with_trigger(when, "IF new.id = 2 THEN UPDATE loans SET balance = 4 WHERE id = new.id; END IF").await;
        let outcomes = repair_to_five(&application).await;
        let altered: Vec<_> = outcomes.iter().map(|it| matches!(it, RepairOutcome::Altered { .. })).collect();
        assert_eq!(altered, [false, true, false], "{outcomes:?}");
        assert!(matches!(&outcomes[0], RepairOutcome::Repaired { .. }));
        assert_eq!(application.text(AUDITS).await.as_deref(), Some("1 f 5.0000000, 2 t 4.0000000, 3 f 5.0000000"), "{when}");
    }
}

#[tokio::test]
async fn a_trigger_that_writes_another_column_alters_nothing_of_the_repair() {
    let application = with_trigger("TRIGGER again AFTER UPDATE ON loans", "UPDATE loans SET total = total + 1 WHERE id = new.id").await;
    let outcomes = repair_to_five(&application).await;
    assert!(outcomes.iter().all(|it| matches!(it, RepairOutcome::Repaired { .. })), "{outcomes:?}");
    assert_eq!(application.text(AUDITS).await.as_deref(), Some("1 f 5.0000000, 2 f 5.0000000, 3 f 5.0000000"));
}

#[tokio::test]
async fn a_row_that_a_trigger_removes_is_altered_and_not_repaired() {
    let application = with_trigger("TRIGGER again AFTER UPDATE ON loans", "DELETE FROM loans WHERE id = 3 AND new.id = 3").await;
    let outcomes = repair_to_five(&application).await;
    assert!(matches!(outcomes[2], RepairOutcome::Altered { .. }), "{outcomes:?}");
    assert_eq!(application.text(AUDITS).await.as_deref(), Some("1 f 5.0000000, 2 f 5.0000000, 3 t nothing"));
}

#[tokio::test]
async fn an_inserted_row_that_a_trigger_writes_again_is_altered() {
    let application = with_trigger("TRIGGER again AFTER INSERT ON loans", "UPDATE loans SET balance = 0 WHERE id = new.id").await;
    let kind = application.bind(LOAN_SPEC).await;
    let columns = [("id", "9"), ("status", "active"), ("balance", "5")];
    let row: BTreeMap<_, _> = columns.into_iter().map(|(name, value)| (name.to_owned(), Some(value.to_owned()))).collect();
    let outcomes = application.repair(&kind, &[insertion(1, "9", row)]).await;
    assert!(matches!(outcomes[0], RepairOutcome::Altered { .. }), "{outcomes:?}");
    assert_eq!(application.text(AUDITS).await.as_deref(), Some("9 t 0.0000000"));
}

/// What the trigger left is what a revert looks for, and what it leaves then is on record as well.
#[tokio::test]
async fn a_repair_that_a_trigger_altered_can_be_reverted() {
    let application = with_trigger("TRIGGER again AFTER UPDATE ON loans", "UPDATE loans SET balance = balance - 1 WHERE id = new.id").await;
    let outcomes = repair_to_five(&application).await;
    let RepairOutcome::Altered { repair, .. } = outcomes[0] else { panic!("{outcomes:?}") };
    let kind = application.bind(LOAN_SPEC).await;
    let mut tx = application.pools.write.begin().await.unwrap();
    let outcome = kind.revert(&mut tx, repair, "ada", None).await.unwrap();
    tx.commit().await.unwrap();
    assert!(matches!(outcome, RevertOutcome::Reverted { .. }), "{outcome:?}");
    let audit = application.text("SELECT concat_ws(' ', altered, before ->> 'balance', intended ->> 'balance', after ->> 'balance') FROM trueup.repairs WHERE action = 'revert'").await;
    assert_eq!(audit.as_deref(), Some("t 4.0000000 20.0000000 19.0000000"));
}

#[tokio::test]
async fn a_revert_that_a_deferred_constraint_refuses_is_refused_with_the_reason() {
    let application = Application::new(&format!(
        "{LOANS}; CREATE TABLE balances (balance numeric(20, 7) PRIMARY KEY); INSERT INTO balances VALUES (20), (5);
         ALTER TABLE loans ADD FOREIGN KEY (balance) REFERENCES balances DEFERRABLE INITIALLY DEFERRED;
         INSERT INTO loans SELECT n, 'active', 20 FROM generate_series(1, 3) AS n"
    ))
    .await;
    let outcomes = repair_to_five(&application).await;
    let RepairOutcome::Repaired { repair, .. } = outcomes[0] else { panic!("{outcomes:?}") };
    application.run("DELETE FROM balances WHERE balance = 20").await;
    let kind = application.bind(LOAN_SPEC).await;
    let mut tx = application.pools.write.begin().await.unwrap();
    let outcome = kind.revert(&mut tx, repair, "ada", None).await.unwrap();
    tx.commit().await.unwrap();
    assert!(matches!(&outcome, RevertOutcome::Refused { why } if why.contains("violates foreign key constraint")), "{outcome:?}");
    assert_eq!(application.text("SELECT balance::int::text FROM loans WHERE id = 1").await.as_deref(), Some("5"));
}
