//! Building a packet's content. Equal inputs give equal content, byte for byte.

use std::collections::BTreeSet;

use policy::{
    Fault,
    analysis::{
        Meter, SemanticDiff,
        diff::{NewAllows, deciders::Deciders},
        invariants::{InvariantProof, prove},
        semantic_diff,
    },
    bundle::{Bundle, Invariant, Source, canonical::canonical, diff::text_diff},
    engine::{Prepared, Question},
    lint,
    replay::{Change, Corpus},
};
use serde_json::Value;

use super::{
    BlastRadius, Content, GuardKind, Guardrail, PacketBundle, ProjectedKpis, Retirement, ReviewSettings, Scenario,
    approval_terms,
    blast_radius::blast_radius,
    content::{InvariantResult, InvariantVerdict, MAX_REGIONS, SCHEMA_VERSION, SemanticDiffSummary},
    guardrails::{Conclusive, guardrails},
    guards::{self, Guards},
    projection::{Protection, effect_pairs, project},
    quorum_rule::{QuorumFacts, agent_loses_every_allow, required_approvals},
    red_team::{self, Held},
    replay::{DigestedBundle, replay},
    risk,
};
use crate::problem::{Code, Problem};

/// Maximum length of a fallback plan, in characters.
pub const MAX_FALLBACK_PLAN_CHARS: usize = 4000;

/// The work budget of a packet's semantic diff, and of the search for bypassed guardrail rules; see
/// [`policy::analysis::Meter`]. A constant, so that every machine builds equal content.
const DIFF_WORK: u64 = 10_000_000;

/// The inputs that a packet is built from. Nothing here depends on who builds the packet or when.
#[derive(Debug, Clone, Copy)]
pub struct PacketInputs<'a> {
    /// The draft, with a version.
    pub draft: &'a Source,
    /// The bundle that is live now.
    pub base: Option<&'a Source>,
    /// The decisions to replay.
    pub corpus: &'a Corpus,
    /// Whether the settings named these decisions, not the builder of the packet.
    pub corpus_by_policy: bool,
    /// What to do when the new version causes trouble.
    pub fallback_plan: &'a str,
    /// Quorum, evidence, guardrails and spending limits.
    pub settings: &'a ReviewSettings,
    /// The invariants of the workspace.
    pub invariants: &'a [Invariant],
    /// The invariants that the packet of the live bundle was proven against.
    pub base_invariants: &'a [Invariant],
    /// The guards that the draft removes on purpose.
    pub retires: &'a [Retirement],
}

/// Why a packet cannot be built.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CannotBuild {
    /// The plan is blank or too long.
    #[error("say what to do when it goes wrong, in at most {MAX_FALLBACK_PLAN_CHARS} characters")]
    FallbackPlan,
    /// The draft has no version.
    #[error("the draft has no version number")]
    NoVersion,
    /// The list of retired guards has faults.
    #[error("{}", .0.first().map_or("", |fault| fault.detail.as_str()))]
    Retires(Vec<Fault>),
    /// The linter found errors.
    #[error("the bundle has {} lint {}: {}", .0.summary.errors, if .0.summary.errors == 1 { "error" } else { "errors" }, first_message(.0))]
    LintErrors(Box<lint::Report>),
}

fn first_message(report: &lint::Report) -> &str {
    report.errors.first().map_or("", |finding| finding.message.as_str())
}

impl From<CannotBuild> for Problem {
    fn from(error: CannotBuild) -> Self {
        let detail = error.to_string();
        match error {
            CannotBuild::FallbackPlan => Self::invalid_field("/fallback_plan", detail),
            CannotBuild::NoVersion => Self::invalid_field("/version", detail),
            CannotBuild::Retires(faults) => {
                let place = |fault: Fault| Fault::new(format!("/retires{}", fault.pointer), fault.detail);
                Self::invalid_fields(faults.into_iter().map(place).collect())
            }
            CannotBuild::LintErrors(report) => Self::new(Code::LintErrors, detail)
                .with("lint_errors", serde_json::to_value(&report.errors).unwrap_or_default()),
        }
    }
}

/// The content of the packet.
///
/// # Errors
/// See [`CannotBuild`].
pub fn build(from: &PacketInputs<'_>) -> Result<Content, CannotBuild> {
    let PacketInputs { draft: written, base, corpus, corpus_by_policy, fallback_plan, settings, invariants, .. } =
        *from;
    let fallback_plan = fallback_plan.trim();
    if fallback_plan.is_empty() || fallback_plan.chars().count() > MAX_FALLBACK_PLAN_CHARS {
        return Err(CannotBuild::FallbackPlan);
    }
    // The written order of rules does not change what a bundle means, so it must not change the id either.
    let (draft, base) = (&sort_rules(written), base.map(sort_rules));
    let base = base.as_ref();
    let bundle = PacketBundle::of(draft).ok_or(CannotBuild::NoVersion)?;
    let base_content = base.map(|base| PacketBundle::of(base).ok_or(CannotBuild::NoVersion)).transpose()?;
    let lint = lint::lint_against(draft, invariants);
    if !lint.passed {
        // The author needs pointers into the bundle as written.
        return Err(CannotBuild::LintErrors(Box::new(lint::lint_against(written, invariants))));
    }
    let parsed = draft.parse_rules().bundle;
    let parsed_base = base.map(|base| base.parse_rules().bundle);
    let guards = parsed_base.as_ref().map(|base| Guards {
        base,
        base_invariants: from.base_invariants,
        draft: &parsed,
        invariants,
    });
    guards::check(from.retires, guards.as_ref()).map_err(CannotBuild::Retires)?;
    let retires = in_order(from.retires);
    let base_digested = parsed_base
        .as_ref()
        .zip(base_content.as_ref())
        .map(|(bundle, content)| DigestedBundle { bundle, digest: content.digest.as_str() });
    let draft_digested = DigestedBundle { bundle: &parsed, digest: bundle.digest.as_str() };
    let (mut replay, impact) = replay(corpus, base_digested, draft_digested, settings, corpus_by_policy);
    let diff = parsed_base.as_ref().map(|before| semantic_diff(before, &parsed, Meter::new(DIFF_WORK, DIFF_WORK)));
    let safety = assess_safety(&SafetyInputs {
        corpus,
        base: parsed_base.as_ref(),
        draft: &parsed,
        diff: diff.as_ref(),
        guards: guards.as_ref(),
        retires: &retires,
        invariants,
        settings,
        flips: &replay.flips,
        conclusive: !replay.insufficient_evidence,
    });
    let semantic_diff =
        parsed_base.as_ref().zip(diff).map(|(before, diff)| explain_flips(diff, (before, &parsed), &mut replay.flips));
    let empty = Source::default();
    let text_diff = text_diff(base.unwrap_or(&empty), draft);
    let (risk_score_bps, risk_parts) = risk::score(&risk::RiskInputs {
        draft,
        base,
        diff: &text_diff,
        lint: &lint,
        impact,
        evidence_gap: replay.evidence_gap,
        kpis: &safety.kpis,
        guardrails: &safety.guardrails,
        red_team: &safety.red_team,
    });
    // A decision of the corpus is newly allowed, or an input that was never recorded may be.
    let newly_allowed =
        impact.newly_allowed > 0 || semantic_diff.as_ref().is_some_and(|diff| diff.new_allows != NewAllows::None);
    let quorum_reasons = QuorumFacts {
        risk_score_bps,
        insufficient_evidence: replay.insufficient_evidence,
        newly_allowed,
        changed: (impact.flips, impact.total),
        agent_loses_every_allow: safety.agent_loses_every_allow,
        guard_removed: safety.guard_removed || !retires.is_empty(),
        approvals_weakened: parsed_base.as_ref().is_some_and(|base| approval_terms::weakened(base, &parsed)),
    }
    .reasons(settings);
    Ok(Content {
        schema_version: SCHEMA_VERSION.to_owned(),
        bundle,
        base: base_content,
        text_diff,
        semantic_diff,
        lint,
        invariants: safety.invariants,
        replay,
        newly_allowed: impact.newly_allowed,
        newly_refused: impact.newly_refused,
        projected_kpis: Some(safety.kpis),
        guardrails: safety.guardrails,
        red_team: safety.red_team,
        blast_radius: Some(safety.blast_radius),
        risk_score_bps,
        risk_parts,
        required_approvals: required_approvals(&quorum_reasons, settings),
        quorum_reasons,
        retires,
        fallback_plan: fallback_plan.to_owned(),
    })
}

/// The retired guards by kind and id, since the order in which they are listed makes no difference.
fn in_order(retires: &[Retirement]) -> Vec<Retirement> {
    let trimmed = |retired: &Retirement| Retirement { reason: retired.reason.trim().to_owned(), ..retired.clone() };
    let mut retires: Vec<Retirement> = retires.iter().map(trimmed).collect();
    retires.sort();
    retires
}

/// `source` with its rules sorted by id.
fn sort_rules(source: &Source) -> Source {
    let mut source = source.clone();
    source.rules.sort_by_cached_key(|rule| {
        let id = rule.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
        (id, canonical(&Value::Object(rule.clone())))
    });
    source
}

/// The inputs of the safety assessment of a draft.
struct SafetyInputs<'a> {
    corpus: &'a Corpus,
    base: Option<&'a Bundle>,
    draft: &'a Bundle,
    diff: Option<&'a SemanticDiff>,
    guards: Option<&'a Guards<'a>>,
    retires: &'a [Retirement],
    invariants: &'a [Invariant],
    settings: &'a ReviewSettings,
    flips: &'a [Change],
    /// Whether there are enough recorded decisions to draw conclusions.
    conclusive: bool,
}

struct Safety {
    kpis: ProjectedKpis,
    guardrails: Vec<Guardrail>,
    red_team: Vec<Scenario>,
    blast_radius: BlastRadius,
    invariants: Vec<InvariantResult>,
    guard_removed: bool,
    agent_loses_every_allow: bool,
}

fn assess_safety(inputs: &SafetyInputs<'_>) -> Safety {
    let SafetyInputs { corpus, base, draft, diff, guards, retires, invariants, settings, flips, conclusive } = *inputs;
    // What the packet retires is no guard in it; an invariant that is gone and not retired still is one.
    let base_invariants = guards.map_or(&[][..], |guards| guards.base_invariants);
    let held: Vec<Invariant> = invariants
        .iter()
        .chain(base_invariants.iter().filter(|gone| invariants.iter().all(|kept| kept.id != gone.id)))
        .filter(|invariant| !guards::is_retired(retires, GuardKind::Invariant, &invariant.id))
        .cloned()
        .collect();
    let retired_rules: Vec<&str> =
        retires.iter().filter(|retired| retired.kind == GuardKind::Rule).map(|retired| retired.id.as_str()).collect();
    let removed = guards.map(|guards| guards.removed(retires)).unwrap_or_default();
    let effects = effect_pairs(corpus, base.map(Prepared::new).as_ref(), &Prepared::new(draft));
    let kpis = project(corpus, &effects, &Protection::new(base, &held, &retired_rules));
    let blast_radius = blast_radius(corpus, &effects, diff);
    let segment =
        |index: usize| corpus.cases.get(index).map(|case| (case.case.agent.as_str(), case.case.action.as_str()));
    let segments: BTreeSet<_> = (0..corpus.cases.len()).filter_map(segment).collect();
    let changed = effects.iter().enumerate().filter(|(_, (before, after))| before != after);
    let touched: BTreeSet<_> = changed.filter_map(|(index, _)| segment(index)).collect();
    // Without a base there is nothing to compare with.
    let conclusive = Conclusive::of(&kpis, conclusive && base.is_some(), settings.min_evidence);
    let red_team = vec![
        red_team::policy_bypass(
            base.zip(diff),
            draft,
            Held { invariants: &held, retired_rules: &retired_rules },
            flips,
            Meter::new(DIFF_WORK, DIFF_WORK),
        ),
        red_team::guard_removed(&removed, base.is_some()),
        red_team::margin_collapse(&kpis, blast_radius.share_bps, conclusive),
        red_team::biased_cohort(&kpis, &touched, segments.len(), conclusive),
    ];
    Safety {
        guardrails: guardrails(&kpis, &settings.guardrails, conclusive),
        red_team,
        invariants: invariants.iter().map(|invariant| prove_invariant(draft, invariant)).collect(),
        agent_loses_every_allow: agent_loses_every_allow(corpus, &effects, draft, diff),
        guard_removed: !removed.is_empty(),
        kpis,
        blast_radius,
    }
}

fn prove_invariant(draft: &Bundle, invariant: &Invariant) -> InvariantResult {
    let (statement, proof) = match invariant.parse() {
        Ok(statement) => (statement.to_string(), prove(draft, &statement)),
        Err(_) => (String::new(), InvariantProof::Undecided),
    };
    let (verdict, witness) = match proof {
        InvariantProof::Holds => (InvariantVerdict::Holds, None),
        InvariantProof::Violated(input) => (InvariantVerdict::Violated, Some(input)),
        InvariantProof::Undecided => (InvariantVerdict::Undecided, None),
    };
    InvariantResult { invariant: invariant.clone(), statement, verdict, witness }
}

/// The semantic diff of the packet, with every flip linked to the region that explains it.
fn explain_flips(diff: SemanticDiff, (before, after): (&Bundle, &Bundle), flips: &mut [Change]) -> SemanticDiffSummary {
    let (deciders, before, after) = (Deciders::of(&diff), Prepared::new(before), Prepared::new(after));
    for flip in flips {
        let question = Question { agent: &flip.agent, action: &flip.action, context: &flip.context };
        let (was, is) = (before.verdict(question), after.verdict(question));
        let region = deciders.locate(&diff, was, is, |region| region.holds(&diff, question));
        flip.region = region.filter(|region| *region < MAX_REGIONS);
    }
    SemanticDiffSummary::of(diff)
}
