//! Which names of the form `chain.name` a piece of SQL mentions.

/// A qualified name in SQL.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Mention {
    /// What stands before the dot, as Postgres folds it.
    pub qualifier: String,
    /// What stands after the dot, as Postgres folds it.
    pub name: String,
    /// The character at which the name after the dot begins, from 0.
    pub character: usize,
}

/// Every `a.b` outside of literals and comments. Of `a.b.c` only `a.b` counts.
pub(crate) fn mentions(sql: &str) -> Vec<Mention> {
    let characters: Vec<char> = sql.chars().collect();
    let mut mentions = Vec::new();
    let mut position = 0;
    while position < characters.len() {
        let (end, word) = token(&characters, position);
        let Some(qualifier) = word else {
            position = end;
            continue;
        };
        let after_dot = position.checked_sub(1).is_some_and(|before| characters[before] == '.');
        position = end;
        let dot = skip_space(&characters, end);
        if after_dot || characters.get(dot) != Some(&'.') {
            continue;
        }
        let start = skip_space(&characters, dot + 1);
        if let (end, Some(name)) = token(&characters, start) {
            mentions.push(Mention { qualifier, name, character: start });
            position = end;
        }
    }
    mentions
}

/// Whether SQL says `name` outside of literals and comments, alone or with something behind it: `db.a`, `db.*`, `f(db)`.
pub(crate) fn names_qualifier(sql: &str, name: &str) -> bool {
    let characters: Vec<char> = sql.chars().collect();
    let mut position = 0;
    while position < characters.len() {
        let (end, word) = token(&characters, position);
        let after_dot = position.checked_sub(1).is_some_and(|before| characters[before] == '.');
        if word.as_deref() == Some(name) && !after_dot {
            return true;
        }
        position = end;
    }
    false
}

/// The end of the token that begins at `start`, and its name if it is an identifier.
fn token(characters: &[char], start: usize) -> (usize, Option<String>) {
    let at = |index: usize| characters.get(index).copied().unwrap_or('\0');
    let find = |from: usize, wanted: char| {
        let rest = characters.get(from..).unwrap_or_default();
        rest.iter().position(|it| *it == wanted).map_or(characters.len(), |found| from + found)
    };
    match at(start) {
        '\'' => (literal_end(characters, start, escapes(characters, start)), None),
        '"' => quoted_identifier(characters, start),
        '-' if at(start + 1) == '-' => (find(start, '\n'), None),
        '/' if at(start + 1) == '*' => (comment_end(characters, start), None),
        '$' => (dollar_end(characters, start), None),
        first if is_identifier_start(first) => {
            let rest = &characters[start..];
            let length = rest.iter().take_while(|it| is_identifier_start(**it) || it.is_ascii_digit() || **it == '$').count();
            (start + length, Some(rest[..length].iter().collect::<String>().to_ascii_lowercase()))
        }
        _ => (start + 1, None),
    }
}

/// `E'…'`: a backslash escapes the next character.
fn escapes(characters: &[char], quote: usize) -> bool {
    let before = |distance: usize| quote.checked_sub(distance).map(|index| characters[index]);
    matches!(before(1), Some('e' | 'E')) && !before(2).is_some_and(|it| is_identifier_start(it) || it.is_ascii_digit())
}

fn literal_end(characters: &[char], start: usize, escapes: bool) -> usize {
    let mut position = start + 1;
    while position < characters.len() {
        match characters[position] {
            '\\' if escapes => position += 2,
            '\'' if characters.get(position + 1) == Some(&'\'') => position += 2,
            '\'' => return position + 1,
            _ => position += 1,
        }
    }
    characters.len()
}

fn quoted_identifier(characters: &[char], start: usize) -> (usize, Option<String>) {
    let mut name = String::new();
    let mut position = start + 1;
    while position < characters.len() {
        match characters[position] {
            '"' if characters.get(position + 1) == Some(&'"') => {
                name.push('"');
                position += 2;
            }
            '"' => return (position + 1, Some(name)),
            other => {
                name.push(other);
                position += 1;
            }
        }
    }
    (characters.len(), None)
}

/// Comments of this form nest in SQL.
fn comment_end(characters: &[char], start: usize) -> usize {
    let mut depth = 0_usize;
    let mut position = start;
    while position + 1 < characters.len() {
        match (characters[position], characters[position + 1]) {
            ('/', '*') => {
                depth += 1;
                position += 2;
            }
            ('*', '/') if depth <= 1 => return position + 2,
            ('*', '/') => {
                depth -= 1;
                position += 2;
            }
            _ => position += 1,
        }
    }
    characters.len()
}

/// The end of `$tag$ … $tag$`; a lone `$` is one character.
fn dollar_end(characters: &[char], start: usize) -> usize {
    let tag = characters[start + 1..].iter().take_while(|it| is_identifier_start(**it) || it.is_ascii_digit()).count();
    let body = start + tag + 2;
    if characters.get(start + tag + 1) != Some(&'$') {
        return start + 1;
    }
    let fence = &characters[start..body];
    let close = characters[body..].windows(fence.len()).position(|window| window == fence);
    close.map_or(characters.len(), |found| body + found + fence.len())
}

fn is_identifier_start(character: char) -> bool {
    character.is_alphabetic() || character == '_'
}

fn skip_space(characters: &[char], from: usize) -> usize {
    let rest = characters.get(from..).unwrap_or_default();
    from + rest.iter().take_while(|it| it.is_whitespace()).count()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names(sql: &str) -> Vec<String> {
        mentions(sql).into_iter().map(|it| format!("{}.{}@{}", it.qualifier, it.name, it.character)).collect()
    }

    #[test]
    fn qualified_names_are_found_with_their_place() {
        assert_eq!(names("chain.yes / (Chain.YES + db.\"No\")"), ["chain.yes@6", "chain.yes@19", "db.No@28"]);
        assert_eq!(names("a.b.c"), ["a.b@2"]);
        assert_eq!(names("lower(x) || 1.5"), [""; 0]);
    }

    #[test]
    fn literals_and_comments_mention_nothing() {
        for sql in
            ["'chain.a'", "E'\\'chain.a'", "'it''s chain.a'", "$$ chain.a $$", "$q$ chain.a $q$", "-- chain.a", "/* /* x */ chain.a */"]
        {
            assert_eq!(names(sql), [""; 0], "{sql}");
        }
        assert_eq!(names("'x' || chain.a -- y"), ["chain.a@13"]);
    }

    #[test]
    fn a_qualifier_is_found_alone_and_with_something_behind_it() {
        for sql in ["db.a", "to_jsonb(DB)", "db.*", "x || db . a"] {
            assert!(names_qualifier(sql, "db"), "{sql}");
        }
        for sql in ["'db.a'", "dbx.a", "chain.db", "-- db"] {
            assert!(!names_qualifier(sql, "db"), "{sql}");
        }
    }

    #[test]
    fn each_sort_of_text_ends_where_postgres_says_that_it_ends() {
        let cases: &[(&str, &[&str])] = &[
            // Literals: a quote stands twice for itself; a backslash escapes only behind an `E` of its own.
            ("'' || chain.a", &["chain.a@12"]),
            (r"'\' || chain.a", &["chain.a@13"]),
            (r"x = '\' || chain.a", &["chain.a@17"]),
            (r"date'\' || chain.a", &["chain.a@17"]),
            (r"1e'\' || chain.a", &["chain.a@15"]),
            (r"E'ab\'' || chain.a", &["chain.a@17"]),
            ("E'a''' || chain.a", &["chain.a@16"]),
            (r"e'it''s\'chain.a'", &[]),
            ("'chain.a", &[]),
            // Names in quotes.
            (r#""Chain".a"#, &["Chain.a@8"]),
            (r#"db."N""o" || chain.a"#, &[r#"db.N"o@3"#, "chain.a@19"]),
            (r#"db."No"#, &[]),
            // Comments: one of dashes ends with its line, the others nest.
            ("a - chain.b", &["chain.b@10"]),
            ("a / chain.b", &["chain.b@10"]),
            ("-- chain.a\nchain.b", &["chain.b@17"]),
            ("/* ' */ chain.a", &["chain.a@14"]),
            ("/* /* x */ y */ chain.a", &["chain.a@22"]),
            ("/*/ chain.a */ chain.b", &["chain.b@21"]),
            ("/* chain.a", &[]),
            // Dollars: the same tag closes what it opens, and a lone one is a character.
            ("$$ chain.a $$ chain.b", &["chain.b@20"]),
            ("$q1$ chain.a $q1$ chain.b", &["chain.b@24"]),
            (" $q$ $qx chain.a $q$ chain.b", &["chain.b@27"]),
            ("$ chain.a", &["chain.a@8"]),
            ("$1 + chain.a", &["chain.a@11"]),
            // Names without quotes.
            ("_a.b_1$ + a1$.c", &["_a.b_1$@3", "a1$.c@14"]),
            ("chain . a", &["chain.a@8"]),
            ("a.b.c.d", &["a.b@2"]),
            ("f(x).a.b", &[]),
        ];
        for (sql, found) in cases {
            assert_eq!(&names(sql), found, "{sql}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(sql in any::<String>()) {
            let _ = mentions(&sql);
            let _ = names_qualifier(&sql, "db");
        }

        #[test]
        fn no_likely_text_makes_it_panic(sql in "[a.'\"$/*\\-\n E]{0,30}") {
            let _ = mentions(&sql);
        }
    }
}
