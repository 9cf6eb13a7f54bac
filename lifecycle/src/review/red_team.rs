//! The red team's scenarios, evaluated for every packet. A packet with a blocked scenario cannot be approved.

use std::collections::BTreeSet;

use policy::{
    analysis::{
        Meter, SemanticDiff,
        diff::{NewAllowWitness, NewAllows, newly_allowed_by_rule},
        findings::describe_input,
        invariants::{InvariantProof, prove},
    },
    bundle::{Bundle, Effect, Invariant, Rule},
    engine::{Input, Prepared},
    replay::Change,
};
use serde::{Deserialize, Serialize};

use super::{
    ProjectedKpis, RemovedGuard,
    guardrails::{Conclusive, GuardrailName},
    projection::protects,
};

/// Margin change, in basis points, at or below which `margin_collapse` considers the share of changed decisions.
pub const COLLAPSE_MARGIN_BPS: i64 = -45;
/// Share of changed decisions, in basis points, at or above which `margin_collapse` blocks.
pub const COLLAPSE_IMPACT_BPS: i64 = 6000;
/// Change of the success rate, in basis points, from which `biased_cohort_regression` blocks.
pub const BIASED_SUCCESS_BPS: i64 = -15;

/// The name of a scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScenarioName {
    /// Something that a guardrail rule or an invariant forbids becomes allowed.
    PolicyBypass,
    /// The margin falls while most decisions change.
    MarginCollapse,
    /// Only one segment changes, and its success rate falls.
    BiasedCohortRegression,
    /// A guard goes, or holds back less.
    GuardRemoved,
}

impl ScenarioName {
    /// The name in words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::PolicyBypass => "policy bypass",
            Self::MarginCollapse => "margin collapse",
            Self::BiasedCohortRegression => "biased cohort regression",
            Self::GuardRemoved => "guard removed",
        }
    }
}

/// The result of a scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScenarioVerdict {
    /// The scenario does not happen.
    Pass,
    /// The scenario happens: the packet cannot be approved.
    Blocked,
    /// The work budget ran out before the scenario was decided; this alone makes the packet high risk.
    Undecided,
    /// No recorded outcome gives the value that decides.
    NoData,
    /// The data is not enough to say that the scenario does not happen.
    InsufficientEvidence,
    /// The scenario happens, and the packet lists it under `retires`: a safety owner must be among two signers.
    Retired,
}

/// An input that shows a bypass, answered by both bundles.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bypass {
    /// The guardrail rule or invariant that is bypassed.
    pub protected_by: String,
    /// The input.
    pub input: Input,
    /// The effect under the base.
    pub before: Effect,
    /// The effect under the draft.
    pub after: Effect,
    /// The rule that decides in the base; `None` for the default.
    pub before_rule: Option<String>,
    /// The rule that decides in the draft; `None` for the default.
    pub after_rule: Option<String>,
}

/// One scenario, evaluated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scenario {
    /// The scenario's name.
    pub name: ScenarioName,
    /// The result.
    pub verdict: ScenarioVerdict,
    /// The result in a sentence.
    pub detail: String,
    /// One input for every bypassed guardrail rule and invariant.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub witnesses: Vec<Bypass>,
    /// Every guard that is removed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<RemovedGuard>,
}

/// What holds inputs back in a packet, besides the guardrail rules of its base.
#[derive(Debug, Clone, Copy)]
pub(super) struct Held<'a> {
    /// The invariants.
    pub invariants: &'a [Invariant],
    /// The guardrail rules of the base that the packet retires.
    pub retired_rules: &'a [&'a str],
}

/// Whether `draft` allows anything that a guardrail rule of the base, or an invariant, forbids under the base. The
/// result is proven for every input, so it does not matter in which way the draft gets around the guardrail. `flips`
/// are replayed decisions, which may show a bypass where the semantic diff is incomplete.
pub(super) fn policy_bypass(
    base: Option<(&Bundle, &SemanticDiff)>,
    draft: &Bundle,
    held: Held<'_>,
    flips: &[Change],
    meter: Meter,
) -> Scenario {
    let Held { invariants, retired_rules } = held;
    let after = Prepared::new(draft);
    let mut witnesses = Vec::new();
    let mut undecided = Vec::new();
    let before = base.map(|(base, _)| Prepared::new(base));
    if let (Some((base, diff)), Some(before)) = (base, &before) {
        let guards = base.rules.iter().filter(|rule| protects(rule) && !retired_rules.contains(&rule.id.as_str()));
        let guards: Vec<&Rule> = guards.collect();
        let anew = match diff.new_allows {
            NewAllows::None => guards.iter().map(|_| NewAllowWitness::None).collect(),
            NewAllows::Some(_) | NewAllows::Undecided => newly_allowed_by_rule(base, draft, &guards, meter),
        };
        for (guard, anew) in guards.into_iter().zip(anew) {
            let alone = Prepared::new(&Bundle {
                rules: vec![guard.clone()],
                default_effect: Effect::Allow,
                on_error: Effect::Allow,
                schema: None,
            });
            let replayed = || {
                flips
                    .iter()
                    .filter(|flip| flip.before != Effect::Allow && flip.after == Effect::Allow)
                    .map(|flip| Input {
                        agent: flip.agent.clone(),
                        action: flip.action.clone(),
                        context: flip.context.clone(),
                    })
                    .find(|input| alone.decide(input).matched_rule.is_some())
            };
            let (found, undecided_here) = match anew {
                NewAllowWitness::Input(input) => (Some(input), false),
                NewAllowWitness::None => (None, false),
                NewAllowWitness::Undecided => (replayed(), true),
            };
            match found.map(|input| confirm_bypass(&guard.id, input, Some(before), &after)) {
                Some(Some(shown)) => witnesses.push(shown),
                // An input that the engine does not confirm proves nothing in either direction.
                Some(None) => undecided.push(guard.id.clone()),
                None if undecided_here => undecided.push(guard.id.clone()),
                None => {}
            }
        }
    }
    for statement in invariants.iter().filter_map(|invariant| invariant.parse().ok()) {
        if !statement.demand.forbids_allow() {
            continue;
        }
        match prove(draft, &statement) {
            InvariantProof::Holds => {}
            InvariantProof::Undecided => undecided.push(statement.id),
            InvariantProof::Violated(input) => {
                witnesses.extend(confirm_bypass(&statement.id, input, before.as_ref(), &after))
            }
        }
    }
    let (verdict, detail) = if let Some(first) = witnesses.first() {
        let more = if witnesses.len() > 1 { format!(", and {} more", witnesses.len() - 1) } else { String::new() };
        let by = first.after_rule.as_ref().map_or_else(|| "the default".to_owned(), |rule| format!("`{rule}`"));
        let detail = format!(
            "What `{}`{more} holds back becomes allowed by {by}: for example when {}.",
            first.protected_by,
            describe_input(&first.input)
        );
        (ScenarioVerdict::Blocked, detail)
    } else if !undecided.is_empty() {
        let detail = format!(
            "Whether {} can be bypassed could not be decided within the work budget.",
            undecided.iter().map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", ")
        );
        (ScenarioVerdict::Undecided, detail)
    } else if base.is_none() {
        (ScenarioVerdict::Pass, "No bundle was live before, so nothing that one protected is bypassed.".to_owned())
    } else {
        let detail =
            "No input that a guardrail rule or an invariant holds back becomes allowed: proven for every input.";
        (ScenarioVerdict::Pass, detail.to_owned())
    };
    Scenario { name: ScenarioName::PolicyBypass, verdict, detail, witnesses, removed: Vec::new() }
}

/// The bypass that `input` shows, when the engine confirms that the draft allows `input`.
fn confirm_bypass(protected_by: &str, input: Input, before: Option<&Prepared>, after: &Prepared) -> Option<Bypass> {
    let then = before.map(|before| before.decide(&input));
    let now = after.decide(&input);
    let was = then.as_ref().map_or(Effect::Deny, |answer| answer.effect);
    (now.effect == Effect::Allow).then(|| Bypass {
        protected_by: protected_by.to_owned(),
        input,
        before: was,
        after: now.effect,
        before_rule: then.and_then(|answer| answer.matched_rule),
        after_rule: now.matched_rule,
    })
}

/// Whether the draft takes away or weakens something that guards. Two harmless packets in a row would otherwise add up to
/// a harmful one.
pub(super) fn guard_removed(removed: &[RemovedGuard], has_base: bool) -> Scenario {
    let describe = |guard: &RemovedGuard| format!("the {} `{}` {}", guard.kind.words(), guard.id, guard.loses);
    let all = |retired: bool| {
        let guards = removed.iter().filter(|guard| guard.retired == retired);
        guards.map(describe).collect::<Vec<_>>().join("; ")
    };
    let (verdict, detail) = if removed.iter().any(|guard| !guard.retired) {
        let detail = format!(
            "A guard is removed: {}. List it under `retires` with a reason, so that a safety owner signs for it.",
            all(false)
        );
        (ScenarioVerdict::Blocked, detail)
    } else if !removed.is_empty() {
        (ScenarioVerdict::Retired, format!("Retired: {}. A safety owner is among two signers.", all(true)))
    } else if has_base {
        (ScenarioVerdict::Pass, "Every guard holds back at least what it did.".to_owned())
    } else {
        (ScenarioVerdict::Pass, "No bundle was live before, so there was no guard.".to_owned())
    };
    let removed = removed.to_vec();
    Scenario { name: ScenarioName::GuardRemoved, verdict, detail, witnesses: Vec::new(), removed }
}

/// The verdict on a scenario that depends on a projected value: `touches` says whether the change has the reach that the
/// scenario is about, `blocks` whether the value is past its limit, `enough` whether there is enough data to say no.
fn judge(
    touches: bool,
    value: Option<i64>,
    blocks: impl Fn(i64) -> bool,
    decisions: bool,
    enough: bool,
) -> ScenarioVerdict {
    match value {
        _ if !decisions => ScenarioVerdict::InsufficientEvidence,
        _ if !touches => ScenarioVerdict::Pass,
        None => ScenarioVerdict::NoData,
        Some(value) if blocks(value) => ScenarioVerdict::Blocked,
        Some(_) if !enough => ScenarioVerdict::InsufficientEvidence,
        Some(_) => ScenarioVerdict::Pass,
    }
}

/// Whether the margin falls while most decisions change. Too few decisions allow no conclusion.
pub(super) fn margin_collapse(kpis: &ProjectedKpis, impact_bps: i64, conclusive: Conclusive) -> Scenario {
    let touches = impact_bps >= COLLAPSE_IMPACT_BPS;
    let value = kpis.margin_delta_bps;
    let margin = value.map_or_else(|| "is not known".to_owned(), |delta| format!("{delta:+} bps"));
    Scenario {
        name: ScenarioName::MarginCollapse,
        verdict: judge(touches, value, |delta| delta <= COLLAPSE_MARGIN_BPS, conclusive.decisions, conclusive.margin),
        detail: format!(
            "{} {margin} with {impact_bps} bps of decisions changed; it blocks at {COLLAPSE_MARGIN_BPS} bps with \
             {COLLAPSE_IMPACT_BPS} bps changed.",
            GuardrailName::MarginDelta.words()
        ),
        witnesses: Vec::new(),
        removed: Vec::new(),
    }
}

/// Whether only one segment (agent and action) of several changes, and success falls. Too few decisions allow
/// no conclusion.
pub(super) fn biased_cohort(
    kpis: &ProjectedKpis,
    touched: &BTreeSet<(&str, &str)>,
    segments: usize,
    conclusive: Conclusive,
) -> Scenario {
    let touches = touched.len() == 1 && segments > 1;
    let value = kpis.success_delta_bps;
    let success = value.map_or_else(|| "is not known".to_owned(), |delta| format!("{delta:+} bps"));
    let what = match touched.iter().next() {
        None => "No replayed decision changes".to_owned(),
        Some((agent, action)) if touched.len() == 1 => format!("Only `{agent}` · `{action}` changes"),
        Some(_) => format!("{} of {segments} segments change", touched.len()),
    };
    Scenario {
        name: ScenarioName::BiasedCohortRegression,
        verdict: judge(touches, value, |delta| delta <= BIASED_SUCCESS_BPS, conclusive.decisions, conclusive.success),
        detail: format!(
            "{what}; {} {success}. It blocks when one segment alone changes and success falls by {} bps or more.",
            GuardrailName::SuccessDelta.words(),
            -BIASED_SUCCESS_BPS
        ),
        witnesses: Vec::new(),
        removed: Vec::new(),
    }
}
