//! "Did you mean …?"

use strsim::osa_distance;

/// Maximum number of characters of a name that is compared letter by letter, as that takes quadratic time. No name that
/// people mistype is longer.
pub const MAX_COMPARED: usize = 64;

fn is_comparable(name: &str) -> bool {
    name.len() <= MAX_COMPARED || name.chars().nth(MAX_COMPARED).is_none()
}

/// Whether `written` is probably a misspelling of `meant`: equal but for case, or within one edit (two in longer
/// words).
pub fn is_near(written: &str, meant: &str) -> bool {
    if !is_comparable(written) || !is_comparable(meant) {
        return false;
    }
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
    if !is_comparable(written) || !is_comparable(meant) {
        return None;
    }
    let (one, two) = (written.chars().count(), meant.chars().count());
    if one.abs_diff(two) > 2 {
        return None;
    }
    let distance = osa_distance(&written.to_lowercase(), &meant.to_lowercase());
    (distance <= 2 && distance * 2 < one.max(two)).then_some(distance)
}

/// The nearest of `names` to `written`, when one of them is near; else the only one that goes on where `written` ends, or
/// the other way round, as `triggered_at` does after `triggered`.
pub fn nearest<'a>(written: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const MIN_SHARED: usize = 3;
    if !is_comparable(written) {
        return None;
    }
    let (mut near, mut begun): (Option<(usize, &str)>, Vec<&str>) = (None, Vec::new());
    for name in names {
        if is_near(written, name) {
            let distance = osa_distance(written, name);
            if near.is_none_or(|(least, _)| distance < least) {
                near = Some((distance, name));
            }
        } else if written.len().min(name.len()) >= MIN_SHARED
            && (name.starts_with(written) || written.starts_with(name))
        {
            begun.push(name);
        }
    }
    match (near, begun.as_slice()) {
        (Some((_, name)), _) => Some(name),
        (None, [only]) => Some(only),
        (None, _) => None,
    }
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

    #[test]
    fn the_only_name_that_goes_on_or_ends_before_is_offered() {
        assert_eq!(nearest("triggered", ["reason", "triggered_at"]), Some("triggered_at"));
        assert_eq!(nearest("reasons_given", ["reason", "by"]), Some("reason"));
        assert_eq!(nearest("trigger", ["triggered_at", "triggered_by"]), None);
        assert_eq!(nearest("id", ["idempotency_key"]), None);
    }

    #[test]
    fn long_names_are_not_compared() {
        let (long, other) = ("n".repeat(1 << 20), format!("{}m", "n".repeat(1 << 20)));
        assert!(!is_near(&long, &other) && keystrokes(&long, &other).is_none() && nearest(&long, [&*other]).is_none());
        let fits = "ä".repeat(64);
        assert_eq!(keystrokes(&fits, &"ä".repeat(63)), Some(1));
    }
}
