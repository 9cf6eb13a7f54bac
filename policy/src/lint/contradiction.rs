//! Conditions of one rule that can never all be true.
//!
//! Conditions on different fields never exclude each other, so each field is checked on its own. The answer for a field
//! is exact, over every JSON value and absence. Conditions whose notation needs a repair are taken as repaired.

use super::{Code, Finding, listed::Listed};
use crate::{
    bundle::{
        Condition, NamePattern, Scalar, Schema, Test,
        parsed_rule::{IntendedCondition, ParsedRule},
        schema::FieldType,
    },
    json::escape,
};

/// One finding for every field that no value can satisfy.
pub fn check(rule: &ParsedRule<'_>, schema: Option<&Schema>) -> Vec<Finding> {
    let mut conditions: Vec<_> = rule.conditions.iter().collect();
    conditions.sort_by(|a, b| a.condition.field.cmp(&b.condition.field));
    conditions
        .chunk_by(|a, b| a.condition.field == b.condition.field)
        .filter_map(|group| {
            let field = &group.first()?.condition.field;
            let clash = clash(group, is_whole(rule, schema, field))?;
            Some(finding(rule, &clash))
        })
        .collect()
}

/// Whether the field is declared as whole for every input that the rule addresses: if it has a number, the number is
/// whole.
fn is_whole(rule: &ParsedRule<'_>, schema: Option<&Schema>, field: &str) -> bool {
    let (Some(schema), Some(NamePattern::Exact(agent))) = (schema.filter(|schema| schema.enforce), &rule.agent) else {
        return false;
    };
    let declared = schema.agents.get(agent).and_then(|agent| agent.fields.get(field));
    declared.is_some_and(|field| field.kind == FieldType::Integer)
}

fn finding(rule: &ParsedRule<'_>, clash: &[&IntendedCondition<'_>]) -> Finding {
    let words: Vec<_> = clash.iter().map(|intended| format!("`{}`", intended.condition)).collect();
    let message = match words.as_slice() {
        [one] => format!("{one} can never be true, so the rule never matches."),
        [one, two] => format!("{one} and {two} can never both be true, so the rule never matches."),
        many => format!("{} can never all be true, so the rule never matches.", many.join(", ")),
    };
    let bounds = clash.iter().all(|intended| intended.condition.test.operator().is_bound());
    let suggestion = match (clash.len(), bounds) {
        (1, _) => "Change or remove this condition.",
        (_, true) => "If either should do, write two rules, one for each condition; otherwise change a number.",
        (_, false) => "Change or remove one of them; if either should do, write two rules.",
    };
    let key = clash.last().map_or("", |intended| intended.written);
    rule.finding(Code::Contradiction, &format!("/conditions/{}", escape(key)), message).suggest(suggestion)
}

/// A smallest set of conditions on one field that together exclude every value; `None` when some value satisfies them
/// all.
fn clash<'a, 'b>(group: &[&'a IntendedCondition<'b>], whole: bool) -> Option<Vec<&'a IntendedCondition<'b>>> {
    let possible = |set: &[&IntendedCondition<'_>]| {
        let tests: Vec<_> = set.iter().map(|intended| &intended.condition.test).collect();
        satisfiable(&tests, whole)
    };
    if possible(group) {
        return None;
    }
    for (index, one) in group.iter().enumerate() {
        if !possible(&[one]) {
            return Some(vec![one]);
        }
        for two in group.iter().skip(index + 1) {
            if !possible(&[one, two]) && possible(&[two]) {
                return Some(in_reading_order(vec![one, two]));
            }
        }
    }
    // No pair clashes, so conditions are removed one by one while the rest still clashes.
    let mut set = group.to_vec();
    for dispensable in group {
        let without: Vec<_> = set.iter().copied().filter(|kept| !std::ptr::eq(*kept, *dispensable)).collect();
        if !possible(&without) {
            set = without;
        }
    }
    Some(set)
}

/// Orders a pair for the message: `< 8 and ≥ 18` reads naturally because it names the smaller number first.
fn in_reading_order<'a, 'b>(mut pair: Vec<&'a IntendedCondition<'b>>) -> Vec<&'a IntendedCondition<'b>> {
    let number = |condition: &Condition| match condition.test {
        Test::AtLeast(bound) | Test::AtMost(bound) | Test::Above(bound) | Test::Below(bound) => bound,
        _ => f64::INFINITY,
    };
    pair.sort_by(|a, b| number(&a.condition).total_cmp(&number(&b.condition)));
    pair
}

/// Whether some value, or absence, makes all of `tests` true; all of them test one field.
fn satisfiable(tests: &[&Test], whole: bool) -> bool {
    if tests.iter().all(|test| matches!(test, Test::Present(false))) {
        return true;
    }
    if tests.iter().any(|test| matches!(test, Test::Present(false))) {
        return false;
    }
    if let Some(listed) = tests.iter().find_map(|test| if let Test::In(listed) = test { Some(listed) } else { None }) {
        let lists: Vec<Option<Listed<'_>>> = tests.iter().map(|test| listed_by(test)).collect();
        let all_hold =
            |value: &Scalar| tests.iter().zip(&lists).all(|(test, listed)| holds(test, listed.as_ref(), value));
        return listed.iter().any(all_hold);
    }
    if tests.iter().all(|test| matches!(test, Test::Present(true))) {
        return true;
    }
    some_number(tests, whole)
        || some_text(tests)
        || [true, false].into_iter().any(|flag| {
            let value = Scalar::Bool(flag);
            tests.iter().all(|test| holds(test, listed_by(test).as_ref(), &value))
        })
}

/// The list of a test that has one.
fn listed_by(test: &Test) -> Option<Listed<'_>> {
    match test {
        Test::In(list) | Test::NotIn(list) => Some(Listed::new(list)),
        _ => None,
    }
}

/// Whether `test`, whose list is `listed`, is true of `value`. A value of a type that the test cannot compare with is an
/// error, so the test is not true.
fn holds(test: &Test, listed: Option<&Listed<'_>>, value: &Scalar) -> bool {
    let number = if let Scalar::Number(number) = value { Some(*number) } else { None };
    match test {
        Test::AtLeast(bound) => number.is_some_and(|number| number >= *bound),
        Test::AtMost(bound) => number.is_some_and(|number| number <= *bound),
        Test::Above(bound) => number.is_some_and(|number| number > *bound),
        Test::Below(bound) => number.is_some_and(|number| number < *bound),
        Test::In(_) => listed.is_some_and(|listed| listed.contains(value)),
        Test::NotIn(_) => listed.is_some_and(|listed| listed.has_type_of(value) && !listed.contains(value)),
        Test::StartsWith(prefix) => matches!(value, Scalar::String(text) if text.starts_with(prefix.as_str())),
        Test::Present(present) => *present,
    }
}

fn comparable(listed: &[Scalar], type_name: &str) -> bool {
    listed.iter().any(|value| value.type_name() == type_name)
}

/// The set of texts is infinite, so excluding single texts never matters; only the prefixes must agree.
fn some_text(tests: &[&Test]) -> bool {
    let mut longest = "";
    tests.iter().all(|test| match test {
        Test::StartsWith(prefix) => {
            if prefix.len() > longest.len() {
                let agree = prefix.starts_with(longest);
                longest = prefix;
                agree
            } else {
                longest.starts_with(prefix.as_str())
            }
        }
        Test::NotIn(listed) => comparable(listed, "string"),
        Test::Present(present) => *present,
        Test::AtLeast(_) | Test::AtMost(_) | Test::Above(_) | Test::Below(_) | Test::In(_) => false,
    })
}

/// Numbers are doubles, so an interval contains finitely many of them and each excluded number counts.
fn some_number(tests: &[&Test], whole: bool) -> bool {
    let (mut low, mut high) = (f64::MIN, f64::MAX);
    let mut excluded = Vec::new();
    for test in tests {
        match test {
            Test::AtLeast(bound) => low = low.max(*bound),
            Test::AtMost(bound) => high = high.min(*bound),
            Test::Above(bound) => low = low.max(bound.next_up()),
            Test::Below(bound) => high = high.min(bound.next_down()),
            Test::NotIn(listed) => {
                if !comparable(listed, "number") {
                    return false;
                }
                excluded.extend(listed.iter().filter_map(|value| match value {
                    Scalar::Number(number) => Some(*number),
                    _ => None,
                }));
            }
            Test::Present(true) => {}
            Test::Present(false) | Test::In(_) | Test::StartsWith(_) => return false,
        }
    }
    if whole {
        (low, high) = (low.ceil(), high.floor());
        excluded.retain(|number| number.fract() == 0.0);
    }
    if low > high {
        return false;
    }
    excluded.retain(|number| (low..=high).contains(number));
    excluded.sort_by(f64::total_cmp);
    excluded.dedup();
    let count = if whole { high - low + 1.0 } else { rank(high) as f64 - rank(low) as f64 + 1.0 };
    count > excluded.len() as f64
}

/// The position of a double among all doubles, so that neighbours differ by one; both zeros have position 0.
const fn rank(number: f64) -> i64 {
    let bits = number.to_bits().cast_signed();
    if bits < 0 { -(bits & i64::MAX) } else { bits }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::{
        bundle::Source,
        lint::{Code, lint},
    };

    fn messages(conditions: Value) -> Vec<String> {
        let schema = json!({"agents": {"inbox.triage": {"fields": {"hour": "integer", "share": "number"}}}});
        let rule = json!({"id": "the-rule", "agent": "inbox.triage", "action": "*", "effect": "deny",
            "reason": "only for this test", "conditions": conditions});
        let source = Source::read(json!({"rules": [rule], "schema": schema})).unwrap();
        let report = lint(&source);
        report.errors.into_iter().filter(|f| f.code == Code::Contradiction).map(|f| f.message).collect()
    }

    #[test]
    fn what_can_be_true_is_no_contradiction() {
        for conditions in [
            json!({}),
            json!({">=x": 5, "<=x": 5}),
            json!({">x": 5, "<x": 6}),
            json!({">share": 5, "<share": 6}),
            json!({">hour": 5, "<hour": 7}),
            json!({"!=x": ["a", "b"]}),
            json!({"!=x": [true]}),
            json!({"^=x": "ab", "!=x": "ab"}),
            json!({"x": ["a", 5], ">=x": 5}),
            json!({"?x": false}),
            json!({"?x": true, "x": 1}),
            json!({"x": 1, "y": 2}),
        ] {
            assert_eq!(messages(conditions.clone()), Vec::<String>::new(), "{conditions}");
        }
    }

    #[test]
    fn what_can_never_be_true_names_the_clash() {
        for (conditions, clash) in [
            (json!({"<x": 8, ">=x": 18}), "`x < 8` and `x ≥ 18` can never both be true"),
            (json!({">x": 5, "<=x": 5}), "`x ≤ 5` and `x > 5`"),
            (json!({">hour": 5, "<hour": 6}), "`hour > 5` and `hour < 6`"),
            (json!({"x": "a", "!=x": ["a", "b"]}), "`x not in a, b` and `x is a`"),
            (json!({"x": "a", "==x": "b"}), "can never both be true"),
            (json!({"x": "a", ">=x": 5}), "can never both be true"),
            (json!({"x": []}), "`x in an empty list` can never be true"),
            (json!({"!=x": [true, false]}), "`x not in true, false` can never be true"),
            (json!({"?x": false, "x": 1}), "can never both be true"),
            (json!({"^=x": "ab", "x": "ba"}), "can never both be true"),
            (json!({"x": [1, 5], ">=x": 2, "!=x": 5}), "can never all be true"),
            (json!({">=hour": 5, "<=hour": 6, "!=hour": [5, 6]}), "can never all be true"),
            // The message shows the conditions as they will read once the operators are in their place.
            (json!({"x<": 8, "x>=": 18}), "`x < 8` and `x ≥ 18` can never both be true"),
        ] {
            let found = messages(conditions.clone());
            assert_eq!(found.len(), 1, "{conditions} {found:?}");
            assert!(found[0].contains(clash), "{} lacks {clash}", found[0]);
        }
    }
}
