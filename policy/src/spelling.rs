//! "Did you mean …?"

use strsim::osa_distance;

/// Whether `written` is probably a misspelling of `meant`: equal but for case, or within one edit (two in longer
/// words).
pub fn is_near(written: &str, meant: &str) -> bool {
    let (written, meant) = (written.to_lowercase(), meant.to_lowercase());
    if written == meant {
        return true;
    }
    let allowed = match meant.chars().count() {
        0..4 => return false,
        4..8 => 1,
        _ => 2,
    };
    osa_distance(&written, &meant) <= allowed
}

/// How many keystrokes `written` is from `meant`, when they are two or less and most of the word is left: a letter too
/// many, too few, another one, or two letters in the other order. Case does not count.
pub fn keystrokes(written: &str, meant: &str) -> Option<usize> {
    let (one, two) = (written.chars().count(), meant.chars().count());
    if one.abs_diff(two) > 2 {
        return None;
    }
    let distance = osa_distance(&written.to_lowercase(), &meant.to_lowercase());
    (distance <= 2 && distance * 2 < one.max(two)).then_some(distance)
}

/// The nearest of `names` to `written`, when one of them is near.
pub fn nearest<'a>(written: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    names.into_iter().filter(|name| is_near(written, name)).min_by_key(|name| osa_distance(written, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_letters_in_the_other_order_are_one_edit() {
        assert!(is_near("sicne", "since") && is_near("since", "sicne"));
        assert!(!is_near("sniec", "since"));
    }

    #[test]
    fn two_keystrokes_are_near_unless_little_of_the_word_is_left() {
        for (written, meant, count) in [
            ("conditon", "conditions", Some(2)),
            ("agnet", "agent", Some(1)),
            ("agt", "agent", Some(2)),
            ("tag", "tags", Some(1)),
            ("ids", "id", Some(1)),
            ("x", "id", None),
            ("Reason", "reason", Some(0)),
            ("owner", "enabled", None),
            ("name", "tags", None),
        ] {
            assert_eq!(keystrokes(written, meant), count, "{written} {meant}");
        }
    }

    #[test]
    fn only_near_names_are_offered() {
        assert_eq!(nearest("risk_scor", ["risk", "risk_score"]), Some("risk_score"));
        assert_eq!(nearest("Agent", ["agent"]), Some("agent"));
        assert_eq!(nearest("note", ["reason", "tags"]), None);
        assert!(!is_near("ids", "id"));
    }
}
