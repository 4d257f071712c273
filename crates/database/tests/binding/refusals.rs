//! What the database does not take is refused for the one row, and its neighbours are repaired.

use std::collections::BTreeMap;

use trueup_database::RepairOutcome;

use crate::application::{Application, LOAN_SPEC, LOANS, insertion, order};

/// Plans for rows 1 to 9, of which row 5 is brought these values.
async fn repair_nine(application: &Application, spec: &str, bad: &[Option<&str>]) -> Vec<RepairOutcome> {
    application.run("INSERT INTO loans SELECT n, 'active', 20 FROM generate_series(1, 9) AS n").await;
    let kind = application.bind(spec).await;
    let mut orders = Vec::new();
    for row in 1..=9 {
        let values = if row == 5 { bad } else { &[Some("Paid"), Some("5")] };
        let plan = application.plan(&kind, &row.to_string(), values).await;
        orders.push(order(row, &row.to_string(), plan));
    }
    let outcomes = application.repair(&kind, &orders).await;
    let repaired = outcomes.iter().filter(|it| matches!(it, RepairOutcome::Repaired { .. })).count();
    assert_eq!(repaired, 8, "{outcomes:?}");
    assert_eq!(application.text("SELECT count(*)::text FROM trueup.repairs").await.as_deref(), Some("8"));
    assert_eq!(application.text("SELECT status::text FROM loans WHERE id = 5").await.as_deref(), Some("active"));
    outcomes
}

fn reason(outcomes: &[RepairOutcome]) -> &str {
    match &outcomes[4] {
        RepairOutcome::Refused { reason } => reason,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_label_that_the_enum_lacks() {
    let application = Application::new(LOANS).await;
    let outcomes = repair_nine(&application, LOAN_SPEC, &[Some("Lost"), Some("5")]).await;
    assert_eq!(reason(&outcomes), "invalid input value for enum loan_state: \"lost\"");
}

#[tokio::test]
async fn a_value_that_would_lose_digits() {
    let application = Application::new(LOANS).await;
    let outcomes = repair_nine(&application, LOAN_SPEC, &[Some("Paid"), Some("5.12345678")]).await;
    assert_eq!(reason(&outcomes), "column `balance` (numeric(20,7)) cannot hold `5.12345678` exactly");
}

#[tokio::test]
async fn a_value_that_is_out_of_range() {
    let application = Application::new(LOANS).await;
    let outcomes = repair_nine(&application, LOAN_SPEC, &[Some("Paid"), Some("170141183460469231731687303715.8841057")]).await;
    insta::assert_snapshot!(reason(&outcomes), @"numeric field overflow (A field with precision 20, scale 7 must round to an absolute value less than 10^13.)");
}

#[tokio::test]
async fn a_constraint() {
    let application = Application::new(&format!("{LOANS}; ALTER TABLE loans ADD CONSTRAINT positive CHECK (balance >= 0)")).await;
    let outcomes = repair_nine(&application, LOAN_SPEC, &[Some("Paid"), Some("-1")]).await;
    assert!(reason(&outcomes).starts_with("new row for relation \"loans\" violates check constraint \"positive\""), "{outcomes:?}");
}

#[tokio::test]
async fn a_deferred_constraint() {
    let application = Application::new(&format!("{LOANS}; CREATE TABLE balances (balance numeric(20, 7) PRIMARY KEY); INSERT INTO balances VALUES (20), (5); ALTER TABLE loans ADD FOREIGN KEY (balance) REFERENCES balances DEFERRABLE INITIALLY DEFERRED")).await;
    let outcomes = repair_nine(&application, LOAN_SPEC, &[Some("Paid"), Some("6")]).await;
    assert!(reason(&outcomes).contains("violates foreign key constraint"), "{outcomes:?}");
}

#[tokio::test]
async fn an_exception_of_a_trigger() {
    let application = Application::new(&format!(
        "{LOANS}; CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF new.balance = 6 THEN RAISE EXCEPTION 'six is not a balance'; END IF; RETURN new; END $$;
         CREATE TRIGGER no BEFORE UPDATE ON loans FOR EACH ROW EXECUTE FUNCTION no()"
    ))
    .await;
    let outcomes = repair_nine(&application, LOAN_SPEC, &[Some("Paid"), Some("6")]).await;
    assert_eq!(reason(&outcomes), "six is not a balance");
}

#[tokio::test]
async fn a_null_where_none_is_allowed() {
    let application = Application::new(LOANS).await;
    let outcomes = repair_nine(&application, LOAN_SPEC, &[Some("Paid"), None]).await;
    assert!(reason(&outcomes).contains("null value in column \"balance\""), "{outcomes:?}");
}

#[tokio::test]
async fn a_trigger_that_makes_another_value_of_it_is_noticed() {
    let application = Application::new(&format!(
        "{LOANS}; CREATE FUNCTION cap() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN new.balance = least(new.balance, 4); RETURN new; END $$;
         CREATE TRIGGER cap BEFORE UPDATE ON loans FOR EACH ROW EXECUTE FUNCTION cap(); INSERT INTO loans VALUES (1, 'active', 1)"
    ))
    .await;
    let kind = application.bind(LOAN_SPEC).await;
    let plan = application.plan(&kind, "1", &[Some("Active"), Some("5")]).await;
    let outcomes = application.repair(&kind, &[order(1, "1", plan)]).await;
    assert!(matches!(outcomes[0], RepairOutcome::Altered { .. }), "{outcomes:?}");
    assert_eq!(
        application
            .text("SELECT concat_ws(' ', altered, intended ->> 'balance', after ->> 'balance') FROM trueup.repairs")
            .await
            .as_deref(),
        Some("t 5 4.0000000")
    );
}

#[tokio::test]
async fn one_new_row_of_several() {
    let application = Application::new(&format!("{LOANS}; ALTER TABLE loans ADD UNIQUE (total)")).await;
    let kind = application.bind(LOAN_SPEC).await;
    let orders: Vec<_> = (1..=4_i64)
        .map(|n| {
            // The third would have the total of the second.
            let columns = [
                ("id", n.to_string()),
                ("status", "active".to_owned()),
                ("balance", "1".to_owned()),
                ("total", if n == 3 { 2 } else { n }.to_string()),
            ];
            let row: BTreeMap<_, _> = columns.into_iter().map(|(name, value)| (name.to_owned(), Some(value))).collect();
            insertion(n, &n.to_string(), row)
        })
        .collect();
    let outcomes = application.repair(&kind, &orders).await;
    let repaired: Vec<_> = outcomes.iter().map(|it| matches!(it, RepairOutcome::Repaired { .. })).collect();
    assert_eq!(repaired, [true, true, false, true], "{outcomes:?}");
    assert!(matches!(&outcomes[2], RepairOutcome::Refused { reason } if reason.contains("duplicate key value")), "{outcomes:?}");
}
