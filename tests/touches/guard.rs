use trueup::Mode;

use super::{Service, by_key, settled};
use crate::program::Program;
use crate::support::{Deployment, SPEC};

fn guarded_by(guard: &str) -> String {
    SPEC.replace("[guard]\nmax_share = \"100%\"\n", guard)
}

async fn touch_one_by_one(service: &Service, deployment: &Deployment, loans: std::ops::RangeInclusive<u32>) {
    for loan in loans {
        service.touch(&[by_key(&loan.to_string())]).await;
        settled(deployment).await;
    }
}

async fn active(deployment: &Deployment) -> i64 {
    deployment.value("SELECT count(*) FROM loans WHERE status = 'active'").await
}

#[tokio::test]
async fn touches_are_guarded_together_over_a_window_and_each_run_says_so() {
    let deployment = Deployment::with_spec(40, &guarded_by("[guard]\nmax_share = \"10%\"\nfloor = 2\nwindow = \"1 hour\"\n")).await;
    deployment.run(Mode::Detect).await;
    deployment.sql("UPDATE loans SET status = 'active'").await;
    let service = Service::start(&deployment, Mode::Repair).await;
    touch_one_by_one(&service, &deployment, 1..=6).await;
    assert_eq!(active(&deployment).await, 36, "a tenth of 40 may be written, however small each run is");
    let held: String =
        deployment.value("SELECT document -> 'kinds' -> 'loan' -> 'held_back' ->> 0 FROM trueup.reports ORDER BY run DESC LIMIT 1").await;
    assert!(held.contains("touches of the last 3600 s would write 6 of 40 entities, and max_share"), "{held}");
    let waiting = Program::start(&deployment.config, &["touch", "loan", "7", "--wait"]).end().await;
    assert!(waiting.expect_code(4).stdout.contains("withheld"), "{}", waiting.stdout);
    // An hour later.
    deployment.sql("UPDATE trueup.plans SET guarded_at = guarded_at - interval '61 minutes'").await;
    touch_one_by_one(&service, &deployment, 8..=9).await;
    assert_eq!(active(&deployment).await, 34);
    service.end().await;
}

#[tokio::test]
async fn before_the_first_sweep_the_floor_alone_is_allowed() {
    let deployment = Deployment::with_spec(40, &guarded_by("[guard]\nmax_share = \"50%\"\nfloor = 3\n")).await;
    deployment.sql("UPDATE loans SET status = 'active'").await;
    let service = Service::start(&deployment, Mode::Repair).await;
    touch_one_by_one(&service, &deployment, 1..=5).await;
    assert_eq!(active(&deployment).await, 37);
    service.end().await;
}
