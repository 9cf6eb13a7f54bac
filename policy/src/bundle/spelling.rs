//! "Did you mean …?"

/// Whether `written` is probably a misspelling of `meant`: equal but for case, or within one edit, two in longer words.
pub fn near(written: &str, meant: &str) -> bool {
    let (written, meant) = (written.to_lowercase(), meant.to_lowercase());
    if written == meant {
        return true;
    }
    let allowed = match meant.chars().count() {
        0..4 => return false,
        4..8 => 1,
        _ => 2,
    };
    distance(&written, &meant) <= allowed
}

/// The nearest of `names` to `written`, when one is near.
pub fn nearest<'a>(written: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    names.into_iter().filter(|name| near(written, name)).min_by_key(|name| distance(written, name))
}

/// The Levenshtein distance: insertions, deletions and substitutions of single characters.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (to, cell) in b.iter().zip(row.iter_mut().skip(1)) {
            let substituted = diagonal + usize::from(from != *to);
            diagonal = *cell;
            left = substituted.min(*cell + 1).min(left + 1);
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_edits() {
        for (a, b, edits) in [("", "abc", 3), ("kitten", "sitting", 3), ("risk_score", "risk_scroe", 2), ("a", "a", 0)]
        {
            assert_eq!(distance(a, b), edits, "{a} {b}");
            assert_eq!(distance(b, a), edits, "{b} {a}");
        }
    }

    #[test]
    fn only_near_names_are_offered() {
        assert_eq!(nearest("risk_scor", ["risk", "risk_score"]), Some("risk_score"));
        assert_eq!(nearest("Agent", ["agent"]), Some("agent"));
        assert_eq!(nearest("note", ["reason", "tags"]), None);
        assert!(!near("ids", "id"));
    }
}
