//! Several endpoints of one chain.

use std::time::{Duration, Instant};

use trueup_chain::{Chain, ChainError, Config, ReadError, Reading};

use crate::double::PASSPHRASE;
use crate::ledger::{TIP, item};
use crate::node::{Fault, Node, config, connect};

/// No test waits longer for a condition.
const LIMIT: Duration = Duration::from_secs(20);

async fn read(chain: &Chain) -> Result<Reading, ReadError> {
    chain.read(vec![item(1, 7)]).await.pop().expect("one answer")
}

/// Who answers.
async fn who(chain: &Chain) -> String {
    read(chain).await.unwrap_or_else(|error| panic!("{error}")).stamp.endpoint
}

/// Reads until the answer is as wanted.
async fn until(chain: &Chain, wanted: impl Fn(&Result<Reading, ReadError>) -> bool) -> Result<Reading, ReadError> {
    let begun = Instant::now();
    loop {
        let reading = read(chain).await;
        if wanted(&reading) {
            return reading;
        }
        assert!(begun.elapsed() < LIMIT, "in time: {reading:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn until_answered_by(chain: &Chain, node: &Node) {
    let _ = until(chain, |reading| reading.as_ref().is_ok_and(|it| it.stamp.endpoint == node.name())).await;
}

#[tokio::test]
async fn the_first_endpoint_is_asked_and_the_next_where_it_does_not_answer() {
    for fault in [Fault::Status(503), Fault::Status(401), Fault::Error(-32603), Fault::Error(-32601), Fault::Garbage, Fault::Hang] {
        let (first, second) = (Node::start().await, Node::start().await);
        let chain = Chain::connect(Config { watch_every: LIMIT, ..config(&[&first, &second]) }).await.expect("connects");
        assert_eq!(who(&chain).await, first.name());
        first.state().fault = fault;
        assert_eq!(who(&chain).await, second.name());
        assert_eq!(first.reads(), 2, "it is not asked again for the same");
    }
}

#[tokio::test]
async fn what_is_wrong_with_the_request_is_not_asked_elsewhere() {
    let (first, second) = (Node::start().await, Node::start().await);
    let chain = Chain::connect(Config { watch_every: LIMIT, ..config(&[&first, &second]) }).await.expect("connects");
    first.state().fault = Fault::Error(-32602);
    assert!(matches!(read(&chain).await, Err(ReadError::Rpc { code: -32602, .. })));
    assert_eq!(second.reads(), 0);
}

#[tokio::test]
async fn failures_in_a_row_set_an_endpoint_aside_until_it_answers_again() {
    let (first, second) = (Node::start().await, Node::start().await);
    let chain = connect(&[&first, &second]).await;
    first.state().fault = Fault::Status(500);
    while chain.set_aside_within(LIMIT).is_empty() {
        assert_eq!(who(&chain).await, second.name());
    }
    let why = chain.set_aside_within(LIMIT);
    assert!(why.len() == 1 && why[0].starts_with(first.name()) && why[0].contains("failures in a row"), "{why:?}");
    let reads = first.reads();
    for _ in 0..5 {
        assert_eq!(who(&chain).await, second.name());
    }
    assert_eq!(first.reads(), reads, "no read waits for it any more");
    first.state().fault = Fault::None;
    until_answered_by(&chain, &first).await;
}

#[tokio::test]
async fn an_endpoint_that_is_behind_is_set_aside_until_it_has_caught_up() {
    let (first, second) = (Node::start().await, Node::start().await);
    second.state().tip = TIP + 6;
    let chain = connect(&[&first, &second]).await;
    assert_eq!(who(&chain).await, second.name(), "it is known before anything is read");
    assert_eq!(first.reads(), 0);
    let why = chain.set_aside_within(LIMIT);
    assert!(why[0].contains("6 behind"), "{why:?}");
    first.state().tip = TIP + 1;
    until_answered_by(&chain, &first).await;
}

#[tokio::test]
async fn an_answer_of_an_endpoint_that_fell_behind_is_not_used() {
    let (first, second) = (Node::start().await, Node::start().await);
    let chain = Chain::connect(Config { watch_every: LIMIT, ..config(&[&first, &second]) }).await.expect("connects");
    first.state().tip = TIP - 100;
    let reading = read(&chain).await.expect("the second answers");
    assert_eq!((reading.stamp.endpoint.as_str(), reading.stamp.ledger), (second.name(), TIP));
    assert_eq!(first.reads(), 1, "it was asked, and not believed");
}

#[tokio::test]
async fn where_all_are_behind_nothing_is_read() {
    let (first, second) = (Node::start().await, Node::start().await);
    let chain = connect(&[&first, &second]).await;
    assert!(read(&chain).await.is_ok());
    first.state().tip = TIP - 100;
    second.state().tip = TIP - 101;
    let error = until(&chain, Result::is_err).await.expect_err("all are behind");
    assert!(matches!(error, ReadError::Lagging { known: TIP, .. }) && error.is_transient(), "{error}");
    second.state().tip = TIP;
    until_answered_by(&chain, &second).await;
}

#[tokio::test]
async fn a_single_endpoint_that_goes_back_in_time_is_not_believed() {
    let node = Node::start().await;
    let chain = connect(&[&node]).await;
    assert!(read(&chain).await.is_ok());
    node.state().tip = TIP - 1;
    let error = read(&chain).await.expect_err("it said more before");
    assert!(matches!(error, ReadError::Lagging { ledger, known: TIP, .. } if ledger == TIP - 1), "{error}");
    node.state().tip = TIP + 1;
    assert_eq!(read(&chain).await.expect("it has caught up").stamp.ledger, TIP + 1);
}

#[tokio::test]
async fn a_single_endpoint_that_was_far_behind_is_used_again_as_soon_as_it_has_caught_up() {
    let node = Node::start().await;
    let chain = connect(&[&node]).await;
    assert!(read(&chain).await.is_ok());
    node.state().tip = TIP - 100;
    let error = read(&chain).await.expect_err("it said more before");
    assert!(matches!(error, ReadError::Lagging { ledger, known: TIP, .. } if ledger == TIP - 100), "{error}");
    node.state().tip = TIP;
    assert_eq!(read(&chain).await.expect("it has caught up").stamp.ledger, TIP);
}

#[tokio::test]
async fn who_asks_for_a_pause_gets_it_and_the_others_are_not_slower_for_it() {
    let (first, second) = (Node::start().await, Node::start().await);
    let chain = Chain::connect(Config { watch_every: LIMIT, ..config(&[&first, &second]) }).await.expect("connects");
    first.state().fault = Fault::Busy("1");
    let begun = Instant::now();
    for _ in 0..5 {
        assert_eq!(who(&chain).await, second.name());
    }
    assert!(begun.elapsed() < Duration::from_secs(1), "nobody waits: {:?}", begun.elapsed());
    assert_eq!(first.reads(), 1);
    first.state().fault = Fault::None;
    until_answered_by(&chain, &first).await;
    assert!(begun.elapsed() >= Duration::from_secs(1), "the pause is respected: {:?}", begun.elapsed());
    assert!(chain.set_aside_within(LIMIT).is_empty(), "being busy is no failure");
}

#[tokio::test]
async fn where_every_endpoint_fails_the_read_fails_and_works_again_with_the_first_that_is_back() {
    let (first, second) = (Node::start().await, Node::start().await);
    let chain = connect(&[&first, &second]).await;
    first.state().fault = Fault::Status(502);
    second.state().fault = Fault::Status(503);
    for _ in 0..4 {
        let error = read(&chain).await.expect_err("nobody answers");
        assert!(error.is_transient(), "{error}");
    }
    second.state().fault = Fault::None;
    until_answered_by(&chain, &second).await;
}

#[tokio::test]
async fn endpoints_of_two_networks_are_refused_at_start() {
    let (first, second) = (Node::start().await, Node::start().await);
    second.state().passphrase = "Another";
    for passphrase in [None, Some(PASSPHRASE.to_owned())] {
        let config = Config { network_passphrase: passphrase, ..config(&[&first, &second]) };
        let error = Chain::connect(config).await.expect_err("two networks");
        let ChainError::WrongNetwork { endpoint, expected, found } = &error else { panic!("{error}") };
        assert_eq!((endpoint.as_str(), expected.as_str(), found.as_str()), (second.name(), PASSPHRASE, "Another"));
    }
}

#[tokio::test]
async fn an_endpoint_that_is_down_at_start_is_asked_for_its_network_before_it_is_used() {
    let (first, second) = (Node::start().await, Node::start().await);
    first.state().fault = Fault::Status(503);
    let chain = connect(&[&first, &second]).await;
    assert_eq!(who(&chain).await, second.name());
    first.state().fault = Fault::None;
    until_answered_by(&chain, &first).await;

    let (other, second) = (Node::start().await, Node::start().await);
    other.state().fault = Fault::Status(503);
    let chain = connect(&[&other, &second]).await;
    {
        let mut state = other.state();
        (state.fault, state.passphrase) = (Fault::None, "Another");
    }
    let begun = Instant::now();
    while !chain.set_aside_within(LIMIT).iter().any(|why| why.contains("`Another`")) {
        assert!(begun.elapsed() < LIMIT, "in time");
        assert_eq!(who(&chain).await, second.name());
    }
    assert_eq!(other.reads(), 0);
    second.state().fault = Fault::Status(503);
    assert!(read(&chain).await.is_err());
    assert_eq!(other.reads(), 0, "not even where nobody else is left");
}

#[tokio::test]
async fn an_endpoint_whose_network_changes_is_never_used_again() {
    let (first, second) = (Node::start().await, Node::start().await);
    let chain = Chain::connect(Config { network_check_every: Duration::from_millis(20), ..config(&[&first, &second]) }).await.expect("ok");
    assert_eq!(who(&chain).await, first.name());
    first.state().passphrase = "Another";
    until_answered_by(&chain, &second).await;
    let reads = first.reads();
    first.state().passphrase = PASSPHRASE;
    for _ in 0..20 {
        assert_eq!(who(&chain).await, second.name());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(first.reads(), reads);
}

#[tokio::test]
async fn a_single_endpoint_whose_network_changes_answers_nothing_any_more() {
    let node = Node::start().await;
    let chain = Chain::connect(Config { network_check_every: Duration::from_millis(20), ..config(&[&node]) }).await.expect("connects");
    assert!(read(&chain).await.is_ok());
    node.state().passphrase = "Another";
    let error = until(&chain, Result::is_err).await.expect_err("another network");
    assert!(matches!(&error, ReadError::WrongNetwork { found, .. } if found == "Another"), "{error}");
    assert!(!error.is_transient(), "it does not pass by itself");
}

#[tokio::test]
async fn a_chain_is_forsaken_once_its_last_endpoint_is_of_another_network() {
    let (first, second) = (Node::start().await, Node::start().await);
    let chain = Chain::connect(Config { network_check_every: Duration::from_millis(20), ..config(&[&first, &second]) }).await.expect("ok");
    let mut forsaken = std::pin::pin!(chain.forsaken());
    first.state().passphrase = "Another";
    tokio::select! {
        biased;
        why = &mut forsaken => panic!("the second is still there: {why}"),
        () = until_answered_by(&chain, &second) => {}
    }
    second.state().passphrase = "Another";
    let (_, why) = tokio::join!(until(&chain, Result::is_err), forsaken);
    assert!(matches!(&why, ReadError::WrongNetwork { found, .. } if found == "Another"), "{why}");
    assert!(matches!(chain.forsaken().await, ReadError::WrongNetwork { .. }), "and stays so");
}

#[tokio::test]
async fn if_none_of_several_answers_at_start_all_are_named() {
    let (first, second) = (Node::start().await, Node::start().await);
    first.state().fault = Fault::Status(503);
    second.state().fault = Fault::Garbage;
    let error = Chain::connect(config(&[&first, &second])).await.expect_err("nobody answers").to_string();
    assert!(error.contains(first.name()) && error.contains(second.name()) && error.contains("503"), "{error}");
}

#[tokio::test]
async fn apart_from_an_endpoint_another_one_answers_in_full_calls() {
    let (first, second) = (Node::start().await, Node::start().await);
    let chain = connect(&[&first, &second]).await;
    let (apart, other) = (chain.apart_from(first.name()), chain.apart_from(first.name()));
    let keys = |from: u64| (from..from + 199).map(|id| item(1, id)).collect::<Vec<_>>();
    let (one, two) = tokio::join!(apart.read(keys(0)), other.read(keys(199)));
    assert!(one.iter().chain(&two).all(|it| it.as_ref().is_ok_and(|it| it.stamp.endpoint == second.name() && it.entry.is_some())));
    assert_eq!((first.reads(), second.reads()), (0, 2), "199 keys and an instance a call, whoever asks");

    second.state().fault = Fault::Status(503);
    assert!(matches!(read(&apart).await, Err(ReadError::Http { status: 503, .. })), "never from the one that is not to be asked");
    let alone = connect(&[&first]).await.apart_from(first.name());
    assert!(matches!(read(&alone).await, Err(ReadError::NoEndpoint { .. })));
}

#[tokio::test]
async fn a_newer_protocol_than_is_known_is_not_supported() {
    let (first, second) = (Node::start().await, Node::start().await);
    assert_eq!(connect(&[&first, &second]).await.protocol_supported(), Ok(()));
    second.state().protocol = 31;
    let why = connect(&[&first, &second]).await.protocol_supported().expect_err("too new");
    assert!(why.contains(second.name()) && why.contains("31") && why.contains("30"), "{why}");
}

#[tokio::test]
async fn a_survey_says_of_each_endpoint_how_it_is() {
    let (first, second, third) = (Node::start().await, Node::start().await, Node::start().await);
    second.state().tip = TIP - 20;
    third.state().fault = Fault::Status(503);
    let survey = connect(&[&first, &second, &third]).await.survey().await;
    let problem = |index: usize| survey[index].problem.as_deref().unwrap_or_default();
    assert_eq!((survey[0].ledger, survey[0].lag, survey[0].protocol_version, problem(0)), (Some(TIP), Some(0), Some(30), ""));
    assert_eq!((survey[1].ledger, survey[1].lag), (Some(TIP - 20), Some(20)));
    assert!(problem(1).contains("20 ledgers behind") && problem(2).contains("503"), "{survey:?}");
}

#[tokio::test]
async fn endpoints_that_cannot_work_together_are_refused_before_any_call() {
    let two = |first: &str, second: &str| Config { urls: vec![first.into(), second.into()], ..Config::default() };
    let sound = Config::new("http://127.0.0.1:1");
    for (config, says) in [
        (two("http://127.0.0.1:1", "http://127.0.0.1:1/"), "given twice"),
        (Config::default(), "no RPC URL"),
        (Config { max_lag_ledgers: 0, ..sound.clone() }, "max lag"),
        (Config { confirm: 2, ..sound.clone() }, "add another RPC URL"),
        (Config { confirm: 3, ..sound.clone() }, "1 or 2"),
        (Config { confirm: 0, ..sound }, "1 or 2"),
    ] {
        let error = Chain::connect(config).await.expect_err("it cannot work");
        assert!(matches!(error, ChainError::Config(_)) && error.to_string().contains(says), "{error}");
    }
}
