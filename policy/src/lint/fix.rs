//! Applying the repairs that findings carry.

use json_patch::Patch;
use serde_json::Value;

use super::{Finding, check};
use crate::bundle::Source;

/// Rounds after which [`fix_all`] stops. A repair leaves nothing to repair in its place, so two are enough; the bound
/// guarantees termination.
const MAX_ROUNDS: usize = 8;

/// `source` with one finding's repair applied; none when the finding has none or belongs to another text.
pub fn apply_fix(source: &Source, finding: &Finding) -> Option<Source> {
    apply(source, &[finding.fix.as_ref()?])
}

/// `source` with every repair applied, repeatedly until none is left. What has no single right answer stays as it is.
pub fn fix_all(source: &Source) -> Source {
    let mut fixed = source.clone();
    for _ in 0..MAX_ROUNDS {
        let findings = check::findings(&fixed);
        let mut fixes: Vec<_> =
            findings.iter().filter_map(|found| Some((found.position()?, found.fix.as_ref()?))).collect();
        if fixes.is_empty() {
            break;
        }
        // From the last rule to the first, so that removing a rule moves none that is still to be repaired.
        fixes.sort_by_key(|(position, _)| std::cmp::Reverse(*position));
        let patches: Vec<_> = fixes.into_iter().map(|(_, patch)| patch).collect();
        match apply(&fixed, &patches) {
            Some(next) if next != fixed => fixed = next,
            _ => break,
        }
    }
    fixed
}

/// Applies patches one after the other; one that no longer fits, because an earlier one touched its place, is left for
/// the next round. None when the result is no bundle.
fn apply(source: &Source, patches: &[&Patch]) -> Option<Source> {
    let mut document: Value = source.to_value();
    let mut applied = false;
    for patch in patches {
        applied |= json_patch::patch(&mut document, patch).is_ok();
    }
    if !applied {
        return None;
    }
    Source::read(document).ok()
}
