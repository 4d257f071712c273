//! What something in the database makes of a repair is not fought over: it is written once, and again only when
//! something has changed.

use crate::program::Program;
use crate::support::{Deployment, Finished};
use stellar_xdr::{LedgerEntryData, Limits, ReadXdr};
use trueup::Mode;

/// Loan 2, which is pending on chain, stays active whatever anybody writes.
const KEEPS_STATUS: &str = "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN new.status := 'active'; RETURN new; END $$;
    UPDATE loans SET status = 'active' WHERE loan_id = '2';
    CREATE TRIGGER keep BEFORE UPDATE ON loans FOR EACH ROW WHEN (old.loan_id = '2') EXECUTE FUNCTION keep()";

async fn repairs(deployment: &Deployment) -> i64 {
    deployment.value("SELECT count(*) FROM trueup.repairs").await
}

async fn trueup(deployment: &Deployment, arguments: &[&str]) -> String {
    Program::start(&deployment.config, arguments).end().await.expect_code(0).stdout.clone()
}

/// The one drift that is left, with what is said of it.
fn left(run: &Finished) -> (&str, Option<&str>, &str) {
    let [drift] = run.drifts.as_slice() else { panic!("{:?}", run.drifts) };
    assert_eq!(run.document.left(), 1);
    (drift.field.as_str(), drift.withheld.as_deref(), drift.detail.as_deref().unwrap_or_default())
}

#[tokio::test]
async fn a_repair_that_a_trigger_altered_is_made_again_only_when_row_or_entry_has_changed() {
    let deployment = Deployment::with_loans(3).await;
    deployment.sql(KEEPS_STATUS).await;
    let first = deployment.run(Mode::Repair).await;
    assert_eq!((first.document.kinds["loan"].repairs["altered"], repairs(&deployment).await), (1, 1));

    let second = deployment.run(Mode::Repair).await;
    let (field, withheld, detail) = left(&second);
    assert_eq!((field, withheld), ("status", Some("altered")));
    assert!(detail.contains("perhaps its trigger keep") && detail.contains("trueup repairs release 1"), "{detail}");
    assert_eq!((second.drifts[0].action.as_str(), repairs(&deployment).await), ("report", 1));

    deployment.sql("ALTER TABLE loans DISABLE TRIGGER keep; UPDATE loans SET status = 'paid' WHERE loan_id = '2'; ALTER TABLE loans ENABLE TRIGGER keep").await;
    deployment.run(Mode::Repair).await;
    assert_eq!(repairs(&deployment).await, 2, "the row has changed");
    assert_eq!(left(&deployment.run(Mode::Repair).await).1, Some("altered"));

    let entry = deployment.devnet.entry(&deployment.loan_key(2)).expect("the loan");
    let data = LedgerEntryData::from_xdr(&entry.data, Limits::none()).expect("an entry");
    deployment.devnet.put_entry(&data, entry.live_until);
    deployment.run(Mode::Repair).await;
    assert_eq!(repairs(&deployment).await, 3, "the entry was written again");
    assert_eq!(left(&deployment.run(Mode::Repair).await).1, Some("altered"));
    assert_eq!(repairs(&deployment).await, 3);

    deployment.sql("DROP TRIGGER keep ON loans").await;
    assert_eq!(left(&deployment.run(Mode::Repair).await).1, Some("altered"), "nobody knows that it is mended");
    assert!(trueup(&deployment, &["repairs", "release", "3"]).await.contains("released: status"));
    let mended = deployment.run(Mode::Repair).await;
    assert_eq!((mended.document.kinds["loan"].repairs["repaired"], mended.document.left()), (1, 0));
    assert!(deployment.run(Mode::Repair).await.drifts.is_empty());
}

#[tokio::test]
async fn an_altered_repair_that_was_reverted_and_released_is_made_again() {
    let deployment = Deployment::with_loans(3).await;
    deployment.sql("UPDATE loans SET status = 'active' WHERE loan_id = '2'").await;
    deployment
        .sql(
            "CREATE FUNCTION worse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN new.status := 'defaulted'; RETURN new; END $$;
             CREATE TRIGGER worse BEFORE UPDATE ON loans FOR EACH ROW WHEN (old.status = 'active') EXECUTE FUNCTION worse()",
        )
        .await;
    deployment.run(Mode::Repair).await;
    assert_eq!(left(&deployment.run(Mode::Repair).await).1, Some("altered"));
    trueup(&deployment, &["repairs", "revert", "1", "--reason", "the trigger was wrong"]).await;
    assert_eq!(left(&deployment.run(Mode::Repair).await).1, Some("held"), "a revert is held as ever");
    deployment.sql("DROP TRIGGER worse ON loans").await;
    assert!(trueup(&deployment, &["repairs", "release", "--run", "1"]).await.contains("1 column(s) released"));
    let mended = deployment.run(Mode::Repair).await;
    assert_eq!((mended.document.kinds["loan"].repairs["repaired"], mended.document.left()), (1, 0));
}

#[tokio::test]
async fn a_row_that_a_trigger_does_not_let_in_is_not_inserted_by_every_run() {
    let deployment = Deployment::with_loans(3).await;
    deployment
        .sql(
            "DELETE FROM loans WHERE loan_id = '2';
             CREATE FUNCTION turn_away() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN DELETE FROM loans WHERE id = new.id; RETURN NULL; END $$;
             CREATE TRIGGER turn_away AFTER INSERT ON loans FOR EACH ROW EXECUTE FUNCTION turn_away()",
        )
        .await;
    let first = deployment.run(Mode::Repair).await;
    assert_eq!(first.document.kinds["loan"].repairs["altered"], 1);
    let second = deployment.run(Mode::Repair).await;
    assert_eq!((left(&second).1, repairs(&deployment).await), (Some("altered"), 1));
    deployment.sql("DROP TRIGGER turn_away ON loans").await;
    trueup(&deployment, &["repairs", "release", "1"]).await;
    let mended = deployment.run(Mode::Repair).await;
    assert_eq!((mended.document.kinds["loan"].repairs["repaired"], mended.document.left()), (1, 0));
}

/// Each write moves another judged column too, which must not pass for a change that somebody made.
#[tokio::test]
async fn two_fields_that_a_trigger_alters_do_not_let_each_other_go() {
    let deployment = Deployment::with_loans(3).await;
    deployment
        .sql(
            "UPDATE loans SET status = 'active' WHERE loan_id = '2';
             CREATE FUNCTION move_both() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
               new.status := 'active'; new.balance := old.balance + 1; RETURN new; END $$;
             CREATE TRIGGER move_both BEFORE UPDATE ON loans FOR EACH ROW EXECUTE FUNCTION move_both()",
        )
        .await;
    for _ in 0..2 {
        deployment.run(Mode::Repair).await;
    }
    assert_eq!(repairs(&deployment).await, 2, "the status, then the balance that this moved");
    for _ in 0..2 {
        let run = deployment.run(Mode::Repair).await;
        assert!(run.drifts.iter().all(|drift| drift.withheld.as_deref() == Some("altered")), "{:?}", run.drifts);
        assert_eq!(run.drifts.len(), 2);
    }
    assert_eq!(repairs(&deployment).await, 2);
}
