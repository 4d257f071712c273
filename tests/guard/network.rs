use crate::guard::{active, guarded_by, trueup};
use crate::program::{Hold, Program};
use crate::support::Deployment;

#[tokio::test]
async fn under_a_protocol_that_is_too_new_drift_is_found_and_nothing_is_repaired() {
    let deployment = Deployment::with_spec(20, &guarded_by("")).await;
    deployment.sql("UPDATE loans SET status = 'active' WHERE id <= 2").await;
    deployment.devnet.faults().update(|faults| faults.protocol_version = Some(31));
    let ended = trueup(&deployment, &["run", "--mode", "repair"]).await;
    ended.expect_code(4);
    assert!(ended.stdout.contains("the network runs protocol 31, and this version knows protocols up to 30"), "{}", ended.stdout);
    assert_eq!(active(&deployment).await, 2);
    assert_eq!(deployment.value::<i64>("SELECT count(*) FROM trueup.drifts").await, 2);
    deployment.devnet.faults().clear();
    trueup(&deployment, &["run", "--mode", "repair"]).await.expect_code(0);
}

/// Opens a run by `open`, and sees to it that its network is another one from the moment on at which its first looks
/// are done. Whoever works on it, started by `work` if not by `open`, must end.
async fn ends_on_another_network(deployment: &Deployment, work: Option<&[&str]>, open: &[&str]) {
    deployment.sql("UPDATE loans SET status = 'active' WHERE id <= 2").await;
    let mut hold = Hold::at(deployment.database.url(), "old.phase = 'detect' AND new.phase = 'match'").await;
    let working = work.map(|arguments| Program::start(&deployment.config, arguments));
    let opening = Program::start(&deployment.config, open);
    hold.reached().await;
    deployment.devnet.faults().update(|faults| faults.passphrase = Some("Another Network".into()));
    hold.release().await;
    let ended = match working {
        Some(working) => {
            opening.end().await.expect_code(0);
            working.end().await
        }
        None => opening.end().await,
    };
    ended.expect_code(1);
    assert!(ended.stderr.contains("belongs to the network `Another Network`"), "{}", ended.stderr);
    assert!(ended.stderr.contains("correct its URL and start again"), "{}", ended.stderr);
    assert_eq!(active(deployment).await, 2, "nothing is written");
    assert_eq!(deployment.value::<i64>("SELECT count(*) FROM trueup.all_jobs WHERE state = 'dead'").await, 0, "no job is lost");
}

#[tokio::test]
async fn a_network_that_changes_while_a_run_is_on_ends_it_before_its_first_write_and_the_run_says_why() {
    let deployment = Deployment::with_spec(20, &guarded_by("")).await;
    ends_on_another_network(&deployment, None, &["run", "--mode", "repair"]).await;
    deployment.devnet.faults().clear();
    let again = trueup(&deployment, &["run", "--mode", "repair"]).await;
    again.expect_code(4);
    assert!(again.stdout.contains("Another Network"), "{}", again.stdout);
    assert_eq!(active(&deployment).await, 2);
    trueup(&deployment, &["run", "--mode", "repair"]).await.expect_code(0);
    assert_eq!(active(&deployment).await, 0);
}

#[tokio::test]
async fn a_service_whose_endpoints_are_all_of_another_network_ends() {
    let deployment = Deployment::with_spec(20, &guarded_by("")).await;
    ends_on_another_network(&deployment, Some(&["all"]), &["run", "--detach", "--mode", "repair"]).await;
    trueup(&deployment, &["all"]).await.expect_code(1);
}
