//! Rules of the three shapes.

use policy::{bundle::Effect, random::Random};

use super::{
    Shape,
    model::{FIELDS, Field, Kind, Rule, Test},
};

/// The numbers of agents and actions in a workload.
pub fn names(shape: Shape, rules: usize) -> (u32, u32) {
    match shape {
        Shape::Equality => (u32::try_from(rules / 25).unwrap_or(u32::MAX).max(2), 12),
        Shape::Range => (10, 5),
        Shape::Adversarial => (8, 8),
    }
}

/// `size` rules in evaluation order.
pub fn generate(shape: Shape, size: usize, random: &mut Random) -> Vec<Rule> {
    let mut rules: Vec<Rule> = (0..size).map(|number| rule(shape, size, number, random)).collect();
    // The order in the contract: priority descending, stricter first, then id.
    rules.sort_by(|a, b| b.priority.cmp(&a.priority).then(a.effect.cmp(&b.effect)).then_with(|| a.id.cmp(&b.id)));
    rules
}

fn rule(shape: Shape, size: usize, number: usize, random: &mut Random) -> Rule {
    let (agents, actions) = names(shape, size);
    let wild = match shape {
        Shape::Equality => 2,
        Shape::Range => 10,
        Shape::Adversarial => 50,
    };
    let tests = match shape {
        Shape::Equality => equalities(random),
        Shape::Range => ranges(size, random),
        Shape::Adversarial => adverse(random),
    };
    Rule {
        id: format!("rule-{number:06}"),
        agent: (!random.chance(wild)).then(|| below(random, agents)),
        action: (!random.chance(wild)).then(|| below(random, actions)),
        tests,
        effect: [Effect::Deny, Effect::NeedsApproval, Effect::Allow][random.below(3)],
        priority: u16::try_from(random.below(1_001)).unwrap_or(0),
    }
}

/// Two or three tests of strings, sometimes a flag.
fn equalities(random: &mut Random) -> Vec<(Field, Test)> {
    let mut tests = Vec::new();
    for field in some(&[0, 1, 2, 3], 2 + random.below(2), random) {
        let Kind::Text(texts) = FIELDS[field].1 else { continue };
        let test = if random.chance(10) {
            Test::Not(text(random, texts))
        } else {
            let mut wanted: Vec<u16> = (0..1 + random.below(3)).map(|_| text(random, texts)).collect();
            wanted.sort_unstable();
            wanted.dedup();
            Test::OneOf(wanted)
        };
        tests.push((field, test));
    }
    if random.chance(30) {
        tests.push((4 + random.below(2), Test::Is(random.chance(50))));
    }
    tests
}

/// Two to four ranges, each over a tenth to a half of its field, half of them open on one side. Beyond 1,000 rules they
/// are narrower; otherwise the first few hundred rules would decide everything, and the others would cost no engine
/// anything.
fn ranges(size: usize, random: &mut Random) -> Vec<(Field, Test)> {
    let narrower = (size as f64 / 1_000.0).max(1.0).sqrt();
    let count = 2 + random.below(3);
    let mut tests = Vec::new();
    for field in some(&[6, 7, 8, 9, 10, 11], count, random) {
        let Kind::Int(most) = FIELDS[field].1 else { continue };
        let width = ((most / 10 + int(random, most * 4 / 10)) as f64 / narrower) as i64;
        let low = int(random, most - width);
        tests.push((
            field,
            match random.below(4) {
                0 => Test::Between(Some(most - width), None),
                1 => Test::Between(None, Some(width)),
                _ => Test::Between(Some(low), Some(low + width)),
            },
        ));
    }
    tests
}

/// `spent` at least something and `granted` at most something less: requests nearly always have more granted than
/// spent, so each half holds for about half of the rules and both for almost none. Two more tests each hold half of the
/// time.
fn adverse(random: &mut Random) -> Vec<(Field, Test)> {
    let spent = 1 + int(random, 9_999);
    let country: Vec<u16> = (0..60).filter(|_| random.chance(50)).collect();
    let mut tests = vec![(10, Test::Between(Some(spent), None)), (11, Test::Between(None, Some(spent - 1)))];
    tests.push((6, if random.chance(50) { Test::Between(Some(50), None) } else { Test::Between(None, Some(49)) }));
    tests.push(if country.is_empty() || random.chance(50) {
        (4, Test::Is(random.chance(50)))
    } else {
        (1, Test::OneOf(country))
    });
    tests
}

/// `count` distinct fields from `fields`, ascending.
fn some(fields: &[Field], count: usize, random: &mut Random) -> Vec<Field> {
    let mut left = fields.to_vec();
    let mut chosen: Vec<Field> =
        (0..count.min(left.len())).map(|_| left.swap_remove(random.below(left.len()))).collect();
    chosen.sort_unstable();
    chosen
}

pub fn below(random: &mut Random, count: u32) -> u32 {
    u32::try_from(random.below(count as usize)).unwrap_or(0)
}

pub fn text(random: &mut Random, texts: u16) -> u16 {
    u16::try_from(random.below(usize::from(texts))).unwrap_or(0)
}

/// A whole number from 0 to `most`.
pub fn int(random: &mut Random, most: i64) -> i64 {
    i64::try_from(random.below(usize::try_from(most + 1).unwrap_or(1))).unwrap_or(0)
}
