//! Counts fields inside each other.

use std::collections::BTreeSet;

/// How many pairs of fields there are of which one is inside the other: the search for impossible points looks at each.
pub(super) fn nested<'a>(fields: impl IntoIterator<Item = &'a str>) -> u64 {
    let fields: BTreeSet<&str> = fields.into_iter().collect();
    if !fields.iter().any(|field| field.contains('.')) {
        return 0;
    }
    let outer = |field: &&str| {
        let ends = field.match_indices('.').filter_map(|(end, _)| field.get(..end));
        ends.filter(|outer| fields.contains(outer)).count() as u64
    };
    fields.iter().map(outer).sum()
}
