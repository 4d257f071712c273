//! Just enough of SQL's lexical rules to see which names an expression mentions.

use std::collections::BTreeSet;

/// What an expression mentions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Mentions {
    /// Every identifier but those of `chain`, folded as Postgres folds them.
    pub names: BTreeSet<String>,
    /// `db.name`.
    pub db: BTreeSet<String>,
    /// `chain.name`.
    pub chain: BTreeSet<String>,
    /// `db` as a whole: `db.*`, `to_jsonb(db)`.
    pub whole_row: bool,
}

/// Why a text cannot stand inside a statement, and at which character (from 0).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Soundness {
    /// It can.
    Sound,
    /// A bracket that closes nothing.
    Closes(usize),
    /// A bracket that is not closed.
    Open(usize),
    /// A semicolon.
    Semicolon(usize),
    /// A placeholder.
    Placeholder(usize),
    /// A literal, a quoted name or a comment that does not end.
    Unterminated(usize),
}

#[derive(Debug, PartialEq, Eq)]
enum Token {
    Name(String),
    Symbol(char),
    Placeholder,
    Unterminated,
}

/// The names in an expression. Literals and comments mention nothing.
pub(crate) fn mentions(sql: &str) -> Mentions {
    let tokens: Vec<Token> = Tokens::new(sql).map(|(token, _)| token).collect();
    let mut found = Mentions::default();
    for (index, token) in tokens.iter().enumerate() {
        let Token::Name(name) = token else { continue };
        if index > 0 && tokens[index - 1] == Token::Symbol('.') {
            let of_chain = index > 1 && tokens[index - 2] == Token::Name("chain".to_owned());
            if !of_chain {
                found.names.insert(name.clone());
            }
            continue;
        }
        found.names.insert(name.clone());
        let member = match (tokens.get(index + 1), tokens.get(index + 2)) {
            (Some(Token::Symbol('.')), Some(Token::Name(member))) => Some(member.clone()),
            _ => None,
        };
        match (name.as_str(), member) {
            ("db", Some(member)) => drop(found.db.insert(member)),
            ("db", None) => found.whole_row = true,
            ("chain", Some(member)) => drop(found.chain.insert(member)),
            _ => {}
        }
    }
    found
}

/// Whether an expression can stand between two brackets of a statement without changing what is around it.
pub(crate) fn soundness(sql: &str) -> Soundness {
    let mut open = Vec::new();
    for (token, at) in Tokens::new(sql) {
        match token {
            Token::Symbol('(' | '[') => open.push(at),
            Token::Symbol(')' | ']') if open.pop().is_none() => return Soundness::Closes(at),
            Token::Symbol(';') => return Soundness::Semicolon(at),
            Token::Placeholder => return Soundness::Placeholder(at),
            Token::Unterminated => return Soundness::Unterminated(at),
            Token::Symbol(_) | Token::Name(_) => {}
        }
    }
    open.pop().map_or(Soundness::Sound, Soundness::Open)
}

/// The expression with every `chain.name` replaced by what `column` makes of the name. What it makes nothing of is left.
pub(crate) fn with_chain_as_columns(sql: &str, column: impl Fn(&str) -> Option<String>) -> String {
    let mut reader = Tokens::new(sql);
    let mut tokens = Vec::new();
    while let Some((token, start)) = reader.next() {
        tokens.push((token, start, reader.position));
    }
    let mut text = String::with_capacity(sql.len());
    let mut copied = 0;
    for (index, (token, start, _)) in tokens.iter().enumerate() {
        let qualified = index > 0 && tokens[index - 1].0 == Token::Symbol('.');
        if qualified || *token != Token::Name("chain".to_owned()) {
            continue;
        }
        let (Some((Token::Symbol('.'), ..)), Some((Token::Name(member), _, end))) = (tokens.get(index + 1), tokens.get(index + 2)) else {
            continue;
        };
        if let Some(column) = column(member) {
            text.extend(&reader.characters[copied..*start]);
            text += &column;
            copied = *end;
        }
    }
    text.extend(&reader.characters[copied..]);
    text
}

struct Tokens {
    characters: Vec<char>,
    position: usize,
}

impl Tokens {
    fn new(sql: &str) -> Self {
        Self { characters: sql.chars().collect(), position: 0 }
    }

    fn at(&self, index: usize) -> char {
        self.characters.get(index).copied().unwrap_or('\0')
    }

    /// The length of the run of characters from `start` for which `wanted` holds.
    fn run(&self, start: usize, wanted: impl Fn(char) -> bool) -> usize {
        self.characters.get(start..).unwrap_or_default().iter().take_while(|it| wanted(**it)).count()
    }

    /// What stands between the quote at `start` and its partner, and the position after it.
    fn quoted(&self, start: usize, backslash: bool) -> Option<(String, usize)> {
        let quote = self.at(start);
        let mut text = String::new();
        let mut position = start + 1;
        while position < self.characters.len() {
            let character = self.at(position);
            if backslash && character == '\\' {
                position += 2;
            } else if character == quote && self.at(position + 1) == quote {
                text.push(quote);
                position += 2;
            } else if character == quote {
                return Some((text, position + 1));
            } else {
                text.push(character);
                position += 1;
            }
        }
        None
    }

    /// The position after a comment that may hold others.
    fn after_comment(&self, start: usize) -> Option<usize> {
        let mut depth = 0_usize;
        let mut position = start;
        while position + 1 < self.characters.len() {
            match (self.at(position), self.at(position + 1)) {
                ('/', '*') => {
                    depth += 1;
                    position += 2;
                }
                ('*', '/') => {
                    depth -= 1;
                    position += 2;
                    if depth == 0 {
                        return Some(position);
                    }
                }
                _ => position += 1,
            }
        }
        None
    }

    /// The position after `$tag$ … $tag$`; `start` itself if no such thing begins there.
    fn after_dollar_quote(&self, start: usize) -> Option<usize> {
        let tag = if self.at(start + 1).is_ascii_digit() { 0 } else { self.run(start + 1, is_word) };
        if self.at(start + 1 + tag) != '$' {
            return Some(start);
        }
        let body = start + tag + 2;
        let fence = &self.characters[start..body];
        let close = self.characters[body..].windows(fence.len()).position(|window| window == fence)?;
        Some(body + close + fence.len())
    }
}

impl Iterator for Tokens {
    type Item = (Token, usize);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let start = self.position;
            let first = *self.characters.get(start)?;
            let rest = self.characters.len();
            match (first, self.at(start + 1)) {
                ('-', '-') => self.position = start + self.run(start, |it| it != '\n'),
                ('/', '*') => match self.after_comment(start) {
                    Some(end) => self.position = end,
                    None => {
                        self.position = rest;
                        return Some((Token::Unterminated, start));
                    }
                },
                ('\'', _) | ('e' | 'E', '\'') => {
                    let escapes = first != '\'';
                    match self.quoted(start + usize::from(escapes), escapes) {
                        Some((_, end)) => self.position = end,
                        None => {
                            self.position = rest;
                            return Some((Token::Unterminated, start));
                        }
                    }
                }
                ('"', _) => {
                    let Some((name, end)) = self.quoted(start, false) else {
                        self.position = rest;
                        return Some((Token::Unterminated, start));
                    };
                    self.position = end;
                    return Some((Token::Name(name), start));
                }
                ('$', next) if next.is_ascii_digit() => {
                    self.position = start + 1 + self.run(start + 1, |it| it.is_ascii_digit());
                    return Some((Token::Placeholder, start));
                }
                ('$', _) => match self.after_dollar_quote(start) {
                    Some(end) if end > start => self.position = end,
                    Some(_) => self.position = start + 1,
                    None => {
                        self.position = rest;
                        return Some((Token::Unterminated, start));
                    }
                },
                (first, _) if is_word(first) && !first.is_ascii_digit() => {
                    let length = self.run(start, |it| is_word(it) || it == '$');
                    self.position = start + length;
                    let name: String = self.characters[start..self.position].iter().collect();
                    return Some((Token::Name(name.to_ascii_lowercase()), start));
                }
                (first, _) if first.is_ascii_digit() => {
                    self.position = start + self.run(start, |it| is_word(it) || it == '.');
                }
                (first, _) if first.is_whitespace() => self.position = start + 1,
                _ => {
                    self.position = start + 1;
                    return Some((Token::Symbol(first), start));
                }
            }
        }
    }
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names(sql: &str) -> Vec<String> {
        mentions(sql).names.into_iter().collect()
    }

    #[test]
    fn names_are_found_as_postgres_folds_them() {
        assert_eq!(names("Status <> 'rejected' AND \"Loan Id\" > 1e5"), ["Loan Id", "and", "status"]);
        assert_eq!(names("meta->>'a' || E'it\\'s b' || $$c$$ || $x$d$x$ -- e\n /* f /* g */ h */ || i"), ["i", "meta"]);
    }

    #[test]
    fn both_sides_of_a_condition_are_told_apart() {
        let found = mentions("chain.released <= db.\"Total\" AND db . paid IS NOT NULL");
        assert_eq!(found.chain, BTreeSet::from(["released".to_owned()]));
        assert_eq!(found.db, BTreeSet::from(["Total".to_owned(), "paid".to_owned()]));
        assert!(!found.whole_row);
        assert!(mentions("to_jsonb(db) ? 'a'").whole_row);
        assert!(mentions("count(db.*) > 0").whole_row);
    }

    #[test]
    fn values_of_the_chain_become_columns_and_nothing_else_changes() {
        let renamed = with_chain_as_columns("chain.a + Chain . \"B\" > db.chain.a -- chain.a\n AND 'chain.a' <> chain.c", |name| {
            (name != "c").then(|| format!("c_{name}"))
        });
        assert_eq!(renamed, "c_a + c_B > db.chain.a -- chain.a\n AND 'chain.a' <> chain.c");
    }

    #[test]
    fn what_would_break_out_of_a_statement_is_found() {
        assert_eq!(soundness("a = 'it''s; ) $1' AND (b)"), Soundness::Sound);
        assert_eq!(soundness("a) OR (b"), Soundness::Closes(1));
        assert_eq!(soundness("lower(a"), Soundness::Open(5));
        assert_eq!(soundness("a; DROP TABLE b"), Soundness::Semicolon(1));
        assert_eq!(soundness("a = $1"), Soundness::Placeholder(4));
        assert_eq!(soundness("a = 'b"), Soundness::Unterminated(4));
        assert_eq!(soundness("a /* b"), Soundness::Unterminated(2));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(sql in prop_oneof![any::<String>(), "[a.'\"$/*()\\\\eE1 \n-]{0,30}"]) {
            let _ = (mentions(&sql), soundness(&sql));
        }
    }
}
