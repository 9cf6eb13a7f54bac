//! The risk score of a packet: a sum of parts that a person can read, in basis points, capped at 10 000.
//!
//! | part | basis points |
//! |---|---|
//! | decisions that change | 3000 × share |
//! | newly allowed decisions | 1000 if any, and 4000 × share |
//! | newly in error | 500 if any, and 3000 × share |
//! | a protected (`guardrail`) rule changed, removed or disabled | 2500 |
//! | `default_effect` or `on_error` became more permissive | 2500 each |
//! | lint warnings | 100 each, at most 1000 |
//! | no bundle to compare with | 1000 |
//! | insufficient evidence (too few recorded decisions, or another corpus) | 5000, so that it alone is high risk |
//! | outcomes imputed from other decisions, because none is recorded | 1000 × share |
//! | a red team scenario blocked, or undecided | 5000 each |
//! | guards retired | 2500 |
//! | a guardrail failed | 2500 each |

use policy::{
    bundle::{Source, diff::TextDiff, rule::GUARDRAIL},
    lint,
};
use serde_json::{Map, Value};

use super::{
    Guardrail, GuardrailVerdict, ProjectedKpis, Scenario, ScenarioVerdict,
    content::{EvidenceGap, RiskPart},
    replay::ReplayImpact,
};

/// The highest score.
pub const MAX_BPS: u32 = 10_000;

/// The inputs of the score.
#[derive(Debug, Clone, Copy)]
pub struct RiskInputs<'a> {
    /// The draft.
    pub draft: &'a Source,
    /// The live bundle.
    pub base: Option<&'a Source>,
    /// The text diff of the two.
    pub diff: &'a TextDiff,
    /// The linter's report.
    pub lint: &'a lint::Report,
    /// The counts of the replay.
    pub impact: ReplayImpact,
    /// Why the replayed decisions are not enough to draw conclusions from.
    pub evidence_gap: Option<EvidenceGap>,
    /// The projected KPIs.
    pub kpis: &'a ProjectedKpis,
    /// The guardrails.
    pub guardrails: &'a [Guardrail],
    /// The red team's scenarios.
    pub red_team: &'a [Scenario],
}

/// The score and its parts; parts that add nothing are left out.
pub fn score(inputs: &RiskInputs<'_>) -> (u32, Vec<RiskPart>) {
    let RiskInputs { draft, base, diff, lint, impact, evidence_gap, kpis, guardrails, red_team } = *inputs;
    let mut parts: Vec<RiskPart> = Vec::new();
    let mut add = |name: String, bps: u32| {
        if bps > 0 {
            parts.push(RiskPart { name, bps });
        }
    };
    add(
        format!("{} of {} replayed decisions change", impact.flips, impact.total),
        share(impact.flips, impact.total, 3000),
    );
    add(
        format!("{} decisions newly allowed", impact.newly_allowed),
        base_and_share(impact.newly_allowed, impact.total, 1000, 4000),
    );
    add(
        format!("{} decisions newly in error", impact.new_errors),
        base_and_share(impact.new_errors, impact.total, 500, 3000),
    );
    if let Some(rule) = weakened_guardrail(diff) {
        add(format!("the protected rule {rule} is changed or removed"), 2500);
    }
    if let Some(base) = base {
        if draft.default_effect > base.default_effect {
            let change = format!("{} → {}", base.default_effect, draft.default_effect);
            add(format!("the default effect becomes more permissive ({change})"), 2500);
        }
        if draft.on_error > base.on_error {
            let change = format!("{} → {}", base.on_error, draft.on_error);
            add(format!("the effect on errors becomes more permissive ({change})"), 2500);
        }
    } else {
        add("no live bundle to compare with".to_owned(), 1000);
    }
    let warnings = lint.summary.warnings;
    add(format!("{warnings} lint warnings"), u32::try_from(warnings.min(10)).unwrap_or(10) * 100);
    if let Some(gap) = evidence_gap {
        add(format!("insufficient evidence: {}", gap.words(impact.total)), 5000);
    }
    if kpis.imputed > 0 {
        let words = format!("the outcome of {} decisions is a mean of others", kpis.imputed);
        add(words, u32::try_from(kpis.imputed_share_bps.div_euclid(10).clamp(1, 1000)).unwrap_or(1000));
    }
    for scenario in red_team {
        match scenario.verdict {
            ScenarioVerdict::Pass | ScenarioVerdict::NoData | ScenarioVerdict::InsufficientEvidence => {}
            ScenarioVerdict::Retired => add(format!("red team: {}, retired", scenario.name.words()), 2500),
            ScenarioVerdict::Blocked => add(format!("red team: {}", scenario.name.words()), 5000),
            ScenarioVerdict::Undecided => add(format!("red team: {} is undecided", scenario.name.words()), 5000),
        }
    }
    for guardrail in guardrails.iter().filter(|guardrail| guardrail.verdict == GuardrailVerdict::Fail) {
        add(format!("guardrail failed: {}", guardrail.words()), 2500);
    }
    let total = parts.iter().map(|part| part.bps).fold(0_u32, u32::saturating_add);
    (total.min(MAX_BPS), parts)
}

/// `bps × part / whole`, rounded up so that every change counts.
fn share(part: usize, whole: usize, bps: u64) -> u32 {
    let (part, whole) = (part as u64, (whole as u64).max(1));
    u32::try_from((part * bps).div_ceil(whole).min(bps)).unwrap_or(u32::MAX)
}

fn base_and_share(part: usize, whole: usize, base: u32, bps: u64) -> u32 {
    if part == 0 { 0 } else { base + share(part, whole, bps) }
}

/// The first rule tagged `guardrail` that the draft removes, or changes in more than its reason, metadata or budget.
fn weakened_guardrail(diff: &TextDiff) -> Option<String> {
    let removed = diff.rules_removed.iter().find(|rule| is_guardrail(rule)).map(|rule| text(rule, "id"));
    removed.or_else(|| {
        diff.rules_modified
            .iter()
            .find(|rule| {
                is_guardrail(&rule.before)
                    && rule
                        .fields
                        .iter()
                        .any(|change| !matches!(change.field.as_str(), "reason" | "metadata" | "budget"))
            })
            .map(|rule| rule.id.clone())
    })
}

fn is_guardrail(rule: &Map<String, Value>) -> bool {
    let tags = rule.get("tags").and_then(Value::as_array);
    tags.is_some_and(|tags| tags.iter().any(|tag| tag == GUARDRAIL))
}

fn text(rule: &Map<String, Value>, key: &str) -> String {
    rule.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}
