use trueup_judge::{ChainKey, RowIdentity};

use crate::application::{Application, LOAN_SPEC, LOANS};
use crate::spec_text::spec;

#[tokio::test]
async fn rows_come_in_pages_by_the_primary_key() {
    let application = Application::new("CREATE TABLE it (a text, b int, v numeric, PRIMARY KEY (a, b)); INSERT INTO it SELECT 'x' || n % 3, n, 1 FROM generate_series(1, 25) AS n").await;
    let kind = application
        .bind(
            spec("it")
                .key("[\"a\", \"b\"]")
                .top("where = \"b <> 7\"")
                .entry("[{ string = \"a\" }, { u32 = \"b\" }]")
                .compare("v", "numeric"),
        )
        .await;
    let mut seen: Vec<String> = Vec::new();
    loop {
        let after = seen.last().cloned().map(RowIdentity);
        let page = application.keys(&kind.rows_after(after.as_ref(), 10)).await;
        if page.is_empty() {
            break;
        }
        seen.extend(page);
    }
    assert_eq!(seen.len(), 24);
    assert_eq!(seen[..2], ["[\"x0\", \"3\"]", "[\"x0\", \"6\"]"]);
    assert_eq!(application.keys(&kind.rows_after_unfiltered(None, 100)).await.len(), 25);
}

/// A filter that fails on one row fails the select, so that the chunk goes in without it; then locate sorts them out.
#[tokio::test]
async fn a_row_that_breaks_the_filter_is_told_by_locate() {
    let application = Application::new("CREATE TABLE loans (id bigint PRIMARY KEY, kind text, v numeric); INSERT INTO loans VALUES (1, '1', 1), (2, 'two', 1), (3, '-3', 1)").await;
    let kind = application.bind(spec("loans").top("where = \"kind::int > 0\"").compare("v", "numeric")).await;
    let select = kind.rows_after(None, 10);
    let failed =
        sqlx::query_with(sqlx::AssertSqlSafe(select.sql.clone()), select.arguments().unwrap()).fetch_all(&application.pools.read).await;
    assert!(failed.is_err());
    let rows: Vec<RowIdentity> = application.keys(&kind.rows_after_unfiltered(None, 10)).await.into_iter().map(RowIdentity).collect();
    let located = kind.locate(&application.pools.read, &rows).await.unwrap();
    let outcomes: Vec<_> = located.iter().map(|(row, it)| (row.0.as_str(), it.is_ok())).collect();
    assert_eq!(outcomes, [("1", true), ("2", false)]);
}

#[tokio::test]
async fn exempt_rows_are_not_missing() {
    let application = Application::new(LOANS).await;
    application.run("INSERT INTO loans VALUES (1, 'active', 1), (2, 'pending', 1), (5, 'active', 1)").await;
    let kind = application.bind(&LOAN_SPEC.replace("key = \"id\"", "key = \"id\"\nwhere = \"status <> 'pending'\"")).await;
    assert_eq!(application.keys(&kind.missing_in_range(1, 6)).await, ["3", "4", "6"]);
    assert_eq!(kind.missing_of_query(None, 10), None);
}

#[tokio::test]
async fn counted_keys_meet_keys_of_any_type() {
    for kind in ["smallint", "int", "bigint", "numeric(20, 2)", "text", "varchar(2)", "char(8)"] {
        let application = Application::new(&format!(
            "CREATE TABLE loans (id {kind} PRIMARY KEY, status text, balance numeric, total numeric); INSERT INTO loans VALUES ('1'), ('3')"
        ))
        .await;
        let spec = LOAN_SPEC.replace("{ u64 = \"id\" }", "{ u64 = \"id::numeric\" }");
        let bound = application.bind(&spec).await;
        assert_eq!(application.keys(&bound.missing_in_range(1, 4)).await, ["2", "4"], "{kind}");
        assert_eq!(application.keys(&bound.missing_in_range(99_999_998, 99_999_999)).await.len(), 2, "{kind}");
    }
}

#[tokio::test]
async fn listed_keys_that_are_none_are_missing_and_fail_nothing() {
    let application = Application::new(
        "CREATE TABLE orders (id uuid PRIMARY KEY, v numeric); INSERT INTO orders VALUES ('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 1)",
    )
    .await;
    let text = spec("orders").entry("{ bytes = \"uuid_send(id)\" }").compare("v", "numeric");
    let kind = application.bind(&text).await;
    let keys =
        ["a0eebc999c0b4ef8bb6d6bb9bd380a11", "B0EEBC999C0B4EF8BB6D6BB9BD380A11", "it's not \"one\" 🦀"].map(|key| vec![key.to_owned()]);
    let missing = application.keys(&kind.missing_of_list(&keys)).await;
    assert_eq!(missing, ["b0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "it's not \"one\" 🦀"]);
    let keys: Vec<ChainKey> = missing.into_iter().map(ChainKey).collect();
    let located = kind.locate_keys(&application.pools.read, &keys).await.unwrap();
    let located: Vec<_> = located.iter().map(|(_, it)| it.as_ref().map(|it| it.arguments.clone()).map_err(ToString::to_string)).collect();
    assert_eq!(located[0], Ok(vec![Some("\\xb0eebc999c0b4ef8bb6d6bb9bd380a11".to_owned())]));
    assert_eq!(located[1], Err("invalid input syntax for type uuid: \"it's not \"one\" 🦀\"".to_owned()));
}

#[tokio::test]
async fn keys_of_a_query_come_in_pages() {
    let application = Application::new("CREATE TABLE it (a text, b int, v numeric, PRIMARY KEY (a, b)); CREATE TABLE created (owner text, nonce bigint); INSERT INTO it VALUES ('x', 1); INSERT INTO created VALUES ('x', 1), ('x', 2), ('y', 1), ('y', 1), (NULL, 3), ('z', 5)").await;
    let of_query = |query: &str| {
        spec("it")
            .key("[\"a\", \"b\"]")
            .entry("[{ string = \"a\" }, { u32 = \"b\" }]")
            .enumerate(&format!("{{ sql = \"{query}\" }}"))
            .compare("v", "numeric")
    };
    let kind = application.bind(of_query("select owner, nonce from created -- all")).await;
    let page = application.keys(&kind.missing_of_query(None, 2).unwrap()).await;
    assert_eq!(page, ["[\"x\", \"2\"]", "[\"y\", \"1\"]"]);
    let next = application.keys(&kind.missing_of_query(Some(&ChainKey(page[1].clone())), 2).unwrap()).await;
    assert_eq!(next, ["[\"z\", \"5\"]"]);
    insta::assert_snapshot!(application.complaint(of_query("select owner from created")).await, @r#"
    spec.toml:9:22: the query gives 1 column(s), and the key has 2
      |
    9 | enumerate = { sql = "select owner from created" }
      |                      ^
      = help: give one column for each of `a`, `b`, in that order
    "#);
}

#[tokio::test]
async fn keys_at_and_beyond_the_end_of_bigint_are_looked_for_like_any_other() {
    let application =
        Application::new("CREATE TABLE it (id bigint PRIMARY KEY, v numeric); INSERT INTO it VALUES (9223372036854775807, 1)").await;
    let kind = application.bind(spec("it").compare("v", "numeric")).await;
    let keys = ["9223372036854775807", "9223372036854775808", "0009", "-1"].map(|key| vec![key.to_owned()]);
    assert_eq!(application.keys(&kind.missing_of_list(&keys)).await, ["9223372036854775808", "9", "-1"]);
}
