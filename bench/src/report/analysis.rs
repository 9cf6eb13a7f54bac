//! Lint and semantic diff, compared with z3.

use std::fmt::Write;

use super::labels::{thousands, three, time};
use crate::{
    analysis::{Large, Ours},
    results::Results,
};

/// The tables.
pub fn section(results: &Results) -> String {
    let compared = &results.analysis;
    if compared.ours.is_empty() {
        return String::new();
    }
    let small = &compared.z3.small;
    let mut text = format!(
        "\n## Lint and semantic diff, compared with z3 {}\n\n{} random small bundles, {} questions (unreachable rules, whether an edit \
         changes any answer, whether it newly allows anything): **{} agree**, {} undecided by one of the two, {} differ.\n\n\
         z3 proves unreachability only, and only which pairs of outcomes some input has; Countersign's analysis also finds \
         redundant and conflicting rules, gaps and minimal covers, and its diff every region in words.\n\n\
         | rules | shape | lint, whole | analysis | z3 | times | after one edit | diff, {} edits | z3 | times | unreachable | \
         undecided |\n|---|---|---|---|---|---|---|---|---|---|---|---|\n",
        compared.z3.version,
        thousands(small.bundles as f64),
        thousands(small.questions as f64),
        thousands(small.agreed as f64),
        small.undecided,
        small.questions - small.agreed - small.undecided,
        compared.ours.first().map_or(0, |ours| ours.edits),
    );
    for ours in &compared.ours {
        let z3 = compared.z3.large.iter().find(|z3| z3.shape == ours.shape && z3.rules == ours.rules);
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}", line(ours, z3));
    }
    text
}

fn line(ours: &Ours, z3: Option<&Large>) -> String {
    let theirs = |took: f64, timed_out: bool| {
        let took = time(took * 1e6);
        if timed_out { format!("> {took} (timed out)") } else { took }
    };
    let times = |theirs: f64, ours: f64, timed_out: bool| {
        format!("{}{}×", if timed_out { "> " } else { "" }, three(theirs / ours))
    };
    let (lint, lint_times, diff, diff_times, unreachable, undecided) = z3.map_or_else(Default::default, |z3| {
        let (lint_timed_out, diff_timed_out) = (z3.undecided > 0, z3.diff_undecided > 0);
        (
            theirs(z3.lint_ms, lint_timed_out),
            times(z3.lint_ms, ours.analysis_ms.median, lint_timed_out),
            theirs(z3.diff_ms, diff_timed_out),
            times(z3.diff_ms, ours.diff_ms.median, diff_timed_out),
            format!("z3 {}", z3.unreachable),
            format!("z3 {} rules, {} pairs", z3.undecided, z3.diff_undecided),
        )
    });
    format!(
        "| {} | {} | {} | {} | {lint} | {lint_times} | {} | {}{} | {diff} | {diff_times} | ours {}, {unreachable} | ours {} \
         rules{}, {undecided} |",
        thousands(ours.rules as f64),
        ours.shape,
        time(ours.lint_ms.median * 1e6),
        time(ours.analysis_ms.median * 1e6),
        time(ours.edit_ms.median * 1e6),
        time(ours.diff_ms.median * 1e6),
        if ours.diff_complete { "" } else { " (incomplete)" },
        ours.unreachable,
        ours.undecided,
        if ours.too_large { " (all: too large)" } else { "" },
    )
}
