//! The conditions of all rules side by side, so that trying a rule touches one stretch of memory.
//!
//! Comparisons with a number and lists of strings or of flags are kept as a number or a set of bits; what is rarer is
//! asked of the condition itself. Either way a check says what [`judge`] says.

use std::ops::Range;

use super::{facts::Facts, names::Names};
use crate::{
    bundle::{Rule, Scalar, Test},
    engine::{Fact, condition::judge, trace::ConditionResult},
};

/// Listed strings of a field that have a bit.
const BITS: u32 = u64::BITS;

/// The conditions of every rule. Rules stand at places, so that those that are tried together stand together.
#[derive(Debug, Clone, Default)]
pub(crate) struct Checks {
    members: Vec<Member>,
    /// By rank.
    places: Vec<u32>,
    checks: Vec<Check>,
    fields: Vec<Field>,
}

/// A rule at its place.
#[derive(Debug, Clone, Copy)]
struct Member {
    rank: u32,
    /// Where its checks end; they begin where those of the one before end.
    end: u32,
}

/// What lists and bounds name of one field.
#[derive(Debug, Clone, Default)]
struct Field {
    texts: Names,
    /// How many different numbers.
    numbers: usize,
}

#[derive(Debug, Clone, Copy)]
struct Check {
    field: u32,
    kind: Kind,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    AtLeast(f64),
    AtMost(f64),
    Above(f64),
    Below(f64),
    /// The string's bit is set; strings without a bit are not.
    OneOf(u64),
    NoneOf(u64),
    /// For false and for true.
    Flag([bool; 2]),
    /// The condition says it.
    Asked,
}

impl Checks {
    /// The checks of `rules`, at places in this `order` of their ranks, with fields by the numbers that `number` gives.
    pub(super) fn new(rules: &[Rule], order: &[u32], mut number: impl FnMut(&str) -> u32) -> Self {
        let mut all = Self { places: vec![0; rules.len()], ..Self::default() };
        let mut numbers: Vec<Vec<f64>> = Vec::new();
        for (place, rank) in (0_u32..).zip(order) {
            let Some(rule) = rules.get(*rank as usize) else { continue };
            for condition in &rule.conditions {
                let number = number(&condition.field);
                let at = number as usize;
                if all.fields.len() <= at {
                    all.fields.resize_with(at + 1, Field::default);
                    numbers.resize_with(at + 1, Vec::new);
                }
                let Some((field, numbers)) = all.fields.get_mut(at).zip(numbers.get_mut(at)) else { continue };
                all.checks.push(Check { field: number, kind: Kind::new(&condition.test, &mut field.texts) });
                match &condition.test {
                    Test::AtLeast(limit) | Test::AtMost(limit) | Test::Above(limit) | Test::Below(limit) => {
                        numbers.push(*limit);
                    }
                    Test::In(list) | Test::NotIn(list) => {
                        numbers.extend(list.iter().filter_map(|scalar| match scalar {
                            Scalar::Number(number) => Some(*number),
                            Scalar::String(_) | Scalar::Bool(_) => None,
                        }))
                    }
                    Test::StartsWith(_) | Test::Present(_) => {}
                }
            }
            all.members.push(Member { rank: *rank, end: u32::try_from(all.checks.len()).unwrap_or(u32::MAX) });
            if let Some(slot) = all.places.get_mut(*rank as usize) {
                *slot = place;
            }
        }
        for (field, mut numbers) in all.fields.iter_mut().zip(numbers) {
            numbers.sort_unstable_by(f64::total_cmp);
            numbers.dedup();
            field.numbers = numbers.len();
        }
        all
    }

    fn at(&self, place: u32) -> &[Check] {
        let at = place as usize;
        let start = at.checked_sub(1).map_or(Some(0), |before| self.members.get(before).map(|member| member.end));
        let span = start.zip(self.members.get(at));
        span.and_then(|(start, member)| self.checks.get(start as usize..member.end as usize)).unwrap_or_default()
    }

    fn place(&self, rank: u32) -> u32 {
        self.places.get(rank as usize).copied().unwrap_or(u32::MAX)
    }

    /// The ranks of the rules at these places.
    pub(super) fn ranks(&self, places: Range<u32>) -> impl Iterator<Item = u32> {
        let members = self.members.get(places.start as usize..places.end as usize).unwrap_or_default();
        members.iter().map(|member| member.rank)
    }

    /// The fields of a rule's conditions, in the order of the conditions.
    pub(crate) fn fields(&self, rank: u32) -> impl Iterator<Item = u32> {
        self.at(self.place(rank)).iter().map(|check| check.field)
    }

    /// How many different numbers and strings all rules together name of a field.
    pub(super) fn named(&self, field: u32) -> (usize, usize) {
        self.fields.get(field as usize).map_or((0, 0), |field| (field.numbers, field.texts.len()))
    }

    /// What becomes of a rule: false as soon as one condition is false, else in error when one is, else true.
    pub(super) fn judge(&self, rules: &[Rule], rank: u32, facts: &impl Facts) -> ConditionResult {
        self.judge_at(rules, self.place(rank), rank, facts)
    }

    /// The same for the rule of this rank at its place.
    pub(super) fn judge_at(&self, rules: &[Rule], place: u32, rank: u32, facts: &impl Facts) -> ConditionResult {
        let mut result = ConditionResult::True;
        for (at, check) in self.at(place).iter().enumerate() {
            let fact = facts.fact(check.field);
            let said = match self.quickly(check, fact) {
                Some(said) => said,
                None => {
                    let condition = rules.get(rank as usize).and_then(|rule| rule.conditions.get(at));
                    condition.map_or(ConditionResult::False, |condition| judge(&condition.test, fact))
                }
            };
            match said {
                ConditionResult::False => return said,
                ConditionResult::Error => result = said,
                ConditionResult::True => {}
            }
        }
        result
    }

    fn quickly(&self, check: &Check, fact: Fact<'_>) -> Option<ConditionResult> {
        let bit = |text| {
            let number = self.fields.get(check.field as usize).and_then(|field| field.texts.get(text));
            number.filter(|number| *number < BITS).map_or(0, |number| 1 << number)
        };
        let holds = match (check.kind, fact) {
            (Kind::Asked, _) => return None,
            (_, Fact::Missing) => false,
            (Kind::AtLeast(limit), Fact::Number(number)) => number >= limit,
            (Kind::AtMost(limit), Fact::Number(number)) => number <= limit,
            (Kind::Above(limit), Fact::Number(number)) => number > limit,
            (Kind::Below(limit), Fact::Number(number)) => number < limit,
            (Kind::OneOf(bits), Fact::Text(text)) => bits & bit(text) != 0,
            (Kind::NoneOf(bits), Fact::Text(text)) => bits & bit(text) == 0,
            (Kind::Flag([_, on]), Fact::Bool(true)) => on,
            (Kind::Flag([off, _]), Fact::Bool(false)) => off,
            // A type that the condition cannot compare with.
            _ => return Some(ConditionResult::Error),
        };
        Some(if holds { ConditionResult::True } else { ConditionResult::False })
    }
}

impl Kind {
    fn new(test: &Test, listed: &mut Names) -> Self {
        match test {
            Test::AtLeast(limit) => Self::AtLeast(*limit),
            Test::AtMost(limit) => Self::AtMost(*limit),
            Test::Above(limit) => Self::Above(*limit),
            Test::Below(limit) => Self::Below(*limit),
            Test::In(list) => Self::list(list, true, listed),
            Test::NotIn(list) => Self::list(list, false, listed),
            Test::StartsWith(_) | Test::Present(_) => Self::Asked,
        }
    }

    /// Only a list of one type can be kept short: the others compare with several.
    fn list(list: &[Scalar], wanted: bool, listed: &mut Names) -> Self {
        let text = |scalar: &Scalar| match scalar {
            Scalar::String(text) => Some(listed.intern(text)).filter(|number| *number < BITS).map(|number| 1 << number),
            _ => None,
        };
        let flag = |scalar: &Scalar| match scalar {
            Scalar::Bool(flag) => Some(*flag),
            _ => None,
        };
        if list.is_empty() {
            return Self::Asked;
        }
        if list.iter().all(|scalar| flag(scalar).is_some()) {
            return Self::Flag([false, true].map(|of| list.iter().any(|scalar| flag(scalar) == Some(of)) == wanted));
        }
        match list.iter().map(text).try_fold(0_u64, |all, bit| bit.map(|bit| all | bit)) {
            Some(bits) if wanted => Self::OneOf(bits),
            Some(bits) => Self::NoneOf(bits),
            None => Self::Asked,
        }
    }
}
