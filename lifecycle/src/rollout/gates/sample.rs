//! The gate of the sample: enough decisions, about enough different subjects.

use super::{
    evidence::Evidence,
    gate::{Gate, GateName, GateVerdict},
    outlook::{self, Outlook},
};
use crate::{
    format::{Decimals, percent},
    metrics::GateConfig,
    rollout::counts::{StageCounts, SubjectCounts},
};

/// The largest share of one subject, 0–1.
const LARGEST_SHARE: f64 = 0.5;

pub(super) fn sample_size(evidence: &Evidence<'_>, config: &GateConfig) -> Gate {
    // A limit of zero still needs something to be measured.
    let needed = config.min_sample_size.max(1);
    let sample = evidence.sample();
    let gate = Gate {
        value: evidence.metrics.sample_size.map(|sample| sample as f64),
        ..evidence.gate(GateName::SampleSize, config.min_sample_size as f64)
    };
    if sample < needed {
        let outlook =
            outlook::of_decisions(evidence, needed - sample, "Wait for more traffic or lower `min_sample_size`.");
        return gate.held(&format!("Insufficient samples: {sample} of {needed} decisions."), outlook);
    }
    let counted = evidence.counts.and_then(|counts| Some((counts, counts.canary.subjects.as_ref()?)));
    let Some((counts, subjects)) = counted else {
        return gate.decided(GateVerdict::Pass, format!("Enough samples: {sample} decisions, {needed} needed."));
    };
    // Of fewer decisions no more subjects are asked for than there are decisions.
    let needed_subjects = config.min_subjects.min(needed);
    if subjects.distinct < needed_subjects {
        let what = format!("Insufficient samples: {} of {needed_subjects} subjects.", subjects.distinct);
        return gate.held(&what, more_subjects(counts, subjects, needed_subjects));
    }
    let share = subjects.largest as f64 / sample as f64;
    if needed_subjects > 1 && share > LARGEST_SHARE {
        let name = subjects.largest_name.as_ref().map_or_else(|| "one subject".to_owned(), |name| format!("`{name}`"));
        let what = format!("Insufficient samples: {name} makes up {} of them.", percent(share, Decimals::UpTo(0)));
        return gate
            .held(&what, Outlook::InVain(format!("no more than half may be about one subject, and {name} goes on")));
    }
    let what = format!(
        "Enough samples: {sample} decisions about {} subjects, {needed} about {} needed.",
        subjects.distinct, needed_subjects
    );
    gate.decided(GateVerdict::Pass, what)
}

/// What to expect where subjects are missing. A subject stays on its arm, so that the share of those seen so far is all
/// that the canary gets from them.
fn more_subjects(counts: &StageCounts, subjects: &SubjectCounts, needed: u64) -> Outlook {
    let seen = counts.traffic.subjects;
    let percent = counts.traffic.percent;
    if percent > 0 && seen > 0 {
        return Outlook::InVain(format!(
            "{seen} {} seen, {} of them in the {percent} %; {needed} are needed, so others have to come",
            if seen == 1 { "subject" } else { "subjects" },
            subjects.distinct
        ));
    }
    Outlook::Unknown("Wait for other subjects or lower `min_subjects`.")
}
