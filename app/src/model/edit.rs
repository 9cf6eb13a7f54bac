//! The operations of the editor: each takes a document to the next one and leaves the old one as it was.

use std::collections::{HashMap, HashSet};

use policy::bundle::{Effect, Source};
use serde_json::Value;

use super::{
    Content, Key, Written,
    order::{self, Direction},
    rule,
};

/// Something an author does.
#[derive(Debug, Clone, PartialEq)]
pub enum Edit {
    /// Set a field of one rule; none removes it.
    Set {
        /// The rule.
        key: Key,
        /// The field.
        field: &'static str,
        /// Its new value.
        value: Option<Value>,
    },
    /// Set a field of several rules to the same value.
    SetAll {
        /// The rules.
        keys: Vec<Key>,
        /// The field.
        field: &'static str,
        /// Its new value.
        value: Option<Value>,
    },
    /// Set `cost`, `compute` or `risk` of a budget.
    Budget {
        /// The rule.
        key: Key,
        /// The part.
        part: &'static str,
        /// Its new value.
        value: Option<Value>,
    },
    /// Write a condition: a new one, or in place of the one written under `from`.
    Condition {
        /// The rule.
        key: Key,
        /// The key it stood under.
        from: Option<String>,
        /// The key it stands under now.
        to: String,
        /// Its value.
        value: Value,
    },
    /// Remove a condition.
    RemoveCondition {
        /// The rule.
        key: Key,
        /// The key it stands under.
        condition: String,
    },
    /// Add rules, behind `after` in the document or at its end.
    Add {
        /// The rules.
        rules: Vec<Written>,
        /// The rule to stand behind.
        after: Option<Key>,
    },
    /// Add rules; one whose id exists takes that rule's place.
    Merge {
        /// The rules.
        rules: Vec<Written>,
    },
    /// Write copies, each behind its original.
    Duplicate {
        /// The rules.
        keys: Vec<Key>,
    },
    /// Remove rules.
    Delete {
        /// The rules.
        keys: Vec<Key>,
    },
    /// Switch rules on or off.
    Enable {
        /// The rules.
        keys: Vec<Key>,
        /// On or off.
        on: bool,
    },
    /// Have rules looked at earlier or later.
    Move {
        /// The rules.
        keys: Vec<Key>,
        /// Which way.
        direction: Direction,
    },
    /// Have rules looked at just before or just after another one.
    Place {
        /// The rules.
        keys: Vec<Key>,
        /// The rule they are put beside.
        beside: Key,
        /// On which side of it.
        side: Direction,
    },
    /// Set the bundle's default effect.
    DefaultEffect(Effect),
    /// Set the bundle's effect on errors.
    OnError(Effect),
    /// Set the bundle's notes.
    Notes(String),
    /// Set the bundle's version.
    Version(Option<String>),
    /// Set the declared domain.
    Schema(Option<Value>),
    /// Say all of it anew, as the source tab does.
    Replace(Box<Source>),
}

/// Why an edit was not made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// There is nothing to change.
    Nothing,
    /// Another condition of the rule is written under this key.
    ConditionExists(String),
    /// The rule stands at the end already, or no priority is left there.
    CannotMove,
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Nothing => f.write_str("nothing to change"),
            Self::ConditionExists(_) => f.write_str("another condition of this rule tests the same field the same way"),
            Self::CannotMove => {
                f.write_str("it cannot move further: it is at the end, or no priority from 0 to 1000 is left there")
            }
        }
    }
}

impl Edit {
    /// What it does, for the undo button and messages.
    pub fn label(&self) -> String {
        let rules = |count: usize| if count == 1 { "rule".to_owned() } else { format!("{count} rules") };
        match self {
            Self::Set { field, .. } => format!("edit {field}"),
            Self::SetAll { keys, field, .. } => format!("edit {field} of {}", rules(keys.len())),
            Self::Budget { part, .. } => format!("edit budget {part}"),
            Self::Condition { from: None, .. } => "add condition".to_owned(),
            Self::Condition { .. } => "edit condition".to_owned(),
            Self::RemoveCondition { .. } => "remove condition".to_owned(),
            Self::Add { rules: added, .. } => format!("add {}", rules(added.len())),
            Self::Merge { rules: merged } => format!("paste {}", rules(merged.len())),
            Self::Duplicate { keys } => format!("duplicate {}", rules(keys.len())),
            Self::Delete { keys } => format!("delete {}", rules(keys.len())),
            Self::Enable { keys, on } => format!("{} {}", if *on { "enable" } else { "disable" }, rules(keys.len())),
            Self::Move { keys, .. } | Self::Place { keys, .. } => format!("re-prioritise {}", rules(keys.len())),
            Self::DefaultEffect(_) => "change default effect".to_owned(),
            Self::OnError(_) => "change effect on errors".to_owned(),
            Self::Notes(_) => "edit notes".to_owned(),
            Self::Version(_) => "edit version".to_owned(),
            Self::Schema(_) => "edit schema".to_owned(),
            Self::Replace(_) => "edit source".to_owned(),
        }
    }
}

impl Content {
    /// This document with `edit` made.
    ///
    /// # Errors
    /// [`Refused`] when it cannot be made or would change nothing.
    pub fn edited(&self, edit: &Edit) -> Result<Self, Refused> {
        let mut next = self.clone();
        match edit {
            Edit::Set { key, field, value } => {
                next.edit_rule(*key, |rule| rule::set(rule, field, value.clone()));
            }
            Edit::SetAll { keys, field, value } => {
                for key in keys {
                    next.edit_rule(*key, |rule| rule::set(rule, field, value.clone()));
                }
            }
            Edit::Budget { key, part, value } => {
                next.edit_rule(*key, |rule| rule::set_budget(rule, part, value.clone()));
            }
            Edit::Condition { key, from, to, value } => {
                let written = self.rule(*key).ok_or(Refused::Nothing)?;
                if from.as_ref() != Some(to) && rule::conditions(written).any(|(other, _)| other == to) {
                    return Err(Refused::ConditionExists(to.clone()));
                }
                next.edit_rule(*key, |rule| {
                    rule::edit_conditions(rule, |conditions| {
                        if let Some(from) = from {
                            conditions.remove(from);
                        }
                        conditions.insert(to.clone(), value.clone());
                    });
                });
            }
            Edit::RemoveCondition { key, condition } => {
                next.edit_rule(*key, |rule| {
                    rule::edit_conditions(rule, |conditions| {
                        conditions.remove(condition);
                    });
                });
            }
            Edit::Add { rules, after } => {
                let position = after.and_then(|key| self.position(key)).map_or(self.rules().len(), |at| at + 1);
                next.insert(position, rules.clone());
            }
            Edit::Merge { rules } => next.merge(rules),
            Edit::Duplicate { keys } => next.duplicate(keys),
            Edit::Delete { keys } => next.remove(keys),
            Edit::Enable { keys, on } => {
                for key in keys {
                    next.edit_rule(*key, |rule| rule::set(rule, "enabled", Some((*on).into())));
                }
            }
            Edit::Move { keys, direction } => {
                let order = order::evaluation_order(self);
                for key in keys {
                    if let Some(priority) = order::moved_priority(self, &order, *key, keys, *direction) {
                        next.edit_rule(*key, |r| rule::set(r, "priority", Some(rule::priority_value(priority))));
                    }
                }
                if next == *self {
                    return Err(Refused::CannotMove);
                }
            }
            Edit::Place { keys, beside, side } => next.place(keys, *beside, *side)?,
            Edit::DefaultEffect(effect) => next.edit_head(|head| head.default_effect = *effect),
            Edit::OnError(effect) => next.edit_head(|head| head.on_error = *effect),
            Edit::Notes(notes) => next.edit_head(|head| head.notes.clone_from(notes)),
            Edit::Version(version) => next.edit_head(|head| head.version.clone_from(version)),
            Edit::Schema(schema) => next.edit_head(|head| head.schema.clone_from(schema)),
            Edit::Replace(source) => next.replace(Source::clone(source)),
        }
        if next == *self { Err(Refused::Nothing) } else { Ok(next) }
    }

    /// The ids in use.
    pub fn ids(&self) -> HashSet<&str> {
        self.rules().iter().map(|entry| rule::id(&entry.rule)).collect()
    }

    fn merge(&mut self, rules: &[Written]) {
        let known: HashMap<String, Key> =
            self.rules().iter().map(|entry| (rule::id(&entry.rule).to_owned(), entry.key)).collect();
        let mut new = Vec::new();
        for written in rules {
            match known.get(rule::id(written)).filter(|_| !rule::id(written).is_empty()) {
                Some(key) => {
                    self.edit_rule(*key, |slot| slot.clone_from(written));
                }
                None => new.push(written.clone()),
            }
        }
        self.append(new);
    }

    /// One after the other, each beside the one placed before it.
    fn place(&mut self, keys: &[Key], beside: Key, side: Direction) -> Result<(), Refused> {
        let order = order::evaluation_order(self);
        let place = |key: &Key| order.iter().position(|at| self.key_at(*at) == Some(*key));
        let mut moving: Vec<Key> = keys.iter().copied().filter(|key| *key != beside).collect();
        moving.sort_by_key(place);
        if side == Direction::Down {
            // Each goes directly behind the target, so the last one goes first.
            moving.reverse();
        }
        let before = self.clone();
        for key in moving {
            let order = order::evaluation_order(self);
            if let Some(priority) = order::placed_priority(self, &order, key, beside, side) {
                self.edit_rule(key, |rule| rule::set(rule, "priority", Some(rule::priority_value(priority))));
            }
        }
        if *self == before { Err(Refused::CannotMove) } else { Ok(()) }
    }

    fn duplicate(&mut self, keys: &[Key]) {
        for key in keys {
            let Some(position) = self.position(*key) else { continue };
            let Some(mut copy) = self.rule(*key).map(|written| Written::clone(written)) else { continue };
            let id = rule::free_id(rule::id(&copy), &self.ids());
            rule::set(&mut copy, "id", Some(id.into()));
            self.insert(position + 1, vec![copy]);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn content(ids: &[&str]) -> Content {
        Content::new(Source { rules: ids.iter().map(|id| rule::blank(id)).collect(), ..Source::default() })
    }

    fn ids(content: &Content) -> Vec<&str> {
        content.rules().iter().map(|entry| rule::id(&entry.rule)).collect()
    }

    #[test]
    fn an_edit_leaves_the_old_document_and_the_other_rules() {
        let before = content(&["aaa", "bbb"]);
        let after = before.edited(&Edit::Set { key: Key(1), field: "priority", value: Some(json!(7)) }).unwrap();
        assert_eq!(before.rules()[1].rule["priority"], 50);
        assert_eq!(after.rules()[1].rule["priority"], 7);
        assert!(std::sync::Arc::ptr_eq(&before.rules()[0].rule, &after.rules()[0].rule));
        assert_eq!(
            before.edited(&Edit::Set { key: Key(1), field: "priority", value: Some(json!(50)) }),
            Err(Refused::Nothing)
        );
    }

    #[test]
    fn a_condition_never_overwrites_another() {
        let one = content(&["aaa"])
            .edited(&Edit::Condition { key: Key(0), from: None, to: ">=risk".into(), value: json!(5) })
            .unwrap();
        let two =
            one.edited(&Edit::Condition { key: Key(0), from: None, to: "<risk".into(), value: json!(9) }).unwrap();
        let clash = two.edited(&Edit::Condition {
            key: Key(0),
            from: Some("<risk".into()),
            to: ">=risk".into(),
            value: json!(1),
        });
        assert_eq!(clash, Err(Refused::ConditionExists(">=risk".into())));
        let renamed = two
            .edited(&Edit::Condition { key: Key(0), from: Some("<risk".into()), to: "<=risk".into(), value: json!(9) })
            .unwrap();
        assert_eq!(renamed.rules()[0].rule["conditions"], json!({">=risk": 5, "<=risk": 9}));
        let gone = renamed.edited(&Edit::RemoveCondition { key: Key(0), condition: ">=risk".into() }).unwrap();
        assert_eq!(gone.rules()[0].rule["conditions"], json!({"<=risk": 9}));
    }

    #[test]
    fn copies_stand_behind_their_originals_with_free_ids() {
        let copied = content(&["aaa", "bbb", "aaa-2"]).edited(&Edit::Duplicate { keys: vec![Key(0), Key(1)] }).unwrap();
        assert_eq!(ids(&copied), ["aaa", "aaa-3", "bbb", "bbb-2", "aaa-2"]);
    }

    #[test]
    fn merging_replaces_by_id_and_adds_the_rest() {
        let mut changed = rule::blank("bbb");
        rule::set(&mut changed, "priority", Some(json!(9)));
        let merged =
            content(&["aaa", "bbb"]).edited(&Edit::Merge { rules: vec![changed, rule::blank("ccc")] }).unwrap();
        assert_eq!(ids(&merged), ["aaa", "bbb", "ccc"]);
        assert_eq!(merged.rules()[1].rule["priority"], 9);
        assert_eq!(merged.rules()[1].key, Key(1));
    }

    #[test]
    fn several_rules_change_at_once() {
        let off = content(&["aaa", "bbb", "ccc"]).edited(&Edit::Enable { keys: vec![Key(0), Key(2)], on: false });
        let off: Vec<bool> = off.unwrap().rules().iter().map(|entry| rule::enabled(&entry.rule)).collect();
        assert_eq!(off, [false, true, false]);
        let left = content(&["aaa", "bbb", "ccc"]).edited(&Edit::Delete { keys: vec![Key(0), Key(2)] }).unwrap();
        assert_eq!(ids(&left), ["bbb"]);
    }
}
