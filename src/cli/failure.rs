//! What a failed command says: every cause once, in plain words, and the way out where the cause alone tells it.

use sqlx::postgres::PgDatabaseError;

/// SQLSTATE of a right that the role lacks.
const INSUFFICIENT_PRIVILEGE: &str = "42501";

/// The message of an error and its causes. A cause whose words stand in the message already is not said again.
pub(super) fn said(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain() {
        let words = cause.to_string();
        let words = words.trim_end();
        if !text.contains(words) {
            text += if text.is_empty() { "" } else { ": " };
            text += words;
        }
    }
    let Some(database) = error.chain().find_map(database_error) else { return text };
    // Its display ends with a line of Postgres' own source, which looks like one of the user's.
    text = text.replace("error returned from database: ", "").replace(&database.to_string(), database.message());
    if database.code() == INSUFFICIENT_PRIVILEGE {
        text += "\nThe role lacks a right; docs/operations.md lists the GRANTs that trueup needs (\"The role of the database\").";
    }
    text
}

fn database_error<'e>(cause: &'e (dyn std::error::Error + 'static)) -> Option<&'e PgDatabaseError> {
    let inside = cause.downcast_ref::<sqlx::Error>().and_then(sqlx::Error::as_database_error);
    cause.downcast_ref().or_else(|| inside?.try_downcast_ref())
}

#[cfg(test)]
mod tests {
    use anyhow::{Context as _, anyhow};

    #[test]
    fn a_cause_is_said_once() {
        let error = anyhow!("no such file").context("cannot read x: no such file").context("it failed");
        assert_eq!(super::said(&error), "it failed: cannot read x: no such file");
        let error = Err::<(), _>(anyhow!("a line\n")).context("trueup.toml is not valid").expect_err("an error");
        assert_eq!(super::said(&error), "trueup.toml is not valid: a line");
    }
}
