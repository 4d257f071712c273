use std::sync::Arc;
use std::time::Duration;

use trueup_queue::{EngineName, Error, NewJob, NoEnding, Queue, RedisSettings, Settings, enqueue};
use trueup_sandbox::{RedisServer, TestDatabase};

use crate::support::{Does, Fixture, brisk, done, job};

async fn refusal(url: &str) -> String {
    let database = TestDatabase::create().await;
    trueup_schema::migrate(database.pool()).await.unwrap();
    let settings = Settings { redis: Some(RedisSettings::new(url)), ..brisk() };
    let error = Queue::new(database.pool().clone(), Arc::new(NoEnding), settings).open().await.expect_err("refused");
    assert!(matches!(error, Error::RedisRefused { .. }), "{error:?}");
    error.to_string()
}

#[tokio::test]
async fn what_is_wrong_with_redis_is_said_with_its_address_and_never_its_password() {
    let closed = refusal("redis://someone:secret@127.0.0.1:1/0").await;
    assert!(closed.contains("redis://127.0.0.1:1/0") && closed.contains("check that it is up"), "{closed}");
    let nonsense = refusal("http://someone:secret@127.0.0.1").await;
    assert!(nonsense.contains("write it as redis://"), "{nonsense}");

    let server = RedisServer::start_with(Some("right")).unwrap();
    let wrong = refusal(&server.url().replace("right", "wrong-secret")).await;
    assert!(wrong.contains("check user and password"), "{wrong}");
    let none = refusal(&server.url().replace(":right@", "")).await;
    assert!(none.contains("check user and password"), "{none}");
    for said in [closed, nonsense, wrong, none] {
        assert!(!said.contains("secret"), "{said}");
    }
}

#[tokio::test]
async fn a_redis_that_drops_what_it_likes_when_it_is_full_is_refused() {
    let server = RedisServer::start().unwrap();
    let mut conn = redis::Client::open(server.url()).unwrap().get_multiplexed_async_connection().await.unwrap();
    for (name, value) in [("maxmemory", "100mb"), ("maxmemory-policy", "allkeys-lru")] {
        let () = redis::cmd("CONFIG").arg("SET").arg(name).arg(value).query_async(&mut conn).await.unwrap();
    }
    let refusal = refusal(&server.url()).await;
    assert!(refusal.contains("allkeys-lru") && refusal.contains("noeviction"), "{refusal}");
}

#[tokio::test]
async fn the_engine_cannot_be_switched_while_jobs_wait_in_the_other_one() {
    let fixture = Fixture::new().await;
    let put_off = NewJob { after: Duration::from_secs(3_600), ..job("waits") };
    fixture.enqueue(std::slice::from_ref(&put_off)).await;
    let on_postgres = || Queue::new(fixture.pool().clone(), Arc::new(NoEnding), Settings { redis: None, ..brisk() });
    let refused = on_postgres().open().await.expect_err("jobs wait on Redis");
    assert!(matches!(refused, Error::Elsewhere { wanted: EngineName::Postgres, waiting: EngineName::Redis }), "{refused}");

    let mut transaction = fixture.pool().begin().await.unwrap();
    fixture.queue.cancel_group(&mut transaction, put_off.group).await.unwrap();
    transaction.commit().await.unwrap();
    on_postgres().open().await.unwrap();
    let mut conn = fixture.pool().acquire().await.unwrap();
    enqueue(&mut conn, &[NewJob { key: "another".to_owned(), ..put_off }]).await.unwrap();
    assert!(matches!(fixture.queue.open().await, Err(Error::Elsewhere { waiting: EngineName::Postgres, .. })));
}

#[tokio::test]
async fn a_worker_whose_engine_was_switched_under_it_ends_and_says_so() {
    let fixture = Fixture::new().await;
    let worker = fixture.start("w", Does(|_| async { done() }));
    fixture.enqueue(&[job("1")]).await;
    fixture.until_ended(1).await;
    Queue::new(fixture.pool().clone(), Arc::new(NoEnding), Settings { redis: None, ..brisk() }).open().await.unwrap();
    let error = worker.ended().await.expect_err("switched");
    assert!(matches!(error, Error::Switched(EngineName::Postgres)), "{error}");
}
