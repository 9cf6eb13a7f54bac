//! The findings of the linter, the text diff and the version proposal for one document.

use std::collections::{BTreeMap, HashMap};

use policy::{
    bundle::{diff::TextDiff, version::Proposal},
    lint::{self, Code, Finding, Report, Severity},
};

use crate::model::{Content, RuleKey, rule};

/// Maximum number of rules whose input space is analysed in the browser. For larger drafts the packet reports the
/// results, broken invariants included.
pub const MAX_ANALYSED_RULES: usize = 5_000;

/// The findings of the linter, the text diff and the version proposal for a document.
#[derive(Debug, Clone, PartialEq)]
pub struct Checked {
    /// The document that was checked: findings point into it by position.
    pub content: Content,
    /// The findings.
    pub report: Report,
    /// The changes against stable.
    pub diff: Option<TextDiff>,
    /// The next version and why.
    pub proposal: Proposal,
    /// Why the version in the document is refused.
    pub version_refused: Option<String>,
}

/// How a rule differs from stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleChange {
    /// Stable has no rule with this id.
    New,
    /// Stable has another rule with this id.
    Edited,
}

impl RuleChange {
    /// The visible text.
    pub const fn label(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Edited => "edited",
        }
    }
}

impl Checked {
    /// The findings of the server or of the worker in `content`.
    pub fn new(content: Content, checked: worker::CheckReport) -> Self {
        let worker::CheckReport { report, diff, proposal, version_refused } = checked;
        Self { content, report, diff, proposal, version_refused }
    }

    /// The rule a finding is about.
    pub fn key(&self, finding: &Finding) -> Option<RuleKey> {
        self.content.key_of_path(&finding.path)
    }

    /// The worst finding of each rule.
    pub fn worst_findings(&self) -> HashMap<RuleKey, Finding> {
        let mut worst: HashMap<RuleKey, Finding> = HashMap::new();
        for finding in self.report.all().filter(|finding| finding.code != Code::Disabled) {
            let Some(key) = self.key(finding) else { continue };
            match worst.get(&key) {
                Some(other) if severity_rank(other) <= severity_rank(finding) => {}
                _ => {
                    worst.insert(key, finding.clone());
                }
            }
        }
        worst
    }

    /// How rules differ from stable, by id.
    pub fn rule_changes(&self) -> HashMap<String, RuleChange> {
        let Some(diff) = &self.diff else { return HashMap::new() };
        let added = diff.rules_added.iter().map(|added| (rule::id(added).to_owned(), RuleChange::New));
        added.chain(diff.rules_modified.iter().map(|modified| (modified.id.clone(), RuleChange::Edited))).collect()
    }

    /// The obstacles to submitting, by kind: `15 × operator in the wrong place`.
    pub fn obstacles(&self) -> Vec<String> {
        let mut counts: BTreeMap<&'static str, usize> = BTreeMap::new();
        for finding in &self.report.errors {
            *counts.entry(code_label(finding.code)).or_default() += 1;
        }
        counts.into_iter().map(|(what, n)| if n == 1 { what.to_owned() } else { format!("{n} × {what}") }).collect()
    }

    /// How many errors have a repair, so that one button can make them all.
    pub fn fixable(&self) -> usize {
        self.report.all().filter(|finding| lint::is_repaired_with_all(finding)).count()
    }
}

/// Sorts findings by severity, worst first.
fn severity_rank(finding: &Finding) -> u8 {
    match finding.severity {
        Severity::Error => 0,
        Severity::Warning => 1,
        Severity::Info => 2,
    }
}

/// A kind of finding, in a few words.
pub const fn code_label(code: Code) -> &'static str {
    match code {
        Code::MissingId => "missing id",
        Code::DuplicateId => "duplicate id",
        Code::Schema => "not valid",
        Code::MissingReason => "missing reason",
        Code::BadOperator => "operator in the wrong place",
        Code::Contradiction => "contradiction",
        Code::TypeClash => "type clash",
        Code::Invariant => "invariant violated",
        Code::NoRules => "no rules",
        Code::ShortReason => "short reason",
        Code::ApprovalWithoutBudget => "approval without budget",
        Code::HighCost => "high cost",
        Code::Unreachable => "unreachable",
        Code::Conflict => "conflict",
        Code::Redundant => "redundant",
        Code::OutOfDomain => "out of domain",
        Code::Undeclared => "undeclared",
        Code::NearDuplicate => "near duplicate",
        Code::GuardrailShadowed => "guardrail shadowed",
        Code::ErrorOpens => "an error opens it",
        Code::AbsentPasses => "passes when absent",
        Code::PrefixBoundary => "prefix without an end",
        Code::InvisibleText => "invisible text",
        Code::Lookalike => "looks like another",
        Code::InexactNumber => "inexact number",
        Code::SuspiciousText => "text like a number",
        Code::UnknownMember => "unknown member",
        Code::Notation1_1 => "needs format 1.1",
        Code::UnusedMember => "does nothing here",
        Code::Disabled => "disabled",
        Code::Gap => "gap",
        Code::Undecided => "undecided",
    }
}

/// The findings of one severity.
pub fn of_severity(report: &Report, severity: Severity) -> &[Finding] {
    match severity {
        Severity::Error => &report.errors,
        Severity::Warning => &report.warnings,
        Severity::Info => &report.info,
    }
}
