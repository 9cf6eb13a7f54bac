//! Rules that are nearly identical: usually a copy that the author meant to change.
//!
//! Two rules are near-duplicates when they have the same agent, action and effect, and either the same conditions, or
//! the same reason and conditions that differ only in the value of one condition. Both cases are found by hashing.

use std::{
    collections::{HashMap, HashSet, hash_map::DefaultHasher},
    hash::{Hash, Hasher},
};

use super::{Code, Finding};
use crate::bundle::ParsedRule;

/// One finding per group of near-duplicates, at the group's second rule.
pub fn check(rules: &[ParsedRule<'_>]) -> Vec<Finding> {
    let mut same_meaning: HashMap<u128, Vec<usize>> = HashMap::new();
    let mut one_apart: HashMap<u128, Vec<usize>> = HashMap::new();
    for (index, rule) in rules.iter().enumerate() {
        let (Some(agent), Some(action), Some(effect)) = (&rule.agent, &rule.action, rule.effect) else {
            continue;
        };
        if !rule.sound || !rule.enabled {
            continue;
        }
        let who = fingerprint((agent, action, effect));
        let conditions: Vec<u128> =
            rule.conditions.iter().map(|intended| fingerprint(intended.condition.to_string())).collect();
        // A sum, because the written order of conditions makes no difference.
        let all = conditions.iter().fold(0, |sum: u128, condition| sum.wrapping_add(*condition));
        same_meaning.entry(fingerprint((who, all))).or_default().push(index);
        let reason = fingerprint(rule.reason.to_lowercase());
        for (left_out, condition) in rule.conditions.iter().zip(&conditions) {
            let left_out = (left_out.condition.test.operator(), &left_out.condition.field);
            let others = all.wrapping_sub(*condition);
            one_apart.entry(fingerprint((who, reason, left_out, others))).or_default().push(index);
        }
    }
    let mut reported = HashSet::new();
    let mut findings: Vec<_> = groups(same_meaning)
        .filter_map(|group| {
            reported.extend(group.iter().copied());
            let meaning = "has the same agent, action, effect and conditions as";
            finding(rules, &group, meaning, "Keep one: together they decide what one alone decides.")
        })
        .collect();
    for group in groups(one_apart) {
        // Rules with equal conditions have been reported already.
        if group.iter().filter(|index| reported.contains(*index)).count() < 2 {
            reported.extend(group.iter().copied());
            let meaning = "differs only in the value of one condition from";
            findings.extend(finding(rules, &group, meaning, "Check that the copy says what you mean, and why."));
        }
    }
    findings
}

/// Two independent hashes of the same content, so that in practice no two contents share a fingerprint.
fn fingerprint(content: impl Hash) -> u128 {
    let half = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        (salt, &content).hash(&mut hasher);
        u128::from(hasher.finish())
    };
    half(0) << 64 | half(1)
}

/// Groups of two or more, in the order of the rules.
fn groups(buckets: HashMap<u128, Vec<usize>>) -> impl Iterator<Item = Vec<usize>> {
    let mut groups: Vec<_> = buckets.into_values().filter(|group| group.len() > 1).collect();
    groups.sort_unstable();
    groups.dedup();
    groups.into_iter()
}

fn finding(rules: &[ParsedRule<'_>], group: &[usize], meaning: &str, suggestion: &str) -> Option<Finding> {
    const SHOWN: usize = 3;
    let (first, second) = (rules.get(*group.first()?)?, rules.get(*group.get(1)?)?);
    let more: Vec<_> = group.iter().skip(2).take(SHOWN).filter_map(|index| rules.get(*index)).collect();
    let mut message = format!("Rule `{}` {meaning} rule `{}`", second.name(), first.name());
    if !more.is_empty() {
        let names: Vec<_> = more.iter().map(|rule| format!("`{}`", rule.name())).collect();
        message.push_str(&format!("; so it is with {}", names.join(", ")));
        match group.len().saturating_sub(2 + SHOWN) {
            0 => {}
            left => message.push_str(&format!(" and {left} more")),
        }
    }
    message.push('.');
    Some(second.finding(Code::NearDuplicate, "", message).suggest(suggestion))
}
