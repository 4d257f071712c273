//! `${NAME}` in the strings of a spec.

/// Why a string could not be completed from the environment.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Gap {
    /// The variable is not set.
    Unset(String),
    /// `${` that is not followed by a name and `}`; what stands there.
    Malformed(String),
}

/// Replaces each `${NAME}` by what the environment holds; `$${` stands for `${` itself.
pub(crate) fn fill(text: &str, environment: &dyn Fn(&str) -> Option<String>) -> Result<String, Gap> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(dollar) = rest.find("${") {
        let before = &rest[..dollar];
        let after = &rest[dollar + 2..];
        if let Some(before) = before.strip_suffix('$') {
            filled += before;
            filled += "${";
            rest = after;
            continue;
        }
        filled += before;
        let name = after.split('}').next().filter(|name| name.len() < after.len() && is_name(name));
        let Some(name) = name else {
            return Err(Gap::Malformed(rest[dollar..].chars().take(20).collect()));
        };
        filled += &environment(name).ok_or_else(|| Gap::Unset(name.to_owned()))?;
        rest = &after[name.len() + 1..];
    }
    filled += rest;
    Ok(filled)
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with(|first: char| first.is_ascii_digit())
        && text.chars().all(|character| character.is_ascii_alphanumeric() || character == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill_one(text: &str) -> Result<String, Gap> {
        fill(text, &|name| (name == "A").then(|| "1".to_owned()))
    }

    #[test]
    fn variables_are_replaced_and_doubled_dollars_are_not() {
        assert_eq!(fill_one("x${A}y${A}").as_deref(), Ok("x1y1"));
        assert_eq!(fill_one("$${A}$").as_deref(), Ok("${A}$"));
        assert_eq!(fill_one("$1 $$ $").as_deref(), Ok("$1 $$ $"));
    }

    #[test]
    fn what_a_variable_holds_is_not_looked_into_again() {
        assert_eq!(fill("${A}", &|_| Some("${A}".to_owned())).as_deref(), Ok("${A}"));
    }

    #[test]
    fn unset_and_malformed_variables_are_told_apart() {
        assert_eq!(fill_one("${B}"), Err(Gap::Unset("B".to_owned())));
        assert_eq!(fill_one("a ${B"), Err(Gap::Malformed("${B".to_owned())));
        assert_eq!(fill_one("${}"), Err(Gap::Malformed("${}".to_owned())));
    }
    #[test]
    fn a_name_is_letters_digits_and_underscores_and_begins_with_no_digit() {
        let fill = |text: &str| fill(text, &|name| Some(name.to_lowercase()));
        for (text, filled) in [("${A1}", "a1"), ("${A_B}", "a_b"), ("${_A}", "_a")] {
            assert_eq!(fill(text).as_deref(), Ok(filled));
        }
        for text in ["${1A}", "${A-B}", "${A B}", "${-}", "${Ä}"] {
            assert_eq!(fill(text), Err(Gap::Malformed(text.to_owned())));
        }
    }
}
