use super::{CONTRACT, chain, ending_in};
use crate::{FIELD, HEAD, VALUES, errors};

/// Where each error is, and what it says.
fn first_lines(text: &str) -> Vec<&str> {
    text.lines().filter(|line| line.starts_with("loan.toml")).collect()
}

#[test]
fn a_touch_without_topics_or_key_and_one_with_more_than_there_is() {
    let text = ending_in("[[touch]]\nname = \"LOANPAID\"\n");
    assert_eq!(
        first_lines(&text),
        [
            "loan.toml:14:1: [[touch]] has no `topics`",
            "loan.toml:14:1: [[touch]] has no `key`",
            "loan.toml:15:1: unknown key `name` in [[touch]]"
        ]
    );
}

#[test]
fn a_touch_whose_key_is_somewhere_else_or_has_too_few_parts() {
    let text = ending_in("[[touch]]\ntopics = [\"*\"]\nkey = \"id\"\n");
    assert_eq!(
        first_lines(&text),
        [
            "loan.toml:15:12: the first topic is the event's name, and cannot be `*`",
            "loan.toml:16:7: `key` in [[touch]] is no place in an event"
        ]
    );
    let two = HEAD.replace("\"id\"", "[\"a\", \"b\"]");
    let text = errors(&format!("{two}{}{VALUES}{FIELD}[[touch]]\ntopics = [\"X\"]\nkey = \"data\"\n", chain("")));
    assert_eq!(first_lines(&text), ["loan.toml:16:7: `key` has 1 place(s), and the key has 2 column(s)"]);
}

#[test]
fn a_touch_of_nobody_knows_which_contract() {
    let each = chain("").replace(&format!("\"{CONTRACT}\""), "{ column = \"id\" }");
    let text = errors(&format!("{HEAD}{each}{VALUES}{FIELD}[[touch]]\ntopics = [\"X\"]\nkey = \"data\"\n"));
    assert_eq!(first_lines(&text), ["loan.toml:14:1: [chain] names no one contract whose events these could be"]);
}

#[test]
fn a_window_that_is_too_short_or_too_long() {
    for window in ["1 second", "2 days"] {
        let text = ending_in(&format!("[guard]\nwindow = \"{window}\"\n"));
        assert_eq!(first_lines(&text), ["loan.toml:15:10: the window of the guard should lie between a minute and a day"]);
    }
}
