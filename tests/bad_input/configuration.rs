//! What `trueup.toml`, flags and environment say.

use crate::applications::support::application::ended;
use crate::bad_input::bank::{assert_untouched, bank, spec};

async fn with_file(command: &[&str], file: &str, parts: &[&str]) {
    let bank = bank(&spec()).await;
    // Beside the specs' folder and not in it, where it would be taken for a spec.
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("trueup.toml"), file).expect("written");
    let mut command = bank.command(command);
    command.current_dir(folder.path());
    ended(command).await.refused(parts);
    assert_untouched(&bank).await;
}

#[tokio::test]
async fn two_schedules_of_one_name() {
    let file = "[[schedule]]\nname = 'a'\ncron = '* * * * *'\n[[schedule]]\nname = 'a'\ncron = '* * * * *'";
    with_file(&["scheduler"], file, &["two schedules are named `a`"]).await;
}

#[tokio::test]
async fn a_bad_cron_expression() {
    with_file(&["all"], "[[schedule]]\nname = 'a'\ncron = '61 * * * *'", &["schedule `a`", "`61 * * * *`", "Example:"]).await;
}

#[tokio::test]
async fn a_schedule_of_a_kind_that_has_no_spec() {
    let file = "[[schedule]]\nname = 'a'\ncron = '* * * * *'\nkinds = ['acount']";
    with_file(&["scheduler"], file, &["schedule `a`", "no spec for kind `acount`", "specs for account"]).await;
    with_file(&["all"], file, &["schedule `a`", "no spec for kind `acount`"]).await;
}

#[tokio::test]
async fn an_unknown_key() {
    with_file(&["run"], "databse_url = 'x'", &["trueup.toml is not valid", "databse_url", "database_url"]).await;
}

#[tokio::test]
async fn a_configuration_file_that_is_not_there() {
    let bank = bank(&spec()).await;
    bank.trueup(&["check", "--config", "nowhere.toml"]).await.refused(&["cannot read nowhere.toml"]);
}

#[tokio::test]
async fn nothing_said_about_database_or_chain() {
    let bank = bank(&spec()).await;
    for (variable, flag) in [("DATABASE_URL", "--database-url"), ("TRUEUP_RPC_URL", "--rpc-url")] {
        let mut command = bank.command(&["run"]);
        command.env_remove(variable);
        ended(command).await.refused(&[variable, flag, "trueup.toml"]);
    }
}

#[tokio::test]
async fn a_mode_that_there_is_not() {
    let bank = bank(&spec()).await;
    let ended = bank.trueup(&["run", "--mode", "fix"]).await.expect(2);
    assert!(ended.err.contains("detect, propose, repair"), "{}", ended.err);
}
