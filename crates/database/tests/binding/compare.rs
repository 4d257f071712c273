use trueup_database::Compare;
use trueup_judge::{Class, RowIdentity, Withheld};

use crate::application::{Application, LOAN_SPEC, LOANS, compare};
use crate::locate::TRANSACTIONS;
use crate::spec_text::spec;

/// A table `it (id, c)` with a column of that type, and a spec that compares it with a value of that carrier.
async fn column(kind: &str, carrier: &str, more: &str) -> (Application, trueup_database::Kind) {
    let application =
        Application::new(&format!("CREATE EXTENSION IF NOT EXISTS citext; CREATE TABLE it (id bigint PRIMARY KEY, c {kind})")).await;
    let text = spec("it").value("v", carrier).field("c", "v", more).repaired();
    let bound = application.bind(&text).await;
    (application, bound)
}

#[tokio::test]
async fn only_rows_that_differ_come_out_of_one_statement() {
    let application = Application::new(LOANS).await;
    application.run("INSERT INTO loans SELECT n, 'active', n FROM generate_series(1, 300) AS n").await;
    let kind = application.bind(LOAN_SPEC).await;
    let balances: Vec<String> = (1..=300).map(|n| if n % 100 == 0 { format!("{n}.5") } else { format!("{n}.0000000") }).collect();
    let rows: Vec<Compare> = (1..=300)
        .map(|n| compare(&n.to_string(), &[Some("Active"), Some(&balances[n - 1])]))
        .filter(|row| row.identity.0.len() < 3 || row.identity.0.ends_with("00"))
        .collect();
    let before = application.pools.statements.total();
    let compared = kind.compare(&application.pools.read, &rows).await.unwrap();
    assert_eq!(application.pools.statements.total() - before, 1);
    let found: Vec<_> = compared
        .iter()
        .map(|(row, it)| {
            let it = it.as_ref().unwrap();
            let difference = &it.differences[0];
            (row.0.as_str(), difference.field.as_str(), difference.db.as_deref(), difference.chain.as_deref())
        })
        .collect();
    assert_eq!(
        found,
        [
            ("100", "balance", Some("100"), Some("100.5")),
            ("200", "balance", Some("200"), Some("200.5")),
            ("300", "balance", Some("300"), Some("300.5"))
        ]
    );
    // 100.5 is over its total, too.
    assert_eq!(compared[0].1.as_ref().unwrap().differences[1].class, Class::ConditionViolated);
}

#[tokio::test]
async fn what_was_judged_comes_with_the_differences() {
    let application = Application::new(LOANS).await;
    application.run("INSERT INTO loans VALUES (1, 'active', 20.5, 10)").await;
    let kind = application.bind(&LOAN_SPEC.replace("key = \"id\"", "key = \"id\"\nwhere = \"total > 0\"")).await;
    let compared = application.compare(&kind, "1", &[Some("Paid"), Some("20.5")]).await.unwrap().unwrap();
    let judged: Vec<_> = compared.facts.judged.iter().map(|(name, value)| (name.as_str(), value.as_deref())).collect();
    assert_eq!(judged, [("balance", Some("20.5000000")), ("id", Some("1")), ("status", Some("active")), ("total", Some("10.0000000"))]);
    assert_eq!(compared.facts.key.as_deref(), Some("1"));
    assert_eq!(compared.facts.changed_secs_ago, None);
    let found: Vec<_> =
        compared.differences.iter().map(|it| (it.class, it.field.as_str(), it.db.as_deref(), it.chain.as_deref(), it.writable)).collect();
    assert_eq!(
        found,
        [
            (Class::StaleStatus, "status", Some("active"), Some("completed"), Ok(())),
            (
                Class::ConditionViolated,
                "balance within total",
                Some(r#"{"total" : "10.0000000"}"#),
                Some(r#"{"balance" : "20.5"}"#),
                Err(Withheld::NeedsPerson)
            ),
        ]
    );
    assert!(kind.priority("balance within total").is_some() && kind.priority("balance").is_none());
}

#[tokio::test]
async fn a_label_without_a_counterpart_is_drift_that_cannot_be_written() {
    let application = Application::new(LOANS).await;
    application.run("INSERT INTO loans VALUES (1, 'active', 20)").await;
    let kind = application.bind(LOAN_SPEC).await;
    let compared = application.compare(&kind, "1", &[Some("Frozen"), Some("20")]).await.unwrap().unwrap();
    let status = &compared.differences[0];
    assert_eq!((status.db.as_deref(), status.chain.as_deref(), status.writable), (Some("active"), Some("Frozen"), Err(Withheld::Unmapped)));
    // A label that the column's enum lacks is drift as well, and no error.
    let compared = application.compare(&kind, "1", &[Some("Lost"), Some("20")]).await.unwrap().unwrap();
    assert_eq!((compared.differences[0].chain.as_deref(), compared.differences[0].writable), (Some("lost"), Ok(())));
}

#[tokio::test]
async fn facts_alone_are_told_where_there_is_nothing_to_compare() {
    let application = Application::new("CREATE TABLE loans (id bigint PRIMARY KEY, status text, changed timestamp)").await;
    application.run("INSERT INTO loans VALUES (1, 'x', now() at time zone 'utc' - interval '90 seconds')").await;
    let text = spec("loans").top("changed = \"changed\"").compare("status", "text");
    let kind = application.bind(&text).await;
    let rows =
        [Compare { identity: RowIdentity("1".to_owned()), values: None }, Compare { identity: RowIdentity("2".to_owned()), values: None }];
    let compared = kind.compare(&application.pools.read, &rows).await.unwrap();
    assert_eq!(compared.len(), 1, "a row that is gone has no answer");
    let compared = compared[0].1.as_ref().unwrap();
    assert!(compared.differences.is_empty());
    let age = compared.facts.changed_secs_ago.unwrap();
    assert!((90..150).contains(&age), "{age}");
}

#[tokio::test]
async fn each_type_meets_its_carrier() {
    // Column type, carrier, what the column holds (SQL), a chain value that is the same, one that is not.
    let cases = [
        ("integer", "numeric", "7", "7.0000000", "8"),
        ("smallint", "text", "7", "7", "8"),
        (
            "numeric(38, 7)",
            "numeric",
            "170141183460469231731687303715.8841057",
            "170141183460469231731687303715.88410570",
            "170141183460469231731687303715.8841058",
        ),
        ("numeric", "numeric", "-0.1", "-0.10", "0.1"),
        ("text", "numeric", "'12.50'", "12.5", "12.51"),
        ("double precision", "numeric", "0.1", "0.1", "0.1000000001"),
        ("citext", "text", "'Abc'", "Abc", "abc"),
        ("char(5)", "text", "'ab'", "ab", "abc"),
        ("varchar(3)", "text", "'ab'", "ab", "ab "),
        ("uuid", "text", "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "x"),
        ("boolean", "bool", "true", "true", "false"),
        ("bytea", "bytea", "'\\xab01'", "\\xab01", "\\xab02"),
        ("bytea", "text", "'\\xab01'", "ab01", "AB01"),
        ("timestamptz", "timestamptz", "'2026-01-01 02:00+02'", "2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z"),
        ("timestamp", "timestamptz", "'2026-01-01 00:00'", "2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z"),
        ("date", "timestamptz", "'2026-01-01'", "2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z"),
        ("jsonb", "jsonb", "'{\"b\": \"2\", \"a\": null}'", "{\"a\":null,\"b\":\"2\"}", "{\"a\":null}"),
        ("json", "jsonb", "'[1, 2]'", "[1,2]", "[2,1]"),
        ("text[]", "text", "'{a,b}'", "{a,b}", "{b,a}"),
    ];
    let application = Application::new("CREATE EXTENSION citext").await;
    for (index, (kind, carrier, held, same, other)) in cases.into_iter().enumerate() {
        application
            .run(&format!("CREATE TABLE t{index} (id bigint PRIMARY KEY, c {kind}); INSERT INTO t{index} VALUES (1, {held}), (2, NULL)"))
            .await;
        let text = spec(&format!("t{index}")).value("v", carrier).field("c", "v", "");
        let bound = application.bind(&text).await;
        assert_eq!(application.compare(&bound, "1", &[Some(same)]).await, None, "{kind} {held} is {same}");
        let different = application.compare(&bound, "1", &[Some(other)]).await;
        assert!(different.is_some_and(|it| it.is_ok()), "{kind} {held} is not {other}");
        assert_eq!(application.compare(&bound, "2", &[None]).await, None, "NULL is NULL");
        assert!(application.compare(&bound, "2", &[Some(same)]).await.is_some(), "NULL is no {kind}");
        assert!(application.compare(&bound, "1", &[None]).await.is_some(), "a {kind} is not NULL");
    }
}

#[tokio::test]
async fn a_text_that_is_no_number_fails_its_row_alone() {
    let (application, kind) = column("text", "numeric", "").await;
    application.run("INSERT INTO it VALUES (1, '5'), (2, 'five'), (3, '5')").await;
    let rows = ["1", "2", "3"].map(|row| compare(row, &[Some("6")]));
    let compared = kind.compare(&application.pools.read, &rows).await.unwrap();
    let outcomes: Vec<_> = compared.iter().map(|(row, it)| (row.0.as_str(), it.is_ok())).collect();
    assert_eq!(outcomes.len(), 3);
    assert!(outcomes.contains(&("2", false)) && outcomes.contains(&("1", true)) && outcomes.contains(&("3", true)));
}

#[tokio::test]
async fn differences_within_the_tolerance_are_none() {
    let (application, kind) = column("numeric", "numeric", "tolerance = \"0.01\"").await;
    application.run("INSERT INTO it VALUES (1, 10), (2, NULL)").await;
    assert_eq!(application.compare(&kind, "1", &[Some("10.01")]).await, None);
    assert!(application.compare(&kind, "1", &[Some("10.0100001")]).await.is_some());
    assert!(application.compare(&kind, "2", &[Some("0")]).await.is_some());
    assert_eq!(application.compare(&kind, "2", &[None]).await, None);
}

#[tokio::test]
async fn a_tolerance_in_percent_is_of_the_chains_side_and_exact() {
    let (application, kind) = column("numeric", "numeric", "tolerance = \"0.5%\"").await;
    application.run("INSERT INTO it VALUES (1, 1005), (2, NULL), (3, 0), (4, -995), (5, 100000000000000000000000000000000000000.5)").await;
    assert_eq!(application.compare(&kind, "1", &[Some("1000")]).await, None);
    assert!(application.compare(&kind, "1", &[Some("999.9999999999999999999999")]).await.is_some());
    assert_eq!(application.compare(&kind, "4", &[Some("-1000")]).await, None);
    assert!(application.compare(&kind, "4", &[Some("1000")]).await.is_some());
    assert_eq!(application.compare(&kind, "3", &[Some("0")]).await, None);
    assert!(application.compare(&kind, "1", &[Some("0")]).await.is_some(), "of nothing no part is anything");
    assert!(application.compare(&kind, "2", &[Some("0")]).await.is_some());
    assert_eq!(application.compare(&kind, "2", &[None]).await, None);
    assert_eq!(application.compare(&kind, "5", &[Some("99502487562189054726368159203980099503")]).await, None);
    assert!(application.compare(&kind, "5", &[Some("99502487562189054726368159203980099502")]).await.is_some());
}

#[tokio::test]
async fn a_part_of_a_json_column_is_read_and_written_by_sql() {
    let (application, kind) =
        column("jsonb", "text", "read = \"db.c->>'tier'\"\nwrite = \"jsonb_set(coalesce(db.c, '{}'), '{tier}', to_jsonb(chain.v))\"").await;
    application.run(r#"INSERT INTO it VALUES (1, '{"tier": "gold", "n": 1}'), (2, NULL)"#).await;
    assert_eq!(application.compare(&kind, "1", &[Some("gold")]).await, None);
    let compared = application.compare(&kind, "1", &[Some("silver")]).await.unwrap().unwrap();
    let difference = &compared.differences[0];
    assert_eq!((difference.db.as_deref(), difference.chain.as_deref()), (Some("gold"), Some("silver")));
    assert_eq!(difference.set.as_deref(), Some(r#"{"n": 1, "tier": "silver"}"#));
    assert_eq!(difference.writable, Ok(()));
    let compared = application.compare(&kind, "2", &[Some("silver")]).await.unwrap().unwrap();
    assert_eq!(compared.differences[0].set.as_deref(), Some(r#"{"tier": "silver"}"#));
}

#[tokio::test]
async fn what_is_read_by_sql_and_not_written_by_sql_is_only_reported() {
    let (application, kind) = column("jsonb", "text", "read = \"db.c->>'tier'\"").await;
    application.run(r#"INSERT INTO it VALUES (1, '{"tier": "gold"}')"#).await;
    let compared = application.compare(&kind, "1", &[Some("silver")]).await.unwrap().unwrap();
    assert_eq!(compared.differences[0].writable, Err(Withheld::NotAsked));
    assert_eq!((compared.differences[0].db.as_deref(), compared.differences[0].chain.as_deref()), (Some("gold"), Some("silver")));
}

#[tokio::test]
async fn the_chain_may_be_an_expression_over_several_values() {
    let application = Application::new(
        "CREATE TABLE markets (id bigint PRIMARY KEY, odds numeric(6, 4), yes int); INSERT INTO markets VALUES (1, 0.25, 1), (2, 0.3, 1)",
    )
    .await;
    let text = spec("markets").value("yes", "numeric").value("no", "numeric").field(
        "odds",
        "round(chain.yes / nullif(chain.yes + no, 0), 4)",
        "type = \"numeric\"",
    );
    let kind = application.bind(&text).await;
    assert_eq!(application.compare(&kind, "1", &[Some("1"), Some("3")]).await, None);
    let compared = application.compare(&kind, "2", &[Some("1"), Some("3")]).await.unwrap().unwrap();
    assert_eq!((compared.differences[0].db.as_deref(), compared.differences[0].chain.as_deref()), (Some("0.3"), Some("0.25")));
}

#[tokio::test]
async fn a_transaction_that_is_not_pending_any_more_is_a_stale_status() {
    let hash = "ab".repeat(32);
    let other = "cd".repeat(32);
    let application = Application::new(&format!("CREATE TABLE transactions (id int PRIMARY KEY, hash text UNIQUE, state text, sent timestamptz); INSERT INTO transactions VALUES (1, '{hash}', 'pending', now()), (2, '{other}', 'failed', now())")).await;
    let kind = application.bind(TRANSACTIONS).await;
    let success = [Some("SUCCESS"), Some("txSUCCESS"), Some("5"), Some("2026-01-01T00:00:00Z"), Some("100")];
    for (row, class) in [("1", Class::OrphanedPendingTransaction), ("2", Class::StaleStatus)] {
        let compared = application.compare(&kind, row, &success).await.unwrap().unwrap();
        assert_eq!((compared.differences[0].class, compared.differences[0].chain.as_deref()), (class, Some("success")));
    }
}

#[tokio::test]
async fn a_condition_is_violated_by_false_and_not_by_null() {
    let application =
        Application::new("CREATE TABLE loans (id bigint PRIMARY KEY, total numeric); INSERT INTO loans VALUES (1, 5), (2, NULL)").await;
    let kind = application
        .bind(
            spec("loans")
                .value("balance", "numeric")
                .table("[[condition]]\nname = \"within total\"\nholds = \"chain.balance <= db.total\""),
        )
        .await;
    assert_eq!(application.compare(&kind, "1", &[Some("5")]).await, None);
    assert!(application.compare(&kind, "1", &[Some("6")]).await.is_some());
    assert_eq!(application.compare(&kind, "1", &[None]).await, None);
    assert_eq!(application.compare(&kind, "2", &[Some("6")]).await, None);
}
