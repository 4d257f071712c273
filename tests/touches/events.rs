use stellar_xdr::ScVal;
use trueup::Mode;
use trueup_devnet::scval;

use super::{Service, repairs, settled, touched_by_events, until};
use crate::support::Deployment;

fn release(deployment: &Deployment, loan: u64) {
    let args = vec![ScVal::U64(loan), scval::i128(1)];
    let source = deployment.devnet.account(u32::try_from(loan % 20).expect("few")).expect("funded");
    deployment.devnet.invoke(&source, &deployment.contracts.lending, "release", args).expect("released");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_has_the_entity_that_it_names_looked_at() {
    let deployment = Deployment::with_spec(9, &touched_by_events("")).await;
    let service = Service::start(&deployment, Mode::Repair).await;
    settled(&deployment).await;
    release(&deployment, 4);
    until(&deployment, "EXISTS (SELECT FROM loans WHERE loan_id = '4' AND status = 'active')").await;
    settled(&deployment).await;
    service.end().await;
    assert_eq!(repairs(&deployment).await, ["4"]);
    let touched: Vec<String> = deployment.value("SELECT array_agg(DISTINCT origin || ' ' || named_by) FROM trueup.touches").await;
    assert_eq!(touched, ["event key"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_is_missing_is_given_time_to_appear() {
    let deployment = Deployment::with_spec(3, &touched_by_events("after = \"1 hour\"")).await;
    deployment.sql("DELETE FROM loans WHERE loan_id = '2'").await;
    let service = Service::start(&deployment, Mode::Repair).await;
    until(&deployment, "EXISTS (SELECT FROM trueup.touches WHERE entity = '2' AND run IS NULL AND due_at > now() + interval '50 minutes')")
        .await;
    settled(&deployment).await;
    assert_eq!(repairs(&deployment).await, [""; 0]);
    // The same event again: by now the row is there.
    deployment.sql("INSERT INTO loans (loan_id, amount, balance) VALUES ('2', 2, 2)").await;
    release(&deployment, 2);
    until(&deployment, "EXISTS (SELECT FROM loans WHERE loan_id = '2' AND status = 'active' AND wallet IS NOT NULL)").await;
    service.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_does_not_appear_is_missing() {
    let deployment = Deployment::with_spec(3, &touched_by_events("after = \"1 second\"")).await;
    deployment.sql("DELETE FROM loans WHERE loan_id = '2'").await;
    let service = Service::start(&deployment, Mode::Repair).await;
    until(&deployment, "EXISTS (SELECT FROM loans WHERE loan_id = '2')").await;
    settled(&deployment).await;
    service.end().await;
    assert_eq!(repairs(&deployment).await.len(), 1);
}
