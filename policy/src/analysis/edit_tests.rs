//! Incremental analyses compared with full ones, and verdicts on bundles of every kind compared with the evaluator.

use std::collections::{BTreeMap, BTreeSet};

use proptest::{prelude::*, sample::Index};

use super::{
    Analysis, Analyzer, Meter, analyse, diff::NewAllows, geometry::BundleGeometry, semantic_diff, shadow, witness,
};
use crate::{
    bundle::{ActionPattern, AgentPattern, ApprovalTerms, Bundle, Effect, Rule, Schema, rule::GUARDRAIL},
    engine::{Evaluation, Input, Prepared, Status, arbitrary},
    random::Random,
};

/// The verdicts about a bundle, without the witnesses.
fn verdicts(analysis: &Analysis) -> impl PartialEq + std::fmt::Debug + use<> {
    let pairs = |overlaps: &[super::verdict::RuleOverlap]| -> Vec<(String, String)> {
        overlaps.iter().map(|overlap| (overlap.first.clone(), overlap.second.clone())).collect()
    };
    (
        analysis.unreachable.iter().map(|dead| (dead.rule.clone(), dead.covered_by.clone())).collect::<Vec<_>>(),
        analysis.redundant.clone(),
        pairs(&analysis.conflicts),
        pairs(&analysis.shadowed_guardrails),
        analysis.gaps.iter().map(|gap| (gap.agent.clone(), gap.action.clone())).collect::<Vec<_>>(),
        (analysis.undecided.clone(), analysis.undecided_gaps.clone(), analysis.too_large),
    )
}

fn alone(bundle: &Bundle, id: &str) -> Prepared {
    Prepared::new(&Bundle {
        rules: bundle.rules.iter().filter(|rule| rule.id == id).cloned().collect(),
        ..bundle.clone()
    })
}

/// The evaluator confirms every witness of the analysis.
fn confirmed(bundle: &Bundle, analysis: &Analysis) -> Result<(), TestCaseError> {
    let prepared = Prepared::new(bundle);
    for overlap in analysis.conflicts.iter().chain(&analysis.shadowed_guardrails) {
        let answer = prepared.decide(&overlap.witness);
        prop_assert_eq!((answer.status, answer.matched_rule), (Status::Matched, Some(overlap.first.clone())));
        prop_assert_eq!(alone(bundle, &overlap.second).decide(&overlap.witness).status, Status::Matched);
    }
    for gap in &analysis.gaps {
        prop_assert_eq!(prepared.decide(&gap.witness).status, Status::NoMatch);
        prop_assert_eq!((&gap.agent, &gap.action), (&gap.witness.agent, &gap.witness.action));
    }
    Ok(())
}

fn outcome(answer: &Evaluation) -> (Effect, bool) {
    (answer.effect, answer.status == Status::Error)
}

fn tagged(seed: u64, mut bundle: Bundle) -> Bundle {
    let mut random = Random::new(seed);
    for rule in bundle.rules.iter_mut().filter(|_| random.chance(30)) {
        rule.tags = BTreeSet::from([GUARDRAIL.to_owned()]);
    }
    bundle
}

/// One edit that an author may make.
fn edit(bundle: &mut Bundle, what: u8, at: Index, mut rule: Rule, schema: Schema) {
    let count = bundle.rules.len();
    if count == 0 || what == 0 {
        rule.id = format!("new-{count}-{}", rule.priority);
        if bundle.rules.iter().all(|other| other.id != rule.id) {
            bundle.rules.push(rule);
        }
        return;
    }
    let at = at.index(count);
    let edited = &mut bundle.rules[at];
    match what {
        1 => drop(bundle.rules.remove(at)),
        2 => edited.priority = rule.priority,
        3 => edited.effect = rule.effect,
        4 => edited.conditions = rule.conditions,
        5 => edited.agent = rule.agent,
        6 => edited.action = rule.action,
        7 => edited.enabled = !edited.enabled,
        8 => edited.tags = if edited.tags.is_empty() { BTreeSet::from([GUARDRAIL.into()]) } else { BTreeSet::new() },
        9 => bundle.default_effect = rule.effect,
        10 => bundle.on_error = rule.effect,
        11 => bundle.schema = bundle.schema.is_none().then_some(schema),
        12 => bundle.schema.iter_mut().for_each(|schema| schema.enforce = !schema.enforce),
        _ => edited.id = format!("{}x", edited.id),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn an_incremental_analysis_agrees_with_a_full_one(
        bundle in arbitrary::bundle(0..14), seed: u64,
        edits in prop::collection::vec((0_u8..14, any::<Index>(), arbitrary::rule(), arbitrary::schema()), 1..12),
    ) {
        let mut analyzer = Analyzer::new();
        let mut bundle = tagged(seed, bundle);
        analyzer.analyse(&bundle, Meter::default());
        for (what, at, rule, schema) in edits {
            edit(&mut bundle, what, at, rule, schema);
            let remembered = analyzer.analyse(&bundle, Meter::default());
            prop_assert_eq!(verdicts(&remembered), verdicts(&analyse(&bundle, Meter::default())), "seed {}", seed);
            confirmed(&bundle, &remembered)?;
        }
    }

    #[test]
    fn an_updated_geometry_is_the_one_built_from_scratch(
        bundle in arbitrary::bundle(0..14),
        edits in prop::collection::vec((1_u8..14, any::<Index>(), arbitrary::rule(), arbitrary::schema()), 1..12),
    ) {
        let mut bundle = bundle;
        let mut updated = BundleGeometry::default();
        updated.update(&bundle, &mut Meter::default()).unwrap();
        for (what, at, rule, schema) in edits {
            edit(&mut bundle, what, at, rule, schema);
            if !updated.continues(&bundle) {
                updated = BundleGeometry::default();
            }
            updated.update(&bundle, &mut Meter::default()).unwrap();
            let mut rebuilt = BundleGeometry::default();
            rebuilt.update(&bundle, &mut Meter::default()).unwrap();
            prop_assert_eq!(&updated.space, &rebuilt.space);
            let contents = |geometry: &BundleGeometry| {
                let entries = geometry.order.iter().filter_map(|key| geometry.entry(*key));
                let entries = entries.map(|entry| {
                    let footprint = entry.footprint.clone();
                    (entry.rule.clone().id, entry.rank, entry.slices.clone(), footprint.matches, footprint.decides)
                });
                let slices = geometry.slices.iter().map(|slice| {
                    let pair = slice.pair.clone();
                    (pair.agent, pair.action, pair.rules, slice.full.clone())
                });
                (entries.collect::<Vec<_>>(), slices.collect::<Vec<_>>())
            };
            prop_assert_eq!(contents(&updated), contents(&rebuilt));
        }
    }

    #[test]
    fn what_ran_out_of_budget_is_decided_when_there_is_more(bundle in arbitrary::bundle(0..14), total in 0_u64..600) {
        let mut analyzer = Analyzer::new();
        analyzer.analyse(&bundle, Meter::new(total, total));
        let decided = analyzer.analyse(&bundle, Meter::default());
        prop_assert_eq!(verdicts(&decided), verdicts(&analyse(&bundle, Meter::default())));
    }

    #[test]
    fn a_small_budget_never_gives_a_wrong_verdict(bundle in arbitrary::bundle(0..14), total in 0_u64..2_000) {
        let (whole, part) = (analyse(&bundle, Meter::default()), analyse(&bundle, Meter::new(total, total)));
        confirmed(&bundle, &part)?;
        let dead = |analysis: &Analysis| -> BTreeSet<String> {
            analysis.unreachable.iter().map(|dead| dead.rule.clone()).collect()
        };
        prop_assert!(dead(&part).is_subset(&dead(&whole)));
        prop_assert!(part.redundant.iter().all(|rule| whole.redundant.contains(rule)));
        // A rule without a decided verdict is listed as undecided.
        for rule in dead(&whole).difference(&dead(&part)) {
            prop_assert!(part.too_large || part.undecided.contains(rule), "{} is missing", rule);
        }
        for overlap in &whole.conflicts {
            let same = |other: &super::verdict::RuleOverlap| (&other.first, &other.second) == (&overlap.first, &overlap.second);
            let open = || part.undecided.contains(&overlap.first) || part.undecided.contains(&overlap.second);
            prop_assert!(part.too_large || part.conflicts.iter().any(same) || open());
        }
    }

    #[test]
    fn inputs_agree_with_the_verdicts(bundle in arbitrary::bundle(1..20), seed: u64) {
        let bundle = tagged(seed, bundle);
        let analysis = analyse(&bundle, Meter::default());
        confirmed(&bundle, &analysis)?;
        let prepared = Prepared::new(&bundle);
        let live: Vec<&Rule> = bundle.rules.iter().filter(|rule| rule.enabled).collect();
        let dead = |id: &str| analysis.unreachable.iter().any(|dead| dead.rule == id);
        for rule in &live {
            if !dead(&rule.id) {
                let input = witness(&bundle, &rule.id, Meter::default()).unwrap();
                prop_assert_eq!(prepared.decide(&input).matched_rule, Some(rule.id.clone()));
            }
        }
        let without: BTreeMap<&str, Prepared> = analysis.redundant.iter().map(|removed| {
            let rules = bundle.rules.iter().filter(|rule| rule.id != *removed).cloned().collect();
            (removed.as_str(), Prepared::new(&Bundle { rules, ..bundle.clone() }))
        }).collect();
        let mut random = Random::new(seed);
        for _ in 0..400 {
            let input = arbitrary::quick_input(&mut random);
            let answer = prepared.decide(&input);
            if answer.status == Status::Matched {
                let matched = answer.matched_rule.clone().unwrap_or_default();
                prop_assert!(!dead(&matched), "{} decides {:?}, seed {}", matched, input, seed);
            }
            for (removed, rest) in &without {
                prop_assert_eq!(outcome(&rest.decide(&input)), outcome(&answer), "without {}, seed {}", removed, seed);
            }
        }
    }

    #[test]
    fn a_shadow_names_every_rule_that_takes_part_of_another(bundle in arbitrary::bundle(1..9), seed: u64) {
        let prepared = Prepared::new(&bundle);
        let mut random = Random::new(seed);
        let inputs: Vec<Input> = (0..200).map(|_| arbitrary::quick_input(&mut random)).collect();
        for rule in bundle.rules.iter().filter(|rule| rule.enabled) {
            let shadow = shadow(&bundle, &rule.id, Meter::default()).unwrap();
            let only = alone(&bundle, &rule.id);
            prop_assert!(shadow.complete);
            for overlap in &shadow.by {
                prop_assert_eq!(&overlap.second, &rule.id);
                prop_assert_eq!(prepared.decide(&overlap.witness).matched_rule, Some(overlap.first.clone()));
                prop_assert_eq!(only.decide(&overlap.witness).status, Status::Matched);
            }
            for input in inputs.iter().filter(|input| only.decide(input).status == Status::Matched) {
                let by = prepared.decide(input).matched_rule.unwrap();
                prop_assert!(by == rule.id || shadow.by.iter().any(|overlap| overlap.first == by), "seed {}", seed);
            }
        }
    }

    #[test]
    fn a_diff_after_edits_is_disjoint_complete_and_true(
        before in prop_oneof![4 => arbitrary::bundle(0..16), 1 => arbitrary::bundle(60..90)], seed: u64,
        edits in prop::collection::vec((0_u8..14, any::<Index>(), arbitrary::rule(), arbitrary::schema()), 1..5),
    ) {
        let mut after = before.clone();
        for (what, at, rule, schema) in edits {
            edit(&mut after, what, at, rule, schema);
        }
        let diff = semantic_diff(&before, &after, Meter::default());
        prop_assert!(diff.complete);
        let (old, new) = (Prepared::new(&before), Prepared::new(&after));
        let stated = |region: &super::diff::DiffRegion| {
            let of = |outcome: super::diff::Outcome| (outcome.effect, outcome.error);
            ((of(region.before), region.before_rule.clone()), (of(region.after), region.after_rule.clone()))
        };
        let answered = |input: &Input| {
            let (was, is) = (old.decide(input), new.decide(input));
            ((outcome(&was), was.matched_rule), (outcome(&is), is.matched_rule))
        };
        let mut random = Random::new(seed);
        let drawn: Vec<Input> = (0..400).map(|_| arbitrary::quick_input(&mut random)).collect();
        for input in drawn.iter().chain(diff.regions.iter().map(|region| &region.witness)) {
            let answers = answered(input);
            let holding: Vec<_> = diff.regions.iter().filter(|region| region.holds(&diff, input.into())).collect();
            prop_assert_eq!(holding.len(), usize::from(answers.0.0 != answers.1.0), "{:?} {:?}, seed {}", input, answers, seed);
            if let [region] = holding.as_slice() {
                prop_assert_eq!(stated(region), answers);
            }
        }
        for region in &diff.regions {
            prop_assert_eq!(stated(region), answered(&region.witness));
        }
        let newly = diff.regions.iter().filter(|r| r.after.effect == Effect::Allow && r.before.effect != Effect::Allow);
        prop_assert_eq!(diff.new_allows, match newly.count() { 0 => NewAllows::None, some => NewAllows::Some(some) });
    }
}

#[test]
fn rules_for_all_agents_overlap_everywhere() {
    let rule = |id: &str, agent: AgentPattern, effect: Effect| Rule {
        id: id.to_owned(),
        agent,
        action: ActionPattern::Any,
        conditions: Vec::new(),
        effect,
        reason: "because it is a test".to_owned(),
        priority: 50,
        budget: None,
        approval: ApprovalTerms::default(),
        enabled: true,
        tags: BTreeSet::new(),
        position: 0,
    };
    let bundle = Bundle {
        rules: vec![
            rule("all", AgentPattern::Any, Effect::Deny),
            rule("some", AgentPattern::Prefix("in.".into()), Effect::Allow),
        ],
        default_effect: Effect::Deny,
        on_error: Effect::Deny,
        schema: None,
    };
    let analysis = analyse(&bundle, Meter::default());
    assert_eq!(analysis.conflicts.len(), 1);
    assert!(analysis.conflicts[0].witness.agent.starts_with("in."));
    assert_eq!(analysis.unreachable[0].covered_by, ["all"]);
}
