//! Projected KPIs: how the replayed decisions would have turned out under the draft.
//!
//! - A decision with an unchanged effect keeps its recorded outcome, so it changes nothing.
//! - A newly denied decision contributes 0 margin, and is no longer a success or a failure.
//! - A newly allowed decision takes the mean of the decisions that the base allows for its agent and action.
//! - A decision newly held for approval keeps its recorded outcome; its latency is the mean of held decisions.
//!
//! Margin is the mean over all decisions, where denied ones contribute 0. Success and latency are means over the
//! decisions that are carried out. All sums are sums of integers, so the order of summation makes no difference.

use std::collections::BTreeMap;

use policy::{
    bundle::{Bundle, Effect, Invariant, Rule},
    engine::{Prepared, Status, Verdict},
    replay::{Corpus, CorpusCase, OutcomeStatus},
};
use serde::{Deserialize, Serialize};

/// The projected change of each KPI, measured on the corpus: draft minus base; `None` where no outcome was recorded.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ProjectedKpis {
    /// Change of the mean margin of a decision, in basis points.
    pub margin_delta_bps: Option<i64>,
    /// Change of the share of successes among decisions carried out, in basis points.
    pub success_delta_bps: Option<i64>,
    /// Change of the share of decisions that wait for approval, in basis points.
    pub approval_load_delta_bps: i64,
    /// Change of the number of decisions that are allowed although a guardrail rule of the base, or an invariant,
    /// forbids allowing them.
    pub hard_violation_delta: i64,
    /// Change of the mean latency of decisions carried out, in milliseconds.
    pub approval_latency_delta_ms: Option<i64>,
    /// Decisions replayed.
    pub decisions: u64,
    /// Replayed decisions with a recorded outcome.
    pub recorded_outcomes: u64,
    /// Replayed decisions with a recorded margin. Packets built by older versions lack it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub known_margins: u64,
    /// Newly allowed decisions, whose outcome is imputed as a mean of other decisions.
    pub imputed: u64,
    /// `imputed` as a share of all decisions, in basis points.
    pub imputed_share_bps: i64,
    /// Newly allowed decisions of an agent and action without recorded outcomes; the KPIs above leave them out.
    pub unknown: u64,
}

/// Generic because serde passes a reference, even to a number.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// The inputs that guardrail rules and invariants forbid allowing.
pub struct Protection {
    forbids: Prepared,
}

impl Protection {
    /// The guardrail rules of `base` that do not allow, except those `retired`, and the invariants that forbid allowing.
    pub fn new(base: Option<&Bundle>, invariants: &[Invariant], retired: &[&str]) -> Self {
        let guards = base.into_iter().flat_map(|base| &base.rules);
        let guards = guards.filter(|rule| protects(rule) && !retired.contains(&rule.id.as_str())).cloned();
        let asked = invariants
            .iter()
            .filter_map(|invariant| invariant.parse().ok())
            .filter(|statement| statement.demand.forbids_allow())
            .map(|statement| policy::analysis::invariants::as_rule(&statement));
        Self {
            forbids: Prepared::new(&Bundle {
                rules: guards.chain(asked).map(|rule| Rule { effect: Effect::Deny, ..rule }).collect(),
                default_effect: Effect::Allow,
                on_error: Effect::Allow,
                schema: None,
            }),
        }
    }

    fn is_violated(&self, case: &CorpusCase, effect: Effect) -> bool {
        effect == Effect::Allow && self.forbids.verdict((&case.case).into()).status == Status::Matched
    }
}

/// Whether `rule` is an enabled guardrail rule whose effect is not `allow`.
pub(super) fn protects(rule: &Rule) -> bool {
    rule.is_guardrail() && rule.enabled && rule.effect != Effect::Allow
}

/// A sum of integers and their count.
#[derive(Debug, Clone, Copy, Default)]
struct Mean {
    sum: i128,
    count: i128,
}

impl Mean {
    fn add(&mut self, value: Option<i128>) {
        if let Some(value) = value {
            self.sum += value;
            self.count += 1;
        }
    }

    /// The mean, rounded half away from zero.
    fn value(self) -> Option<i128> {
        (self.count > 0).then(|| rounded(self.sum, self.count))
    }
}

/// The recorded outcome of one decision in integers: margin in thousandths of a basis point, success 0 or 1 million,
/// latency in microseconds.
#[derive(Debug, Clone, Copy, Default)]
struct Recorded {
    margin: Option<i128>,
    success: Option<i128>,
    latency: Option<i128>,
}

/// One success in the unit of [`Recorded::success`].
const WHOLE: i128 = 1_000_000;

impl Recorded {
    fn of(case: &CorpusCase) -> Self {
        let Some(outcome) = &case.outcome else { return Self::default() };
        let success = outcome.success.unwrap_or(outcome.status == OutcomeStatus::Ok);
        Self {
            margin: outcome.margin_bps.and_then(thousandths),
            success: Some(if success { WHOLE } else { 0 }),
            latency: outcome.latency_ms.and_then(thousandths),
        }
    }
}

/// A finite number in thousandths, rounded half away from zero.
fn thousandths(value: f64) -> Option<i128> {
    // Clamped to the integers that a double holds exactly.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    value.is_finite().then(|| (value * 1000.0).round().clamp(-EXACT, EXACT) as i128)
}

/// Means of one agent and action.
#[derive(Debug, Clone, Copy, Default)]
struct Segment {
    margin: Mean,
    success: Mean,
    latency: Mean,
    held_latency: Mean,
}

/// A mean under the base and under the draft.
#[derive(Debug, Clone, Copy, Default)]
struct Sides {
    before: Mean,
    after: Mean,
}

/// The effects of the base and of the draft for one decision.
pub(super) type EffectPair = (Effect, Effect);

/// The projected KPIs of `corpus`; `effects` are those of base and draft, in the order of the cases. Without a base
/// every decision counts as denied before.
pub(super) fn project(corpus: &Corpus, effects: &[EffectPair], protection: &Protection) -> ProjectedKpis {
    let cases = || corpus.cases.iter().zip(effects.iter().copied());
    let mut segments: BTreeMap<(&str, &str), Segment> = BTreeMap::new();
    for (case, (before, _)) in cases() {
        let recorded = Recorded::of(case);
        let segment = segments.entry((&case.case.agent, &case.case.action)).or_default();
        match before {
            Effect::Allow => {
                segment.margin.add(recorded.margin);
                segment.success.add(recorded.success);
                segment.latency.add(recorded.latency);
            }
            Effect::NeedsApproval => segment.held_latency.add(recorded.latency),
            Effect::Deny => {}
        }
    }
    let mut kpis = ProjectedKpis { decisions: corpus.cases.len() as u64, ..ProjectedKpis::default() };
    let (mut margin, mut success, mut latency) = (Sides::default(), Sides::default(), Sides::default());
    let (mut held, mut violations) = (0_i64, 0_i64);
    for (case, (before, after)) in cases() {
        let recorded = Recorded::of(case);
        let segment = segments.get(&(case.case.agent.as_str(), case.case.action.as_str())).copied().unwrap_or_default();
        kpis.recorded_outcomes += u64::from(case.outcome.is_some());
        kpis.known_margins += u64::from(recorded.margin.is_some());
        held += i64::from(after == Effect::NeedsApproval) - i64::from(before == Effect::NeedsApproval);
        violations += i64::from(protection.is_violated(case, after)) - i64::from(protection.is_violated(case, before));

        let done = |effect: Effect, value: Option<i128>| if effect == Effect::Deny { None } else { value };
        let mut then = Recorded {
            margin: if before == Effect::Deny { Some(0) } else { recorded.margin },
            success: done(before, recorded.success),
            latency: done(before, recorded.latency),
        };
        let mut now = then;
        match (before, after) {
            (before, after) if before == after => {
                // The recorded outcome counts for both sides.
                then = Recorded { margin: recorded.margin.or(then.margin), ..recorded };
                now = then;
            }
            (_, Effect::Deny) => now = Recorded { margin: Some(0), success: None, latency: None },
            (_, Effect::Allow) => {
                kpis.imputed += 1;
                kpis.unknown += u64::from(segment.success.count == 0);
                now = Recorded {
                    margin: segment.margin.value(),
                    success: segment.success.value(),
                    latency: segment.latency.value(),
                };
            }
            (_, Effect::NeedsApproval) => now.latency = segment.held_latency.value().or(now.latency),
        }
        if then.margin.is_some() && now.margin.is_some() {
            margin.before.add(then.margin);
            margin.after.add(now.margin);
        }
        success.before.add(then.success);
        success.after.add(now.success);
        latency.before.add(then.latency);
        latency.after.add(now.latency);
    }
    kpis.margin_delta_bps = (kpis.known_margins > 0).then(|| change(margin, 1, 1000)).flatten();
    kpis.success_delta_bps = change(success, 10_000, WHOLE);
    kpis.approval_latency_delta_ms = change(latency, 1, 1000);
    kpis.approval_load_delta_bps = share_bps(held, kpis.decisions);
    kpis.imputed_share_bps = share_bps(i64::try_from(kpis.imputed).unwrap_or(i64::MAX), kpis.decisions);
    kpis.hard_violation_delta = violations;
    kpis
}

/// The change of a mean, times `scale / unit`, rounded half away from zero; `None` when there is no mean before. When
/// there is no mean after, the whole mean before counts as lost.
fn change(sides: Sides, scale: i128, unit: i128) -> Option<i64> {
    let (before, after) = (sides.before, sides.after);
    if before.count == 0 {
        return None;
    }
    let after = if after.count == 0 { Mean { sum: 0, count: 1 } } else { after };
    let numerator = (after.sum * before.count - before.sum * after.count) * scale;
    i64::try_from(rounded(numerator, after.count * before.count * unit)).ok()
}

/// `part / whole` in basis points, rounded half away from zero; 0 when `whole` is 0.
pub(super) fn share_bps(part: i64, whole: u64) -> i64 {
    if whole == 0 {
        return 0;
    }
    i64::try_from(rounded(i128::from(part) * 10_000, i128::from(whole))).unwrap_or(i64::MAX)
}

/// `numerator / denominator` rounded half away from zero; the denominator is positive.
fn rounded(numerator: i128, denominator: i128) -> i128 {
    let half = denominator / 2;
    if numerator >= 0 { (numerator + half) / denominator } else { (numerator - half) / denominator }
}

/// The effects of the base and of the draft for every case.
pub(super) fn effect_pairs(corpus: &Corpus, base: Option<&Prepared>, draft: &Prepared) -> Vec<EffectPair> {
    let effect = |verdict: Verdict<'_>| verdict.effect;
    corpus
        .cases
        .iter()
        .map(|case| {
            let before = base.map_or(Effect::Deny, |base| effect(base.verdict((&case.case).into())));
            (before, effect(draft.verdict((&case.case).into())))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, json};

    use super::*;
    use policy::replay::{Case, Dataset, Outcome};

    fn case(id: usize, action: &str, margin: Option<f64>, success: Option<bool>) -> CorpusCase {
        let case = Case {
            case_id: id.to_string(),
            agent: "a".into(),
            action: action.into(),
            context: Map::new(),
            expected_effect: None,
        };
        let outcome = margin.map(|margin| Outcome {
            status: OutcomeStatus::Ok,
            cost: None,
            margin_bps: Some(margin),
            success,
            latency_ms: Some(100.0),
            note: None,
        });
        CorpusCase { outcome, ..CorpusCase::from(case) }
    }

    fn no_protection() -> Protection {
        Protection::new(None, &[], &[])
    }

    fn projected(rows: Vec<(CorpusCase, EffectPair)>) -> ProjectedKpis {
        let (cases, effects): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
        project(&Corpus { source: Dataset::Recorded, cases }, &effects, &no_protection())
    }

    const ALLOWED: EffectPair = (Effect::Allow, Effect::Allow);

    #[test]
    fn newly_denied_decisions_contribute_nothing() {
        let kpis = projected(vec![
            (case(0, "x", Some(40.0), Some(true)), ALLOWED),
            (case(1, "x", Some(20.0), Some(false)), (Effect::Allow, Effect::Deny)),
        ]);
        // Margin 30 → 20, success 1 of 2 → 1 of 1.
        assert_eq!((kpis.margin_delta_bps, kpis.success_delta_bps), (Some(-10), Some(5000)));
        assert_eq!((kpis.imputed, kpis.approval_load_delta_bps), (0, 0));
        let nothing_left = projected(vec![(case(0, "x", Some(40.0), Some(true)), (Effect::Allow, Effect::Deny))]);
        assert_eq!((nothing_left.margin_delta_bps, nothing_left.success_delta_bps), (Some(-40), Some(-10_000)));
    }

    #[test]
    fn newly_allowed_decisions_take_the_mean_of_their_kind() {
        let kpis = projected(vec![
            (case(0, "x", Some(40.0), Some(true)), ALLOWED),
            (case(1, "x", Some(20.0), Some(false)), ALLOWED),
            (case(2, "y", Some(-500.0), Some(false)), ALLOWED),
            (case(3, "x", None, None), (Effect::Deny, Effect::Allow)),
        ]);
        // Margins before 40, 20, -500, 0 = -110; after 40, 20, -500, 30 = -102.5: 7.5 rounds to 8.
        assert_eq!(kpis.margin_delta_bps, Some(8));
        assert_eq!((kpis.imputed, kpis.imputed_share_bps, kpis.unknown), (1, 2500, 0));
        let unknown = projected(vec![
            (case(0, "x", Some(40.0), Some(true)), ALLOWED),
            (case(1, "z", None, None), (Effect::Deny, Effect::Allow)),
        ]);
        assert_eq!((unknown.margin_delta_bps, unknown.unknown), (Some(0), 1));
    }

    #[test]
    fn what_has_no_outcome_says_nothing() {
        let kpis = projected(vec![(case(0, "x", None, None), (Effect::Allow, Effect::NeedsApproval))]);
        assert_eq!((kpis.margin_delta_bps, kpis.success_delta_bps), (None, None));
        assert_eq!(kpis.approval_load_delta_bps, 10_000);
        assert_eq!(projected(Vec::new()), ProjectedKpis::default());
    }

    #[test]
    fn allowing_what_a_guardrail_or_an_invariant_forbids_is_a_hard_violation() {
        let base = policy::bundle::Source::read(json!([
            {"id": "guard-x", "agent": "a", "action": "x", "effect": "deny", "reason": "Nobody does x", "tags": ["guardrail"]},
        ]))
        .unwrap();
        let invariant: Invariant =
            serde_json::from_value(json!({"id": "never-y", "agent": "*", "action": "y", "never": "allow"})).unwrap();
        let protection = Protection::new(Some(&base.parse_rules().bundle), &[invariant], &[]);
        let corpus = Corpus {
            source: Dataset::Recorded,
            cases: vec![case(0, "x", None, None), case(1, "y", None, None), case(2, "z", None, None)],
        };
        let loosened = [(Effect::Deny, Effect::Allow); 3];
        assert_eq!(project(&corpus, &loosened, &protection).hard_violation_delta, 2);
        let tightened = [(Effect::Allow, Effect::Deny); 3];
        assert_eq!(project(&corpus, &tightened, &protection).hard_violation_delta, -2);
    }

    proptest! {
        /// The order of decisions makes no difference, and nothing changes when no effect does.
        #[test]
        fn sums_do_not_depend_on_their_order(
            rows in prop::collection::vec(
                (prop::sample::select(vec!["x", "y"]), prop::option::of(-1e3_f64..1e3), any::<bool>(), 0_usize..3, 0_usize..3),
                0..40,
            ),
        ) {
            let rows: Vec<(CorpusCase, EffectPair)> = rows.into_iter().enumerate()
                .map(|(id, (action, margin, success, before, after))| {
                    (case(id, action, margin, Some(success)), (Effect::ALL[before], Effect::ALL[after]))
                })
                .collect();
            let forward = projected(rows.clone());
            let mut backward = rows.clone();
            backward.reverse();
            prop_assert_eq!(&forward, &projected(backward));
            let still: Vec<_> = rows.into_iter().map(|(case, (before, _))| (case, (before, before))).collect();
            let still = projected(still);
            prop_assert!(still.margin_delta_bps.is_none_or(|delta| delta == 0));
            prop_assert!(still.success_delta_bps.is_none_or(|delta| delta == 0));
            prop_assert_eq!((still.approval_load_delta_bps, still.hard_violation_delta, still.imputed), (0, 0, 0));
        }
    }
}
