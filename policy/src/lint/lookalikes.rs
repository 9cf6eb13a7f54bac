//! Names and values that people take for each other: spelled in another case, in another normal form or with letters of
//! another alphabet; and fields that are probably misspelt.
//!
//! Of two spellings, the declared or the more frequent one is taken as the one that is meant.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde_json::{Value, json};

use super::{
    Code, Finding,
    example::{self, Example},
};
use crate::{
    analysis::findings::input_to_json,
    bundle::{
        Bundle, NamePattern, ParsedRule, Rule, Scalar, Test,
        condition::{check_field, key_of},
        parsed_rule::IntendedCondition,
        rule::GUARDRAIL,
    },
    characters::lookalikes::{folded, skeleton},
    engine::Input,
    json::escape,
    spelling::{MAX_COMPARED, keystrokes},
};

/// Maximum work of comparing fields letter by letter, in pairs of letters. Bundles that people write need some 100,000.
const MAX_COMPARISONS: usize = 50_000_000;

/// The findings about all names and values of a bundle.
pub fn check(rules: &[ParsedRule<'_>], bundle: &Bundle) -> Vec<Finding> {
    let mut findings: Vec<Finding> = rules.iter().flat_map(guardrail_tags).collect();
    let schema = bundle.schema.as_ref();
    let declared = |names: &mut dyn Iterator<Item = &String>| names.cloned().collect::<BTreeSet<String>>();
    let agents = declared(&mut schema.iter().flat_map(|schema| schema.agents.keys()));
    let actions =
        declared(&mut schema.iter().flat_map(|schema| schema.agents.values().flat_map(|agent| &agent.actions)));
    let fields =
        declared(&mut schema.iter().flat_map(|schema| schema.agents.values().flat_map(|agent| agent.fields.keys())));
    let mut seen = Seen::default();
    for rule in rules {
        seen.add(rule);
    }
    let examples = Examples { rules, bundle };
    seen.agents.report(&agents, &mut |one, other| findings.extend(examples.name(one, other, "agent")));
    seen.actions.report(&actions, &mut |one, other| findings.extend(examples.name(one, other, "action")));
    seen.fields.report(&fields, &mut |one, other| findings.extend(examples.field(one, other, false)));
    // One finding for every condition, however many of its values have a double.
    let none = BTreeSet::new();
    let mut values: BTreeMap<(usize, &str), ValueFound<'_, '_>> = BTreeMap::new();
    for spellings in seen.values.values() {
        spellings.report(&none, &mut |one, other| {
            let Some(place) = one.1.first() else { return };
            let Some(condition) = place.condition else { return };
            let found = values.entry((place.rule, condition.written)).or_insert((place.item, one, other, 0));
            found.3 += 1;
            if place.item < found.0 {
                (found.0, found.1, found.2) = (place.item, one, other);
            }
        });
    }
    for (_, one, other, count) in values.into_values() {
        findings.extend(examples.value(one, other, count - 1));
    }
    let mut comparisons = MAX_COMPARISONS;
    let by_agent: BTreeMap<_, _> = seen.fields_by_agent.iter().collect();
    for spellings in by_agent.values() {
        let mut found = |one: Spelling<'_, '_>, other: &str| findings.extend(examples.field(one, other, true));
        if spellings.report_misspelt(&fields, &mut comparisons, &mut found).is_none() {
            let message =
                "Not every field was compared with the others for slips of the keyboard: the work budget ran out.";
            findings.push(Finding::new(Code::Undecided, "/rules", message).suggest("Split the bundle."));
            break;
        }
    }
    findings.sort_by(|a, b| a.path.cmp(&b.path));
    let mut reported = HashSet::new();
    findings.retain(|finding| reported.insert(finding.path.clone()));
    findings
}

/// A value with a double: its position in its list, the spelling, the other one, and how many such values the condition
/// has.
type ValueFound<'s, 'a> = (Option<usize>, Spelling<'s, 'a>, &'s str, usize);

/// One place where a text stands.
#[derive(Debug, Clone, Copy)]
struct Place<'a> {
    /// The number of the rule.
    rule: usize,
    /// Of fields and values, the condition.
    condition: Option<&'a IntendedCondition<'a>>,
    /// Of a value in a list, its position.
    item: Option<usize>,
}

/// Texts of one kind, with the places where they stand.
#[derive(Debug, Default)]
struct Spellings<'a>(HashMap<&'a str, Vec<Place<'a>>>);

#[derive(Debug, Default)]
struct Seen<'a> {
    agents: Spellings<'a>,
    actions: Spellings<'a>,
    fields: Spellings<'a>,
    /// The fields by the agents of the rules that test them.
    fields_by_agent: HashMap<&'a str, Spellings<'a>>,
    /// The texts by the field that they are compared with.
    values: HashMap<&'a str, Spellings<'a>>,
}

impl<'a> Seen<'a> {
    fn add(&mut self, rule: &'a ParsedRule<'_>) {
        let number = rule.position;
        let text = |pattern: &'a Option<NamePattern>| match pattern {
            Some(NamePattern::Exact(name) | NamePattern::Prefix(name)) => Some(name.as_str()),
            Some(NamePattern::Any) | None => None,
        };
        let place = Place { rule: number, condition: None, item: None };
        for (spellings, name) in [(&mut self.agents, text(&rule.agent)), (&mut self.actions, text(&rule.action))] {
            if let Some(name) = name {
                spellings.add(name, place);
            }
        }
        let agent = text(&rule.agent).unwrap_or("*");
        for intended in &rule.conditions {
            let place = Place { rule: number, condition: Some(intended), item: None };
            let field = intended.condition.field.as_str();
            self.fields.add(field, place);
            self.fields_by_agent.entry(agent).or_default().add(field, place);
            let values: &[Scalar] = match &intended.condition.test {
                Test::In(values) | Test::NotIn(values) => values,
                Test::StartsWith(prefix) => {
                    self.values.entry(field).or_default().add(prefix, place);
                    continue;
                }
                _ => continue,
            };
            for (item, value) in values.iter().enumerate() {
                if let Scalar::String(text) = value {
                    let item = (values.len() > 1).then_some(item);
                    self.values.entry(field).or_default().add(text, Place { item, ..place });
                }
            }
        }
    }
}

/// A spelling with its places, as the report names it.
type Spelling<'s, 'a> = (&'a str, &'s [Place<'a>]);

impl<'a> Spellings<'a> {
    fn add(&mut self, text: &'a str, place: Place<'a>) {
        self.0.entry(text).or_default().push(place);
    }

    /// Calls `found` with each spelling that is taken for another one, and that other one.
    fn report<'s>(&'s self, declared: &'s BTreeSet<String>, found: &mut dyn FnMut(Spelling<'s, 'a>, &'s str)) {
        if self.0.is_empty() || self.0.len() + declared.len() < 2 {
            return;
        }
        let texts: BTreeSet<&str> = self.0.keys().copied().chain(declared.iter().map(String::as_str)).collect();
        let mut groups: HashMap<String, Vec<&str>> = HashMap::new();
        for text in &texts {
            groups.entry(skeleton(text)).or_default().push(text);
            // Both keys in one map: a folded text that equals some skeleton looks like it, too.
            let folded = folded(text);
            let group = groups.entry(folded).or_default();
            if group.last() != Some(text) {
                group.push(text);
            }
        }
        let mut reported = BTreeSet::new();
        let mut groups: Vec<Vec<&str>> = groups.into_values().filter(|group| group.len() > 1).collect();
        groups.sort_unstable();
        for group in groups {
            let Some(meant) = group.iter().copied().max_by_key(|text| self.weight(text, declared)) else { continue };
            for text in group.into_iter().filter(|text| *text != meant) {
                if let Some((text, places)) = self.0.get_key_value(text).filter(|_| reported.insert(text)) {
                    found((*text, places.as_slice()), meant);
                }
            }
        }
    }

    /// Calls `found` with each text that is one or two keystrokes from a more frequent one; `None` when the work of
    /// comparing them is more than what is left of `comparisons`.
    fn report_misspelt(
        &self,
        declared: &BTreeSet<String>,
        comparisons: &mut usize,
        found: &mut dyn FnMut(Spelling<'_, 'a>, &str),
    ) -> Option<()> {
        let rules = |places: &[Place<'_>]| places.iter().map(|place| place.rule).collect::<BTreeSet<usize>>();
        let texts: BTreeMap<&'a str, &Vec<Place<'a>>> = self.0.iter().map(|(text, places)| (*text, places)).collect();
        for (text, places) in texts.iter().filter(|(text, _)| !declared.contains(**text)) {
            *comparisons = comparisons.checked_sub(texts.len())?;
            let mut near = Vec::new();
            for (other, more) in texts.iter().filter(|(_, more)| more.len() > places.len()) {
                *comparisons = comparisons.checked_sub(comparison_cost(text, other))?;
                if is_misspelt(text, other) && !numbered(text, other) {
                    *comparisons = comparisons.checked_sub(more.len() + places.len())?;
                    near.push((other, more));
                }
            }
            near.sort_by_key(|(_, more)| std::cmp::Reverse(more.len()));
            // A rule that tests both fields knows the difference.
            let own = rules(places);
            if let Some((other, _)) = near.into_iter().find(|(_, more)| rules(more).is_disjoint(&own)) {
                found((*text, places.as_slice()), other);
            }
        }
        Some(())
    }

    /// How much speaks for a spelling: it is declared, frequent, of plain letters, and comes early.
    fn weight<'t>(&self, text: &'t str, declared: &BTreeSet<String>) -> impl Ord + use<'t> {
        let places = self.0.get(text).map(Vec::as_slice).unwrap_or_default();
        let first = places.first().map_or(usize::MAX, |place| place.rule);
        (declared.contains(text), places.len(), text.is_ascii(), std::cmp::Reverse(first), std::cmp::Reverse(text))
    }
}

/// Whether a field is one keystroke from another one, or two in a long name.
fn is_misspelt(written: &str, meant: &str) -> bool {
    const LONG: usize = 8;
    keystrokes(written, meant).is_some_and(|count| count == 1 || (count == 2 && meant.len() >= LONG))
}

/// Texts of very different length are not compared, nor are overlong ones.
fn comparison_cost(one: &str, other: &str) -> usize {
    let (one, other) = (one.len(), other.len());
    let most = 4 * MAX_COMPARED;
    if one.max(other) > most || one.abs_diff(other) > most { 1 } else { one * other }
}

/// Whether two texts differ in their digits only: `line1` and `line2` are meant to be two.
fn numbered(one: &str, other: &str) -> bool {
    let letters = |text: &str| text.chars().filter(|c| !c.is_ascii_digit()).collect::<String>();
    letters(one) == letters(other)
}

/// The rules from which witnesses and repairs are made.
struct Examples<'r> {
    rules: &'r [ParsedRule<'r>],
    bundle: &'r Bundle,
}

impl Examples<'_> {
    /// An input that asks with the other spelling, for the first rule with this one.
    fn witness(&self, rule: usize, change: impl FnOnce(&mut Rule)) -> Option<Value> {
        let mut rule = example::rule_at(self.bundle, rule)?.clone();
        change(&mut rule);
        let input: Input = example::input(&rule, example::facts(&rule.conditions)?, self.bundle);
        Some(input_to_json(&input))
    }

    fn finding(&self, place: Place<'_>, pointer: &str, one: &str, other: &str) -> Option<Finding> {
        let rule = self.rules.get(place.rule)?;
        let how =
            if folded(one) == folded(other) { "only in case or in spelling" } else { "in letters that look alike" };
        let message =
            format!("`{}` and `{}` differ {how}: they are two different texts.", spelled(one), spelled(other));
        Some(rule.finding(Code::Lookalike, pointer, message))
    }

    fn name(&self, (one, places): Spelling<'_, '_>, other: &str, member: &str) -> Option<Finding> {
        let first = *places.first()?;
        let finding = self.finding(first, &format!("/{member}"), one, other)?;
        let replaced = |place: &Place<'_>| {
            let rule = self.rules.get(place.rule)?;
            let written = rule.source.get(member)?.as_str()?;
            let value = written.trim().replacen(one, other, 1);
            Some(json!({"op": "replace", "path": rule.pointer(&format!("/{member}")), "value": value}))
        };
        let fix: Option<Vec<Value>> = places.iter().map(replaced).collect();
        let renamed = |pattern: &mut NamePattern| {
            *pattern = NamePattern::parse(&pattern.to_string().replacen(one, other, 1)).unwrap_or(NamePattern::Any);
        };
        let witness = self.witness(first.rule, |rule| match member {
            "agent" => renamed(&mut rule.agent),
            _ => renamed(&mut rule.action),
        });
        let mut finding = finding
            .suggest(format!("If the same {member} is meant, write `{}`.", spelled(other)))
            .fix_if(fix.and_then(|fix| serde_json::from_value(Value::Array(fix)).ok()));
        finding.witness = witness;
        Some(finding)
    }

    fn field(&self, (one, places): Spelling<'_, '_>, other: &str, misspelt: bool) -> Option<Finding> {
        let first = *places.first()?;
        let written = first.condition?.written;
        let pointer = format!("/conditions/{}", escape(written));
        let mut finding = self.finding(first, &pointer, one, other)?;
        if misspelt {
            finding.message =
                format!("No other rule looks at `{}`, but some look at `{}`.", spelled(one), spelled(other));
        }
        let moved = |place: &Place<'_>| {
            let (rule, intended) = (self.rules.get(place.rule)?, place.condition?);
            let explicit = intended.written.strip_suffix(one)?;
            let to = if explicit.is_empty() {
                key_of(intended.condition.test.operator(), other)
            } else {
                format!("{explicit}{other}")
            };
            let conditions = rule.source.get("conditions")?.as_object()?;
            let free = !conditions.contains_key(&to) && check_field(other).is_ok();
            let path = |key: &str| rule.pointer(&format!("/conditions/{}", escape(key)));
            free.then(|| json!({"op": "move", "from": path(intended.written), "path": path(&to)}))
        };
        let fix: Option<Vec<Value>> = places.iter().map(moved).collect();
        finding.witness = self.witness(first.rule, |rule| {
            for condition in rule.conditions.iter_mut().filter(|condition| condition.field == one) {
                condition.field = other.to_owned();
            }
        });
        let finding = finding.suggest(format!("Did you mean `{}`?", spelled(other)));
        Some(finding.fix_if(fix.and_then(|fix| serde_json::from_value(Value::Array(fix)).ok())))
    }

    /// The finding about a value, of which a condition has `more`.
    fn value(&self, (one, places): Spelling<'_, '_>, other: &str, more: usize) -> Option<Finding> {
        let first = *places.first()?;
        let pointer = |place: &Place<'_>| {
            let item = place.item.map(|item| format!("/{item}")).unwrap_or_default();
            Some(format!("/conditions/{}{item}", escape(place.condition?.written)))
        };
        let mut finding = self.finding(first, &pointer(&first)?, one, other)?;
        if more > 0 {
            finding.message.push_str(&format!(" So do {more} more values here, each from another one."));
        }
        let (rule, intended) = (self.rules.get(first.rule)?, first.condition?);
        let path = rule.pointer(&pointer(&first)?);
        let twice = matches!(&intended.condition.test, Test::In(list) | Test::NotIn(list)
            if list.contains(&Scalar::String(other.to_owned())));
        let fix = if twice {
            json!([{"op": "remove", "path": path}])
        } else {
            json!([{"op": "replace", "path": path, "value": other}])
        };
        // The notation of the condition may still need a repair of its own.
        let fits = intended.written == intended.condition.key;
        // A list that has both takes both; otherwise the rule does not see the value that is meant.
        let shown = if twice { one } else { other };
        finding.witness = Example::new(self.bundle, first.rule).with(&intended.condition.field, json!(shown));
        let finding = finding.suggest(format!("If the same value is meant, write `{}`.", spelled(other)));
        Some(finding.fix_if(serde_json::from_value(fix).ok().filter(|_| fits)))
    }
}

/// Tags that are nearly the one that protects a rule.
fn guardrail_tags(rule: &ParsedRule<'_>) -> Vec<Finding> {
    let tags = rule.source.get("tags").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let texts = || tags.iter().enumerate().filter_map(|(index, tag)| Some((index, tag.as_str()?)));
    if texts().any(|(_, tag)| tag == GUARDRAIL) {
        return Vec::new();
    }
    let meant = skeleton(GUARDRAIL);
    let is_near = |tag: &str| {
        let plain: String = skeleton(tag).chars().filter(|c| c.is_alphabetic()).collect();
        plain.strip_suffix('s').unwrap_or(&plain) == meant || keystrokes(&plain, &meant).is_some()
    };
    texts()
        .find(|(_, tag)| is_near(tag))
        .into_iter()
        .map(|(index, tag)| {
            let pointer = format!("/tags/{index}");
            let message = format!("The tag `{}` does not protect the rule; `{GUARDRAIL}` does.", spelled(tag));
            let fix = json!([{"op": "replace", "path": rule.pointer(&pointer), "value": GUARDRAIL}]);
            rule.finding(Code::Lookalike, &pointer, message)
                .suggest(format!("Write `{GUARDRAIL}` if the rule should be protected."))
                .fix_if(serde_json::from_value(fix).ok())
        })
        .collect()
}

/// A text in which every letter that is not a plain one can be distinguished from it.
fn spelled(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii() && !c.is_ascii_control() {
            out.push(c);
        } else {
            out.push_str(&format!("<U+{:04X}>", u32::from(c)));
        }
    }
    out
}
