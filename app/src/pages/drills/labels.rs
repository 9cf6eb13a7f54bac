//! Labels of drills.

use lifecycle::{
    rollout::{DrillReport, drill::LastDrill},
    signing::Checked,
};
use policy::Timestamp;

use crate::components::Tone;

/// The summary above the list: how the last drill went, and whether the next one is due.
pub(super) fn summary(last: Option<&Checked<DrillReport>>, as_of: Timestamp) -> (Tone, &'static str) {
    let Some(last) = last else { return (Tone::Warn, "No drill has been run yet.") };
    if !last.verifies() {
        return (Tone::Bad, "The report of the last drill is not as it was signed: it proves nothing.");
    }
    let last = &last.record;
    if !last.safety_passed {
        return (Tone::Bad, "The last drill failed: a rollback may not work when it is needed.");
    }
    let last = LastDrill { id: last.id, at: last.at, passed: last.safety_passed };
    if last.is_overdue(as_of) {
        (Tone::Warn, "The last drill is more than 7 days old: the next one is overdue.")
    } else {
        (Tone::Good, "The last drill passed. The next one is due 7 days after it.")
    }
}

/// `12.3 ms`, `1.2 s`; a dash for a step that was not reached.
pub(super) fn milliseconds(length: Option<f64>) -> String {
    match length {
        None => "–".to_owned(),
        Some(length) if length >= 1000.0 => format!("{:.1}\u{a0}s", length / 1000.0),
        Some(length) => format!("{length:.1}\u{a0}ms"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        assert_eq!(milliseconds(Some(12.34)), "12.3\u{a0}ms");
        assert_eq!(milliseconds(Some(1234.0)), "1.2\u{a0}s");
        assert_eq!(milliseconds(None), "–");
    }
}
