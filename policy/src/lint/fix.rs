//! Applying the repairs of findings.

use json_patch::Patch;
use serde_json::Value;

use super::{Finding, Severity, check};
use crate::bundle::Source;

/// Maximum number of rounds of [`fix_all`]. A repair leaves nothing to repair in its place, so two rounds are enough;
/// the bound guarantees termination.
const MAX_ROUNDS: usize = 8;

/// `source` with the repair of one finding applied; `None` when the finding has no repair or belongs to another text.
pub fn apply_fix(source: &Source, finding: &Finding) -> Option<Source> {
    apply(source, &[finding.fix.as_ref()?])
}

/// `source` with all repairs of errors applied, repeatedly until none is left. Faults without a single right answer stay
/// as they are, and so do warnings: what they propose may change what a bundle means, so each is a decision.
pub fn fix_all(source: &Source) -> Source {
    let mut fixed = source.clone();
    for _ in 0..MAX_ROUNDS {
        let findings = check::findings(&fixed);
        let mut fixes: Vec<_> =
            findings.iter().filter(|found| is_repaired_with_all(found)).filter_map(repair).collect();
        if fixes.is_empty() {
            break;
        }
        // From the last rule to the first, so that removing a rule does not move a rule that is still to be repaired.
        fixes.sort_by_key(|(position, _)| std::cmp::Reverse(*position));
        let patches: Vec<_> = fixes.into_iter().map(|(_, patch)| patch).collect();
        match apply(&fixed, &patches) {
            Some(next) if next != fixed => fixed = next,
            _ => break,
        }
    }
    fixed
}

/// Whether [`fix_all`] applies the repair of a finding.
pub fn is_repaired_with_all(finding: &Finding) -> bool {
    finding.severity == Severity::Error && finding.fix.is_some()
}

fn repair(finding: &Finding) -> Option<(usize, &Patch)> {
    // The repairs of the bundle's own members do not move any rule.
    Some((finding.position().unwrap_or_default(), finding.fix.as_ref()?))
}

/// Applies patches one after the other. A patch that no longer fits, because an earlier patch changed its place, is
/// left for the next round. Returns `None` when no patch fits or the result is not a bundle.
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
