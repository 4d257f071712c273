use trueup::Mode;

use super::{Service, by_key, settled, until};
use crate::program::Program;
use crate::support::Deployment;

#[tokio::test]
async fn runs_of_touches_are_not_listed_among_the_others_and_are_forgotten_soon() {
    let deployment = Deployment::with_loans(5).await;
    deployment.run(Mode::Detect).await;
    deployment.sql("UPDATE loans SET status = 'active' WHERE id = 2").await;
    let service = Service::start(&deployment, Mode::Repair).await;
    service.touch(&[by_key("2")]).await;
    settled(&deployment).await;
    service.touch(&[by_key("3")]).await;
    settled(&deployment).await;
    let listed = async |arguments: &[&str]| {
        let ended = Program::start(&deployment.config, arguments).end().await;
        serde_json::from_str::<serde_json::Value>(&ended.expect_code(0).stdout).expect("JSON").as_array().expect("a list").len()
    };
    assert_eq!(listed(&["runs", "list", "--json"]).await, 1);
    assert_eq!(listed(&["runs", "list", "--all", "--json"]).await, 3);
    let report = Program::start(&deployment.config, &["report", "--json"]).end().await;
    let report: serde_json::Value = serde_json::from_str(&report.expect_code(0).stdout).expect("JSON");
    assert_eq!(report["run"]["id"], 1);
    Program::start(&deployment.config, &["report", "2"]).end().await.expect_code(0);

    deployment.sql("UPDATE trueup.runs SET finished_at = finished_at - interval '2 hours' WHERE touches").await;
    until(&deployment, "(SELECT array_agg(id) FROM trueup.runs) = '{1, 2}'").await;
    deployment.sql("UPDATE trueup.runs SET finished_at = finished_at - interval '1 day' WHERE touches").await;
    until(&deployment, "(SELECT array_agg(id) FROM trueup.runs) = '{1}'").await;
    service.end().await;
    assert_eq!(deployment.value::<i64>("SELECT count(*) FROM trueup.touches").await, 0);
    assert_eq!(deployment.value::<i64>("SELECT count(*) FROM trueup.all_jobs WHERE group_id <> 1").await, 0);
    assert_eq!(deployment.value::<i64>("SELECT count(*) FROM trueup.repairs").await, 1, "repairs are kept for good");
}
