use std::time::Duration;

use trueup_queue::inspect::{Filter, count_by_state, get, list};
use trueup_queue::{Failure, JobId, NewJob, State};

use crate::support::{Does, Fixture, GROUP, job, until};

#[tokio::test]
async fn jobs_are_found_by_what_is_known_of_them() {
    let fixture = Fixture::new().await;
    let put_off = |key: &str| NewJob { after: Duration::from_secs(3_600), ..job(key) };
    let other = NewJob {
        payload: Some(serde_json::json!({"plan": 3})),
        after: Duration::from_secs(3_600),
        ..NewJob::new(GROUP, "confirm", "position", "p")
    };
    for job in [put_off("1"), job("2"), put_off("3"), other] {
        fixture.enqueue(&[job]).await;
    }
    let worker = fixture.start("w", Does(|_| async { Err(Failure::permanent("Timeout at the RPC")) }));
    until("the one that is due is dead", || async { fixture.counts().await.dead == 1 }).await;
    worker.stop().await;

    let keys = async |filter: Filter| {
        let mut conn = fixture.pool().acquire().await.unwrap();
        let found = list(&mut conn, &filter, 10, None).await.unwrap();
        found.into_iter().map(|job| job.key).collect::<Vec<_>>()
    };
    assert_eq!(keys(Filter::default()).await, ["1", "2", "3", "p"]);
    assert_eq!(keys(Filter { state: Some(State::Dead), ..Filter::default() }).await, ["2"]);
    assert_eq!(keys(Filter { error: Some("timeout AT".to_owned()), ..Filter::default() }).await, ["2"]);
    assert_eq!(keys(Filter { error: Some("%".to_owned()), ..Filter::default() }).await, [""; 0]);
    assert_eq!(keys(Filter { task: Some("confirm".to_owned()), ..Filter::default() }).await, ["p"]);
    assert_eq!(keys(Filter { kind: Some("loan".to_owned()), group: Some(GROUP), ..Filter::default() }).await, ["1", "2", "3"]);
    assert_eq!(keys(Filter { key: Some("3".to_owned()), ..Filter::default() }).await, ["3"]);
    assert_eq!(keys(Filter { ids: vec![JobId(1), JobId(4)], ..Filter::default() }).await, ["1", "p"]);

    let mut conn = fixture.pool().acquire().await.unwrap();
    let page = list(&mut conn, &Filter::default(), 2, Some(JobId(1))).await.unwrap();
    assert_eq!(page.iter().map(|job| job.id).collect::<Vec<_>>(), [JobId(2), JobId(3)]);
    assert_eq!(get(&mut conn, JobId(4)).await.unwrap().unwrap().payload.as_deref(), Some(r#"{"plan": 3}"#));
    assert_eq!(get(&mut conn, JobId(5)).await.unwrap(), None);
    let counts = count_by_state(&mut conn, None).await.unwrap();
    assert_eq!((counts.of(State::Ready), counts.of(State::Dead), counts.total()), (3, 1, 4));
}
