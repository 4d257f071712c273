//! A spec that does not fit says where, what, and the way out.

use insta::assert_snapshot;

use crate::application::{Application, LOAN_SPEC, LOANS};

#[tokio::test]
async fn a_table_that_is_not_there_is_named_with_its_likely_place() {
    let application = Application::new("CREATE SCHEMA app; CREATE TABLE app.\"Loans\" (id bigint PRIMARY KEY)").await;
    assert_snapshot!(application.complaint(LOAN_SPEC).await, @r#"
    spec.toml:3:10: the database has no table public.loans
      |
    3 | table = "loans"
      |          ^
      = help: there is `app."Loans"`
    "#);
}

#[tokio::test]
async fn every_unknown_column_is_named_at_its_place() {
    let application = Application::new(LOANS).await;
    let spec =
        LOAN_SPEC.replace("column = \"balance\"", "column = \"balanse\"").replace("key = \"id\"", "key = \"id\"\nchanged = \"updated_at\"");
    assert_snapshot!(application.complaint(&spec).await, @r#"
    spec.toml:5:12: public.loans has no column `updated_at`
      |
    5 | changed = "updated_at"
      |            ^
      = help: it has `id`, `status`, `balance`, `total`

    spec.toml:24:11: public.loans has no column `balanse`
       |
    24 | column = "balanse"
       |           ^
       = help: it has `id`, `status`, `balance`, `total`
    "#);
}

#[tokio::test]
async fn sql_that_postgres_refuses_is_shown_where_it_goes_wrong() {
    let application = Application::new(LOANS).await;
    let spec = LOAN_SPEC.replace("key = \"id\"", "key = \"id\"\nwhere = \"status <> 'pending' and statuss is null\"");
    assert_snapshot!(application.complaint(&spec).await, @r#"
    spec.toml:5:34: column "statuss" does not exist
      |
    5 | where = "status <> 'pending' and statuss is null"
      |                                  ^
      = help: perhaps you meant to reference the column "db.status"; the columns of public.loans are `id`, `status`, `balance`, `total`
    "#);
    let spec = LOAN_SPEC.replace("chain.balance <= db.total", "chain.balance <= db.total and lower(db.total) = 'x'");
    assert_snapshot!(application.complaint(&spec).await, @r#"
    spec.toml:28:40: function lower(numeric) does not exist
       |
    28 | holds = "chain.balance <= db.total and lower(db.total) = 'x'"
       |                                        ^
       = help: No function matches the given name and argument types. You might need to add explicit type casts.
    "#);
    let spec = LOAN_SPEC.replace("{ u64 = \"id\" }", "{ u64 = \"id + balance::bigint\" }");
    assert_snapshot!(application.complaint(&spec).await, @r#"
    spec.toml:9:45: column "balance" does not exist
      |
    9 | entry = [{ symbol = "Loan" }, { u64 = "id + balance::bigint" }]
      |                                             ^
      = help: `entry` may use the key only: `id`
    "#);
}

#[tokio::test]
async fn an_enum_label_that_does_not_exist_is_found_before_anything_runs() {
    let application = Application::new(LOANS).await;
    let spec = LOAN_SPEC.replace("key = \"id\"", "key = \"id\"\nwhere = \"status <> 'rejected'\"");
    assert_snapshot!(application.complaint(&spec).await, @r#"
    spec.toml:5:20: invalid input value for enum loan_state: "rejected"
      |
    5 | where = "status <> 'rejected'"
      |                    ^
    "#);
}

#[tokio::test]
async fn an_expression_cannot_break_out_of_its_place() {
    let application = Application::new(LOANS).await;
    for escape in ["true) or (true", "true; drop table loans", "true -- ' (", "id = $1"] {
        let spec = LOAN_SPEC.replace("key = \"id\"", &format!("key = \"id\"\nwhere = \"\"\"{escape}\"\"\""));
        let bound = application.try_bind(&spec).await;
        assert_eq!(bound.is_ok(), escape.contains("--"), "{escape}");
    }
    let spec = LOAN_SPEC.replace("key = \"id\"", "key = \"id\"\nwhere = \"true) or (true\"");
    assert_snapshot!(application.complaint(&spec).await, @r#"
    spec.toml:5:14: this bracket closes nothing
      |
    5 | where = "true) or (true"
      |              ^
    "#);
}

#[tokio::test]
async fn types_that_do_not_meet_are_refused_with_what_to_write_instead() {
    let application =
        Application::new("CREATE TABLE loans (id bigint PRIMARY KEY, status jsonb, balance timestamptz, total numeric)").await;
    assert_snapshot!(application.complaint(LOAN_SPEC).await, @r#"
    spec.toml:17:11: column `status` is jsonb, which is not compared with a text
       |
    17 | column = "status"
       |           ^
       = help: give the value `type = "jsonb"`, or say what to compare, as in read = "db.status->>'name'"

    spec.toml:23:11: column `balance` is timestamp with time zone, which is not compared with a numeric
       |
    23 | column = "balance"
       |           ^
       = help: give the value `type = "timestamptz"`
    "#);
}

#[tokio::test]
async fn a_condition_must_be_one() {
    let application = Application::new(LOANS).await;
    let spec = LOAN_SPEC.replace("chain.balance <= db.total", "chain.balance + db.total");
    assert_snapshot!(application.complaint(&spec).await, @r#"
    spec.toml:28:10: `holds` is not a condition: its type is not boolean
       |
    28 | holds = "chain.balance + db.total"
       |          ^
       = help: it must be true, false or NULL for each row, as in `status <> 'rejected'`
    "#);
}

#[tokio::test]
async fn a_table_needs_a_primary_key_and_a_key_that_is_unique() {
    let application = Application::new(
        "CREATE TYPE loan_state AS ENUM ('pending'); CREATE TABLE loans (id bigint, status loan_state, balance numeric, total numeric)",
    )
    .await;
    assert_snapshot!(application.complaint(LOAN_SPEC).await, @r#"
    spec.toml:3:10: public.loans has no primary key
      |
    3 | table = "loans"
      |          ^
      = help: trueup names a row by its primary key. ALTER TABLE "public"."loans" ADD PRIMARY KEY ("id"); or use a view of the table, which is reported on and never written

    spec.toml:4:8: the key `id` is not unique in public.loans
      |
    4 | key = "id"
      |        ^
      = help: two rows could claim one chain entry. ALTER TABLE "public"."loans" ADD UNIQUE ("id");
    "#);
}
