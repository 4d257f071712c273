//! Conditions, and what a repair writes by an expression of its own.

use trueup_judge::{Class, Confirmation, Judgement, Seen, Verdict, confirm, judge_row};

use crate::application::{Application, compare, stamp};
use crate::spec_text::{SpecText, spec};

fn condition(spec: SpecText, holds: &str) -> SpecText {
    spec.table(&format!("[[condition]]\nname = \"it holds\"\nholds = \"{holds}\""))
}

#[tokio::test]
async fn a_condition_that_cannot_be_evaluated_fails_its_row_alone() {
    let application = Application::new(
        "CREATE TABLE it (id bigint PRIMARY KEY, part numeric); INSERT INTO it SELECT n, n - 50 FROM generate_series(1, 100) AS n",
    )
    .await;
    let kind = application.bind(condition(spec("it").value("v", "numeric"), "chain.v / db.part <= 1")).await;
    let rows: Vec<_> = (1..=100).map(|n| compare(&n.to_string(), &[Some("10")])).collect();
    let compared = kind.compare(&application.pools.read, &rows).await.unwrap();
    let failed: Vec<_> = compared.iter().filter(|(_, it)| it.is_err()).map(|(row, _)| row.0.as_str()).collect();
    assert_eq!(failed, ["50"], "a division by zero");
    let violated: Vec<i64> = compared.iter().filter(|(_, it)| it.is_ok()).map(|(row, _)| row.0.parse().unwrap()).collect();
    assert_eq!(violated, (51..60).collect::<Vec<_>>(), "10 over 1 to 9 is more than 1");
}

/// The looks of one entity, a moment apart, around a deadline.
#[tokio::test]
async fn a_deadline_that_passes_between_the_looks_does_not_flap() {
    let application = Application::new("CREATE TABLE it (id bigint PRIMARY KEY, status text, due timestamptz NOT NULL)").await;
    application.run("INSERT INTO it VALUES (1, 'active', now() - interval '1 day'), (2, 'active', now() + interval '1 day'), (3, 'paid', now() - interval '1 day'), (4, NULL, 'infinity')").await;
    let kind = application.bind(condition(spec("it").value("v", "numeric"), "db.status <> 'active' or db.due > now()")).await;
    let judged = async |row: &str| -> Judgement {
        match application.compare(&kind, row, &[Some("1")]).await {
            Some(compared) => {
                let compared = compared.unwrap();
                judge_row(&compared.facts, &Seen::Present(stamp()), compared.differences, kind.rules())
            }
            None => Judgement::plain(Verdict::InSync),
        }
    };
    let first = judged("1").await.plan.expect("it is overdue");
    assert_eq!(first.drifts[0].class, Class::ConditionViolated);
    assert!(matches!(confirm(&first, judged("1").await), Confirmation::Confirmed(_)), "the clock is no part of what is compared");
    for row in ["2", "3", "4"] {
        assert_eq!(judged(row).await.verdict, Verdict::InSync, "{row}");
    }
    // Mended between the looks: no drift. Extended, and past its new due date: not the same drift, so that it is looked at again.
    application.run("UPDATE it SET due = due - interval '1 hour' WHERE id = 1").await;
    assert!(matches!(confirm(&first, judged("1").await), Confirmation::Moving { .. }));
    application.run("UPDATE it SET due = now() + interval '1 day' WHERE id = 1").await;
    assert_eq!(confirm(&first, judged("1").await), Confirmation::Gone(Verdict::InSync));
}

/// What is written is another value at each look; what differs is not.
#[tokio::test]
async fn a_write_that_takes_the_clock_is_confirmed_by_the_second_look_and_in_sync_after_the_repair() {
    let application =
        Application::new("CREATE TABLE it (id bigint PRIMARY KEY, paid_at timestamptz); INSERT INTO it VALUES (1, NULL), (2, now())").await;
    let text = spec("it")
        .value("paid", "bool")
        .field("paid_at", "paid", "read = \"db.paid_at is not null\"\nwrite = \"case when chain.paid then clock_timestamp() end\"")
        .repaired();
    let kind = application.bind(text).await;
    let first = application.plan(&kind, "1", &[Some("true")]).await;
    let second = application.plan(&kind, "1", &[Some("true")]).await;
    assert_ne!(first.action, second.action, "the clock went on");
    assert_eq!((first.drifts[0].db.as_deref(), first.drifts[0].chain.as_deref()), (Some("false"), Some("true")));
    let Confirmation::Confirmed(plan) = confirm(&first, Judgement { verdict: Verdict::Drifted, plan: Some(second.clone()) }) else {
        panic!("never the same twice")
    };
    assert_eq!(plan, second);
    application.repair(&kind, &[crate::application::order(1, "1", plan)]).await;
    assert_eq!(application.compare(&kind, "1", &[Some("true")]).await, None);
    let back = application.plan(&kind, "2", &[Some("false")]).await;
    application.repair(&kind, &[crate::application::order(2, "2", back)]).await;
    assert_eq!(
        application.text("SELECT string_agg(id || ' ' || (paid_at IS NULL), ', ' ORDER BY id) FROM it").await.as_deref(),
        Some("1 false, 2 true")
    );
}

#[tokio::test]
async fn a_write_is_evaluated_for_rows_that_differ_alone() {
    let application =
        Application::new("CREATE TABLE it (id bigint PRIMARY KEY, v numeric); INSERT INTO it VALUES (1, 5), (2, 6), (3, 5)").await;
    let text = spec("it").value("v", "numeric").field("v", "v", "read = \"db.v\"\nwrite = \"chain.v / (db.v - 5)\"").repaired();
    let kind = application.bind(text).await;
    let rows = [("1", "5"), ("2", "7"), ("3", "6")].map(|(row, v)| crate::application::compare(row, &[Some(v)]));
    let compared = kind.compare(&application.pools.read, &rows).await.unwrap();
    let outcomes: Vec<_> = compared.iter().map(|(row, compared)| (row.0.as_str(), compared.is_ok())).collect();
    assert_eq!(outcomes, [("2", true), ("3", false)], "what is in sync wants no write");
}
