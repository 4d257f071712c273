//! Keys that the table lacks, while rows wait that could be theirs.

use trueup::Mode;

use crate::provisional::world::{BY_EVENT, BY_TRANSACTION, World, of_row};

#[tokio::test]
async fn a_row_whose_creation_failed_stands_in_nobodys_way() {
    let mut world = World::new(2, BY_TRANSACTION).await;
    let borrower = world.account();
    let failed = world.create(&borrower, -1);
    let row = world.row("a", &borrower, 1, world.now(), Some(&failed.hash), None).await;
    world.deployment.sql("DELETE FROM loans WHERE loan_id = '2'").await;
    world.run(Mode::Repair).await;
    let run = world.run(Mode::Repair).await;
    assert_eq!(of_row(&run, &row), ["provisional_id failed_transaction -"]);
    assert_eq!(world.deployment.value::<i64>("SELECT count(*) FROM loans WHERE loan_id = '2'").await, 1, "inserted");

    // With another transaction it may become something again.
    let waiting = world.account();
    let in_flight = world.build(&waiting, 5, None);
    world
        .deployment
        .sql(&format!("UPDATE loans SET tx_hash = '{}' WHERE id = {row}; DELETE FROM loans WHERE loan_id = '1'", in_flight.hash))
        .await;
    let run = world.run(Mode::Repair).await;
    assert_eq!(of_row(&run, &row), ["provisional_id in_flight -"]);
    let missing = run.drifts.iter().find(|drift| drift.class == "missing_row").expect("loan 1");
    assert_eq!(missing.withheld.as_deref(), Some("may_be_provisional"));
}

#[tokio::test]
async fn while_one_row_is_unresolved_no_missing_row_is_inserted_and_a_claimed_one_is_one_drift() {
    let mut world = World::new(2, BY_EVENT).await;
    let (one, other) = (world.account(), world.account());
    let created = world.create(&one, 40);
    world.create(&other, 50);
    let found = world.row("a", &one, 40, world.now(), Some(&created.hash), None).await;
    let lost = world.row("b", &other, 51, world.now(), None, None).await;
    world.feed().await;
    let run = world.run(Mode::Repair).await;
    assert_eq!(run.found(), ["missing_row  4".to_owned(), format!("provisional_id  {found}"), format!("provisional_id  {lost}")]);
    assert_eq!(world.count("loans").await, 4, "nothing was inserted");
    assert_eq!(world.key(&found).await, "3 1");
    let propose = world.run(Mode::Propose).await;
    assert_eq!(propose.found(), ["missing_row  4".to_owned(), format!("provisional_id  {lost}")]);
}

#[tokio::test]
async fn where_the_spec_only_reports_the_key_is_said_and_nothing_is_written() {
    let mut world = World::new(1, BY_TRANSACTION).await;
    let spec = std::fs::read_to_string(world.deployment.specs.path().join("loan.toml")).expect("the spec");
    std::fs::write(world.deployment.specs.path().join("loan.toml"), spec.replace("provisional_id = \"resolve\"", "")).expect("the spec");
    let borrower = world.account();
    let created = world.create(&borrower, 40);
    let row = world.row("a", &borrower, 40, world.now(), Some(&created.hash), None).await;
    let run = world.run(Mode::Repair).await;
    assert_eq!((run.drifts.len(), of_row(&run, &row)), (1, vec!["provisional_id not_asked 2".to_owned()]));
    assert_eq!(world.key(&row).await, "pending-a 1");
}
