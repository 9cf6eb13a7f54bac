//! The total order in which rules are considered. The first rule that matches or is in error decides.

use std::cmp::Ordering;

use crate::bundle::Rule;

/// Priority descending, then the stricter effect first (`deny`, `needs_approval`, `allow`), then id ascending.
///
/// The order is total for the rules of one bundle, because their ids are unique: the order of rules in a document never
/// matters.
pub fn compare(a: &Rule, b: &Rule) -> Ordering {
    b.priority.cmp(&a.priority).then_with(|| a.effect.cmp(&b.effect)).then_with(|| a.id.cmp(&b.id))
}
