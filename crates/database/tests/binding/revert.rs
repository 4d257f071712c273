use trueup_database::{Kind, RepairOutcome, RevertOutcome, release};
use trueup_judge::{Action, Withheld};

use crate::application::{Application, LOAN_SPEC, LOANS, insertion, order};

/// A loan of 20 that was repaired to 5.
async fn repaired() -> (Application, Kind, i64) {
    let application = Application::new(LOANS).await;
    application.run("INSERT INTO loans VALUES (1, 'active', 20)").await;
    let kind = application.bind(LOAN_SPEC).await;
    let plan = application.plan(&kind, "1", &[Some("Active"), Some("5")]).await;
    match application.repair(&kind, &[order(1, "1", plan)]).await.remove(0) {
        RepairOutcome::Repaired { repair, .. } => (application, kind, repair),
        other => panic!("{other:?}"),
    }
}

async fn revert(application: &Application, kind: &Kind, repair: i64) -> RevertOutcome {
    let mut tx = application.pools.write.begin().await.unwrap();
    let outcome = kind.revert(&mut tx, repair, "ada", Some("the loan was forgiven")).await.unwrap();
    tx.commit().await.unwrap();
    outcome
}

fn refusal(outcome: &RevertOutcome) -> &str {
    match outcome {
        RevertOutcome::Refused { why } => why,
        RevertOutcome::Reverted { .. } => panic!("reverted"),
    }
}

#[tokio::test]
async fn a_revert_sets_back_and_holds_what_it_set_back() {
    let (application, kind, repair) = repaired().await;
    let RevertOutcome::Reverted { repair: own, held } = revert(&application, &kind, repair).await else { panic!("refused") };
    assert_eq!(held, ["balance"]);
    assert_eq!(application.text("SELECT balance::int::text FROM loans").await.as_deref(), Some("20"));
    let audit = application
        .text("SELECT concat_ws(' ', action, reverts, before, after, actor, reason) FROM trueup.repairs ORDER BY id DESC LIMIT 1")
        .await;
    assert_eq!(
        audit,
        Some(format!("revert {repair} {{\"balance\": \"5.0000000\"}} {{\"balance\": \"20.0000000\"}} ada the loan was forgiven"))
    );

    let plan = application.plan(&kind, "1", &[Some("Active"), Some("5")]).await;
    assert_eq!(plan.action, Action::Report { why: Withheld::Held });
    let mut conn = application.pools.write.acquire().await.unwrap();
    assert_eq!(release(&mut conn, repair).await.unwrap(), ["balance"]);
    assert!(release(&mut conn, own).await.unwrap().is_empty());
    let plan = application.plan(&kind, "1", &[Some("Active"), Some("5")]).await;
    assert!(matches!(plan.action, Action::Update { .. }));
}

#[tokio::test]
async fn a_row_that_moved_on_is_not_set_back() {
    let (application, kind, repair) = repaired().await;
    application.run("UPDATE loans SET balance = 6").await;
    insta::assert_snapshot!(refusal(&revert(&application, &kind, repair).await), @"the row has moved on: what repair 1 wrote is no longer there, so there is nothing to set back");
    assert_eq!(application.text("SELECT balance::int::text FROM loans").await.as_deref(), Some("6"));
    assert_eq!(application.text("SELECT count(*)::text FROM trueup.holds").await.as_deref(), Some("0"));
}

#[tokio::test]
async fn a_repair_is_reverted_once_and_a_revert_never() {
    let (application, kind, repair) = repaired().await;
    let RevertOutcome::Reverted { repair: own, .. } = revert(&application, &kind, repair).await else { panic!("refused") };
    assert!(refusal(&revert(&application, &kind, repair).await).contains("was reverted before"));
    assert!(refusal(&revert(&application, &kind, own).await).contains("is itself a revert"));
    assert_eq!(refusal(&revert(&application, &kind, 99).await), "there is no repair 99");
}

#[tokio::test]
async fn an_inserted_row_is_not_deleted() {
    let application = Application::new(LOANS).await;
    let kind = application.bind(LOAN_SPEC).await;
    let row = [("id", "1"), ("status", "active"), ("balance", "1")].map(|(name, value)| (name.to_owned(), Some(value.to_owned()))).into();
    let outcomes = application.repair(&kind, &[insertion(1, "1", row)]).await;
    let RepairOutcome::Repaired { repair, .. } = outcomes[0] else { panic!("{outcomes:?}") };
    insta::assert_snapshot!(refusal(&revert(&application, &kind, repair).await), @"repair 1 inserted the row, and a row is never deleted; delete it by hand if it must go");
    assert_eq!(application.text("SELECT count(*)::text FROM loans").await.as_deref(), Some("1"));
}
