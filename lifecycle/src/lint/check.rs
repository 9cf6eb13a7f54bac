//! Runs every check.

use super::{Finding, Report, contradiction, domain::Domain, duplicates, plain};
use crate::bundle::{Source, reading};

/// Everything there is to say about `source` without analysing the space of its inputs. Near-linear in its size, so that
/// it can run while the author types.
pub fn lint(source: &Source) -> Report {
    Report::new(findings(source), source.rules.len())
}

/// All findings, in the order of the document.
pub(super) fn findings(source: &Source) -> Vec<Finding> {
    let readings = reading::read_rules(source);
    let understood = reading::understand(source, &readings);
    let schema = understood.bundle.schema.as_ref();
    let mut domain = schema.map(Domain::new);
    let mut findings = understood.faults;
    for reading in &readings {
        findings.extend(contradiction::check(reading, schema));
        findings.extend(domain.iter_mut().flat_map(|domain| domain.check(reading)));
        findings.extend(plain::check(reading));
    }
    findings.extend(duplicates::check(&readings));
    findings.sort_by_key(Finding::position);
    findings
}
