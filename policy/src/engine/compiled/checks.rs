//! The conditions of all rules in one array, so that evaluating a rule reads one contiguous stretch of memory.
//!
//! A prepared bundle stores its conditions only here: sixteen bytes each, with equal texts and lists stored once. A
//! check gives the results of [`apply_fact`](crate::engine::condition::apply_fact), and the original condition can be
//! rebuilt from the check.

use std::{collections::BTreeMap, ops::Range};

use super::{
    coded_test::{CodedTest, CodedValue},
    fact_source::FactSource,
    lists::{ListBuilder, Lists},
    text_pool::{Interner, TextPool},
};
use crate::{
    bundle::{Condition, Operator, Rule, Scalar, Test, condition::key_of},
    engine::{Fact, condition::ConditionResult},
};

/// The conditions of every rule. Rules have places, so that rules evaluated together are adjacent.
#[derive(Debug, Clone, Default)]
pub(crate) struct Checks {
    members: Vec<Member>,
    /// The places of the rules, by rank.
    places: Vec<u32>,
    checks: Vec<Check>,
    lists: Lists,
    fields: Vec<Field>,
    /// Keys that do not follow from operator and field, by the number of the check.
    odd_keys: BTreeMap<usize, Box<str>>,
}

/// A rule at its place.
#[derive(Debug, Clone, Copy)]
struct Member {
    rank: u32,
    /// Where the rule's checks end; they begin where the checks of the previous member end.
    end: u32,
}

/// The strings and numbers in the conditions on one field.
#[derive(Debug, Clone, Default)]
pub(in crate::engine) struct Field {
    /// Strings in lists.
    pub(in crate::engine) texts: Interner,
    prefixes: TextPool,
    /// The number of distinct numbers.
    numbers: usize,
}

#[derive(Debug, Clone, Copy)]
struct Check {
    /// The bits of a number, the number of a list or prefix, or whether the field must be present.
    value: u64,
    field: u32,
    operator: Operator,
    key: Key,
}

/// How the condition's key is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    Usual,
    /// With `==` before the field.
    Explicit,
    Odd,
}

/// Data about a field that is needed only while checks are added.
#[derive(Debug, Default)]
struct FieldBuilder {
    prefixes: Interner,
    numbers: Vec<f64>,
}

impl Checks {
    /// The checks of `rules`, placed in this `order` of ranks; `number` gives the number of a field.
    pub(super) fn new(rules: &[&Rule], order: &[u32], mut number: impl FnMut(&str) -> u32) -> Self {
        let mut all = Self { places: vec![0; rules.len()], ..Self::default() };
        all.members.reserve_exact(rules.len());
        all.checks.reserve_exact(rules.iter().map(|rule| rule.conditions.len()).sum());
        let mut builders: Vec<FieldBuilder> = Vec::new();
        let mut list_builder = ListBuilder::default();
        for (place, rank) in (0_u32..).zip(order) {
            let Some(rule) = rules.get(*rank as usize) else { continue };
            for condition in &rule.conditions {
                let field = number(&condition.field);
                let at = field as usize;
                if all.fields.len() <= at {
                    all.fields.resize_with(at + 1, Field::default);
                    builders.resize_with(at + 1, FieldBuilder::default);
                }
                if let Some(builder) = builders.get_mut(at) {
                    all.add(condition, field, builder, &mut list_builder);
                }
            }
            all.members.push(Member { rank: *rank, end: u32::try_from(all.checks.len()).unwrap_or(u32::MAX) });
            if let Some(slot) = all.places.get_mut(*rank as usize) {
                *slot = place;
            }
        }
        for (field, mut builder) in all.fields.iter_mut().zip(builders) {
            builder.numbers.sort_unstable_by(f64::total_cmp);
            builder.numbers.dedup();
            field.numbers = builder.numbers.len();
            field.prefixes = builder.prefixes.into_texts();
            field.texts.shrink();
        }
        all.lists.shrink();
        all
    }

    fn add(&mut self, condition: &Condition, number: u32, builder: &mut FieldBuilder, lists: &mut ListBuilder) {
        let Some(field) = self.fields.get_mut(number as usize) else { return };
        let operator = condition.test.operator();
        let value = match &condition.test {
            Test::AtLeast(limit) | Test::AtMost(limit) | Test::Above(limit) | Test::Below(limit) => {
                builder.numbers.push(*limit);
                limit.to_bits()
            }
            Test::In(list) | Test::NotIn(list) => {
                builder.numbers.extend(list.iter().filter_map(|scalar| match scalar {
                    Scalar::Number(number) => Some(*number),
                    Scalar::String(_) | Scalar::Bool(_) => None,
                }));
                self.lists.add(list, &mut field.texts, lists).into()
            }
            Test::StartsWith(prefix) => builder.prefixes.intern(prefix).into(),
            Test::Present(wanted) => (*wanted).into(),
        };
        let written = condition.key.strip_prefix(operator.prefix());
        let key = if operator == Operator::Equals && condition.key == condition.field {
            Key::Usual
        } else if written.is_some_and(|written| written == condition.field) {
            if operator == Operator::Equals { Key::Explicit } else { Key::Usual }
        } else {
            self.odd_keys.insert(self.checks.len(), condition.key.as_str().into());
            Key::Odd
        };
        self.checks.push(Check { value, field: number, operator, key });
    }

    #[inline]
    fn span(&self, place: u32) -> Range<usize> {
        let at = place as usize;
        let start = at.checked_sub(1).map_or(Some(0), |before| self.members.get(before).map(|member| member.end));
        let span = start.zip(self.members.get(at));
        span.map_or(0..0, |(start, member)| start as usize..member.end as usize)
    }

    fn at(&self, place: u32) -> &[Check] {
        self.checks.get(self.span(place)).unwrap_or_default()
    }

    fn place(&self, rank: u32) -> u32 {
        self.places.get(rank as usize).copied().unwrap_or(u32::MAX)
    }

    /// The ranks of the rules at these places.
    pub(super) fn ranks(&self, places: Range<u32>) -> impl Iterator<Item = u32> {
        let members = self.members.get(places.start as usize..places.end as usize).unwrap_or_default();
        members.iter().map(|member| member.rank)
    }

    /// A rule's tests, each with its field.
    pub(crate) fn tests(&self, rank: u32) -> impl Iterator<Item = (u32, CodedTest<'_>)> {
        self.at(self.place(rank)).iter().map(|check| (check.field, self.coded_test(check)))
    }

    fn coded_test(&self, check: &Check) -> CodedTest<'_> {
        match check.operator {
            Operator::Equals => CodedTest::In(self.lists.listed(check.value)),
            Operator::Differs => CodedTest::NotIn(self.lists.listed(check.value)),
            Operator::StartsWith => CodedTest::StartsWith(self.prefix(check)),
            operator => {
                CodedTest::bound(operator, f64::from_bits(check.value)).unwrap_or(CodedTest::Present(check.value != 0))
            }
        }
    }

    fn prefix(&self, check: &Check) -> &str {
        let field = self.fields.get(check.field as usize);
        field.map_or("", |field| field.prefixes.get(u32::try_from(check.value).unwrap_or(u32::MAX)))
    }

    /// A rule's conditions as they were in the bundle; `names` are the names of the fields.
    pub(in crate::engine) fn conditions<'c>(
        &'c self,
        rank: u32,
        names: &'c [String],
    ) -> impl Iterator<Item = Condition> + 'c {
        self.span(self.place(rank)).filter_map(|number| {
            let check = self.checks.get(number)?;
            let field = names.get(check.field as usize)?;
            let key = match check.key {
                Key::Usual => key_of(check.operator, field),
                Key::Explicit => format!("{}{field}", check.operator.prefix()),
                Key::Odd => self.odd_keys.get(&number)?.as_ref().to_owned(),
            };
            Some(Condition { key, field: field.clone(), test: self.test(check)? })
        })
    }

    /// Whether a rule has the same conditions as a rule of `others`; `names` and `their_names` are the names of the
    /// fields.
    pub(in crate::engine) fn has_same_conditions(
        &self,
        (rank, names): (u32, &[String]),
        others: &Self,
        (their_rank, their_names): (u32, &[String]),
    ) -> bool {
        let (ours, theirs) = (self.span(self.place(rank)), others.span(others.place(their_rank)));
        ours.len() == theirs.len()
            && ours.zip(theirs).all(|(ours, theirs)| {
                let Some((check, their)) = self.checks.get(ours).zip(others.checks.get(theirs)) else { return false };
                check.operator == their.operator
                    && check.key == their.key
                    && names.get(check.field as usize) == their_names.get(their.field as usize)
                    && self.odd_keys.get(&ours) == others.odd_keys.get(&theirs)
                    && self.is_same_test(check, others, their)
            })
    }

    fn is_same_test(&self, check: &Check, others: &Self, their: &Check) -> bool {
        match (self.coded_test(check), others.coded_test(their)) {
            (CodedTest::In(list), CodedTest::In(theirs)) | (CodedTest::NotIn(list), CodedTest::NotIn(theirs)) => {
                list.len() == theirs.len()
                    && list.items().zip(theirs.items()).all(|pair| match pair {
                        (CodedValue::Text(text), CodedValue::Text(their_text)) => {
                            self.text_with(check.field, text) == others.text_with(their.field, their_text)
                        }
                        (item, theirs) => item == theirs,
                    })
            }
            (CodedTest::StartsWith(prefix), CodedTest::StartsWith(theirs)) => prefix == theirs,
            (CodedTest::Present(wanted), CodedTest::Present(theirs)) => wanted == theirs,
            // Comparisons with the same operator.
            (test, theirs) => test.limit() == theirs.limit(),
        }
    }

    fn test(&self, check: &Check) -> Option<Test> {
        let texts = &self.fields.get(check.field as usize)?.texts;
        let scalar = |item: CodedValue| match item {
            CodedValue::Number(number) => Scalar::Number(number),
            CodedValue::Text(number) => Scalar::String(texts.text(number).to_owned()),
            CodedValue::Bool(flag) => Scalar::Bool(flag),
        };
        Some(match self.coded_test(check) {
            CodedTest::AtLeast(limit) => Test::AtLeast(limit),
            CodedTest::AtMost(limit) => Test::AtMost(limit),
            CodedTest::Above(limit) => Test::Above(limit),
            CodedTest::Below(limit) => Test::Below(limit),
            CodedTest::In(list) => Test::In(list.items().map(scalar).collect()),
            CodedTest::NotIn(list) => Test::NotIn(list.items().map(scalar).collect()),
            CodedTest::StartsWith(prefix) => Test::StartsWith(prefix.to_owned()),
            CodedTest::Present(wanted) => Test::Present(wanted),
        })
    }

    /// The strings and numbers in the conditions on a field.
    pub(in crate::engine) fn field(&self, field: u32) -> Option<&Field> {
        self.fields.get(field as usize)
    }

    /// The number of a string in the dictionary of a field.
    pub(crate) fn text(&self, field: u32, text: &str) -> Option<u32> {
        self.field(field).and_then(|field| field.texts.number(text))
    }

    /// The string of a field with this number.
    pub(super) fn text_with(&self, field: u32, number: u32) -> &str {
        self.field(field).map_or("", |field| field.texts.text(number))
    }

    /// How many distinct numbers and strings the rules compare a field with.
    pub(super) fn distinct_counts(&self, field: u32) -> (usize, usize) {
        self.field(field).map_or((0, 0), |field| (field.numbers, field.texts.len()))
    }

    /// The result of a rule: false as soon as one condition is false, otherwise an error when one is in error,
    /// otherwise true.
    pub(super) fn evaluate(&self, rank: u32, facts: &impl FactSource) -> ConditionResult {
        self.evaluate_at(self.place(rank), facts)
    }

    /// [`evaluate`](Self::evaluate) for the rule at a place.
    #[inline]
    pub(super) fn evaluate_at(&self, place: u32, facts: &impl FactSource) -> ConditionResult {
        let mut result = ConditionResult::True;
        for check in self.at(place) {
            match self.evaluate_check(check, facts) {
                ConditionResult::False => return ConditionResult::False,
                ConditionResult::Error => result = ConditionResult::Error,
                ConditionResult::True => {}
            }
        }
        result
    }

    #[inline]
    fn evaluate_check(&self, check: &Check, facts: &impl FactSource) -> ConditionResult {
        let fact = facts.fact(check.field);
        let limit = f64::from_bits(check.value);
        let holds = match (check.operator, fact) {
            (Operator::Present, _) => (fact != Fact::Missing) == (check.value != 0),
            (_, Fact::Missing) => false,
            (Operator::AtLeast, Fact::Number(number)) => number >= limit,
            (Operator::AtMost, Fact::Number(number)) => number <= limit,
            (Operator::Above, Fact::Number(number)) => number > limit,
            (Operator::Below, Fact::Number(number)) => number < limit,
            (Operator::StartsWith, Fact::Text(text)) => text.starts_with(self.prefix(check)),
            (Operator::Equals | Operator::Differs, _) => {
                let listed =
                    self.lists.has(check.value, fact, |text| facts.text(check.field, || self.text(check.field, text)));
                let Some(listed) = listed else { return ConditionResult::Error };
                listed == (check.operator == Operator::Equals)
            }
            // The value has a type that the condition cannot compare with.
            _ => return ConditionResult::Error,
        };
        if holds { ConditionResult::True } else { ConditionResult::False }
    }
}
