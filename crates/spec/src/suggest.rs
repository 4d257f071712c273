//! "Did you mean": the known name that is nearest to a wrong one.

/// Names longer than this are not compared: they are no slips of the pen, and comparing them takes long.
const MAX_COMPARED_BYTES: usize = 200;

/// The nearest of `known`, if it is near enough to be a slip of the pen.
pub(crate) fn nearest<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if given.len() > MAX_COMPARED_BYTES {
        return None;
    }
    let allowed = (given.chars().count() / 3).max(1);
    let given = given.to_lowercase();
    known
        .into_iter()
        .map(|name| (edits(&given, &name.to_lowercase()), name))
        .filter(|(edits, _)| *edits <= allowed)
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, name)| name)
}

/// `; did you mean …?`, or nothing.
pub(crate) fn did_you_mean<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(given, known).map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
}

/// The names as a list in a sentence.
pub(crate) fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// How many characters must be added, removed, replaced or swapped with their neighbour (optimal string alignment).
fn edits(from: &str, to: &str) -> usize {
    let from: Vec<char> = from.chars().collect();
    let to: Vec<char> = to.chars().collect();
    let mut rows: Vec<Vec<usize>> = vec![(0..=to.len()).collect()];
    for removed in 1..=from.len() {
        let mut row = vec![removed];
        for added in 1..=to.len() {
            let replaced = rows[removed - 1][added - 1] + usize::from(from[removed - 1] != to[added - 1]);
            let mut least = replaced.min(rows[removed - 1][added] + 1).min(row[added - 1] + 1);
            let swaps = removed > 1 && added > 1 && from[removed - 1] == to[added - 2] && from[removed - 2] == to[added - 1];
            if swaps {
                least = least.min(rows[removed - 2][added - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[from.len()][to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_near_is_suggested() {
        assert_eq!(nearest("colum", ["value", "column"]), Some("column"));
        assert_eq!(nearest("Column", ["value", "column"]), Some("column"));
        assert_eq!(nearest("u46", ["u32", "u64"]), Some("u64"));
        assert_eq!(nearest("colour", ["value", "kind"]), None);
    }
    #[test]
    fn one_slip_in_three_characters_is_near() {
        for (given, known, near) in [
            ("a", "b", true),
            ("abcde", "abcxy", false),
            ("abcdef", "abcdxy", true),
            ("abcdef", "abcxyz", false),
            ("abcdefghi", "abcdefxyz", true),
        ] {
            assert_eq!(nearest(given, [known]).is_some(), near, "{given} and {known}");
        }
    }

    #[test]
    fn names_up_to_a_limit_are_compared() {
        let (longest, longer) = ("a".repeat(MAX_COMPARED_BYTES), "a".repeat(MAX_COMPARED_BYTES + 1));
        assert_eq!(nearest(&longest, [longest.as_str()]), Some(longest.as_str()));
        assert_eq!(nearest(&longer, [longer.as_str()]), None);
    }

    #[test]
    fn an_edit_adds_removes_replaces_or_swaps_a_character() {
        for (one, other, wanted) in [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "abc", 0),
            ("abc", "abxc", 1),
            ("abc", "axc", 1),
            ("ab", "ba", 1),
            ("abcd", "acbd", 1),
            ("abcd", "badc", 2),
            ("abcdef", "abcdfe", 1),
            ("abc", "bca", 2),
            ("aab", "aba", 1),
            ("abb", "bab", 1),
            ("axb", "bya", 3),
            ("ca", "abc", 3),
            ("kitten", "sitting", 3),
            ("saturday", "sunday", 3),
        ] {
            assert_eq!(edits(one, other), wanted, "{one} to {other}");
            assert_eq!(edits(other, one), wanted, "{other} to {one}");
        }
    }
}
