use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::json;
use trueup_chain::{Chain, ChainError, Config, ReadError};

use crate::double::{Double, PASSPHRASE, Reply};
use crate::ledger::{Ledger, item};

fn health() -> Reply {
    Reply::Result(json!({ "status": "healthy", "latestLedger": 1000, "oldestLedger": 10, "ledgerRetentionWindow": 990 }))
}

async fn connect(config: Config) -> Result<Chain, ChainError> {
    Chain::connect(config).await
}

#[tokio::test]
async fn the_network_is_remembered_and_must_be_the_configured_one() {
    let double = Double::start(|_| health()).await;
    let right = Config { network_passphrase: Some(PASSPHRASE.to_owned()), ..double.config() };
    let chain = connect(right).await.expect("the right network");
    assert_eq!((chain.network().passphrase.as_str(), chain.network().protocol_version), (PASSPHRASE, Some(30)));

    let wrong = Config { network_passphrase: Some("Another".to_owned()), ..double.config() };
    let message = connect(wrong).await.expect_err("the wrong network").to_string();
    assert!(message.contains("`Another`") && message.contains(PASSPHRASE), "{message}");
}

#[tokio::test]
async fn a_configuration_that_cannot_work_is_refused_before_any_call() {
    let sound = Config::new("http://127.0.0.1:1");
    for (config, says) in [
        (Config::new("not a url"), "is not a URL"),
        (Config::new("postgres://localhost/db"), "scheme `postgres`"),
        (Config { keys_per_call: 201, ..sound.clone() }, "from 2 to 200"),
        (Config { keys_per_call: 1, ..sound.clone() }, "from 2 to 200"),
        (Config { calls_in_flight: 0, ..sound.clone() }, "calls in flight"),
        (Config { calls_per_second: 0, ..sound.clone() }, "calls per second"),
        (Config { timeout: Duration::ZERO, ..sound }, "timeout"),
    ] {
        let error = connect(config).await.expect_err("it cannot work");
        assert!(matches!(error, ChainError::Config(_)) && error.to_string().contains(says), "{error}");
    }
}

#[tokio::test]
async fn an_endpoint_that_is_down_is_named_without_its_credentials() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let error = connect(Config::new(format!("http://user:secret@{address}/v1/token?key=secret"))).await.expect_err("nobody listens");
    assert!(matches!(&error, ChainError::Read(error @ ReadError::Transport { .. }) if error.is_transient()), "{error}");
    let message = format!("{error} {error:?}");
    assert!(message.contains(&address.to_string()) && !message.contains("secret") && !message.contains("token"), "{message}");
}

#[tokio::test]
async fn a_moment_of_trouble_is_retried_and_every_attempt_is_counted() {
    let double = Double::start(|seen| match seen.nth {
        0 => Reply::Status(503, &[]),
        1 => Reply::Status(429, &[("retry-after", "0")]),
        2 => Reply::Error(-32603, "not yet"),
        _ => health(),
    })
    .await;
    let chain = double.connect().await;
    assert_eq!(chain.health().await.expect("the fourth attempt").latest_ledger, 1000);
    assert_eq!(chain.calls()["getHealth"], 4);
    assert_eq!(chain.calls()["getNetwork"], 1);
    assert_eq!(chain.calls()["getTransaction"], 0);
}

#[tokio::test]
async fn retries_end() {
    let double = Double::start(|_| Reply::Error(-32001, "busy")).await;
    let chain = double.connect().await;
    let error = chain.health().await.expect_err("it never gets better");
    assert!(error.is_transient() && error.to_string().contains("busy"), "{error}");
    assert_eq!(double.count("getHealth"), 4);
}

#[tokio::test]
async fn retry_after_is_respected() {
    let double = Double::start(|seen| if seen.nth == 0 { Reply::Status(429, &[("retry-after", "1")]) } else { health() }).await;
    let chain = double.connect().await;
    let begun = std::time::Instant::now();
    chain.health().await.expect("the second attempt");
    assert!(begun.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn what_stays_wrong_is_not_retried() {
    type Case = (fn() -> Reply, fn(&ReadError) -> bool);
    let cases: [Case; 7] = [
        (|| Reply::Error(-32602, "no"), |error| matches!(error, ReadError::Rpc { code: -32602, .. })),
        (|| Reply::Error(-32601, "no such method"), |error| matches!(error, ReadError::Rpc { code: -32601, .. })),
        (|| Reply::Status(401, &[]), |error| matches!(error, ReadError::Http { status: 401, .. })),
        (|| Reply::Status(302, &[("location", "/elsewhere")]), |error| matches!(error, ReadError::Http { status: 302, .. })),
        (|| Reply::Body("<html>hello</html>".to_owned()), |error| matches!(error, ReadError::Garbage { .. })),
        (|| Reply::Body("{}".to_owned()), |error| matches!(error, ReadError::Garbage { .. })),
        (|| Reply::WrongId(json!({ "status": "healthy" })), |error| matches!(error, ReadError::Garbage { .. })),
    ];
    for (reply, is_as_expected) in cases {
        let double = Double::start(move |_| reply()).await;
        let error = double.connect().await.health().await.expect_err("it is wrong");
        assert!(is_as_expected(&error), "{error:?}");
        assert_eq!(double.count("getHealth"), 1, "{error}");
    }
}

#[tokio::test]
async fn garbage_in_place_of_a_network_says_that_this_may_not_be_a_stellar_rpc() {
    let double = Double::start_bare(|_| Reply::Body("<html>It works!</html>".to_owned())).await;
    let message = connect(double.config()).await.expect_err("a web server").to_string();
    assert!(message.contains("It works!") && message.contains("is this the URL of a Stellar RPC server?"), "{message}");
}

#[tokio::test]
async fn a_server_that_hangs_is_a_timeout_and_not_asked_again() {
    let double = Double::start(|_| Reply::Hang).await;
    let chain = connect(Config { timeout: Duration::from_millis(300), ..double.config() }).await.expect("connects");
    let error = chain.health().await.expect_err("it hangs");
    assert!(matches!(error, ReadError::Timeout { .. }) && error.is_transient(), "{error}");
    assert_eq!(double.count("getHealth"), 1);
}

#[tokio::test]
async fn an_answer_beyond_the_limit_is_not_read() {
    let double = Double::start(|_| Reply::Body(" ".repeat(100_000))).await;
    let chain = connect(Config { body_limit_bytes: 10_000, ..double.config() }).await.expect("connects");
    let error = chain.health().await.expect_err("it is too large");
    assert_eq!(error, ReadError::TooLarge { endpoint: chain.endpoint().to_owned(), limit_bytes: 10_000 });
}

#[tokio::test]
async fn the_rate_is_kept() {
    let double = Double::start(|_| health()).await;
    let chain = connect(Config { calls_per_second: 10, ..double.config() }).await.expect("connects");
    let begun = std::time::Instant::now();
    // The burst of a second, less what connecting took, and five more.
    for _ in 0..14 {
        chain.health().await.expect("a sound answer");
    }
    assert!(begun.elapsed() >= Duration::from_millis(400), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_server_that_refuses_too_many_is_sent_fewer_in_a_second() {
    let refuses = Arc::new(AtomicBool::new(true));
    let refusing = Arc::clone(&refuses);
    let double = Double::start(move |_| match refusing.load(Ordering::Relaxed) {
        true => Reply::Status(429, &[("retry-after", "0")]),
        false => health(),
    })
    .await;
    let chain = connect(Config { calls_per_second: 10, ..double.config() }).await.expect("connects");
    chain.health().await.expect_err("it refuses each of four attempts");
    refuses.store(false, Ordering::Relaxed);
    let begun = std::time::Instant::now();
    for _ in 0..8 {
        chain.health().await.expect("a sound answer");
    }
    // At ten a second the eight would be a burst. It is one a second by now, and one more with each second.
    assert!(begun.elapsed() >= Duration::from_millis(900), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn what_was_asked_is_answered_although_the_chain_is_dropped() {
    let ledger = Ledger::of(&[1]).with(1, 0..3);
    let double = Double::start(move |seen| ledger.reply(seen)).await;
    let chain = double.connect().await;
    let other = chain.clone();
    let reading = tokio::spawn(async move { other.read(vec![item(1, 0)]).await });
    drop(chain);
    assert!(reading.await.expect("no panic").iter().all(Result::is_ok));
}
