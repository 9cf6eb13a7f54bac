//! Runs every check.

use std::collections::BTreeSet;

use super::{Code, Finding, Report, contradiction, domain::Domain, duplicates, invariants, plain};
use crate::{
    analysis::{self, Analyzer, Meter},
    bundle::{
        Bundle, Invariant, Source,
        reading::{self, Understood},
    },
};

/// Everything there is to say about `source` by itself, exact analysis of its input space included. What a workspace
/// asks of it is said by [`lint_against`].
pub fn lint(source: &Source) -> Report {
    lint_against(source, &[])
}

/// Everything there is to say about `source`, with the invariants of the workspace proven on it.
pub fn lint_against(source: &Source, invariants: &[Invariant]) -> Report {
    lint_again(source, invariants, &mut Analyzer::new())
}

/// The same with an analysis that remembers: after an edit only what the edit can affect is proven anew.
pub fn lint_again(source: &Source, invariants: &[Invariant], analyzer: &mut Analyzer) -> Report {
    let (mut findings, bundle) = read(source);
    let contradictory: BTreeSet<String> = findings
        .iter()
        .filter(|finding| finding.code == Code::Contradiction)
        .filter_map(|finding| finding.rule_id.clone())
        .collect();
    // That a contradictory rule is unreachable and changes nothing goes without saying.
    let proven = analysis::findings::told(&analyzer.analyse(&bundle, Meter::default()), &bundle);
    let told = |finding: &Finding| finding.rule_id.as_ref().is_some_and(|id| contradictory.contains(id));
    findings.extend(proven.into_iter().filter(|finding| !told(finding)));
    findings.extend(invariants::check(&bundle, invariants));
    findings.sort_by_key(Finding::position);
    Report::new(findings, source.rules.len())
}

/// What there is to say without analysing the input space. Near-linear in the size of `source`, so that it can run at
/// every keystroke however large the draft is.
pub fn quick(source: &Source) -> Report {
    Report::new(findings(source), source.rules.len())
}

/// All findings, in the order of the document.
pub(super) fn findings(source: &Source) -> Vec<Finding> {
    read(source).0
}

/// All findings, in the order of the document, and what can be understood.
fn read(source: &Source) -> (Vec<Finding>, Bundle) {
    let readings = reading::read_rules(source);
    let Understood { bundle, faults: mut findings, .. } = reading::understand(source, &readings);
    let schema = bundle.schema.as_ref();
    let mut domain = schema.map(Domain::new);
    for reading in &readings {
        findings.extend(contradiction::check(reading, schema));
        findings.extend(domain.iter_mut().flat_map(|domain| domain.check(reading)));
        findings.extend(plain::check(reading));
    }
    findings.extend(duplicates::check(&readings));
    findings.sort_by_key(Finding::position);
    (findings, bundle)
}
