//! The row's own creating transaction says which key is its.

use trueup::Mode;

use crate::provisional::world::{BY_EVENT, BY_TRANSACTION, World, of_row};

#[tokio::test]
async fn a_transaction_that_succeeded_gives_the_row_its_key_and_its_payments_follow() {
    for provisional in [BY_TRANSACTION, BY_EVENT] {
        let mut world = World::new(3, provisional).await;
        let borrower = world.account();
        let created = world.create(&borrower, 40);
        // Another amount than the chain's: proof is proof, and the next sweep finds the difference.
        let row = world.row("a", &borrower, 41, world.now(), Some(&created.hash), None).await;
        let detected = world.run(Mode::Detect).await;
        assert_eq!(of_row(&detected, &row), ["provisional_id - 4"]);
        assert_eq!((detected.drifts.len(), detected.drifts[0].action.as_str()), (1, "resolve"), "the missing row is the same drift");
        assert_eq!(detected.document.kinds["loan"].not_judged["skipped:claimed"], 1);
        assert_eq!(world.key(&row).await, "pending-a 1", "detect writes nothing");

        let repaired = world.run(Mode::Repair).await;
        assert_eq!(repaired.document.kinds["loan"].repairs["repaired"], 1);
        assert_eq!((repaired.drifts.len(), repaired.document.left()), (1, 0));
        assert_eq!(world.key(&row).await, "4 1");
        let audit: String = world
            .deployment
            .value("SELECT concat_ws(' ', action, before, after, identity, chain_key, chain_entry IS NOT NULL, (stamp ->> 'ledger')::int > 0, resolution #> '{references,public.payments.loan_id}') FROM trueup.repairs")
            .await;
        assert_eq!(audit, format!("resolve {{\"loan_id\": \"pending-a\"}} {{\"loan_id\": \"4\"}} {row} 4 t t [\"1\"]"));

        let next = world.run(Mode::Repair).await;
        assert_eq!(next.found(), [format!("stale_value amount {row}"), format!("stale_value balance {row}")]);
        assert_eq!(world.run(Mode::Detect).await.found(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn every_state_of_the_creation_is_a_reason_of_its_own() {
    let mut world = World::new(1, BY_TRANSACTION).await;
    let borrower = world.account();
    let failed = world.create(&borrower, -1);
    let stray = world.deployment.devnet.account(1).expect("funded");
    let other = world
        .deployment
        .devnet
        .invoke(&stray, &world.deployment.contracts.reputation, "nothing", Vec::new())
        .expect("a transaction that fails");
    let (waiting, late) = (world.account(), world.account());
    let in_flight = world.build(&waiting, 5, None);
    let over = world.build(&late, 6, Some(world.now() + 5));
    let now = world.now();
    let rows = [
        ("failed", world.row("failed", &borrower, 1, now, Some(&failed.hash), None).await, "failed_transaction"),
        ("other", world.row("other", &borrower, 1, now, Some(&other.hash), None).await, "failed_transaction"),
        ("flight", world.row("flight", &waiting, 5, now, Some(&in_flight.hash), Some(&in_flight.envelope)).await, "in_flight"),
        ("over", world.row("over", &late, 6, now, Some(&over.hash), Some(&over.envelope)).await, "expired"),
        ("none", world.row("none", &late, 6, now, None, None).await, "no_candidate"),
    ];
    for _ in 0..3 {
        world.deployment.devnet.close_ledger();
    }
    let run = world.run(Mode::Repair).await;
    for (name, row, why) in &rows {
        assert_eq!(of_row(&run, row), [format!("provisional_id {why} -")], "{name}");
    }
    assert_eq!(world.count("trueup.repairs").await, 0);
}

#[tokio::test]
async fn a_row_whose_creation_failed_gets_the_state_that_the_spec_names_once() {
    let states = "failed = { status = \"defaulted\" }\nexpired = { status = \"paid\" }";
    let mut world = World::new(1, &format!("{BY_TRANSACTION}{states}")).await;
    let (borrower, late) = (world.account(), world.account());
    let failed = world.create(&borrower, -1);
    let over = world.build(&late, 6, Some(world.now() + 5));
    let row = world.row("a", &borrower, 1, world.now(), Some(&failed.hash), None).await;
    let expired = world.row("b", &late, 6, world.now(), Some(&over.hash), Some(&over.envelope)).await;
    for _ in 0..3 {
        world.deployment.devnet.close_ledger();
    }
    let repaired = world.run(Mode::Repair).await;
    assert_eq!(of_row(&repaired, &row), ["provisional_id - defaulted"]);
    assert_eq!(of_row(&repaired, &expired), ["provisional_id - paid"]);
    assert_eq!(repaired.document.kinds["loan"].repairs["repaired"], 2);
    let states: String = world.deployment.value("SELECT string_agg(loan_id || ' ' || status, ', ' ORDER BY id) FROM loans").await;
    assert_eq!(states, "1 pending, pending-a defaulted, pending-b paid");
    let again = world.run(Mode::Repair).await;
    assert_eq!((again.found(), again.document.kinds["loan"].not_judged["skipped:creation_failed"]), (Vec::new(), 2));
    assert_eq!(world.count("trueup.repairs").await, 2);
}

#[tokio::test]
async fn a_key_that_another_row_has_already_is_a_conflict_that_names_both() {
    let mut world = World::new(1, BY_TRANSACTION).await;
    let borrower = world.account();
    let created = world.create(&borrower, 40);
    let row = world.row("a", &borrower, 40, world.now(), Some(&created.hash), None).await;
    let other: i64 = world
        .deployment
        .value(&format!("INSERT INTO loans (loan_id, wallet, amount, balance) VALUES ('2', '{}', 40, 40) RETURNING id", borrower.address()))
        .await;
    let run = world.run(Mode::Repair).await;
    assert_eq!(of_row(&run, &row), ["provisional_id conflict 2"]);
    assert_eq!(run.drifts[0].detail, Some(format!("row `{other}` has the key already, which is that of row `{row}`")));
    assert_eq!(world.key(&row).await, "pending-a 1");
}

#[tokio::test]
async fn two_rows_of_one_transaction_are_ambiguous() {
    let mut world = World::new(1, BY_TRANSACTION).await;
    let borrower = world.account();
    let created = world.create(&borrower, 40);
    let one = world.row("a", &borrower, 40, world.now(), Some(&created.hash), None).await;
    let two = world.row("b", &borrower, 40, world.now(), Some(&created.hash), None).await;
    let run = world.run(Mode::Repair).await;
    for row in [&one, &two] {
        assert_eq!(of_row(&run, row), ["ambiguous needs_person 2"]);
    }
    assert_eq!(world.count("trueup.repairs").await, 0);
}

#[tokio::test]
async fn a_key_without_an_entry_is_reported_and_not_written() {
    let mut world = World::new(1, BY_TRANSACTION).await;
    let borrower = world.account();
    let created = world.create(&borrower, 40);
    let row = world.row("a", &borrower, 40, world.now(), Some(&created.hash), None).await;
    let key = trueup_devnet::scval::vec(vec![
        trueup_devnet::scval::symbol("Loan").expect("short"),
        stellar_xdr::ScVal::U32(2),
        stellar_xdr::ScVal::U64(2),
    ]);
    let key = trueup_devnet::scval::data_key(&world.deployment.contracts.lending, key.expect("a key")).expect("a contract");
    assert!(world.deployment.devnet.remove_entry(&key));
    let run = world.run(Mode::Repair).await;
    assert_eq!(of_row(&run, &row), ["provisional_id no_entry 2"]);
    assert_eq!(world.key(&row).await, "pending-a 1");
}

#[tokio::test]
async fn a_revert_gives_the_row_its_made_up_key_again_and_the_next_sweep_leaves_it() {
    let mut world = World::new(1, BY_TRANSACTION).await;
    let borrower = world.account();
    let created = world.create(&borrower, 40);
    let row = world.row("a", &borrower, 40, world.now(), Some(&created.hash), None).await;
    world.run(Mode::Repair).await;
    assert_eq!(world.key(&row).await, "2 1");
    let trueup = world.deployment.trueup().await;
    let kind = trueup.context().bound_kinds().next().expect("a kind");
    let mut tx = world.deployment.pool().begin().await.expect("a transaction");
    let repair: i64 = world.deployment.value("SELECT id FROM trueup.repairs").await;
    let outcome = kind.revert(&mut tx, repair, "ada", Some("another loan")).await.expect("an outcome");
    assert!(matches!(outcome, trueup_database::RevertOutcome::Reverted { .. }), "{outcome:?}");
    tx.commit().await.expect("committed");
    assert_eq!(world.key(&row).await, "pending-a 1");
    let run = world.run(Mode::Repair).await;
    assert_eq!(of_row(&run, &row), ["provisional_id held 2"]);
    assert_eq!(world.key(&row).await, "pending-a 1");
}

#[tokio::test]
async fn where_two_endpoints_must_agree_both_have_to_show_whose_key_it_is() {
    let mut world = World::new(1, BY_TRANSACTION).await;
    let second = world.deployment.devnet.serve("127.0.0.1:0").await.expect("a free port");
    world.deployment.config.rpc_url = None;
    world.deployment.config.rpc_urls = vec![world.deployment.rpc.url.clone(), second.url.clone()];
    world.deployment.config.confirm = Some(2);
    let borrower = world.account();
    let created = world.create(&borrower, 40);
    let row = world.row("a", &borrower, 40, world.now(), Some(&created.hash), None).await;
    second.faults.update(|faults| faults.hide_transactions = true);
    world.run(Mode::Repair).await;
    assert_eq!((world.key(&row).await.as_str(), world.count("trueup.repairs").await), ("pending-a 1", 0));
    second.faults.clear();
    world.run(Mode::Repair).await;
    assert_eq!(world.key(&row).await, "2 1");
    let confirmed: bool = world.deployment.value("SELECT stamp ->> 'confirmed_by' IS NOT NULL FROM trueup.repairs").await;
    assert!(confirmed);
}
