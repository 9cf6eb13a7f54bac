//! The index compared with the evaluation as the contract words it.

use proptest::prelude::*;

use super::{Group, Index};
use crate::{
    bundle::{ActionPattern, AgentPattern, ApprovalTerms, Bundle, Condition, Rule, Scalar, Test},
    engine::{Input, Prepared, arbitrary, condition::ConditionResult, oracle, order},
    random::Random,
};

/// Small groups are evaluated in a loop. So here all rules share one address and form a group large enough for rows of
/// bits.
fn same_address(mut bundle: Bundle, wild: bool) -> Bundle {
    for rule in &mut bundle.rules {
        rule.agent = if wild { AgentPattern::Any } else { AgentPattern::Exact(arbitrary::AGENTS[0].into()) };
        rule.action = ActionPattern::Any;
    }
    bundle
}

/// A condition on a field of its own makes a rule match rarely, so that answers also come from far down the rows.
fn rarely(mut bundle: Bundle) -> Bundle {
    for rule in &mut bundle.rules {
        rule.conditions.retain(|condition| !matches!(condition.test, Test::NotIn(_) | Test::Present(_)));
        rule.conditions.push(Condition::new("score", Test::In(vec![Scalar::Number(0.25)])));
        rule.conditions.push(Condition::new("category", Test::StartsWith("ab".into())));
    }
    bundle
}

/// Bounds at quarters from 0 to 100, so that a field has hundreds of thresholds and some rows are coarse.
fn bounded(mut bundle: Bundle, random: &mut Random) -> Bundle {
    let quarter = |random: &mut Random| f64::from(u32::try_from(random.below(401)).unwrap()) / 4.0;
    for rule in &mut bundle.rules {
        let number = quarter(random);
        let test = match random.below(7) {
            0 => Test::AtLeast(number),
            1 => Test::AtMost(number),
            2 => Test::Above(number),
            3 => Test::Below(number),
            4 => Test::In(vec![Scalar::Number(number), Scalar::Number(quarter(random))]),
            5 => Test::NotIn(vec![Scalar::Number(number)]),
            _ => continue,
        };
        rule.conditions.push(Condition::new("amount", test));
        if random.chance(30) {
            rule.conditions.push(Condition::new("amount", Test::AtLeast(quarter(random))));
        }
    }
    bundle
}

fn question(random: &mut Random) -> Input {
    let mut input = arbitrary::quick_input(random);
    let eighth = f64::from(u32::try_from(random.below(810)).unwrap()) / 8.0;
    match random.below(12) {
        0 => {}
        1 => drop(input.context.insert("amount".into(), "1".into())),
        _ => drop(input.context.insert("amount".into(), eighth.into())),
    }
    input
}

fn check(bundle: &Bundle, seed: u64, count: usize, wild: bool) -> Result<(), TestCaseError> {
    let prepared = Prepared::new(bundle);
    let mut random = Random::new(seed);
    for _ in 0..count {
        let mut input = question(&mut random);
        if !wild {
            input.agent = arbitrary::AGENTS[0].into();
        }
        let verdict = prepared.verdict((&input).into());
        let got = (verdict.effect, verdict.status, verdict.rule.map(|rule| rule.id().to_owned()));
        prop_assert_eq!(got, oracle::decide(bundle, &input), "{:?}", input);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// 100,000 questions per run, 250 for each bundle.
    #[test]
    fn rows_of_bits_decide_as_in_the_contract(
        bundle in arbitrary::bundle(17..70), wild in any::<bool>(), rare in any::<bool>(), seed in any::<u64>(),
    ) {
        let bundle = bounded(same_address(bundle, wild), &mut Random::new(seed));
        check(&if rare { rarely(bundle) } else { bundle }, seed, 250, wild)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    #[test]
    fn long_rows_and_split_runs_decide_alike(bundle in arbitrary::bundle(1100..1300), seed in any::<u64>()) {
        let mut random = Random::new(seed);
        let bundle = bounded(same_address(bundle, true), &mut random);
        check(&bundle, seed, 30, true)?;
        let bundle = rarely(bundle);
        check(&bundle, seed, 60, true)?;
        let mut rules: Vec<Rule> = bundle.rules.iter().filter(|rule| rule.enabled).cloned().collect();
        rules.sort_by(order::compare);
        let rules: Vec<&Rule> = rules.iter().collect();
        let (whole, split) = (Index::new(&rules), Index::within(&rules, 1));
        let runs = |index: &Index| match &index.groups[..] {
            [Group::Many(runs)] => runs.len(),
            other => panic!("{other:?}"),
        };
        prop_assert_eq!(runs(&whole), 1);
        prop_assert!(runs(&split) > 8);
        for _ in 0..300 {
            let input = question(&mut random);
            prop_assert_eq!(whole.first((&input).into()), split.first((&input).into()));
        }
    }
}

#[test]
fn the_first_of_many_unconditional_rules_decides() {
    let mut rules = Vec::new();
    for number in 0..200 {
        let mut rule = Rule {
            id: format!("rule-{number:03}"),
            agent: AgentPattern::Any,
            action: ActionPattern::Any,
            conditions: Vec::new(),
            effect: crate::bundle::Effect::Deny,
            reason: String::new(),
            priority: 1,
            budget: None,
            approval: ApprovalTerms::default(),
            enabled: true,
            tags: std::collections::BTreeSet::new(),
            position: number,
        };
        if number < 150 {
            rule.conditions.push(Condition::new("never", Test::Above(f64::from(u32::try_from(number).unwrap()))));
        }
        rules.push(rule);
    }
    let rules: Vec<&Rule> = rules.iter().collect();
    let index = Index::new(&rules);
    assert_eq!(index.first((&Input::default()).into()), Some((150, ConditionResult::True)));
    let bare = &rules[150..];
    assert_eq!(Index::new(bare).first((&Input::default()).into()), Some((0, ConditionResult::True)));
}

/// Trees and bytes, loops and rows, all compared with the contract on 100,000 questions. The seed is printed, and
/// `AGREE_SEED` repeats a run.
#[test]
fn every_path_agrees_on_a_hundred_thousand_questions() {
    use std::hash::{BuildHasher, Hasher, RandomState};

    use proptest::{
        strategy::ValueTree,
        test_runner::{RngAlgorithm, TestRng, TestRunner},
    };

    let given = std::env::var("AGREE_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed: u64 = given.unwrap_or_else(|| RandomState::new().build_hasher().finish());
    println!("AGREE_SEED={seed}");
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(ProptestConfig::default(), rng);
    let mut random = Random::new(seed);
    for round in 0..1_000 {
        let size = if round % 50 == 0 { 40..90_usize } else { 1..24 };
        let bundle = arbitrary::bundle(size).new_tree(&mut runner).unwrap().current();
        let bundle = if round % 3 == 0 { same_address(bundle, true) } else { bundle };
        let bundle = if round % 2 == 0 { bounded(bundle, &mut random) } else { bundle };
        let prepared = Prepared::new(&bundle);
        for _ in 0..100 {
            let input = question(&mut random);
            let wanted = oracle::decide(&bundle, &input);
            let context = serde_json::to_vec(&input.context).unwrap();
            let read = prepared.verdict_json(&input.agent, &input.action, &context).unwrap();
            let whole = serde_json::to_vec(&input).unwrap();
            // The decoder leaves a blank name to the parser.
            let decoded = prepared.decide_request(&whole).map(|(_, verdict)| verdict);
            assert_eq!(decoded.is_none(), input.agent.is_empty());
            for verdict in [prepared.verdict((&input).into()), read].into_iter().chain(decoded) {
                let got = (verdict.effect, verdict.status, verdict.rule.map(|rule| rule.id().to_owned()));
                assert_eq!(got, wanted, "AGREE_SEED={seed} {input:?}");
            }
        }
    }
}
