//! The operations of the editor. Each makes a new document and leaves the old one unchanged.

use std::collections::{HashMap, HashSet};

use policy::bundle::{Effect, Source};
use serde_json::Value;

use super::{
    Content, RawRule, RuleKey,
    order::{self, Direction},
    rule,
};

/// One edit.
#[derive(Debug, Clone, PartialEq)]
pub enum Edit {
    /// Set a field of one rule; `None` removes the field.
    Set {
        /// The rule.
        key: RuleKey,
        /// The field.
        field: &'static str,
        /// The field's new value.
        value: Option<Value>,
    },
    /// Set a field of several rules to the same value.
    SetAll {
        /// The rules.
        keys: Vec<RuleKey>,
        /// The field.
        field: &'static str,
        /// The field's new value.
        value: Option<Value>,
    },
    /// Set `cost`, `compute` or `risk` of a budget.
    Budget {
        /// The rule.
        key: RuleKey,
        /// The part.
        part: &'static str,
        /// The part's new value.
        value: Option<Value>,
    },
    /// Set a member with terms of approvals; one that says nothing is removed. Makes the bundle one of format 1.1.
    Terms {
        /// The rule.
        key: RuleKey,
        /// The member.
        member: &'static str,
        /// The member's new value.
        value: Option<Value>,
    },
    /// Write a condition: a new one, or in place of the one under `from`.
    Condition {
        /// The rule.
        key: RuleKey,
        /// The key the condition was written under.
        from: Option<String>,
        /// The key the condition is written under now.
        to: String,
        /// The condition's value.
        value: Value,
    },
    /// Remove a condition.
    RemoveCondition {
        /// The rule.
        key: RuleKey,
        /// The key the condition is written under.
        condition: String,
    },
    /// Add rules after `after`, or at the end of the document.
    Add {
        /// The rules.
        rules: Vec<RawRule>,
        /// The rule before them.
        after: Option<RuleKey>,
    },
    /// Add rules; a rule whose id exists replaces the existing one.
    Merge {
        /// The rules.
        rules: Vec<RawRule>,
    },
    /// Insert copies, each after its original.
    Duplicate {
        /// The rules.
        keys: Vec<RuleKey>,
    },
    /// Remove rules.
    Delete {
        /// The rules.
        keys: Vec<RuleKey>,
    },
    /// Switch rules on or off.
    Enable {
        /// The rules.
        keys: Vec<RuleKey>,
        /// On or off.
        on: bool,
    },
    /// Have rules evaluated earlier or later.
    Move {
        /// The rules.
        keys: Vec<RuleKey>,
        /// The direction.
        direction: Direction,
    },
    /// Have rules evaluated just before or just after another one.
    Place {
        /// The rules.
        keys: Vec<RuleKey>,
        /// The rule that stays in place.
        target: RuleKey,
        /// The side of the target.
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
    /// Several edits as one; those that would change nothing are left out.
    Together(Vec<Self>),
    /// Replace the whole document, as typing in the source does.
    Replace(Box<Source>),
}

/// Why an edit was not made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EditRefused {
    /// There is nothing to change.
    Nothing,
    /// Another condition of the rule is written under this key.
    ConditionExists(String),
    /// The rule is at the end of the order, or no priority is left there.
    CannotMove,
}

impl std::fmt::Display for EditRefused {
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
    /// A description of the edit, for messages.
    pub fn label(&self) -> String {
        let rules = |count: usize| if count == 1 { "rule".to_owned() } else { format!("{count} rules") };
        match self {
            Self::Set { field, .. } | Self::Terms { member: field, .. } => format!("edit {field}"),
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
            Self::Together(edits) => edits.first().map_or_else(|| "edit".to_owned(), Self::label),
            Self::Replace(_) => "edit source".to_owned(),
        }
    }
}

impl Content {
    /// This document after `edit`.
    ///
    /// # Errors
    /// [`EditRefused`] when the edit cannot be made or would change nothing.
    pub fn edited(&self, edit: &Edit) -> Result<Self, EditRefused> {
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
            Edit::Terms { key, member, value } => next.set_term(*key, member, value.clone()),
            Edit::Condition { key, from, to, value } => {
                let written = self.rule(*key).ok_or(EditRefused::Nothing)?;
                if from.as_ref() != Some(to) && rule::conditions(written).any(|(other, _)| other == to) {
                    return Err(EditRefused::ConditionExists(to.clone()));
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
                    return Err(EditRefused::CannotMove);
                }
            }
            Edit::Place { keys, target, side } => next.place(keys, *target, *side)?,
            Edit::DefaultEffect(effect) => next.edit_head(|head| head.default_effect = *effect),
            Edit::OnError(effect) => next.edit_head(|head| head.on_error = *effect),
            Edit::Notes(notes) => next.edit_head(|head| head.notes.clone_from(notes)),
            Edit::Version(version) => next.edit_head(|head| head.version.clone_from(version)),
            Edit::Schema(schema) => next.edit_head(|head| head.schema.clone_from(schema)),
            Edit::Together(edits) => {
                for edit in edits {
                    match next.edited(edit) {
                        Ok(after) => next = after,
                        Err(EditRefused::Nothing) => {}
                        Err(refused) => return Err(refused),
                    }
                }
            }
            Edit::Replace(source) => next.replace(Source::clone(source)),
        }
        if next == *self { Err(EditRefused::Nothing) } else { Ok(next) }
    }

    /// The ids in use.
    pub fn ids(&self) -> HashSet<&str> {
        self.rules().iter().map(|entry| rule::id(&entry.rule)).collect()
    }

    fn merge(&mut self, rules: &[RawRule]) {
        let known: HashMap<String, RuleKey> =
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

    /// Places rules next to `target`, one after the other, in their present order.
    fn place(&mut self, keys: &[RuleKey], target: RuleKey, side: Direction) -> Result<(), EditRefused> {
        let order = order::evaluation_order(self);
        let place = |key: &RuleKey| order.iter().position(|at| self.key_at(*at) == Some(*key));
        let mut moving: Vec<RuleKey> = keys.iter().copied().filter(|key| *key != target).collect();
        moving.sort_by_key(place);
        if side == Direction::Down {
            // Each goes directly after the target, so the last one goes first.
            moving.reverse();
        }
        let before = self.clone();
        for key in moving {
            let order = order::evaluation_order(self);
            if let Some(priority) = order::placed_priority(self, &order, key, target, side) {
                self.edit_rule(key, |rule| rule::set(rule, "priority", Some(rule::priority_value(priority))));
            }
        }
        if *self == before { Err(EditRefused::CannotMove) } else { Ok(()) }
    }

    fn duplicate(&mut self, keys: &[RuleKey]) {
        for key in keys {
            let Some(position) = self.position(*key) else { continue };
            let Some(mut copy) = self.rule(*key).map(|written| RawRule::clone(written)) else { continue };
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
        let after = before.edited(&Edit::Set { key: RuleKey(1), field: "priority", value: Some(json!(7)) }).unwrap();
        assert_eq!(before.rules()[1].rule["priority"], 50);
        assert_eq!(after.rules()[1].rule["priority"], 7);
        assert!(std::sync::Arc::ptr_eq(&before.rules()[0].rule, &after.rules()[0].rule));
        assert_eq!(
            before.edited(&Edit::Set { key: RuleKey(1), field: "priority", value: Some(json!(50)) }),
            Err(EditRefused::Nothing)
        );
    }

    #[test]
    fn a_condition_never_overwrites_another() {
        let one = content(&["aaa"])
            .edited(&Edit::Condition { key: RuleKey(0), from: None, to: ">=risk".into(), value: json!(5) })
            .unwrap();
        let two =
            one.edited(&Edit::Condition { key: RuleKey(0), from: None, to: "<risk".into(), value: json!(9) }).unwrap();
        let clash = two.edited(&Edit::Condition {
            key: RuleKey(0),
            from: Some("<risk".into()),
            to: ">=risk".into(),
            value: json!(1),
        });
        assert_eq!(clash, Err(EditRefused::ConditionExists(">=risk".into())));
        let renamed = two
            .edited(&Edit::Condition {
                key: RuleKey(0),
                from: Some("<risk".into()),
                to: "<=risk".into(),
                value: json!(9),
            })
            .unwrap();
        assert_eq!(renamed.rules()[0].rule["conditions"], json!({">=risk": 5, "<=risk": 9}));
        let gone = renamed.edited(&Edit::RemoveCondition { key: RuleKey(0), condition: ">=risk".into() }).unwrap();
        assert_eq!(gone.rules()[0].rule["conditions"], json!({"<=risk": 9}));
    }

    #[test]
    fn copies_stand_behind_their_originals_with_free_ids() {
        let copied =
            content(&["aaa", "bbb", "aaa-2"]).edited(&Edit::Duplicate { keys: vec![RuleKey(0), RuleKey(1)] }).unwrap();
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
        assert_eq!(merged.rules()[1].key, RuleKey(1));
    }

    #[test]
    fn several_rules_change_at_once() {
        let off =
            content(&["aaa", "bbb", "ccc"]).edited(&Edit::Enable { keys: vec![RuleKey(0), RuleKey(2)], on: false });
        let off: Vec<bool> = off.unwrap().rules().iter().map(|entry| rule::enabled(&entry.rule)).collect();
        assert_eq!(off, [false, true, false]);
        let left =
            content(&["aaa", "bbb", "ccc"]).edited(&Edit::Delete { keys: vec![RuleKey(0), RuleKey(2)] }).unwrap();
        assert_eq!(ids(&left), ["bbb"]);
    }
}
