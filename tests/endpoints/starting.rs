//! What is said at start, of endpoints that cannot be used.

use trueup::Mode;
use trueup_devnet::Faults;

use crate::endpoints::chain::Two;
use crate::program::Program;

/// An address where nobody listens.
fn nobody() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").to_string()
}

#[tokio::test]
async fn one_endpoint_that_is_down_at_start_is_no_reason_not_to_begin() {
    let mut two = Two::with_loans(10).await;
    two.deployment.sql("UPDATE loans SET status = 'active' WHERE loan_id = '3'").await;
    let gone = nobody();
    two.deployment.config.rpc_urls.insert(0, two.deployment.rpc.url.clone());
    two.deployment.config.rpc_url = Some(format!("http://{gone}"));
    let repaired = two.deployment.run(Mode::Repair).await;
    assert_eq!(repaired.document.kinds["loan"].repairs["repaired"], 1);
    let check = Program::start(&two.deployment.config, &["check"]).end().await;
    check.expect_code(0);
    let line = |name: &str| check.stdout.lines().find(|line| line.contains(name)).unwrap_or_else(|| panic!("{}", check.stdout)).to_owned();
    assert!(line(&gone).contains("cannot be reached"), "{}", check.stdout);
    assert!(line(&two.second_name()).contains("ok"), "{}", check.stdout);
}

#[tokio::test]
async fn if_all_endpoints_are_down_at_start_all_are_named_and_nothing_begins() {
    let mut two = Two::with_loans(1).await;
    let (first, second) = (nobody(), nobody());
    two.deployment.config.rpc_url = Some(format!("http://user:secret@{first}"));
    two.deployment.config.rpc_urls = vec![format!("http://{second}")];
    let ended = Program::start(&two.deployment.config, &["run"]).end().await;
    ended.expect_code(1);
    assert!(ended.stderr.contains(&first) && ended.stderr.contains(&second) && !ended.stderr.contains("secret"), "{}", ended.stderr);
    assert_eq!(two.deployment.value::<i64>("SELECT count(*) FROM trueup.runs").await, 0);
}

#[tokio::test]
async fn an_endpoint_of_another_network_is_refused_at_start_by_name() {
    let two = Two::with_loans(1).await;
    two.second.faults.set(Faults { passphrase: Some("Another".into()), ..Faults::default() });
    let ended = Program::start(&two.deployment.config, &["run"]).end().await;
    ended.expect_code(1);
    assert!(ended.stderr.contains(&two.second_name()) && ended.stderr.contains("`Another`"), "{}", ended.stderr);
    assert_eq!(two.deployment.value::<i64>("SELECT count(*) FROM trueup.runs").await, 0);
}

#[tokio::test]
async fn two_must_be_there_to_agree_and_no_endpoint_is_given_twice() {
    let mut two = Two::with_loans(1).await;
    let refused = |arguments: Vec<String>, config: trueup::Config| async move {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let ended = Program::start(&config, &arguments).end().await;
        ended.expect_code(1);
        ended.stderr
    };
    let url = two.deployment.rpc.url.clone();
    let twice = ["run", "--rpc-url", &url, "--rpc-url", &url].map(str::to_owned).to_vec();
    let said = refused(twice, two.deployment.config.clone()).await;
    assert!(said.contains("given twice"), "{said}");
    two.deployment.config.rpc_urls.clear();
    let alone = ["run", "--confirm", "2"].map(str::to_owned).to_vec();
    let said = refused(alone, two.deployment.config.clone()).await;
    assert!(said.contains("confirm = 2") && said.contains("add another RPC URL"), "{said}");
    let three = ["run", "--confirm", "3"].map(str::to_owned).to_vec();
    let said = refused(three, two.deployment.config.clone()).await;
    assert!(said.contains("1 or 2"), "{said}");
}
