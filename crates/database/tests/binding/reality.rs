//! What a table may hold, forbid and hide.

use trueup_database::RepairOutcome;
use trueup_database::connect::{PoolSettings, pools};
use trueup_judge::{Action, Withheld};

use crate::application::{Application, LOAN_SPEC, LOANS, compare, order};
use crate::spec_text::spec;

/// How long a text is that nobody expects, in characters.
const LONG: usize = 1 << 20;

/// Repairs the one row of `it (id, c)` from `held` to `value`, and gives the column's text then.
async fn written(kind: &str, held: &str, carrier: &str, value: &str) -> Option<String> {
    let application =
        Application::new(&format!("CREATE TABLE it (id bigint PRIMARY KEY, c {kind}); INSERT INTO it VALUES (1, {held})")).await;
    let bound = application.bind(spec("it").value("v", carrier).field("c", "v", "").repaired()).await;
    let plan = application.plan(&bound, "1", &[Some(value)]).await;
    let outcomes = application.repair(&bound, &[order(1, "1", plan)]).await;
    assert!(matches!(outcomes[0], RepairOutcome::Repaired { .. }), "{kind}: {outcomes:?}");
    assert_eq!(application.compare(&bound, "1", &[Some(value)]).await, None, "{kind} {held} was repaired to {value}");
    application.text("SELECT c::text FROM it").await
}

#[tokio::test]
async fn values_at_the_edges_of_their_types_are_written_exactly() {
    let nines = "99999999999999999999.999999999999999999";
    let negative = format!("-{nines}");
    for (kind, held, carrier, value, shown) in [
        ("numeric(38, 18)", "0", "numeric", nines, nines),
        ("numeric(38, 18)", "0", "numeric", negative.as_str(), negative.as_str()),
        ("numeric(38, 18)", "0", "numeric", "0.000000000000000001", "0.000000000000000001"),
        ("numeric", "'NaN'", "numeric", "1", "1"),
        ("numeric", "'Infinity'", "numeric", "-1", "-1"),
        ("double precision", "'-Infinity'", "numeric", "0.1", "0.1"),
        ("bigint", "0", "numeric", "-9223372036854775808", "-9223372036854775808"),
        ("timestamptz", "'infinity'", "timestamptz", "2026-01-01T00:00:00Z", "2026-01-01 00:00:00+00"),
        ("timestamp", "'-infinity'", "timestamptz", "2026-01-01T00:00:00.000001Z", "2026-01-01 00:00:00.000001"),
        ("char(4)", "'a'", "text", "ab", "ab"),
        ("text[]", "'{a,b}'", "text", "{\"c d\",NULL}", "{\"c d\",NULL}"),
        ("jsonb", "'{}'", "jsonb", "{\"a\": [1, null]}", "{\"a\": [1, null]}"),
        ("text", "'e\u{301}'", "text", "\u{e9}\u{1F980}\u{200d}\u{FFFD}\u{202e}\r\n\\", "\u{e9}\u{1F980}\u{200d}\u{FFFD}\u{202e}\r\n\\"),
    ] {
        assert_eq!(written(kind, held, carrier, value).await.as_deref(), Some(shown), "{kind}");
    }
    let long = "\u{1F980}".repeat(LONG);
    assert_eq!(written("text", "''", "text", &long).await, Some(long));
}

#[tokio::test]
async fn a_value_that_no_number_is_near_is_drift_whatever_the_tolerance() {
    for held in ["'NaN'", "'Infinity'", "'-Infinity'"] {
        let application =
            Application::new(&format!("CREATE TABLE it (id bigint PRIMARY KEY, c numeric); INSERT INTO it VALUES (1, {held})")).await;
        let kind = application.bind(spec("it").value("v", "numeric").field("c", "v", "tolerance = \"1000000\"")).await;
        let compared = application.compare(&kind, "1", &[Some("1")]).await;
        assert!(compared.is_some_and(|it| it.is_ok()), "{held}");
    }
}

/// Postgres holds no such character; the value of one row must not be the end of its batch.
#[tokio::test]
async fn a_character_that_postgres_does_not_hold_fails_its_row_alone() {
    let application =
        Application::new("CREATE TABLE it (id bigint PRIMARY KEY, c text); INSERT INTO it SELECT n, 'a' FROM generate_series(1, 9) AS n")
            .await;
    let kind = application.bind(spec("it").compare("c", "text")).await;
    let rows: Vec<_> = (1..=9).map(|n| compare(&n.to_string(), &[Some(if n == 5 { "a\0" } else { "b" })])).collect();
    let compared = kind.compare(&application.pools.read, &rows).await.unwrap();
    let failed: Vec<_> = compared.iter().filter(|(_, it)| it.is_err()).map(|(row, _)| row.0.as_str()).collect();
    assert_eq!((failed, compared.len()), (vec!["5"], 9));
}

#[tokio::test]
async fn a_row_that_changed_at_no_time_is_settled_and_one_that_will_have_is_not() {
    let application = Application::new("CREATE TABLE it (id bigint PRIMARY KEY, c int, changed timestamptz); INSERT INTO it VALUES (1, 1, '-infinity'), (2, 1, 'infinity'), (3, 1, NULL)").await;
    let kind = application.bind(spec("it").top("changed = \"changed\"").compare("c", "numeric")).await;
    for (row, age) in [("1", None), ("2", Some(0)), ("3", None)] {
        let compared = application.compare(&kind, row, &[Some("2")]).await.unwrap().unwrap();
        assert_eq!(compared.facts.changed_secs_ago, age, "{row}");
    }
}

/// A role or a database may have settings of its own for how values are shown.
#[tokio::test]
async fn no_setting_of_the_database_changes_what_a_value_is() {
    let application = Application::new(
        "CREATE TABLE it (id bigint PRIMARY KEY, moment timestamp, float double precision, bytes bytea);
         INSERT INTO it VALUES (1, '2026-02-01 10:00', 0.1, '\\xab'), (2, NULL, NULL, NULL)",
    )
    .await;
    let name = application.text("SELECT current_database()::text").await.unwrap();
    for setting in [
        "timezone = 'Asia/Kathmandu'",
        "datestyle = 'SQL, DMY'",
        "extra_float_digits = -15",
        "bytea_output = 'escape'",
        "intervalstyle = 'iso_8601'",
    ] {
        application.run(&format!("ALTER DATABASE \"{name}\" SET {setting}")).await;
    }
    let fresh = pools(application.url(), &PoolSettings::default()).await.unwrap();
    let text = spec("it").compare("moment", "timestamptz").compare("float", "numeric").compare("bytes", "bytea").repaired();
    let kind = application.bind_with(&fresh.read, text).await.unwrap();
    let values = [Some("2026-02-01T10:00:00Z"), Some("0.1"), Some("\\xab")];
    let rows = ["1", "2"].map(|row| compare(row, &values));
    let compared = kind.compare(&fresh.read, &rows).await.unwrap();
    assert_eq!(compared.iter().map(|(row, _)| row.0.as_str()).collect::<Vec<_>>(), ["2"]);
    let plan = application.plan(&kind, "2", &values).await;
    let mut tx = fresh.write.begin().await.unwrap();
    let outcomes = kind.repair(&mut tx, &[order(1, "2", plan)]).await.unwrap();
    tx.commit().await.unwrap();
    assert!(matches!(outcomes[0], RepairOutcome::Repaired { .. }), "{outcomes:?}");
    assert_eq!(application.text("SELECT count(DISTINCT (moment, float, bytes))::text FROM it").await.as_deref(), Some("1"));
}

#[tokio::test]
async fn what_an_index_or_an_exclusion_refuses_is_refused_for_the_one_row() {
    for constraint in
        ["ADD UNIQUE (balance)", "ADD EXCLUDE USING btree (balance WITH =)", "ADD UNIQUE (balance) DEFERRABLE INITIALLY DEFERRED"]
    {
        let application = Application::new(&format!(
            "{LOANS}; INSERT INTO loans SELECT n, 'active', n FROM generate_series(1, 9) AS n; ALTER TABLE loans {constraint}"
        ))
        .await;
        let kind = application.bind(LOAN_SPEC).await;
        let mut orders = Vec::new();
        for row in 1..=9 {
            // The fifth would have the balance of the fourth.
            let balance = if row == 5 { "54".to_owned() } else { (50 + row).to_string() };
            let plan = application.plan(&kind, &row.to_string(), &[Some("Active"), Some(&balance)]).await;
            orders.push(order(row, &row.to_string(), plan));
        }
        let outcomes = application.repair(&kind, &orders).await;
        let refused: Vec<_> = (1..=9).filter(|row| !matches!(outcomes[row - 1], RepairOutcome::Repaired { .. })).collect();
        assert_eq!(refused, [5], "{constraint}: {outcomes:?}");
        assert!(matches!(&outcomes[4], RepairOutcome::Refused { reason } if reason.contains("loans_balance")), "{outcomes:?}");
        assert_eq!(application.text("SELECT balance::int::text FROM loans WHERE id = 5").await.as_deref(), Some("5"));
    }
}

/// What says which partition a row is in is part of every unique key, and so of the spec's, which no repair writes.
#[tokio::test]
async fn a_row_that_a_trigger_moves_to_another_partition_is_not_taken_for_repaired() {
    let application =
        Application::new("CREATE TABLE it (id bigint, region text, c int, PRIMARY KEY (id, region)) PARTITION BY LIST (region)").await;
    application.run("CREATE TABLE it_eu PARTITION OF it FOR VALUES IN ('eu'); CREATE TABLE it_us PARTITION OF it FOR VALUES IN ('us'); INSERT INTO it VALUES (1, 'eu', 1), (2, 'eu', 1)").await;
    let text = spec("it")
        .key("[\"id\", \"region\"]")
        .entry("[{ symbol = \"It\" }, { u64 = \"id\" }, { string = \"region\" }]")
        .compare("c", "numeric")
        .repaired();
    let kind = application.bind(text).await;
    application
        .run(
            "CREATE FUNCTION moved() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE it SET region = 'us' WHERE id = 2; RETURN NULL; END $$;
             CREATE TRIGGER moved AFTER UPDATE ON it FOR EACH ROW WHEN (pg_trigger_depth() = 0 AND new.id = 2) EXECUTE FUNCTION moved()",
        )
        .await;
    let mut orders = Vec::new();
    for (n, row) in [(1, r#"["1", "eu"]"#), (2, r#"["2", "eu"]"#)] {
        orders.push(order(n, row, application.plan(&kind, row, &[Some("7")]).await));
    }
    let outcomes = application.repair(&kind, &orders).await;
    assert!(matches!((&outcomes[0], &outcomes[1]), (RepairOutcome::Repaired { .. }, RepairOutcome::Altered { .. })), "{outcomes:?}");
}

#[tokio::test]
async fn a_key_that_only_the_database_gives_is_never_inserted() {
    let application = Application::new(&LOANS.replace("id bigint PRIMARY KEY", "id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY")).await;
    let kind = application.bind(LOAN_SPEC).await;
    assert!(!kind.rules().insert_complete);
    insta::assert_snapshot!(kind.warnings().join("\n"), @"loan: key column `id` is generated, so missing rows are reported and not inserted");
}

#[tokio::test]
async fn row_security_that_is_forced_on_the_owner_is_refused_until_the_role_bypasses_it() {
    let application = Application::new(LOANS).await;
    let role = format!("owner_{}", application.url().rsplit('_').next().unwrap());
    application
        .run(&format!(
            "CREATE ROLE {role} LOGIN PASSWORD 'x'; GRANT USAGE ON SCHEMA trueup TO {role}; GRANT SELECT ON ALL TABLES IN SCHEMA trueup TO {role};
             ALTER TABLE loans OWNER TO {role}; ALTER TABLE loans ENABLE ROW LEVEL SECURITY"
        ))
        .await;
    let theirs = pools(&application.url_of(&role, "x"), &PoolSettings::default()).await.unwrap();
    application.bind_with(&theirs.read, LOAN_SPEC).await.expect("the owner sees all rows");
    application.run("ALTER TABLE loans FORCE ROW LEVEL SECURITY").await;
    let Err(error) = application.bind_with(&theirs.read, LOAN_SPEC).await else { panic!("its rows are hidden from it") };
    assert!(error.to_string().contains("row security may hide rows of public.loans"), "{error}");
    application.run(&format!("ALTER ROLE {role} BYPASSRLS")).await;
    application.bind_with(&theirs.read, LOAN_SPEC).await.expect("nothing is hidden from it");
}

#[tokio::test]
async fn a_foreign_table_is_reported_on_and_never_written() {
    let application = Application::new(
        "CREATE FOREIGN DATA WRAPPER elsewhere; CREATE SERVER there FOREIGN DATA WRAPPER elsewhere;
         CREATE FOREIGN TABLE it (id bigint, c int) SERVER there",
    )
    .await;
    let kind = application.bind(spec("it").compare("c", "numeric").repaired()).await;
    insta::assert_snapshot!(kind.warnings().join("\n"), @r"
    it: public.it has no primary key, so a row is named by its key; it is reported on and never written
    it: public.it is not a table, so its drift is reported and not repaired
    ");
    assert!(!kind.rules().insert_complete);
}

/// A row that is marked as deleted is exempt: neither judged, nor missing, nor written.
#[tokio::test]
async fn a_row_that_is_marked_as_deleted_is_neither_judged_nor_missing() {
    let application = Application::new(&format!(
        "{LOANS}; ALTER TABLE loans ADD deleted_at timestamptz; INSERT INTO loans VALUES (1, 'active', 20), (2, 'active', 20)"
    ))
    .await;
    let kind = application.bind(&LOAN_SPEC.replace("key = \"id\"", "key = \"id\"\nwhere = \"deleted_at is null\"")).await;
    let plan = application.plan(&kind, "2", &[Some("Active"), Some("5")]).await;
    application.run("UPDATE loans SET deleted_at = now() WHERE id = 2").await;
    assert_eq!(application.keys(&kind.missing_in_range(1, 3)).await, ["3"]);
    assert_eq!(application.rows(&kind).await.len(), 1);
    assert_eq!(application.compare(&kind, "2", &[Some("Active"), Some("5")]).await, None);
    // Marked between the look and the write.
    assert_eq!(application.repair(&kind, &[order(1, "2", plan)]).await, [RepairOutcome::Superseded]);
}

#[tokio::test]
async fn a_view_that_postgres_could_write_through_is_not_written() {
    let application = Application::new(
        "CREATE TABLE base (id bigint PRIMARY KEY, c int); CREATE VIEW it AS SELECT * FROM base; INSERT INTO base VALUES (1, 1)",
    )
    .await;
    let kind = application.bind(spec("it").compare("c", "numeric").repaired()).await;
    let plan = application.plan(&kind, "1", &[Some("2")]).await;
    assert_eq!(plan.action, Action::Report { why: Withheld::NotWritable });
}
