//! Texts of emergency commands: what cannot be kept is cut or replaced with a warning, because a side issue must not refuse
//! a rollback, a pause or the emergency switch.

/// The text without surrounding blanks, as it can be kept: at most `most` characters, none of them U+0000, which
/// PostgreSQL cannot store.
pub(crate) fn storable(pointer: &str, text: &str, most: usize, warnings: &mut Vec<String>) -> String {
    let text = text.trim();
    let mut kept: String = text.chars().take(most).collect();
    if kept.len() < text.len() {
        warnings.push(format!("`{pointer}` was cut to its first {most} characters"));
    }
    if kept.contains('\0') {
        warnings.push(format!("`{pointer}` contained the character U+0000, which cannot be kept and was replaced"));
        kept = kept.replace('\0', "\u{fffd}");
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_kept_is_cut_or_replaced_with_a_warning() {
        let mut warnings = Vec::new();
        assert_eq!(storable("/reason", "  all is well ", 20, &mut warnings), "all is well");
        assert!(warnings.is_empty());
        assert_eq!(storable("/reason", "ab\0é and more", 4, &mut warnings), "ab\u{fffd}é");
        assert_eq!(warnings.len(), 2);
        assert!(warnings.iter().all(|warning| warning.contains("`/reason`")), "{warnings:?}");
    }
}
