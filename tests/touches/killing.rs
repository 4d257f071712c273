use trueup::Mode;

use super::{Service, by_key, connected, settled, until};
use crate::program::{Hold, Program};
use crate::support::Deployment;

/// Where the program is killed: in the claim, in each phase, and with the repair written and not committed.
const KILLED_AT: [&str; 5] = [
    "old.phase = 'enqueue' AND new.phase = 'detect'",
    "old.phase = 'detect' AND new.phase = 'match'",
    "old.phase = 'match'",
    "old.phase = 'confirm' AND new.confirm_done > old.confirm_done",
    "old.phase = 'aggregate'",
];

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_killed_at_any_point_loses_no_touch_and_does_none_twice() {
    let deployment = Deployment::with_loans(20).await;
    let file = std::env::temp_dir().join(format!("trueup-touches-{}.toml", deployment.value::<String>("SELECT current_database()").await));
    std::fs::write(&file, "[touch]\nmode = 'repair'\nevery_ms = 20\n[queue]\nlease_secs = 1\n").expect("the configuration");
    let path = file.to_str().expect("UTF-8").to_owned();
    let trueup = connected(&deployment).await;
    for (index, point) in KILLED_AT.into_iter().enumerate() {
        let loans = format!("{}, {}", 2 * index + 1, 2 * index + 2);
        deployment.sql(&format!("UPDATE loans SET status = 'active' WHERE id IN ({loans})")).await;
        trueup.touch(&[by_key(&(2 * index + 1).to_string()), by_key(&(2 * index + 2).to_string())]).await.expect("touched");
        let mut hold = Hold::at(deployment.database.url(), point).await;
        let doomed = Program::start(&deployment.config, &["--config", &path, "all"]);
        hold.reached().await;
        doomed.kill().await;
        hold.release().await;
        deployment.sql("DROP TRIGGER hold_1 ON trueup.runs").await;
        let next = Program::start(&deployment.config, &["--config", &path, "all"]);
        settled(&deployment).await;
        next.kill().await;
    }
    std::fs::remove_file(file).expect("removed");
    assert_eq!(deployment.value::<i64>("SELECT count(*) FROM loans WHERE status = 'active'").await, 0, "none is lost");
    assert_eq!(deployment.value::<i64>("SELECT count(*) FROM trueup.repairs").await, 10);
    assert_eq!(deployment.value::<i64>("SELECT count(DISTINCT identity) FROM trueup.repairs").await, 10, "none is done twice");
    let sums: Vec<i64> = deployment.value("SELECT array_agg(detect_total ORDER BY id) FROM trueup.runs").await;
    assert_eq!(sums, [2; 5], "a claim that was killed left no run");
    assert_eq!(deployment.value::<i64>("SELECT count(*) FROM trueup.reports").await, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_and_touches_of_the_same_rows_repair_each_once() {
    let deployment = Deployment::with_loans(300).await;
    let service = Service::start(&deployment, Mode::Repair).await;
    for round in 1..=3 {
        deployment.sql("UPDATE loans SET status = 'active', balance = 0").await;
        let entities: Vec<_> = (1..=300).map(|loan| by_key(&loan.to_string())).collect();
        let sweep = service.trueup.run(crate::support::new_run(Mode::Repair));
        let touched = async {
            for part in entities.chunks(30) {
                service.touch(part).await;
            }
        };
        let (sweep, ()) = tokio::join!(sweep, touched);
        sweep.expect("a run");
        settled(&deployment).await;
        let twice = "SELECT count(*) FROM (SELECT FROM trueup.repairs GROUP BY identity HAVING count(*) <> $1) AS other";
        assert_eq!(deployment.value::<i64>(&twice.replace("$1", &round.to_string())).await, 0, "round {round}");
    }
    until(&deployment, "NOT EXISTS (SELECT FROM loans WHERE status = 'active' OR balance = 0)").await;
    service.end().await;
    assert!(
        deployment.value::<i64>("SELECT count(*) FROM trueup.repairs AS r JOIN trueup.runs ON runs.id = r.run WHERE touches").await > 0
    );
}
