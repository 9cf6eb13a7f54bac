//! The columns compared with the evaluator.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::{
    analysis::{Meter, diff::deciders::Deciders, semantic_diff},
    bundle::{Bundle, Effect, Rule},
    engine::{Prepared, arbitrary, oracle},
    random::Random,
    replay::{Case, Columnar, Dataset, Limits, compare, simulate},
};

fn cases(count: usize, seed: u64) -> Vec<Case> {
    let mut random = Random::new(seed);
    (0..count)
        .map(|number| {
            let mut input = arbitrary::quick_input(&mut random);
            if random.chance(10) {
                // A key that is spelled like a path counts only where the context has no `sender`.
                input.context.insert("sender.domain".into(), ["a", "zz"][random.below(2)].into());
            }
            let case_id = format!("case-{number}");
            Case { case_id, agent: input.agent, action: input.action, context: input.context, expected_effect: None }
        })
        .collect()
}

fn columnar(cases: &[Case]) -> Arc<Columnar> {
    let built = Columnar::of_cases(Dataset::Custom, cases).unwrap();
    Arc::new(Columnar::decode(&built.encode().unwrap()).unwrap())
}

fn agree(bundle: &Bundle, cases: &[Case]) -> Result<Replayed, TestCaseError> {
    let mut replay = Replay::new(Arc::new(Prepared::new(bundle)), columnar(cases));
    while !replay.step(97).is_complete() {}
    let replayed = replay.finish();
    for (row, case) in cases.iter().enumerate() {
        let verdict = replayed.verdict(row).unwrap();
        let got = (verdict.effect, verdict.status, verdict.rule.map(|rule| rule.id().to_owned()));
        prop_assert_eq!(got, oracle::decide(bundle, &case.input()), "{:?}", case);
    }
    Ok(replayed)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(250))]

    /// 100,000 rows per run, 400 for each bundle.
    #[test]
    fn columns_are_answered_like_cases(bundle in arbitrary::bundle(0..40), seed in any::<u64>()) {
        agree(&bundle, &cases(400, seed))?;
    }

    #[test]
    fn results_are_those_of_a_simulation(
        a in arbitrary::bundle(0..9), b in arbitrary::bundle(0..9), seed in any::<u64>(),
    ) {
        let cases = cases(60, seed);
        let (before, after) = (agree(&a, &cases)?, agree(&b, &cases)?);
        let plain = simulate(&a, &cases, Limits::default());
        prop_assert_eq!(before.summary(Limits::default()), plain.summary);
        prop_assert_eq!(before.rule_hits(), plain.rule_hits);
        let compared = compare(&a, &b, &cases, Limits::default());
        let moved = moves(&before, &after);
        let flipped: Vec<String> = moved.flips.iter().map(|row| format!("case-{row}")).collect();
        prop_assert_eq!(flipped, compared.changes.iter().map(|change| change.case_id.clone()).collect::<Vec<_>>());
        prop_assert_eq!(moved.transitions.0.iter().flatten().sum::<usize>(), 60);
        prop_assert_eq!(moved.transitions.0.iter().map(|row| row[3]).sum::<usize>(), compared.summary_b.error_count);
        let diff = semantic_diff(&a, &b, Meter::default());
        let (corpus, deciders) = (columnar(&cases), Deciders::of(&diff));
        for row in &moved.flips {
            let row = usize::try_from(*row).unwrap();
            let region = region((&diff, &deciders), &corpus, (&before, &after), row);
            prop_assert_eq!(region, diff.regions.iter().position(|region| region.holds(&diff, (&cases[row]).into())));
            let region = region.and_then(|region| diff.regions.get(region));
            let effects = region.map(|region| (region.before.effect, region.after.effect));
            if diff.complete {
                prop_assert_eq!(
                    effects, Some((before.effects()[row], after.effects()[row])), "{:?} {:?}", cases[row], region
                );
            }
        }
    }
}

/// A few edits of the kinds that authors make.
fn edited(bundle: &Bundle, others: &Bundle, random: &mut Random) -> Bundle {
    let mut edited = bundle.clone();
    for number in 0..=random.below(3) {
        let at = random.below(edited.rules.len().max(1));
        match random.below(7) {
            0 if !edited.rules.is_empty() => drop(edited.rules.remove(at)),
            1 => edited
                .rules
                .extend(others.rules.get(at).map(|other| Rule { id: format!("new-{number}"), ..other.clone() })),
            2 => edited.default_effect = Effect::ALL[random.below(3)],
            kind => {
                let (Some(rule), Some(other)) = (edited.rules.get_mut(at), others.rules.get(at)) else { continue };
                match kind {
                    3 => rule.conditions.clone_from(&other.conditions),
                    4 => rule.priority = u16::try_from(random.below(1000)).unwrap(),
                    5 => rule.enabled = !rule.enabled,
                    _ => (rule.effect, rule.agent) = (other.effect, other.agent.clone()),
                }
            }
        }
    }
    edited
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(250))]

    #[test]
    fn after_an_edit_the_answers_are_those_of_a_whole_replay(
        bundle in arbitrary::bundle(0..40), others in arbitrary::bundle(0..40), seed in any::<u64>(),
    ) {
        let mut random = Random::new(seed);
        let corpus = columnar(&cases(400, seed));
        let replay = |bundle: &Bundle| Replay::run(Arc::new(Prepared::new(bundle)), Arc::clone(&corpus));
        let (mut now, mut last) = (bundle.clone(), Arc::new(replay(&bundle)));
        for _ in 0..4 {
            now = edited(&now, &others, &mut random);
            let mut after = Replay::after(Arc::clone(&last), Arc::new(Prepared::new(&now)), Arc::clone(&corpus));
            while !after.step(97).is_complete() {}
            let (after, whole) = (after.finish(), replay(&now));
            for row in 0..corpus.len() {
                let (got, wanted) = (after.verdict(row).unwrap(), whole.verdict(row).unwrap());
                prop_assert_eq!(got.effect, wanted.effect);
                prop_assert_eq!(got.status, wanted.status);
                prop_assert_eq!(after.rank(row), whole.rank(row), "{:?}", corpus.case(row));
            }
            prop_assert_eq!(after.rule_hits(), whole.rule_hits());
            prop_assert_eq!(after.summary(Limits::default()), whole.summary(Limits::default()));
            last = Arc::new(after);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn many_rules_are_answered_alike(bundle in arbitrary::bundle(300..700), seed in any::<u64>()) {
        agree(&bundle, &cases(400, seed))?;
    }
}
