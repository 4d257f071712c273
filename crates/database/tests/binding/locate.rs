use sqlx::PgPool;
use trueup_database::RowRange;
use trueup_database::connect::{PoolSettings, pools};
use trueup_judge::{ChainKey, RowIdentity};

use crate::application::{Application, CONTRACT};
use crate::spec_text::spec;

fn texts(texts: &[&str]) -> Vec<Option<String>> {
    texts.iter().map(|text| Some((*text).to_owned())).collect()
}

#[tokio::test]
async fn a_batch_of_rows_costs_one_statement() {
    let application = Application::new(
        "CREATE TABLE loans (id bigint PRIMARY KEY, balance numeric); INSERT INTO loans SELECT n, n FROM generate_series(1, 500) AS n",
    )
    .await;
    let kind = application.bind(spec("loans").compare("balance", "numeric")).await;
    let rows = application.rows(&kind).await;
    assert_eq!(rows.len(), 500);
    let before = application.pools.statements.total();
    let located = kind.locate(&application.pools.read, &rows).await.unwrap();
    assert_eq!(application.pools.statements.total() - before, 1);
    assert_eq!(located.len(), 500);
    let (identity, first) = &located[0];
    let first = first.as_ref().unwrap();
    assert_eq!((identity.0.as_str(), first.key.as_ref().unwrap().0.as_str()), ("1", "1"));
    assert_eq!(first.arguments, texts(&["1"]));
    assert!(!first.provisional);
}

/// One row of a thousand has a key that is no number.
#[tokio::test]
async fn a_row_whose_key_does_not_cast_stands_alone_after_a_few_halvings() {
    let application = Application::new(
        "CREATE TABLE loans (row int PRIMARY KEY, id text UNIQUE, balance numeric);
         INSERT INTO loans SELECT n, CASE WHEN n = 617 THEN 'not a number' ELSE n::text END, n FROM generate_series(1, 1000) AS n",
    )
    .await;
    let kind = application.bind(spec("loans").entry("{ u64 = \"id::bigint\" }").compare("balance", "numeric")).await;
    let rows = application.rows(&kind).await;
    let before = application.pools.statements.total();
    let located = kind.locate(&application.pools.read, &rows).await.unwrap();
    let statements = application.pools.statements.total() - before;
    assert!(statements <= 21, "{statements} statements for one bad row of 1,000");
    assert_eq!(located.len(), 1_000);
    let failed: Vec<_> =
        located.iter().filter_map(|(row, it)| it.as_ref().err().map(|error| (row.0.as_str(), error.to_string()))).collect();
    assert_eq!(failed, [("617", "invalid input syntax for type bigint: \"not a number\"".to_owned())]);
}

#[tokio::test]
async fn rows_that_are_gone_or_exempt_have_no_answer() {
    let application = Application::new(
        "CREATE TABLE loans (id bigint PRIMARY KEY, status text); INSERT INTO loans VALUES (1, 'active'), (2, 'rejected'), (3, NULL)",
    )
    .await;
    let kind = application.bind(spec("loans").top("where = \"status <> 'rejected'\"").compare("status", "text")).await;
    let rows = ["1", "2", "3", "4"].map(|it| RowIdentity(it.to_owned()));
    let located = kind.locate(&application.pools.read, &rows).await.unwrap();
    assert_eq!(located.iter().map(|(row, _)| row.0.as_str()).collect::<Vec<_>>(), ["1"]);
    assert_eq!(application.rows(&kind).await, [RowIdentity("1".to_owned())]);
}

/// The application made this key up; the expression that reads a true key is never evaluated on it.
#[tokio::test]
async fn a_provisional_row_is_told_without_evaluating_its_key() {
    let application = Application::new("CREATE TABLE loans (row int PRIMARY KEY, id text UNIQUE, status text); INSERT INTO loans VALUES (1, 'pending-1'), (2, '2'), (3, NULL)").await;
    let kind = application
        .bind(
            spec("loans")
                .entry("{ u64 = \"id::bigint\" }")
                .compare("status", "text")
                .table("[provisional]\nwhen = \"id like 'pending-%'\""),
        )
        .await;
    let made_up = application.locate(&kind, "1").await.unwrap();
    assert!(made_up.provisional && made_up.arguments.is_empty());
    assert_eq!(application.locate(&kind, "2").await.unwrap().arguments, texts(&["2"]));
    let keyless = application.locate(&kind, "3").await.unwrap();
    assert_eq!((keyless.key, keyless.provisional, keyless.arguments), (None, false, vec![None]));
    let mut conn = application.pools.read.acquire().await.unwrap();
    assert!(kind.has_provisional_rows(&mut conn).await.unwrap());
    application.run("UPDATE loans SET id = 1 WHERE row = 1").await;
    assert!(!kind.has_provisional_rows(&mut conn).await.unwrap());
}

#[tokio::test]
async fn a_transaction_is_located_by_its_hash_however_it_is_written() {
    let hash = "AB".repeat(32);
    let application = Application::new(&format!(
        "CREATE TABLE transactions (id int PRIMARY KEY, hash text UNIQUE, state text, sent timestamp);
         INSERT INTO transactions VALUES (1, '0x{hash}', 'pending', '2026-01-02 03:04:05.9'), (2, NULL, 'pending', NULL), (3, 'nonsense', 'pending', NULL)"
    ))
    .await;
    let kind = application.bind(TRANSACTIONS).await;
    let located = application.locate(&kind, "1").await.unwrap();
    assert_eq!(located.hash, Some("ab".repeat(32)));
    assert_eq!(located.submitted, Some(1_767_323_045));
    assert_eq!(application.locate(&kind, "2").await.unwrap().hash, None);
    let error = application.locate(&kind, "3").await.unwrap_err();
    assert_eq!(error.to_string(), "`nonsense` is not a transaction hash: it wants 64 hex digits");
}

#[tokio::test]
async fn a_transaction_comes_with_its_envelope_and_with_what_was_remembered_of_it() {
    let hash = "ab".repeat(32);
    let spec = TRANSACTIONS.replace("submitted", "envelope = \"signed\"\nsubmitted");
    let envelope = "AAAAAgAAAADuBg==";
    for (column, value, located) in [
        ("text", format!("'{envelope}'"), envelope.to_owned()),
        ("bytea", format!("decode('{envelope}', 'base64')"), envelope.to_owned()),
        ("varchar(20)", format!("'{envelope}'"), envelope.to_owned()),
    ] {
        let application = Application::new(&format!(
            "CREATE TABLE transactions (id int PRIMARY KEY, hash text, state text, sent timestamp, signed {column});
             INSERT INTO transactions VALUES (1, '{hash}', 'pending', NULL, {value}), (2, '{hash}', 'pending', NULL, NULL)"
        ))
        .await;
        let kind = application.bind(&spec).await;
        let first = application.locate(&kind, "1").await.unwrap();
        assert_eq!((first.envelope, first.checkpoint), (Some(located), None), "{column}");
        assert_eq!(application.locate(&kind, "2").await.unwrap().envelope, None);

        let mut connection = application.pools.write.acquire().await.unwrap();
        let remember = async |connection: &mut sqlx::PgConnection, checkpoint: serde_json::Value| {
            let both = [(RowIdentity("2".into()), serde_json::json!(2)), (RowIdentity("1".into()), checkpoint)];
            trueup_database::keep_checkpoints(connection, &application.pools.statements, &kind.spec().kind, &both).await.unwrap();
        };
        remember(&mut connection, serde_json::json!({ "a": 1 })).await;
        remember(&mut connection, serde_json::json!({ "a": 2 })).await;
        assert_eq!(application.locate(&kind, "1").await.unwrap().checkpoint, Some(serde_json::json!({ "a": 2 })));
        assert_eq!(application.locate(&kind, "2").await.unwrap().checkpoint, Some(serde_json::json!(2)));
    }
}

#[tokio::test]
async fn an_envelope_is_text_or_bytes_and_labels_that_need_one_are_warned_about_without_it() {
    let table =
        |column: &str| format!("CREATE TABLE transactions (id int PRIMARY KEY, hash text, state text, sent timestamp, signed {column})");
    let with = TRANSACTIONS.replace("submitted", "envelope = \"signed\"\nsubmitted");
    let application = Application::new(&table("int")).await;
    let error = application.try_bind(&with).await.unwrap_err().to_string();
    assert!(error.contains("`envelope` must be a text or bytea column; `signed` is integer"), "{error}");
    let labels = TRANSACTIONS.replace("failed = \"failed\"", "failed = \"failed\", expired = \"expired\"");
    let warnings = application.bind(&labels).await.warnings().join("\n");
    assert!(warnings.contains("without `envelope`"), "{warnings}");
}

pub const TRANSACTIONS: &str = r#"
kind = "transaction"
table = "transactions"
[chain]
source = "transaction"
hash = "hash"
state = "state"
submitted = "sent"
states = { pending = "pending", succeeded = "success", failed = "failed" }
[repair]
orphaned_pending_transaction = "update"
"#;

#[tokio::test]
async fn each_row_may_name_its_own_contract() {
    let application = Application::new(&format!("CREATE TABLE pools (contract text, id bigint, shares numeric, PRIMARY KEY (contract, id)); INSERT INTO pools VALUES ('{CONTRACT}', 7, 1)")).await;
    let kind = application
        .bind(
            spec("pools")
                .key("[\"contract\", \"id\"]")
                .contract("{ column = \"contract\" }")
                .entry("[{ symbol = \"Pool\" }, { u32 = \"id % 4\" }, { u64 = \"id\" }]")
                .compare("shares", "numeric"),
        )
        .await;
    let key = format!("[\"{CONTRACT}\", \"7\"]");
    let located = application.locate(&kind, &key).await.unwrap();
    assert_eq!(located.contract.as_deref(), Some(CONTRACT));
    assert_eq!((located.key.as_ref().map(|it| it.0.as_str()), &located.arguments), (Some(key.as_str()), &texts(&["3", "7"])));

    let unknown = ChainKey(format!("[\"{CONTRACT}\", \"8\"]"));
    let keys = [ChainKey(key), unknown];
    let located = kind.locate_keys(&application.pools.read, &keys).await.unwrap();
    let rows: Vec<_> = located.iter().map(|(_, it)| it.as_ref().unwrap().row.is_some()).collect();
    assert_eq!(rows, [true, false]);
    assert_eq!(located[1].1.as_ref().unwrap().arguments, texts(&["0", "8"]));
    assert_eq!(located[1].1.as_ref().unwrap().contract.as_deref(), Some(CONTRACT));
}

#[tokio::test]
async fn rows_of_a_range_are_located_and_compared_as_they_are_anywhere() {
    let application = Application::new(
        "CREATE TABLE loans (pool text, id bigint, balance numeric, PRIMARY KEY (pool, id));
         INSERT INTO loans SELECT pool, n, n FROM unnest(ARRAY['a', 'b b', 'c']) AS pool, generate_series(1, 30) AS n",
    )
    .await;
    let text = spec("loans").key("[\"pool\", \"id\"]").entry("[{ symbol = \"pool\" }, { u64 = \"id\" }]").compare("balance", "numeric");
    let kind = application.bind(text).await;
    let pool = &application.pools.read;
    let (mut seen, mut differ) = (0, 0);
    for range in application.keys(&kind.ranges_after(None, 100, 7, true)).await {
        let range: RowRange = serde_json::from_str(&range).unwrap();
        let rows = kind.rows_in(pool, &range).await.unwrap().unwrap();
        let located = kind.locate_in(pool, Some(&range), &rows).await.unwrap();
        assert_eq!(located, kind.locate(pool, &rows).await.unwrap());
        assert!(located.iter().all(|(_, located)| located.is_ok()) && located.len() == rows.len(), "{located:?}");
        let questions: Vec<_> = rows.iter().map(|row| crate::application::compare(&row.0, &[Some("7")])).collect();
        let compared = kind.compare_in(pool, Some(&range), &questions).await.unwrap();
        assert_eq!(compared, kind.compare(pool, &questions).await.unwrap());
        differ += compared.len();
        seen += rows.len();
    }
    assert_eq!((seen, differ), (90, 87), "the balance of one loan of each pool is 7");
}

/// How often all fingerprints and all that is kept of entities were read, by the one session of this pool.
async fn whole_reads(pool: &PgPool) -> i64 {
    sqlx::query("SELECT pg_stat_force_next_flush()").execute(pool).await.unwrap();
    let read =
        "SELECT sum(seq_scan)::bigint FROM pg_stat_user_tables WHERE schemaname = 'trueup' AND relname IN ('fingerprints', 'entities')";
    sqlx::query_scalar(read).fetch_one(pool).await.unwrap()
}

#[tokio::test]
async fn what_is_kept_of_rows_is_found_by_its_index_whatever_the_collation_of_their_key() {
    for collation in ["", "COLLATE \"C\"", "COLLATE \"und-x-icu\""] {
        let application = Application::new(&format!(
            "CREATE TABLE loans (id text {collation} PRIMARY KEY, balance numeric);
             INSERT INTO loans SELECT n, n FROM generate_series(1, 20000) AS n;
             INSERT INTO trueup.fingerprints SELECT 'it', n, n, n FROM generate_series(1, 20000) AS n;
             INSERT INTO trueup.entities (kind, identity, floor_ledger) SELECT 'it', n, n FROM generate_series(1, 20000) AS n;
             ANALYZE loans, trueup.fingerprints, trueup.entities",
        ))
        .await;
        let kind = application.bind(spec("loans").entry("[{ symbol = \"id\" }]").compare("balance", "numeric")).await;
        let pools = pools(application.url(), &PoolSettings { readers: 1, ..PoolSettings::default() }).await.unwrap();
        let before = whole_reads(&pools.read).await;
        let ranges = application.keys(&kind.ranges_after(None, 20_000, 20, false)).await;
        let range: RowRange = serde_json::from_str(&ranges[5]).unwrap();
        let sieved = kind.sieve(&pools.read, &range).await.unwrap().unwrap();
        assert_eq!(sieved.moved.len(), 20, "none has the version of which the fingerprint is");
        let rows = kind.locate_in(&pools.read, Some(&range), &sieved.moved).await.unwrap();
        assert!(rows.iter().all(|(_, located)| located.as_ref().unwrap().floor.is_some()));
        assert_eq!(whole_reads(&pools.read).await, before, "{collation}");
    }
}
