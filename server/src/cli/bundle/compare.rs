//! `countersign bundle diff`: what differs between two bundles, as text and in meaning.

use std::process::ExitCode;

use lifecycle::review::{Comparison, SemanticDiffSummary, compare};
use policy::{
    analysis::diff::{DiffRegion, NewAllows, Outcome, Scope},
    bundle::Source,
    characters::write_out,
};

use crate::{
    cli::output::{Format, exit_code, print},
    error::CliError,
};

/// Maximum number of regions listed for people.
const SHOWN: usize = 50;

/// Compares two bundles. Exit code 1: the bundles differ or, with `fail_on_flip`, some input may be answered
/// differently.
pub fn run(before: &Source, after: &Source, fail_on_flip: bool, format: Format) -> Result<ExitCode, CliError> {
    let comparison = compare(before, after);
    let flips = comparison.semantic_diff.total_regions > 0 || !comparison.semantic_diff.complete;
    print(format, &comparison, || render(&comparison));
    Ok(exit_code(flips || (!comparison.text.is_empty() && !fail_on_flip)))
}

/// The differences, line by line.
pub(super) fn render(comparison: &Comparison) -> String {
    let meaning = &comparison.semantic_diff;
    [comparison.text.summary.clone(), regions(meaning), new_allows(meaning.new_allows)].join("\n")
}

/// The proof about new allows, as one line.
fn new_allows(certificate: NewAllows) -> String {
    match certificate {
        NewAllows::None => "new allows: none, proven for every input".to_owned(),
        NewAllows::Some(count) => format!("new allows: {count} {}", if count == 1 { "region" } else { "regions" }),
        NewAllows::Undecided => "new allows: undecided, the work budget ran out".to_owned(),
    }
}

/// The regions that change, one per line.
fn regions(meaning: &SemanticDiffSummary) -> String {
    let mut lines = vec![match (meaning.total_regions, meaning.complete) {
        (0, true) => "every input is answered alike".to_owned(),
        (0, false) => "no region found that changes, but not every input could be checked".to_owned(),
        (1, true) => "1 region of inputs changes:".to_owned(),
        (count, true) => format!("{count} regions of inputs change:"),
        (count, false) => format!("{count} regions of inputs change, and there may be more:"),
    }];
    lines.extend(meaning.regions.iter().take(SHOWN).map(|shown| write_out(&region(shown)).into_owned()));
    if meaning.total_regions > SHOWN {
        lines.push(format!("  and {} more", meaning.total_regions - SHOWN));
    }
    lines.join("\n")
}

fn region(region: &DiffRegion) -> String {
    let scopes: Vec<String> = region.scopes.iter().take(3).map(scope).collect();
    let more = region.scopes.len().saturating_sub(3);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let conditions: Vec<String> =
        region.conditions.iter().map(|phrase| format!("{} {}", phrase.field, phrase.values)).collect();
    let when = if conditions.is_empty() { "always".to_owned() } else { format!("when {}", conditions.join(", ")) };
    let when = region.exception().map_or_else(|| when.clone(), |exception| format!("{when}, {exception}"));
    let rule = |rule: &Option<String>| rule.clone().unwrap_or_else(|| "default".to_owned());
    format!(
        "  {}{more} {when}: {} ({}) → {} ({})",
        scopes.join("; "),
        outcome(region.before),
        rule(&region.before_rule),
        outcome(region.after),
        rule(&region.after_rule)
    )
}

fn scope(scope: &Scope) -> String {
    format!("{} · {}", scope.agents(), scope.actions())
}

fn outcome(outcome: Outcome) -> String {
    if outcome.error { format!("{} by error", outcome.effect) } else { outcome.effect.to_string() }
}
