//! The evaluation order of rules, moving a rule in it, and filtering the rules shown.

use std::cmp::Ordering;

use policy::{bundle::Effect, limits::MAX_PRIORITY};

use super::{Content, RawRule, RuleEntry, RuleKey, condition::plain_text, rule};

/// The rank of a rule's effect, strictest first; rules whose effect cannot be read come last.
fn strictness(rule: &RawRule) -> u8 {
    match rule::effect(rule) {
        Some(Effect::Deny) => 0,
        Some(Effect::NeedsApproval) => 1,
        Some(Effect::Allow) => 2,
        None => 3,
    }
}

/// Compares two rules as if they had these priorities: higher first, then stricter, then by id.
fn compare_at(a: &RawRule, a_priority: f64, b: &RawRule, b_priority: f64) -> Ordering {
    b_priority
        .total_cmp(&a_priority)
        .then_with(|| strictness(a).cmp(&strictness(b)))
        .then_with(|| rule::id(a).cmp(rule::id(b)))
}

/// Which of two rules is evaluated first.
pub fn compare(a: &RawRule, b: &RawRule) -> Ordering {
    compare_at(a, rule::priority(a), b, rule::priority(b))
}

/// The document's rules as positions in it, in evaluation order.
pub fn evaluation_order(content: &Content) -> Vec<usize> {
    let rules = content.rules();
    let mut order: Vec<(f64, u8, &str, usize)> = rules
        .iter()
        .enumerate()
        .map(|(position, entry)| {
            (rule::priority(&entry.rule), strictness(&entry.rule), rule::id(&entry.rule), position)
        })
        .collect();
    order.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| (a.1, a.2, a.3).cmp(&(b.1, b.2, b.3))));
    order.into_iter().map(|(.., position)| position).collect()
}

/// Which way a rule moves in the evaluation order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// To be evaluated earlier.
    Up,
    /// To be evaluated later.
    Down,
}

/// The priority that moves `key` past its nearest neighbour, skipping the rules of `along`, which move too. Only the
/// moved rule's priority changes, and as little as possible: to the neighbour's own priority if ties fall the right
/// way, otherwise to one more or less. `None` at the end of the order, or if no priority from 0 to 1000 is left.
pub fn moved_priority(
    content: &Content,
    order: &[usize],
    key: RuleKey,
    along: &[RuleKey],
    direction: Direction,
) -> Option<f64> {
    let rules = content.rules();
    let at = order.iter().position(|&position| rules.get(position).is_some_and(|entry| entry.key == key))?;
    let moving = &rules.get(*order.get(at)?)?.rule;
    let other = |entry: &&RuleEntry| !along.contains(&entry.key);
    let neighbour = match direction {
        Direction::Up => order.get(..at)?.iter().rev().filter_map(|&p| rules.get(p)).find(other)?,
        Direction::Down => order.get(at + 1..)?.iter().filter_map(|&p| rules.get(p)).find(other)?,
    };
    let (wanted, step) = match direction {
        Direction::Up => (Ordering::Less, 1.0),
        Direction::Down => (Ordering::Greater, -1.0),
    };
    let theirs = rule::priority(&neighbour.rule);
    [theirs, (theirs + step).round()]
        .into_iter()
        .filter(|priority| (0.0..=f64::from(MAX_PRIORITY)).contains(priority))
        .find(|&priority| compare_at(moving, priority, &neighbour.rule, theirs) == wanted)
}

/// The priority that puts `key` directly before (up) or after (down) `target`. Only the moved rule's priority changes.
/// If ties leave no such priority, the rule is put as near to the target as possible. `None` if the rule is already in
/// place, or if no priority from 0 to 1000 puts it there.
pub fn placed_priority(
    content: &Content,
    order: &[usize],
    key: RuleKey,
    target: RuleKey,
    side: Direction,
) -> Option<f64> {
    let rules = content.rules();
    let others: Vec<&RuleEntry> =
        order.iter().filter_map(|&at| rules.get(at)).filter(|entry| entry.key != key).collect();
    let moving = content.rule(key)?;
    let now = order.iter().position(|&at| content.key_at(at) == Some(key))?;
    let at = others.iter().position(|entry| entry.key == target)?;
    // The gap that the rule goes into, as the number of other rules before it.
    let gap = if side == Direction::Up { at } else { at + 1 };
    if gap == now {
        return None;
    }
    let before = gap.checked_sub(1).and_then(|at| others.get(at));
    let after = others.get(gap);
    let numbers = [before, after].into_iter().flatten().map(|entry| rule::priority(&entry.rule));
    let mut wanted: Vec<f64> =
        numbers.flat_map(|number| [number, (number + 1.0).round(), (number - 1.0).round()]).collect();
    wanted.retain(|priority| (0.0..=f64::from(MAX_PRIORITY)).contains(priority));
    // The target's own priority first, then the nearest.
    let near = rule::priority(&others.get(at)?.rule);
    wanted.sort_by(|a, b| (a - near).abs().total_cmp(&(b - near).abs()));
    let stands = |other: Option<&&RuleEntry>, priority: f64, wanted: Ordering| {
        other.is_none_or(|other| compare_at(moving, priority, &other.rule, rule::priority(&other.rule)) == wanted)
    };
    let directly = wanted
        .iter()
        .copied()
        .find(|priority| stands(before, *priority, Ordering::Greater) && stands(after, *priority, Ordering::Less));
    directly.or_else(|| {
        let target = others.get(at);
        let wanted_side = if side == Direction::Up { Ordering::Less } else { Ordering::Greater };
        wanted.into_iter().find(|priority| stands(target, *priority, wanted_side))
    })
}

/// A parsed filter query: every word must be found; `effect:`, `agent:`, `action:`, `tag:` and `is:` narrow the result.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    words: Vec<String>,
    effect: Option<String>,
    agent: Option<String>,
    action: Option<String>,
    tag: Option<String>,
    enabled: Option<bool>,
}

impl Filter {
    /// Parses a query.
    pub fn read(query: &str) -> Self {
        let mut filter = Self::default();
        for word in query.to_lowercase().split_whitespace() {
            match word.split_once(':') {
                Some(("effect", value)) => filter.effect = Some(value.to_owned()),
                Some(("agent", value)) => filter.agent = Some(value.to_owned()),
                Some(("action", value)) => filter.action = Some(value.to_owned()),
                Some(("tag", value)) => filter.tag = Some(value.to_owned()),
                Some(("is", "disabled")) => filter.enabled = Some(false),
                Some(("is", "enabled")) => filter.enabled = Some(true),
                _ => filter.words.push(word.to_owned()),
            }
        }
        filter
    }

    /// Whether every rule passes.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether `rule` passes.
    pub fn passes(&self, rule: &RawRule) -> bool {
        let starts = |wanted: &Option<String>, found: &str| {
            wanted.as_deref().is_none_or(|wanted| found.to_lowercase().starts_with(wanted))
        };
        starts(&self.effect, rule::text(rule, "effect"))
            && starts(&self.agent, rule::text(rule, "agent"))
            && starts(&self.action, rule::text(rule, "action"))
            && self.enabled.is_none_or(|wanted| rule::enabled(rule) == wanted)
            && self
                .tag
                .as_deref()
                .is_none_or(|wanted| rule::tags(rule).iter().any(|tag| tag.to_lowercase().starts_with(wanted)))
            && self.words.iter().all(|word| mentions(rule, word))
    }
}

/// Whether `word`, in lower case, occurs in a field that people read.
fn mentions(rule: &RawRule, word: &str) -> bool {
    let holds = |text: &str| text.to_lowercase().contains(word);
    ["id", "agent", "action", "effect", "reason"].into_iter().any(|field| holds(rule::text(rule, field)))
        || rule::conditions(rule).any(|(key, value)| holds(key) || holds(&plain_text(value)))
        || rule::tags(rule).iter().any(|tag| holds(tag))
}

#[cfg(test)]
mod tests {
    use policy::bundle::Source;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::model::Edit;

    fn content(rules: &[(&str, &str, i64)]) -> Content {
        let rules = rules
            .iter()
            .map(|(id, effect, priority)| {
                json!({"id": id, "effect": effect, "priority": priority}).as_object().unwrap().clone()
            })
            .collect();
        Content::new(Source { rules, ..Source::default() })
    }

    #[test]
    fn higher_then_stricter_then_by_id() {
        let content =
            content(&[("c", "allow", 50), ("b", "deny", 50), ("a", "allow", 50), ("d", "allow", 90), ("e", "odd", 50)]);
        assert_eq!(evaluation_order(&content), [3, 1, 2, 0, 4]);
    }

    #[test]
    fn the_filter_narrows_and_searches() {
        let rule = json!({"id":"block-delete","agent":"knowledge.search","effect":"deny","conditions":{">=risk":5},
            "tags":["guardrail"]});
        let rule = rule.as_object().unwrap();
        for yes in ["", "delete", "DELETE effect:deny", "risk agent:know", "tag:guard is:enabled", "effect:d"] {
            assert!(Filter::read(yes).passes(rule), "{yes}");
        }
        for no in ["allow", "effect:allow", "is:disabled", "delete inbox", "tag:x"] {
            assert!(!Filter::read(no).passes(rule), "{no}");
        }
    }

    proptest! {
        /// A placed rule stands on the chosen side of its target, directly where possible, and no other rule changes.
        #[test]
        fn a_placed_rule_stands_next_to_its_target(
            rules in prop::collection::vec((0usize..3, 0i64..6), 2..8),
            pick in 0usize..8, target in 0usize..8, up in any::<bool>(),
        ) {
            let ids: Vec<String> = (0..rules.len()).map(|n| format!("rule-{n}")).collect();
            let rules: Vec<_> = rules.iter().zip(&ids)
                .map(|((effect, priority), id)| (id.as_str(), ["deny", "needs_approval", "allow"][*effect], 10 * *priority))
                .collect();
            let before = content(&rules);
            let (key, goal) = (before.rules()[pick % rules.len()].key, before.rules()[target % rules.len()].key);
            let side = if up { Direction::Up } else { Direction::Down };
            let order = |content: &Content| -> Vec<RuleKey> {
                evaluation_order(content).iter().map(|&at| content.rules()[at].key).collect()
            };
            let place = |order: &[RuleKey], key| order.iter().position(|other| *other == key).unwrap();
            let was = order(&before);
            // Among rules of one priority, effect and id decide the order.
            let number = rule::priority(before.rule(goal).unwrap());
            let shared = before.rules().iter().filter(|entry| rule::priority(&entry.rule) == number).count() > 1;
            match before.edited(&Edit::Place { keys: vec![key], target: goal, side }) {
                Ok(after) => {
                    let now = order(&after);
                    prop_assert_eq!(place(&now, key) < place(&now, goal), up);
                    let gap = place(&now, key).abs_diff(place(&now, goal));
                    prop_assert!(gap == 1 || shared, "{was:?} {now:?}");
                    for (old, new) in before.rules().iter().zip(after.rules().iter()) {
                        prop_assert!(old.key == key || old == new);
                    }
                }
                Err(_) => {
                    let there = key == goal
                        || place(&was, key).abs_diff(place(&was, goal)) == 1 && (place(&was, key) < place(&was, goal)) == up;
                    prop_assert!(there || shared || (!up && number == 0.0), "{was:?}");
                }
            }
        }

        /// A move passes the neighbour, in the asked direction, and touches no other rule.
        #[test]
        fn a_move_passes_its_neighbour(
            rules in prop::collection::vec((0usize..3, 0i64..4), 2..8),
            pick in 0usize..8, up in any::<bool>(),
        ) {
            let ids: Vec<String> = (0..rules.len()).map(|n| format!("rule-{n}")).collect();
            let rules: Vec<_> = rules.iter().zip(&ids)
                .map(|((effect, priority), id)| (id.as_str(), ["deny", "needs_approval", "allow"][*effect], *priority))
                .collect();
            let before = content(&rules);
            let order = evaluation_order(&before);
            let at = pick % rules.len();
            let key = before.rules()[order[at]].key;
            let direction = if up { Direction::Up } else { Direction::Down };
            let neighbour = if up { at.checked_sub(1) } else { Some(at + 1) }.and_then(|n| order.get(n));
            match before.edited(&Edit::Move { keys: vec![key], direction }) {
                Ok(after) => {
                    let neighbour = before.rules()[*neighbour.unwrap()].key;
                    let now: Vec<RuleKey> = evaluation_order(&after).iter().map(|&p| after.rules()[p].key).collect();
                    let place = |key| now.iter().position(|k| *k == key).unwrap();
                    prop_assert_eq!(place(key) < place(neighbour), up);
                    for (old, new) in before.rules().iter().zip(after.rules().iter()) {
                        prop_assert!(old.key == key || old == new);
                    }
                }
                Err(_) => prop_assert!(
                    neighbour.is_none() || (!up && rules.iter().any(|r| r.2 == 0))
                ),
            }
        }
    }
}
