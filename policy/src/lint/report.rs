//! All findings of a bundle, as the API answers them.

use serde::{Deserialize, Serialize};

use super::{Finding, Severity};

/// The counts of a lint run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Summary {
    /// Rules checked.
    pub total_rules: usize,
    /// Findings of severity error.
    pub errors: usize,
    /// Findings of severity warning.
    pub warnings: usize,
    /// Findings of severity info.
    pub info: usize,
    /// All findings.
    pub total_issues: usize,
}

/// The result of a lint run.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Report {
    /// Findings that block submitting.
    pub errors: Vec<Finding>,
    /// Findings that should be looked at.
    pub warnings: Vec<Finding>,
    /// Findings that are good to know.
    pub info: Vec<Finding>,
    /// The counts.
    pub summary: Summary,
    /// Whether there is no error.
    pub passed: bool,
}

impl Report {
    /// Groups `findings` by severity; within a severity, the order is kept.
    pub fn new(findings: Vec<Finding>, total_rules: usize) -> Self {
        let mut report = Self::default();
        for finding in findings {
            match finding.severity {
                Severity::Error => report.errors.push(finding),
                Severity::Warning => report.warnings.push(finding),
                Severity::Info => report.info.push(finding),
            }
        }
        report.summary = Summary {
            total_rules,
            errors: report.errors.len(),
            warnings: report.warnings.len(),
            info: report.info.len(),
            total_issues: report.errors.len() + report.warnings.len() + report.info.len(),
        };
        report.passed = report.errors.is_empty();
        report
    }

    /// Every finding, worst first.
    pub fn all(&self) -> impl Iterator<Item = &Finding> {
        self.errors.iter().chain(&self.warnings).chain(&self.info)
    }
}
