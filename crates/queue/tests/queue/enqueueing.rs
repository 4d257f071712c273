use sqlx::Arguments;
use sqlx::postgres::PgArguments;
use trueup_queue::{Destination, Enqueued, GroupId, NewJob, State, enqueue_from};

use crate::support::{Does, Fixture, GROUP, done, job};

fn sweep() -> Destination {
    Destination { group: GROUP, task: "detect".to_owned(), kind: "loan".to_owned(), priority: 100, trace: Some("00-ab-cd-01".to_owned()) }
}

async fn enqueue(fixture: &Fixture, select: &str, binds: PgArguments) -> Enqueued {
    let mut conn = fixture.pool().acquire().await.unwrap();
    enqueue_from(&mut conn, &sweep(), select, binds).await.unwrap()
}

#[tokio::test]
async fn enqueueing_twice_is_harmless_even_after_the_job_has_ended() {
    let fixture = Fixture::new().await;
    assert_eq!(fixture.enqueue(&[job("1"), job("2"), job("1")]).await, 2);
    assert_eq!(fixture.enqueue(&[job("1"), job("3")]).await, 1);

    let worker = fixture.start("w", Does(|_| async { done() }));
    fixture.until_ended(3).await;
    worker.stop().await;
    assert_eq!(fixture.enqueue(&[job("1"), job("2"), job("3")]).await, 0);
    assert_eq!(fixture.counts().await.done, 3);
}

#[tokio::test]
async fn the_same_key_may_stand_in_another_group_task_or_kind() {
    let fixture = Fixture::new().await;
    let jobs = [
        job("1"),
        NewJob::new(GroupId(8), "detect", "loan", "1"),
        NewJob::new(GROUP, "confirm", "loan", "1"),
        NewJob::new(GROUP, "detect", "position", "1"),
    ];
    assert_eq!(fixture.enqueue(&jobs).await, 4);
}

#[tokio::test]
async fn a_select_is_enqueued_in_one_statement_and_says_where_to_go_on() {
    let fixture = Fixture::new().await;
    let mut binds = PgArguments::default();
    binds.add(10_i64).unwrap();
    binds.add("loan-").unwrap();
    let select = "SELECT $2::text || n, n FROM generate_series(1, $1::bigint) n -- and a comment";
    let first = enqueue(&fixture, select, binds.clone()).await;
    assert_eq!(first, Enqueued { seen: 10, inserted: 10, last_key: Some("loan-10".to_owned()) });
    let again = enqueue(&fixture, select, binds).await;
    assert_eq!(again, Enqueued { seen: 10, inserted: 0, last_key: Some("loan-10".to_owned()) });

    let row = fixture.job("loan-3").await;
    assert_eq!((row.state, row.priority, row.trace.as_deref()), (State::Ready, 100, Some("00-ab-cd-01")));
}

#[tokio::test]
async fn an_empty_select_enqueues_nothing() {
    let fixture = Fixture::new().await;
    let select = "SELECT 'x'::text, 1::bigint WHERE false";
    assert_eq!(enqueue(&fixture, select, PgArguments::default()).await, Enqueued::default());
}

#[tokio::test]
async fn a_null_key_is_seen_and_left_out() {
    let fixture = Fixture::new().await;
    let select = "SELECT * FROM (VALUES ('a', 1::bigint), (NULL, 2)) AS v(k, o)";
    let enqueued = enqueue(&fixture, select, PgArguments::default()).await;
    assert_eq!((enqueued.seen, enqueued.inserted), (2, 1));
}

#[tokio::test]
async fn keys_may_hold_quotes_and_emoji() {
    let fixture = Fixture::new().await;
    for key in ["it's", "\"quoted\"", "🦀 $1", ""] {
        fixture.enqueue(&[job(key)]).await;
        assert_eq!(fixture.job(key).await.key, key);
    }
}
