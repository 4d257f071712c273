//! A row gets its real key, and all that refers to it follows.

use trueup_database::{Compare, Kind, Order, RepairOutcome, RevertOutcome};
use trueup_judge::{
    Action, ChainKey, Durability, Judgement, Proof, Repair, Resolution, RowIdentity, Rules, Seen, Target, Withheld, judge_provisional,
};

use crate::application::{Application, order, stamp};
use crate::spec_text::{SpecText, spec};

const LOANS: &str = "CREATE TABLE loans (row int PRIMARY KEY, id text UNIQUE, status text, tx_hash text);
     CREATE TABLE payments (id int PRIMARY KEY, loan text REFERENCES loans (id), refinanced text REFERENCES loans (id), amount int);
     INSERT INTO loans VALUES (1, 'pending-1', 'open', NULL), (2, 'pending-2', 'open', NULL), (3, '3', 'open', NULL);
     INSERT INTO payments VALUES (10, 'pending-1', NULL, 5), (11, 'pending-1', 'pending-1', 6), (12, 'pending-2', NULL, 7), (13, '3', NULL, 8)";

fn loans() -> SpecText {
    spec("loans").compare("status", "text").table(
        "[provisional]\nwhen = \"id like 'pending-%'\"\ntransaction = \"tx_hash\"\nreferences = [\"payments.loan\", \"payments.refinanced\"]\n\
         [repair]\nprovisional_id = \"resolve\"",
    )
}

/// The order that gives a row a key.
async fn resolve(application: &Application, kind: &Kind, plan: i64, row: &str, key: &str) -> Order {
    let rows = [Compare { identity: RowIdentity(row.to_owned()), values: None }];
    let facts = kind.compare(&application.pools.read, &rows).await.unwrap().pop().expect("the row").1.unwrap().facts;
    assert!(facts.provisional, "{facts:?}");
    let key = ChainKey(key.to_owned());
    let target = Target { taken_by: None, parts: kind.key_parts(&key).unwrap(), seen: Some(Seen::Present(stamp())) };
    let resolution = Resolution::Found { key, proof: Proof::Transaction };
    let own = kind.provisional_rules().expect("rules");
    let Judgement { plan: body, .. } = judge_provisional(&facts, &resolution, &target, None, kind.rules(), own);
    order(plan, row, body.expect("a plan"))
}

fn repaired(outcome: &RepairOutcome) -> (i64, &str) {
    match outcome {
        RepairOutcome::Repaired { repair, identity } => (*repair, &identity.0),
        other => panic!("{other:?}"),
    }
}

fn refusal(outcome: &RepairOutcome) -> &str {
    match outcome {
        RepairOutcome::Refused { reason } => reason,
        other => panic!("{other:?}"),
    }
}

async fn payments(application: &Application) -> String {
    let sql = "SELECT string_agg(concat_ws(' ', id, loan, coalesce(refinanced, '-')), ', ' ORDER BY id) FROM payments";
    application.text(sql).await.unwrap()
}

#[tokio::test]
async fn a_key_and_all_that_refers_to_it_change_in_one_statement_with_their_audit() {
    let application = Application::new(LOANS).await;
    let kind = application.bind(loans()).await;
    assert_eq!((kind.warnings(), &kind.provisional_rules().unwrap().writable), (&[][..], &Ok(())));
    let orders = [resolve(&application, &kind, 1, "1", "7").await, resolve(&application, &kind, 2, "2", "8").await];
    let before = application.pools.statements.total();
    let outcomes = application.repair(&kind, &orders).await;
    assert_eq!(application.pools.statements.total() - before, 5, "constraints, savepoint, the statement, release, the second reading");
    let (repair, row) = repaired(&outcomes[0]);
    assert_eq!(row, "1");
    repaired(&outcomes[1]);
    assert_eq!(payments(&application).await, "10 7 -, 11 7 7, 12 8 -, 13 3 -");
    let audit = application
        .text(&format!("SELECT concat_ws(' | ', identity, chain_key, action, before, intended, after, altered, resolution) FROM trueup.repairs WHERE id = {repair}"))
        .await;
    insta::assert_snapshot!(audit.unwrap(), @r#"
    1 | 7 | resolve | {"id": "pending-1"} | {"id": "7"} | {"id": "7"} | f | {"from": "1", "proof": {"by": "transaction"}, "references": {"public.payments.loan": ["10", "11"], "public.payments.refinanced": ["11"]}}
    "#);
    assert_eq!(
        application
            .text("SELECT string_agg(concat_ws(' ', identity, chain_key), ', ' ORDER BY identity) FROM trueup.entities")
            .await
            .unwrap(),
        "1 7, 2 8"
    );
}

#[tokio::test]
async fn a_key_that_another_row_has_is_not_written_and_both_rows_are_named() {
    let application = Application::new(LOANS).await;
    let kind = application.bind(loans()).await;
    let orders = [resolve(&application, &kind, 1, "1", "3").await, resolve(&application, &kind, 2, "2", "8").await];
    let outcomes = application.repair(&kind, &orders).await;
    assert_eq!(refusal(&outcomes[0]), "row `3` has the key `3` already, which is that of row `1`");
    repaired(&outcomes[1]);
    assert_eq!(payments(&application).await, "10 pending-1 -, 11 pending-1 pending-1, 12 8 -, 13 3 -");
}

#[tokio::test]
async fn two_rows_never_get_one_key() {
    let application = Application::new(LOANS).await;
    let kind = application.bind(loans()).await;
    let orders = [resolve(&application, &kind, 1, "1", "7").await, resolve(&application, &kind, 2, "2", "7").await];
    let outcomes = application.repair(&kind, &orders).await;
    repaired(&outcomes[0]);
    assert_eq!(refusal(&outcomes[1]), "row `1` has the key `7` already, which is that of row `2`");
}

#[tokio::test]
async fn a_row_that_moved_keeps_its_made_up_key() {
    let application = Application::new(LOANS).await;
    let kind = application.bind(loans()).await;
    let order = resolve(&application, &kind, 1, "1", "7").await;
    application.run("UPDATE loans SET tx_hash = 'another' WHERE row = 1").await;
    assert_eq!(application.repair(&kind, &[order]).await, [RepairOutcome::Superseded]);
    assert_eq!(payments(&application).await, "10 pending-1 -, 11 pending-1 pending-1, 12 pending-2 -, 13 3 -");
}

/// Whoever adds a payment holds the loan that it refers to; whoever holds a payment may be about to change it.
#[tokio::test]
async fn a_row_that_someone_else_refers_to_at_this_moment_is_left_to_them() {
    let application = Application::new(LOANS).await;
    let kind = application.bind(loans()).await;
    for theirs in ["INSERT INTO payments VALUES (20, 'pending-1')", "UPDATE payments SET amount = 1 WHERE id = 11"] {
        let orders = [resolve(&application, &kind, 1, "1", "7").await];
        let mut tx = application.pools.write.begin().await.unwrap();
        sqlx::query(theirs).execute(&mut *tx).await.unwrap();
        assert_eq!(application.repair(&kind, &orders).await, [RepairOutcome::Superseded], "{theirs}");
        tx.rollback().await.unwrap();
    }
    let order = resolve(&application, &kind, 1, "1", "7").await;
    repaired(&application.repair(&kind, &[order]).await[0]);
}

#[tokio::test]
async fn every_sort_of_foreign_key_holds() {
    for on_update in ["", "ON UPDATE RESTRICT", "ON UPDATE CASCADE", "ON UPDATE SET NULL", "DEFERRABLE INITIALLY DEFERRED"] {
        let application = Application::new(&format!(
            "CREATE TABLE loans (row int PRIMARY KEY, id text UNIQUE, status text, tx_hash text);
             CREATE TABLE payments (id int PRIMARY KEY, loan text REFERENCES loans (id) {on_update});
             INSERT INTO loans VALUES (1, 'pending-1', 'open', NULL); INSERT INTO payments VALUES (10, 'pending-1'), (11, 'pending-1')"
        ))
        .await;
        let kind = application.bind(loans().to_string().replace(", \"payments.refinanced\"", "")).await;
        let order = resolve(&application, &kind, 1, "1", "7").await;
        repaired(&application.repair(&kind, &[order]).await[0]);
        assert_eq!(application.text("SELECT string_agg(loan, ' ') FROM payments").await.as_deref(), Some("7 7"), "{on_update}");
        assert_eq!(
            application.text("SELECT resolution -> 'references' ->> 'public.payments.loan' FROM trueup.repairs").await.as_deref(),
            Some("[\"10\", \"11\"]")
        );
    }
}

#[tokio::test]
async fn a_primary_key_that_changes_takes_what_is_remembered_with_it() {
    let application = Application::new(
        "CREATE TABLE positions (pool int, id text, shares int, tx_hash text, PRIMARY KEY (pool, id));
         CREATE TABLE notes (pool int, id text, n int, FOREIGN KEY (pool, id) REFERENCES positions ON UPDATE CASCADE);
         INSERT INTO positions VALUES (1, 'pending-1', 5, NULL); INSERT INTO notes VALUES (1, 'pending-1', 1)",
    )
    .await;
    let kind = application
        .bind(
            spec("positions")
                .key("[\"pool\", \"id\"]")
                .entry("[{ u32 = \"pool\" }, { u64 = \"id\" }]")
                .compare("shares", "numeric")
                .table("[provisional]\nwhen = \"id like 'pending-%'\"\ntransaction = \"tx_hash\"\n[repair]\nprovisional_id = \"resolve\""),
        )
        .await;
    assert_eq!(kind.warnings(), &[] as &[String]);
    application.run("INSERT INTO trueup.entities (kind, identity, floor_ledger) VALUES ('it', '[\"1\", \"pending-1\"]', 5)").await;
    let order = resolve(&application, &kind, 1, "[\"1\", \"pending-1\"]", "[\"2\", \"9\"]").await;
    let outcomes = application.repair(&kind, &[order]).await;
    let (repair, identity) = repaired(&outcomes[0]);
    assert_eq!(identity, "[\"2\", \"9\"]");
    assert_eq!(application.text("SELECT concat_ws(' ', pool, id) FROM notes").await.as_deref(), Some("2 9"));
    let known = application.text("SELECT string_agg(concat_ws(' ', identity, floor_ledger), ', ') FROM trueup.entities").await;
    assert_eq!(known.as_deref(), Some("[\"2\", \"9\"] 1000"));
    let from = application.text("SELECT resolution ->> 'from' FROM trueup.repairs").await;
    assert_eq!(from.as_deref(), Some("[\"1\", \"pending-1\"]"));

    let RevertOutcome::Reverted { held, .. } = revert(&application, &kind, repair).await else { panic!("refused") };
    assert_eq!(held, ["id", "pool"]);
    assert_eq!(application.text("SELECT concat_ws(' ', pool, id) FROM notes").await.as_deref(), Some("1 pending-1"));
    assert_eq!(
        application.text("SELECT string_agg(DISTINCT identity, ',') FROM trueup.holds").await.as_deref(),
        Some("[\"1\", \"pending-1\"]")
    );
}

#[tokio::test]
async fn a_trigger_that_keeps_a_reference_from_following_undoes_it_all() {
    let application = Application::new(&format!(
        "{} ; CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
         CREATE TRIGGER keep BEFORE UPDATE ON payments FOR EACH ROW WHEN (old.id = 11) EXECUTE FUNCTION keep()",
        LOANS.replace(" REFERENCES loans (id)", "")
    ))
    .await;
    let kind = application.bind(loans()).await;
    let orders = [resolve(&application, &kind, 1, "1", "7").await, resolve(&application, &kind, 2, "2", "8").await];
    let outcomes = application.repair(&kind, &orders).await;
    assert!(refusal(&outcomes[0]).starts_with("something in the database kept a row that refers to it"), "{outcomes:?}");
    repaired(&outcomes[1]);
    assert_eq!(payments(&application).await, "10 pending-1 -, 11 pending-1 pending-1, 12 8 -, 13 3 -");
    assert_eq!(application.text("SELECT count(*)::text FROM trueup.repairs").await.as_deref(), Some("1"));
}

#[tokio::test]
async fn a_trigger_that_makes_another_key_of_it_is_noticed() {
    let application = Application::new(&format!(
        "{LOANS}; CREATE FUNCTION upper_id() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN new.id := new.id || '!'; RETURN new; END $$;
         CREATE TRIGGER upper_id BEFORE UPDATE ON loans FOR EACH ROW EXECUTE FUNCTION upper_id()"
    ))
    .await;
    let kind = application.bind(loans()).await;
    let order = resolve(&application, &kind, 1, "1", "7").await;
    assert!(matches!(application.repair(&kind, &[order]).await[0], RepairOutcome::Altered { .. }));
    assert_eq!(payments(&application).await, "10 7! -, 11 7! 7!, 12 pending-2 -, 13 3 -");
}

#[tokio::test]
async fn a_reference_that_the_spec_does_not_name_keeps_the_row_as_it_is() {
    let application = Application::new(LOANS).await;
    let kind = application.bind(loans().to_string().replace(", \"payments.refinanced\"", "")).await;
    insta::assert_snapshot!(kind.warnings().join("\n"), @"it: public.payments.refinanced refers to the key and is not among `references`, so that a row with such references keeps its made-up key");
    let orders = [resolve(&application, &kind, 1, "1", "7").await, resolve(&application, &kind, 2, "2", "8").await];
    let outcomes = application.repair(&kind, &orders).await;
    assert!(refusal(&outcomes[0]).contains("violates foreign key constraint"), "{outcomes:?}");
    repaired(&outcomes[1]);
}

async fn bound(tables: &str, spec: &str) -> (String, Result<(), Withheld>) {
    let application = Application::new(tables).await;
    let kind = application.bind(spec).await;
    (kind.warnings().join("\n"), kind.provisional_rules().unwrap().writable)
}

#[tokio::test]
async fn what_stands_in_the_way_of_every_new_key_is_a_warning() {
    let one = loans().to_string().replace(", \"payments.refinanced\"", "");
    let loan = "CREATE TABLE loans (row int PRIMARY KEY, id text UNIQUE, parent text, status text, tx_hash text);";
    for (payments, spec) in [
        (
            "CREATE TABLE payments (id int PRIMARY KEY, loan text REFERENCES loans (id) ON UPDATE CASCADE)",
            one.replace("\"payments.loan\"", ""),
        ),
        (
            "CREATE TABLE payments (id int PRIMARY KEY, loan text REFERENCES loans (id) ON UPDATE SET NULL)",
            one.replace("\"payments.loan\"", ""),
        ),
        ("CREATE TABLE payments (id int, loan text)", one.clone()),
        ("CREATE VIEW payments AS SELECT 1 AS id, id AS loan FROM loans", one.clone()),
        ("CREATE TABLE payments (id int PRIMARY KEY, a text, loan text GENERATED ALWAYS AS (a) STORED)", one.clone()),
        ("SELECT 1", one.replace("payments.loan", "loans.parent")),
    ] {
        let (warning, writable) = bound(&format!("{loan} {payments}"), &spec).await;
        assert_eq!(writable, Err(Withheld::NotWritable), "{payments}");
        assert!(warning.ends_with("so that no row gets its real key"), "{warning}");
    }
}

#[tokio::test]
async fn more_references_than_a_statement_should_rewrite_are_refused() {
    let application = Application::new(LOANS).await;
    application.run("INSERT INTO payments SELECT n, 'pending-1' FROM generate_series(100, 10100) AS n").await;
    let kind = application.bind(loans()).await;
    let order = resolve(&application, &kind, 1, "1", "7").await;
    let outcomes = application.repair(&kind, &[order]).await;
    assert_eq!(refusal(&outcomes[0]), "10003 rows refer to it; at most 10000 are rewritten in one statement");
}

async fn revert(application: &Application, kind: &Kind, repair: i64) -> RevertOutcome {
    let mut tx = application.pools.write.begin().await.unwrap();
    let outcome = kind.revert(&mut tx, repair, "ada", Some("another loan")).await.unwrap();
    tx.commit().await.unwrap();
    outcome
}

#[tokio::test]
async fn a_revert_takes_the_key_away_with_all_references_and_holds_it() {
    let application = Application::new(LOANS).await;
    let kind = application.bind(loans()).await;
    let order = resolve(&application, &kind, 1, "1", "7").await;
    let outcomes = application.repair(&kind, &[order]).await;
    let (repair, _) = repaired(&outcomes[0]);
    let RevertOutcome::Reverted { held, .. } = revert(&application, &kind, repair).await else { panic!("refused") };
    assert_eq!(held, ["id"]);
    assert_eq!(payments(&application).await, "10 pending-1 -, 11 pending-1 pending-1, 12 pending-2 -, 13 3 -");
    let again = resolve(&application, &kind, 2, "1", "7").await;
    assert_eq!(again.body.action, Action::Report { why: Withheld::Held });
}

#[tokio::test]
async fn a_revert_is_refused_where_something_has_moved_on() {
    for change in [
        "UPDATE payments SET loan = '3' WHERE id = 10",
        "INSERT INTO payments VALUES (20, '7')",
        "DELETE FROM payments WHERE id = 10",
        "UPDATE loans SET id = '9' WHERE row = 2; UPDATE payments SET loan = '9' WHERE loan = '7'; UPDATE payments SET refinanced = '9' WHERE refinanced = '7'; UPDATE loans SET id = 'x' WHERE row = 1",
    ] {
        let application = Application::new(&LOANS.replace("'pending-2', NULL, 7", "NULL, NULL, 7")).await;
        let kind = application.bind(loans()).await;
        let order = resolve(&application, &kind, 1, "1", "7").await;
        let outcomes = application.repair(&kind, &[order]).await;
        let (repair, _) = repaired(&outcomes[0]);
        application.run(change).await;
        let before = payments(&application).await;
        let RevertOutcome::Refused { why } = revert(&application, &kind, repair).await else { panic!("reverted: {change}") };
        assert!(why.contains("has moved on"), "{why}");
        assert_eq!(payments(&application).await, before);
    }
}

#[tokio::test]
async fn rules_say_what_the_labels_of_a_failed_creation_are() {
    let application = Application::new(LOANS).await;
    let text = loans().to_string().replace("references", "failed = { status = \"failed\" }\nreferences");
    let kind = application.bind(text).await;
    let own = kind.provisional_rules().unwrap();
    assert_eq!(own.failed.get("status").map(String::as_str), Some("failed"));
    let Rules { durability, repair, .. } = kind.rules();
    assert_eq!((durability, repair.get(&trueup_judge::Class::ProvisionalId)), (&Durability::Persistent, Some(&Repair::Resolve)));
}
