//! The findings of the linter when the bundle was submitted.

use leptos::prelude::*;
use policy::lint::{Finding, Report};

use crate::components::{EmptyState, FindingChip, format, prose::prose};

/// Findings, worst first.
#[component]
pub(super) fn Lint(report: Report) -> impl IntoView {
    let findings: Vec<Finding> = report.all().cloned().collect();
    if findings.is_empty() {
        return view! {
            <EmptyState title="Nothing found">
                <p>
                    {format!(
                        "The linter checked {} and found nothing.",
                        format::plural(report.summary.total_rules as u64, "rule", "rules"),
                    )}
                </p>
            </EmptyState>
        }
        .into_any();
    }
    let count = |n: usize, one: &str, many: &str| format::plural(n as u64, one, many);
    let lead = format!(
        "{}, {}, {} in {}.",
        count(report.summary.errors, "error", "errors"),
        count(report.summary.warnings, "warning", "warnings"),
        count(report.summary.info, "remark", "remarks"),
        count(report.summary.total_rules, "rule", "rules"),
    );
    view! {
        <div class="stack packet-body">
            <p class="lead">{lead}</p>
            <ul class="packet-findings">
                {findings
                    .into_iter()
                    .map(|finding| {
                        view! {
                            <li class="packet-finding">
                                <FindingChip severity=finding.severity />
                                <div>
                                    <p class="packet-finding-message">
                                        {finding.rule_id.map(|rule| view! { <code>{crate::labels::outside(&rule)}</code> " " })} {prose(&finding.message)}
                                    </p>
                                    {finding.suggestion.map(|suggestion| view! { <p class="muted">{prose(&suggestion)}</p> })}
                                </div>
                            </li>
                        }
                    })
                    .collect_view()}
            </ul>
        </div>
    }
    .into_any()
}
