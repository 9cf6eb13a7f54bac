//! Runs every check.

use std::collections::BTreeSet;

use super::{Code, Finding, Report, contradiction, domain::Domain, duplicates, invariants, plain};
use crate::{
    analysis::{self, Analyzer, Meter},
    bundle::{
        Bundle, Invariant, Source,
        parsing::{self, ParsedBundle},
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
    lint_parsed(source, invariants, Some(analyzer)).report
}

/// What there is to say without analysing the input space. Near-linear in the size of `source`, so that it can run at
/// every keystroke however large the draft is.
pub fn quick(source: &Source) -> Report {
    lint_parsed(source, &[], None).report
}

/// A document's findings with what they were found in, for those who go on with it.
#[derive(Debug)]
pub struct Linted {
    /// The findings.
    pub report: Report,
    /// The bundle as far as it can be understood.
    pub bundle: Bundle,
    /// The rules left out of it, by id, or by position (`#3`) when they have none.
    pub skipped: Vec<String>,
}

/// Everything there is to say about `source`. Without an `analyzer` nothing is said about its input space, nor about the
/// invariants, which speak of it.
pub fn lint_parsed(source: &Source, invariants: &[Invariant], analyzer: Option<&mut Analyzer>) -> Linted {
    let ParsedBundle { bundle, faults: mut findings, skipped } = read(source);
    if let Some(analyzer) = analyzer {
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
    }
    Linted { report: Report::new(findings, source.rules.len()), bundle, skipped }
}

/// All findings, in the order of the document.
pub(super) fn findings(source: &Source) -> Vec<Finding> {
    read(source).faults
}

/// What can be understood, with all findings in the order of the document.
fn read(source: &Source) -> ParsedBundle {
    let rules = parsing::read_rules(source);
    let ParsedBundle { bundle, faults: mut findings, skipped } = parsing::parse_rules(source, &rules);
    let schema = bundle.schema.as_ref();
    let mut domain = schema.map(Domain::new);
    for rule in &rules {
        findings.extend(contradiction::check(rule, schema));
        findings.extend(domain.iter_mut().flat_map(|domain| domain.check(rule)));
        findings.extend(plain::check(rule));
    }
    findings.extend(duplicates::check(&rules));
    findings.sort_by_key(Finding::position);
    ParsedBundle { bundle, faults: findings, skipped }
}
