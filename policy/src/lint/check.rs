//! Running every check.

use std::collections::BTreeSet;

use serde_json::json;

use super::{
    Code, Finding, Report, approval, behaviour, contradiction, domain::Domain, duplicates, example::Example,
    invariants, lookalikes, members, plain, texts, values,
};
use crate::{
    analysis::{self, Analyzer, Meter},
    bundle::{
        Bundle, Invariant, Source,
        parsing::{self, ParsedBundle},
    },
};

/// All findings about `source` alone, including those of the exact analysis of its input space. [`lint_against`] adds
/// the invariants of a workspace.
pub fn lint(source: &Source) -> Report {
    lint_against(source, &[])
}

/// All findings about `source`, including those about the invariants of the workspace.
pub fn lint_against(source: &Source, invariants: &[Invariant]) -> Report {
    lint_incrementally(source, invariants, &mut Analyzer::new())
}

/// [`lint_against`] with an incremental analysis: after an edit only the proofs that the edit can affect are repeated.
pub fn lint_incrementally(source: &Source, invariants: &[Invariant], analyzer: &mut Analyzer) -> Report {
    lint_parsed(source, invariants, Some(analyzer)).report
}

/// The findings that need no analysis of the input space. The time is nearly linear in the size of `source`, so this
/// check can run at every keystroke, however large the draft is.
pub fn quick(source: &Source) -> Report {
    lint_parsed(source, &[], None).report
}

/// The findings about a document together with the parsed bundle, for callers that need both.
#[derive(Debug)]
pub struct Linted {
    /// The findings.
    pub report: Report,
    /// The bundle, as far as it can be read.
    pub bundle: Bundle,
    /// The rules that were left out of the bundle, by id, or by position (`#3`) when they have no id.
    pub skipped: Vec<String>,
}

/// All findings about `source`. Without an `analyzer` there are no findings about the input space and the invariants.
pub fn lint_parsed(source: &Source, invariants: &[Invariant], analyzer: Option<&mut Analyzer>) -> Linted {
    let ParsedBundle { bundle, faults: mut findings, skipped } = read(source);
    if let Some(analyzer) = analyzer {
        let contradictory: BTreeSet<String> = findings
            .iter()
            .filter(|finding| finding.code == Code::Contradiction)
            .filter_map(|finding| finding.rule_id.clone())
            .collect();
        // A contradictory rule is also unreachable and redundant; reporting those findings would repeat the
        // contradiction.
        let proven = analysis::findings::render(&analyzer.analyse(&bundle, Meter::default()), &bundle);
        let is_contradictory =
            |finding: &Finding| finding.rule_id.as_ref().is_some_and(|id| contradictory.contains(id));
        findings.extend(proven.into_iter().filter(|finding| !is_contradictory(finding)));
        findings.extend(invariants::check(&bundle, invariants));
        findings.extend(behaviour::check(&bundle, invariants));
        findings.sort_by_key(Finding::position);
    }
    Linted { report: Report::new(findings, source.rules.len()), bundle, skipped }
}

/// All findings, in document order.
pub(super) fn findings(source: &Source) -> Vec<Finding> {
    read(source).faults
}

/// A bundle without rules answers everything with its default.
fn no_rules(source: &Source) -> Option<Finding> {
    if !source.rules.is_empty() {
        return None;
    }
    let message = format!("The bundle has no rules: every input is answered {}, the default.", source.default_effect);
    let mut finding = Finding::new(Code::NoRules, "/rules", message).suggest("Add the first rule.");
    finding.witness = Some(json!({"agent": "any.agent", "action": "any_action", "context": {}}));
    Some(finding)
}

/// The readable part of the bundle, with all findings in document order.
fn read(source: &Source) -> ParsedBundle {
    let rules = parsing::read_rules(source);
    let ParsedBundle { bundle, faults: mut findings, skipped } = parsing::parse_rules(source, &rules);
    let schema = bundle.schema.as_ref();
    let mut domain = schema.map(Domain::new);
    for rule in &rules {
        findings.extend(contradiction::check(rule, schema));
        findings.extend(domain.iter_mut().flat_map(|domain| domain.check(rule)));
        findings.extend(plain::check(rule));
        let example = Example::new(&bundle, rule.position);
        findings.extend(texts::check(rule, &example));
        findings.extend(values::check(rule, &example, (schema, &source.literals)));
        findings.extend(members::check(rule));
        findings.extend(approval::check(rule));
    }
    findings.extend(domain.and_then(|domain| domain.unfinished()));
    findings.extend(duplicates::check(&rules));
    findings.extend(lookalikes::check(&rules, &bundle));
    findings.extend(texts::check_bundle(source));
    findings.extend(values::check_bundle(source));
    findings.extend(members::check_bundle(source));
    findings.extend(no_rules(source));
    findings.sort_by_key(Finding::position);
    ParsedBundle { bundle, faults: findings, skipped }
}
