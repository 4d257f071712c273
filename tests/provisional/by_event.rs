//! Where nobody knows what became of the row's transaction, or the row names none: one to one, over the whole set.

use trueup::Mode;

use crate::provisional::world::{BY_EVENT, World, of_row};

#[tokio::test]
async fn an_event_that_is_a_rows_only_one_and_has_it_for_its_only_one_gives_the_key() {
    let mut world = World::new(2, BY_EVENT).await;
    let (one, other) = (world.account(), world.account());
    world.create(&one, 40);
    let pruned = world.create(&other, 50);
    let rows =
        [world.row("a", &one, 40, world.now(), None, None).await, world.row("b", &other, 50, world.now(), Some(&pruned.hash), None).await];
    world.feed_and_prune().await;
    let repaired = world.run(Mode::Repair).await;
    assert_eq!(of_row(&repaired, &rows[0]), ["provisional_id - 3"]);
    assert_eq!(of_row(&repaired, &rows[1]), ["provisional_id - 4"]);
    assert_eq!((repaired.drifts.len(), repaired.document.left()), (2, 0));
    assert_eq!((world.key(&rows[0]).await, world.key(&rows[1]).await), ("3 1".to_owned(), "4 1".to_owned()));
    let proofs: Vec<String> = sqlx::query_scalar("SELECT resolution #>> '{proof,by}' FROM trueup.repairs ORDER BY chain_key")
        .fetch_all(world.deployment.pool())
        .await
        .expect("proofs");
    assert_eq!(proofs, ["event", "transaction"]);
    assert_eq!(world.run(Mode::Detect).await.found(), Vec::<String>::new());
}

/// Found by the simulator: matching held a connection while it waited for another, and two runs that were matched at
/// once waited for each other.
#[tokio::test]
async fn rows_are_matched_with_one_connection_of_a_sort() {
    let mut world = World::new(1, BY_EVENT).await;
    world.deployment = world.deployment.with_one_connection();
    let creator = world.account();
    world.create(&creator, 40);
    let row = world.row("a", &creator, 40, world.now(), None, None).await;
    world.feed().await;
    assert_eq!(of_row(&world.run(Mode::Repair).await, &row), ["provisional_id - 2"]);
    assert_eq!(world.key(&row).await, "2 1");
}

#[tokio::test]
async fn what_differs_from_the_row_is_no_candidate() {
    let mut world = World::new(1, BY_EVENT).await;
    let (one, other) = (world.account(), world.account());
    world.create(&one, 40);
    let now = world.now();
    let rows = [
        ("another amount", world.row("a", &one, 41, now, None, None).await),
        ("another borrower", world.row("b", &other, 40, now, None, None).await),
        ("another time", world.row("c", &one, 40, now + 61, None, None).await),
        ("no time", world.row("d", &one, 40, now, None, None).await),
    ];
    world.deployment.sql("UPDATE loans SET created_at = NULL WHERE loan_id = 'pending-d'").await;
    world.feed().await;
    let run = world.run(Mode::Repair).await;
    for (name, row) in &rows {
        assert_eq!(of_row(&run, row), ["provisional_id no_candidate -"], "{name}");
    }
    let missing = run.drifts.iter().find(|drift| drift.class == "missing_row").expect("the loan");
    assert_eq!(missing.withheld.as_deref(), Some("may_be_provisional"));
    assert_eq!(world.count("trueup.repairs").await, 0);
}

#[tokio::test]
async fn whatever_could_be_otherwise_is_ambiguous_with_all_candidates() {
    let mut world = World::new(1, BY_EVENT).await;
    let (twice, rivals, pending) = (world.account(), world.account(), world.account());
    world.create(&twice, 40);
    world.create(&twice, 40);
    world.create(&rivals, 50);
    world.create(&pending, 60);
    let now = world.now();
    let in_flight = world.build(&pending, 60, None);
    let ambiguous = [
        (world.row("a", &twice, 40, now, None, None).await, "2, 3"),
        (world.row("b", &rivals, 50, now, None, None).await, "4"),
        (world.row("c", &rivals, 50, now - 5, None, None).await, "4"),
        (world.row("d", &pending, 60, now, None, None).await, "5"),
    ];
    let flying = world.row("e", &pending, 60, now, Some(&in_flight.hash), None).await;
    world.feed().await;
    let run = world.run(Mode::Repair).await;
    for (row, candidates) in &ambiguous {
        assert_eq!(of_row(&run, row), [format!("ambiguous needs_person {candidates}")]);
    }
    // A rival all the same: the loan on chain may be that of this row, sent in another transaction.
    assert_eq!(of_row(&run, &flying), ["provisional_id in_flight -"]);
    assert_eq!(world.count("trueup.repairs").await, 0);
}

#[tokio::test]
async fn a_key_that_a_row_has_already_is_no_candidate_for_another() {
    let mut world = World::new(1, BY_EVENT).await;
    let borrower = world.account();
    world.create(&borrower, 40);
    world.create(&borrower, 40);
    world
        .deployment
        .sql(&format!("INSERT INTO loans (loan_id, wallet, amount, balance) VALUES ('2', '{}', 40, 40)", borrower.address()))
        .await;
    let row = world.row("a", &borrower, 40, world.now(), None, None).await;
    world.feed().await;
    let run = world.run(Mode::Repair).await;
    assert_eq!(of_row(&run, &row), ["provisional_id - 3"]);
    assert_eq!(world.key(&row).await, "3 1");
}

#[tokio::test]
async fn a_hole_in_the_events_of_its_time_lets_no_row_find_its_key() {
    let mut world = World::new(1, BY_EVENT).await;
    let (one, other) = (world.account(), world.account());
    world.create(&one, 40);
    let now = world.now();
    let row = world.row("a", &one, 40, now, None, None).await;
    let none = world.row("b", &other, 40, now, None, None).await;
    world.feed().await;
    let hole = format!(
        "INSERT INTO trueup.event_holes (contract, first_ledger, last_ledger, reason, after_time, before_time)
         VALUES ('{}', 3, 4, 'pruned', to_timestamp({}), to_timestamp({}))",
        world.deployment.contracts.lending,
        now - 20,
        now - 10
    );
    world.deployment.sql(&hole).await;
    let run = world.run(Mode::Repair).await;
    assert_eq!(of_row(&run, &row), ["provisional_id events_incomplete 2"]);
    assert_eq!(of_row(&run, &none), ["provisional_id no_candidate -"]);
    for drift in run.drifts.iter().filter(|drift| drift.class == "provisional_id") {
        assert!(drift.detail.as_deref().is_some_and(|detail| detail.contains("events") && detail.contains("incomplete")), "{drift:?}");
    }
    assert_eq!(world.key(&row).await, "pending-a 1");

    // Far from the row's time it forbids nothing.
    world.deployment.sql(&format!("UPDATE trueup.event_holes SET before_time = to_timestamp({})", now - 60)).await;
    let run = world.run(Mode::Repair).await;
    assert_eq!(of_row(&run, &row), ["provisional_id - 2"]);
    assert_eq!(world.key(&row).await, "2 1");
}

/// What an endpoint no longer tells, the stored events do: two loans of one transaction, told apart by their amounts.
#[tokio::test]
async fn several_creations_of_one_transaction_are_told_apart_by_what_the_spec_matches() {
    let mut world = World::new(1, BY_EVENT).await;
    let borrower = world.account();
    let batch = world.create(&borrower, 40);
    let second = world.create(&borrower, 50);
    let third = world.create(&borrower, 50);
    let now = world.now();
    let one = world.row("a", &borrower, 40, now, Some(&batch.hash), None).await;
    let two = world.row("b", &borrower, 50, now, Some(&batch.hash), None).await;
    world.feed_and_prune().await;
    let as_one = format!("UPDATE trueup.events SET transaction = '{}' WHERE transaction = '{}'", batch.hash, second.hash);
    world.deployment.sql(&as_one).await;
    let run = world.run(Mode::Detect).await;
    assert_eq!(of_row(&run, &one), ["provisional_id - 2"]);
    assert_eq!(of_row(&run, &two), ["provisional_id - 3"]);

    let as_one = format!("UPDATE trueup.events SET transaction = '{}' WHERE transaction = '{}'", batch.hash, third.hash);
    world.deployment.sql(&as_one).await;
    let run = world.run(Mode::Repair).await;
    assert_eq!(of_row(&run, &two), ["ambiguous needs_person 3, 4"]);
    assert_eq!(world.key(&one).await, "2 1");
}

/// Between the two reads a second row appears that could be the loan as well.
#[tokio::test]
async fn a_rival_that_appears_before_the_write_stops_it() {
    let mut world = World::new(1, BY_EVENT).await;
    let borrower = world.account();
    world.create(&borrower, 40);
    let row = world.row("a", &borrower, 40, world.now(), None, None).await;
    world.feed().await;
    // It comes with the plan of the match.
    let rival = format!(
        "CREATE FUNCTION rival() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             INSERT INTO loans (loan_id, wallet, amount, created_at) VALUES ('pending-z', '{}', 40, to_timestamp({})) ON CONFLICT DO NOTHING;
             RETURN new; END $$;
         CREATE TRIGGER rival AFTER UPDATE ON trueup.plans FOR EACH ROW
         WHEN (new.plan #>> '{{action,do}}' = 'resolve') EXECUTE FUNCTION rival()",
        borrower.address(),
        world.now()
    );
    world.deployment.sql(&rival).await;
    let run = world.run(Mode::Repair).await;
    assert_eq!(of_row(&run, &row), ["ambiguous needs_person 2"]);
    assert_eq!(world.key(&row).await, "pending-a 1");
    assert_eq!(world.count("trueup.repairs").await, 0);
}
