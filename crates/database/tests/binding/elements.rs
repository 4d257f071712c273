//! Rows that are elements of an entry, and rows that read further entries.

use insta::assert_snapshot;
use trueup_judge::{ChainKey, RowIdentity};

use crate::application::Application;
use crate::spec_text::{SpecText, spec};

const INSTALLMENTS: &str = "CREATE TABLE installments (position int, loan_id bigint, v numeric, PRIMARY KEY (position, loan_id));
    INSERT INTO installments VALUES (1, 7, 5);
    CREATE TABLE known (loan_id text); INSERT INTO known VALUES ('7'), ('10'), ('10'), ('9'), (NULL)";

fn installments(enumerate: &str) -> SpecText {
    spec("installments")
        .key("[\"position\", \"loan_id\"]")
        .entry("[{ symbol = \"Loan\" }, { u32 = \"loan_id % 8\" }, { u64 = \"loan_id\" }]\nelement = { of = \"\", index = \"position\" }")
        .enumerate(enumerate)
        .compare("v", "numeric")
}

#[tokio::test]
async fn parents_are_located_without_knowing_an_element() {
    let application = Application::new(INSTALLMENTS).await;
    let kind = application.bind(installments("{ counter = { instance = \"N\", first = 1, holds = \"last\" } }")).await;
    assert!(kind.enumerates_parents());
    let parents = ["10", "x", "3"].map(|parent| vec![parent.to_owned()]);
    let located = kind.locate_parents(&application.pools.read, &parents).await.unwrap();
    let arguments: Vec<_> = located.iter().map(|it| it.as_ref().ok().map(|it| it.arguments.clone())).collect();
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(arguments, [Some(vec![text("2"), text("10"), None]), None, Some(vec![text("3"), text("3"), None])]);
}

#[tokio::test]
async fn a_query_of_as_many_columns_as_tell_parents_apart_gives_parents() {
    let application = Application::new(INSTALLMENTS).await;
    let kind = application.bind(installments("{ sql = \"select loan_id from known\" }")).await;
    assert!(kind.enumerates_parents());
    assert_eq!(kind.missing_of_query(None, 10), None);
    let page = kind.parents_of_query(&application.pools.read, None, 2).await.unwrap().unwrap();
    assert_eq!(page, [("10".to_owned(), vec!["10".to_owned()]), ("7".to_owned(), vec!["7".to_owned()])]);
    let next = kind.parents_of_query(&application.pools.read, Some("7"), 2).await.unwrap().unwrap();
    assert_eq!(next, [("9".to_owned(), vec!["9".to_owned()])]);
}

#[tokio::test]
async fn a_query_of_whole_keys_gives_elements() {
    let application = Application::new(INSTALLMENTS).await;
    let kind = application.bind(installments("{ sql = \"select 1, loan_id from known\" }")).await;
    assert!(!kind.enumerates_parents());
    let missing = application.keys(&kind.missing_of_query(None, 10).unwrap()).await;
    assert_eq!(missing, ["[\"1\", \"10\"]", "[\"1\", \"9\"]"]);
    assert_eq!(kind.parents_of_query(&application.pools.read, None, 2).await.unwrap(), None);
}

#[tokio::test]
async fn one_entry_that_holds_all_elements_is_located_by_nothing() {
    let application = Application::new("CREATE TABLE balances (wallet text PRIMARY KEY, v numeric)").await;
    let text = spec("balances")
        .key("\"wallet\"")
        .entry("[{ symbol = \"Held\" }, { u32 = 7 }]\nelement = { of = \"\", key = { address = \"wallet\" } }")
        .enumerate("\"elements\"")
        .compare("v", "numeric");
    let kind = application.bind(text).await;
    let located = kind.locate_parents(&application.pools.read, &[Vec::new()]).await.unwrap();
    assert_eq!(located[0].as_ref().unwrap().arguments, [Some("7".to_owned()), None]);
}

#[tokio::test]
async fn what_does_not_tell_parents_apart_cannot_make_their_keys() {
    let application = Application::new(INSTALLMENTS).await;
    let paged = |enumerate: &str| {
        installments(enumerate).entry("[{ u32 = \"position / 10\" }, { u64 = \"loan_id\" }]\nelement = { of = \"\", index = \"position\" }")
    };
    assert_snapshot!(application.complaint(paged("{ sql = \"select loan_id from known\" }")).await, @r#"
    spec.toml:8:19: column "position" does not exist
      |
    8 | entry = [{ u32 = "position / 10" }, { u64 = "loan_id" }]
      |                   ^
      = help: where parents are enumerated, `entry` may use what tells them apart only (`loan_id`); else enumerate whole keys by `{ sql = … }`
    "#);
    application.bind(paged("{ sql = \"select 1, loan_id from known\" }")).await;
    let three = installments("{ sql = \"select 1, 2, 3\" }");
    assert_snapshot!(application.complaint(three).await, @r#"
    spec.toml:10:22: the query gives 3 column(s), and the key has 2
       |
    10 | enumerate = { sql = "select 1, 2, 3" }
       |                      ^
       = help: give one column for each of `position`, `loan_id`, in that order; or of `loan_id` alone, for the entries that the elements are in
    "#);
}

#[tokio::test]
async fn a_further_entry_may_have_a_contract_of_its_own_in_each_row() {
    let application = Application::new(
        "CREATE TABLE stakes (id bigint PRIMARY KEY, pool text, token text, v numeric);
         INSERT INTO stakes VALUES (1, 'P', 'T', 1), (2, 'P', NULL, 1)",
    )
    .await;
    let text = spec("stakes")
        .contract("{ column = \"pool\" }")
        .entry("[{ u64 = \"id\" }]\n[chain.also.own]\nentry = \"instance\"\n[chain.also.token]\ncontract = { column = \"token\" }\nentry = \"instance\"")
        .compare("v", "numeric")
        .to_string()
        .replace("[values]\n", "[values]\nown = { from = \"own\", path = \"A\", type = \"text\" }\nname = { from = \"token\", path = \"NAME\", type = \"text\" }\n");
    let kind = application.bind(text).await;
    let rows = ["1", "2"].map(|row| RowIdentity(row.to_owned()));
    let located = kind.locate(&application.pools.read, &rows).await.unwrap();
    let contracts: Vec<_> = located.into_iter().map(|(_, it)| it.map(|it| (it.contract, it.also_contracts)).unwrap()).collect();
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(contracts, [(text("P"), vec![None, text("T")]), (text("P"), vec![None, None])]);
    let keys = kind.locate_keys(&application.pools.read, &[ChainKey("9".to_owned())]).await.unwrap();
    assert_eq!(keys[0].1.as_ref().unwrap().also_contracts, [None, None], "they are no key columns");
}
