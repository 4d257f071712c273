use trueup::Mode;

use super::{Service, by_key, by_row, repairs, settled};
use crate::provisional::world::{BY_TRANSACTION, World};

#[tokio::test]
async fn which_key_is_whose_is_left_to_the_sweep() {
    let mut world = World::new(4, BY_TRANSACTION).await;
    let source = world.account();
    let made = world.create(&source, 7);
    let row = world.row("1", &source, 7, world.now(), Some(&made.hash), None).await;
    let key = "5";
    let deployment = &world.deployment;
    let service = Service::start(deployment, Mode::Repair).await;
    service.touch(&[by_row(&row), by_key(key)]).await;
    settled(deployment).await;
    assert_eq!(repairs(deployment).await, [""; 0], "neither gets the row its key, nor the key another row");
    let told: Vec<String> = deployment.value("SELECT array_agg(concat_ws(' ', class, withheld) ORDER BY class) FROM trueup.drifts").await;
    assert_eq!(told, ["missing_row may_be_provisional", "provisional_id left_to_sweep"]);
    service.end().await;
    deployment.run(Mode::Repair).await;
    assert_eq!(
        deployment.value::<String>(&format!("SELECT loan_id FROM loans WHERE id = {row}")).await,
        key,
        "the sweep sees the whole set"
    );
}
