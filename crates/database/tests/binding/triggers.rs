//! The triggers by which rows touch themselves.

use crate::application::Application;
use crate::spec_text::spec;

/// The longest name of a kind whose triggers Postgres tells from others that begin alike, in bytes.
const KIND_BYTES_MAX: usize = 63 - "trueup_touch_".len() - "_insert".len();

async fn triggers_of(kind: &str) -> Result<String, String> {
    let application = Application::new("CREATE TABLE it (id bigint PRIMARY KEY, v numeric)").await;
    let text = spec("it").compare("v", "numeric").to_string().replacen("kind = \"it\"", &format!("kind = \"{kind}\""), 1);
    let sql = application.bind(&text).await.touch_trigger()?;
    application.run(&sql).await;
    Ok(sql)
}

#[tokio::test]
async fn a_kind_whose_triggers_have_names_that_postgres_keeps_gets_them() {
    let longest = "k".repeat(KIND_BYTES_MAX);
    let sql = triggers_of(&longest).await.expect("triggers");
    assert!(sql.contains(&format!("trueup_touch_{longest}_insert")), "{sql}");
}

#[tokio::test]
async fn a_kind_whose_triggers_names_would_be_cut_off_gets_none() {
    let why = triggers_of(&"k".repeat(KIND_BYTES_MAX + 1)).await.expect_err("no triggers");
    assert!(why.contains("too long") && why.contains(&KIND_BYTES_MAX.to_string()), "{why}");
}
