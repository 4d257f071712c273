use std::collections::BTreeMap;

use trueup_database::{Order, RepairOutcome};
use trueup_judge::{Action, ChainKey, RowIdentity, Stamp};

use crate::application::{Application, LEDGER, LOAN_SPEC, LOANS, insertion, order, stamp};

fn repaired(outcome: &RepairOutcome) -> i64 {
    match outcome {
        RepairOutcome::Repaired { repair, .. } => *repair,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_repair_and_its_audit_are_one_write() {
    let application = Application::new(LOANS).await;
    application.run("INSERT INTO loans VALUES (1, 'active', 20)").await;
    let kind = application.bind(LOAN_SPEC).await;
    let plan = application.plan(&kind, "1", &[Some("Paid"), Some("0")]).await;

    let mut tx = application.pools.write.begin().await.unwrap();
    let outcomes = kind.repair(&mut tx, &[order(1, "1", plan.clone())]).await.unwrap();
    repaired(&outcomes[0]);
    tx.rollback().await.unwrap();
    assert_eq!(application.text("SELECT status || ' ' || balance FROM loans").await.as_deref(), Some("active 20.0000000"));
    assert_eq!(application.text("SELECT count(*)::text FROM trueup.repairs").await.as_deref(), Some("0"));

    let outcomes = application.repair(&kind, &[order(1, "1", plan)]).await;
    repaired(&outcomes[0]);
    assert_eq!(application.text("SELECT status || ' ' || balance FROM loans").await.as_deref(), Some("completed 0.0000000"));
    let audit = application
        .text(
            "SELECT concat_ws(' | ', run, plan, job, lease, kind, table_name, identity, chain_key, action, before, intended, after, altered,
                              judged ->> 'total', jsonb_array_length(drifts), chain_entry, stamp ->> 'ledger', trace, actor) FROM trueup.repairs",
        )
        .await;
    insta::assert_snapshot!(audit.unwrap(), @r#"
    1 | 1 | 11 | 7 | loan | public.loans | 1 | 1 | update | {"status": "active", "balance": "20.0000000"} | {"status": "completed", "balance": "0"} | {"status": "completed", "balance": "0.0000000"} | f | 100.0000000 | 2 | AAAA | 1000 | 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 | test
    "#);
    assert_eq!(application.text("SELECT floor_ledger::text FROM trueup.entities").await, Some(LEDGER.to_string()));
}

#[tokio::test]
async fn a_plan_takes_effect_once() {
    let application = Application::new(LOANS).await;
    application.run("INSERT INTO loans VALUES (1, 'active', 20)").await;
    let kind = application.bind(LOAN_SPEC).await;
    let plan = application.plan(&kind, "1", &[Some("Active"), Some("5")]).await;
    let repair = repaired(&application.repair(&kind, &[order(1, "1", plan.clone())]).await[0]);
    application.run("UPDATE loans SET balance = 20").await;
    assert_eq!(application.repair(&kind, &[order(1, "1", plan)]).await, [RepairOutcome::AlreadyDone { repair }]);
    assert_eq!(application.text("SELECT balance::int::text FROM loans").await.as_deref(), Some("20"));
}

#[tokio::test]
async fn a_row_that_is_no_longer_what_was_judged_is_left_alone() {
    let application = Application::new(LOANS).await;
    application.run("INSERT INTO loans VALUES (1, 'active', 20), (2, 'active', 20), (3, 'active', 20)").await;
    let kind = application.bind(LOAN_SPEC).await;
    let mut orders = Vec::new();
    for row in 1..=3 {
        let plan = application.plan(&kind, &row.to_string(), &[Some("Active"), Some("5")]).await;
        orders.push(order(row, &row.to_string(), plan));
    }
    // An input of the condition, and the row itself.
    application.run("UPDATE loans SET total = 99 WHERE id = 1; DELETE FROM loans WHERE id = 2").await;
    let outcomes = application.repair(&kind, &orders).await;
    assert_eq!(outcomes[..2], [RepairOutcome::Superseded, RepairOutcome::Superseded]);
    repaired(&outcomes[2]);
    assert_eq!(application.text("SELECT count(*)::text FROM trueup.repairs").await.as_deref(), Some("1"));
}

#[tokio::test]
async fn a_row_that_someone_else_holds_is_left_to_them_and_its_neighbours_do_not_wait() {
    let application = Application::new(LOANS).await;
    application.run("INSERT INTO loans VALUES (1, 'active', 20), (2, 'active', 20)").await;
    let kind = application.bind(LOAN_SPEC).await;
    let mut orders = Vec::new();
    for row in [1, 2] {
        let plan = application.plan(&kind, &row.to_string(), &[Some("Active"), Some("5")]).await;
        orders.push(order(row, &row.to_string(), plan));
    }
    let mut theirs = application.pools.write.begin().await.unwrap();
    sqlx::query("UPDATE loans SET balance = 7 WHERE id = 1").execute(&mut *theirs).await.unwrap();
    let outcomes = application.repair(&kind, &orders).await;
    theirs.commit().await.unwrap();
    assert_eq!(outcomes[0], RepairOutcome::Superseded);
    repaired(&outcomes[1]);
    assert_eq!(application.text("SELECT string_agg(balance::int::text, ' ' ORDER BY id) FROM loans").await.as_deref(), Some("7 5"));
}

/// A lagging endpoint cannot undo what a newer answer repaired.
#[tokio::test]
async fn an_observation_older_than_the_last_repair_is_refused() {
    let application = Application::new(LOANS).await;
    application.run("INSERT INTO loans VALUES (1, 'active', 20)").await;
    let kind = application.bind(LOAN_SPEC).await;
    let plan = application.plan(&kind, "1", &[Some("Active"), Some("5")]).await;
    repaired(&application.repair(&kind, &[order(1, "1", plan)]).await[0]);
    let mut stale = application.plan(&kind, "1", &[Some("Active"), Some("20")]).await;
    stale.stamp = Some(Stamp { ledger: LEDGER - 1, ..stamp() });
    assert_eq!(application.repair(&kind, &[order(2, "1", stale.clone())]).await, [RepairOutcome::BehindFloor { floor: i64::from(LEDGER) }]);
    stale.stamp = Some(Stamp { ledger: LEDGER, ..stamp() });
    repaired(&application.repair(&kind, &[order(2, "1", stale)]).await[0]);
}

/// The row that was inserted is gone, and with it its identity: its key is remembered.
#[tokio::test]
async fn an_observation_older_than_what_was_applied_to_its_key_inserts_nothing() {
    let application =
        Application::new("CREATE TABLE loans (row bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id bigint UNIQUE NOT NULL, status text, balance numeric, total numeric)").await;
    let kind = application.bind(LOAN_SPEC).await;
    let new_row = |balance| row(&[("id", Some("3")), ("status", Some("active")), ("balance", Some(balance))]);
    repaired(&application.repair(&kind, &[insertion(1, "3", new_row("5"))]).await[0]);
    application.run("DELETE FROM loans").await;
    let mut stale = insertion(2, "3", new_row("20"));
    stale.body.stamp = Some(Stamp { ledger: LEDGER - 1, ..stamp() });
    let beside = insertion(3, "4", row(&[("id", Some("4")), ("status", Some("active")), ("balance", Some("1"))]));
    let outcomes = application.repair(&kind, &[stale, beside]).await;
    assert_eq!(outcomes[0], RepairOutcome::BehindFloor { floor: i64::from(LEDGER) });
    repaired(&outcomes[1]);
    repaired(&application.repair(&kind, &[insertion(4, "3", new_row("5"))]).await[0]);
}

#[tokio::test]
async fn what_was_applied_to_a_row_or_to_its_key_comes_with_its_place_on_chain() {
    let application = Application::new(LOANS).await;
    application.run("INSERT INTO loans VALUES (1, 'active', 20), (2, 'active', 20)").await;
    let kind = application.bind(LOAN_SPEC).await;
    let plan = application.plan(&kind, "1", &[Some("Active"), Some("5")]).await;
    repaired(&application.repair(&kind, &[order(1, "1", plan)]).await[0]);
    let floor = Some(i64::from(LEDGER));
    assert_eq!(application.locate(&kind, "1").await.unwrap().floor, floor);
    assert_eq!(application.locate(&kind, "2").await.unwrap().floor, None);
    let keys = ["1", "2"].map(|key| ChainKey(key.to_owned()));
    let located = kind.locate_keys(&application.pools.read, &keys).await.unwrap();
    let floors: Vec<_> = located.into_iter().map(|(key, it)| (key.0, it.unwrap().floor)).collect();
    assert_eq!(floors, [("1".to_owned(), floor), ("2".to_owned(), None)]);
}

#[tokio::test]
async fn rows_that_write_different_columns_go_together() {
    let application = Application::new(LOANS).await;
    application.run("INSERT INTO loans SELECT n, 'active', 20 FROM generate_series(1, 30) AS n").await;
    let kind = application.bind(LOAN_SPEC).await;
    let mut orders = Vec::new();
    for row in 1..=30 {
        let values = if row % 2 == 0 { [Some("Paid"), Some("20")] } else { [Some("Active"), Some("5")] };
        let plan = application.plan(&kind, &row.to_string(), &values).await;
        orders.push(order(row, &row.to_string(), plan));
    }
    let before = application.pools.statements.total();
    let outcomes = application.repair(&kind, &orders).await;
    let identities: Vec<_> =
        outcomes.iter().map(|it| matches!(it, RepairOutcome::Repaired { identity, .. } if !identity.0.is_empty())).collect();
    assert_eq!(identities, [true; 30]);
    let statements = application.pools.statements.total() - before;
    assert!(statements <= 9, "{statements} statements for two sets of columns");
    assert_eq!(
        application
            .text("SELECT count(*) FILTER (WHERE status = 'completed') || ' ' || count(*) FILTER (WHERE balance = 5) FROM loans")
            .await
            .as_deref(),
        Some("15 15")
    );
}

fn row(columns: &[(&str, Option<&str>)]) -> BTreeMap<String, Option<String>> {
    columns.iter().map(|(name, value)| ((*name).to_owned(), value.map(str::to_owned))).collect()
}

#[tokio::test]
async fn a_missing_row_is_computed_by_sql_and_inserted() {
    let application = Application::new(
        "CREATE TABLE loans (id bigint PRIMARY KEY, status text NOT NULL, balance numeric(20, 7) NOT NULL, label text NOT NULL, total numeric NOT NULL DEFAULT 100,
                             seen timestamptz NOT NULL, twice numeric GENERATED ALWAYS AS (balance * 2) STORED)",
    )
    .await;
    let spec = format!("{}\n[insert]\nlabel = \"'loan ' || key.id\"\nseen = \"'2026-01-01'\"\n", LOAN_SPEC);
    let kind = application.bind(&spec).await;
    assert!(kind.rules().insert_complete, "{:?}", kind.warnings());
    let key = ChainKey("12".to_owned());
    let values = vec![Some("Active".to_owned()), Some("5.5".to_owned())];
    let rows = kind.new_rows(&application.pools.read, &[(key, values)]).await.unwrap();
    let new = rows[0].1.clone().unwrap();
    assert_eq!(new.withheld, None);
    assert_eq!(
        new.row,
        row(&[
            ("id", Some("12")),
            ("status", Some("active")),
            ("balance", Some("5.5")),
            ("label", Some("loan 12")),
            ("seen", Some("2026-01-01"))
        ])
    );
    let outcomes = application.repair(&kind, &[insertion(1, "12", new.row.clone())]).await;
    repaired(&outcomes[0]);
    assert_eq!(
        application.text("SELECT concat_ws(' ', id, status, balance, label, total, twice) FROM loans").await.as_deref(),
        Some("12 active 5.5000000 loan 12 100 11.0000000")
    );
    assert_eq!(
        application
            .text("SELECT concat_ws(' ', action, identity, chain_key, before, after ->> 'label') FROM trueup.repairs")
            .await
            .as_deref(),
        Some("insert 12 12 {} loan 12")
    );
    assert_eq!(application.text("SELECT floor_ledger::text FROM trueup.entities WHERE identity = '12'").await, Some(LEDGER.to_string()));
    // Someone else was first.
    assert_eq!(application.repair(&kind, &[insertion(2, "12", new.row)]).await, [RepairOutcome::Superseded]);
}

#[tokio::test]
async fn a_label_without_a_counterpart_keeps_a_row_from_being_inserted() {
    let application = Application::new(LOANS).await;
    let kind = application.bind(LOAN_SPEC).await;
    let key = ChainKey("1".to_owned());
    let rows = kind.new_rows(&application.pools.read, &[(key, vec![Some("Frozen".to_owned()), Some("1".to_owned())])]).await.unwrap();
    assert!(rows[0].1.as_ref().unwrap().withheld.is_some());
}

#[tokio::test]
async fn an_inserted_row_may_get_its_identity_from_the_database() {
    let application = Application::new("CREATE TABLE loans (row bigint GENERATED ALWAYS AS IDENTITY (START 40) PRIMARY KEY, id bigint UNIQUE NOT NULL, status text, balance numeric, total numeric)").await;
    let kind = application.bind(LOAN_SPEC).await;
    assert!(kind.rules().insert_complete);
    let orders: Vec<Order> = (1..=3)
        .map(|n: i64| {
            insertion(n, &n.to_string(), row(&[("id", Some(&n.to_string())), ("status", Some("active")), ("balance", Some("1"))]))
        })
        .collect();
    let outcomes = application.repair(&kind, &orders).await;
    let identities: Vec<_> = outcomes
        .iter()
        .map(|it| match it {
            RepairOutcome::Repaired { identity, .. } => identity.clone(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(identities, ["40", "41", "42"].map(|it| RowIdentity(it.to_owned())));
}

#[tokio::test]
async fn what_a_new_row_lacks_is_a_warning() {
    let application =
        Application::new("CREATE TABLE loans (id bigint PRIMARY KEY, status text, balance numeric, total numeric, owner text NOT NULL)")
            .await;
    let kind = application.bind(LOAN_SPEC).await;
    assert!(!kind.rules().insert_complete);
    insta::assert_snapshot!(kind.warnings().join("\n"), @"loan: [insert] does not say what `owner` should be, which may not be NULL and has no default, so missing rows are reported and not inserted");
}

#[tokio::test]
async fn a_plan_for_a_column_that_is_gone_is_refused() {
    let application = Application::new(LOANS).await;
    application.run("INSERT INTO loans VALUES (1, 'active', 20)").await;
    let kind = application.bind(LOAN_SPEC).await;
    let mut plan = application.plan(&kind, "1", &[Some("Active"), Some("5")]).await;
    plan.action = Action::Update { set: row(&[("gone", Some("1"))]) };
    let outcomes = application.repair(&kind, &[order(1, "1", plan)]).await;
    assert_eq!(outcomes, [RepairOutcome::Refused { reason: "public.loans has no column `gone` any more".to_owned() }]);
}

/// Without them a write could not tell whether the row is still the one that was judged.
#[tokio::test]
async fn a_plan_that_does_not_say_what_was_judged_is_refused() {
    let application = Application::new(LOANS).await;
    application.run("INSERT INTO loans VALUES (1, 'active', 20)").await;
    let kind = application.bind(LOAN_SPEC).await;
    let mut plan = application.plan(&kind, "1", &[Some("Active"), Some("5")]).await;
    plan.judged.remove("balance");
    let outcomes = application.repair(&kind, &[order(1, "1", plan)]).await;
    assert!(matches!(outcomes[0], RepairOutcome::Refused { .. }), "{outcomes:?}");
    assert_eq!(application.text("SELECT balance::int::text FROM loans").await.as_deref(), Some("20"));
}

/// Two processes that both believe that the job is theirs.
#[tokio::test]
async fn a_plan_that_two_execute_at_once_takes_effect_once() {
    let application = Application::new(LOANS).await;
    application.run("INSERT INTO loans VALUES (1, 'active', 20)").await;
    let kind = application.bind(LOAN_SPEC).await;
    let plan = application.plan(&kind, "1", &[Some("Active"), Some("5")]).await;
    let new = row(&[("id", Some("2")), ("status", Some("active")), ("balance", Some("1"))]);
    let orders = [order(1, "1", plan), insertion(2, "2", new)];
    let (one, other) = tokio::join!(application.repair(&kind, &orders), application.repair(&kind, &orders));
    for (one, other) in one.iter().zip(&other) {
        let effects = [one, other].into_iter().filter(|it| matches!(it, RepairOutcome::Repaired { .. })).count();
        assert_eq!(effects, 1, "{one:?}, {other:?}");
    }
    assert_eq!(application.text("SELECT count(*)::text FROM trueup.repairs").await.as_deref(), Some("2"));
}
