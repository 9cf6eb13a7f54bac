//! The document under edit. Cloning it is cheap: rules are shared until they change, so every step of the history
//! keeps a whole document.

use std::{collections::HashMap, sync::Arc};

use policy::bundle::Source;
use worker::Change;

use super::rule::{self, RawRule};

/// Identifies a rule while the document is open. Unlike the rule's id, the key never changes and is unique.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleKey(pub u32);

/// One rule of the document.
#[derive(Debug, Clone)]
pub struct RuleEntry {
    /// Identifies the rule.
    pub key: RuleKey,
    /// The rule.
    pub rule: Arc<RawRule>,
}

impl PartialEq for RuleEntry {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key && (Arc::ptr_eq(&self.rule, &other.rule) || self.rule == other.rule)
    }
}

/// The document: the content of a [`Source`], with a stable key for every rule.
#[derive(Debug, Clone)]
pub struct Content {
    /// Everything but the rules; the list of rules in this document is empty.
    head: Arc<Source>,
    rules: Arc<Vec<RuleEntry>>,
    next_key: u32,
}

impl PartialEq for Content {
    /// Whether both documents have the same content; keys do not matter.
    fn eq(&self, other: &Self) -> bool {
        (Arc::ptr_eq(&self.head, &other.head) || self.head == other.head)
            && (Arc::ptr_eq(&self.rules, &other.rules)
                || (self.rules.len() == other.rules.len()
                    && self
                        .rules
                        .iter()
                        .zip(other.rules.iter())
                        .all(|(a, b)| Arc::ptr_eq(&a.rule, &b.rule) || a.rule == b.rule)))
    }
}

impl Default for Content {
    fn default() -> Self {
        Self::new(Source::default())
    }
}

impl Content {
    /// A document with the content of `source`.
    pub fn new(mut source: Source) -> Self {
        let written = std::mem::take(&mut source.rules);
        let mut content = Self { head: Arc::new(source), rules: Arc::default(), next_key: 0 };
        content.append(written);
        content
    }

    /// The document as a [`Source`]. Copies every rule.
    pub fn to_source(&self) -> Source {
        let mut source = Source::clone(&self.head);
        source.rules = self.rules.iter().map(|entry| RawRule::clone(&entry.rule)).collect();
        source
    }

    /// Everything but the rules.
    pub fn head(&self) -> &Source {
        &self.head
    }

    /// The rules in the order of the document.
    pub fn rules(&self) -> &Arc<Vec<RuleEntry>> {
        &self.rules
    }

    /// The position of a rule in the document.
    pub fn position(&self, key: RuleKey) -> Option<usize> {
        self.rules.iter().position(|entry| entry.key == key)
    }

    /// The rule with this key.
    pub fn rule(&self, key: RuleKey) -> Option<&Arc<RawRule>> {
        self.rules.iter().find(|entry| entry.key == key).map(|entry| &entry.rule)
    }

    /// The key of the rule at `position`.
    pub fn key_at(&self, position: usize) -> Option<RuleKey> {
        self.rules.get(position).map(|entry| entry.key)
    }

    /// The key of the rule that a finding's JSON Pointer points into.
    pub fn key_of_path(&self, path: &str) -> Option<RuleKey> {
        let position = path.strip_prefix("/rules/")?.split('/').next()?.parse().ok()?;
        self.key_at(position)
    }

    /// Changes everything but the rules.
    pub fn edit_head(&mut self, change: impl FnOnce(&mut Source)) {
        change(Arc::make_mut(&mut self.head));
    }

    /// Changes one rule; false when there is no such rule.
    pub fn edit_rule(&mut self, key: RuleKey, change: impl FnOnce(&mut RawRule)) -> bool {
        let Some(position) = self.position(key) else { return false };
        match Arc::make_mut(&mut self.rules).get_mut(position) {
            Some(entry) => {
                change(Arc::make_mut(&mut entry.rule));
                true
            }
            None => false,
        }
    }

    /// Appends `rules` and returns their keys.
    pub fn append(&mut self, rules: Vec<RawRule>) -> Vec<RuleKey> {
        let end = self.rules.len();
        self.insert(end, rules)
    }

    /// Inserts `rules` at `position` and returns their keys.
    pub fn insert(&mut self, position: usize, rules: Vec<RawRule>) -> Vec<RuleKey> {
        let first = self.next_key;
        let entries: Vec<RuleEntry> = rules
            .into_iter()
            .zip(first..)
            .map(|(rule, key)| RuleEntry { key: RuleKey(key), rule: Arc::new(rule) })
            .collect();
        let keys: Vec<RuleKey> = entries.iter().map(|entry| entry.key).collect();
        self.next_key = first.saturating_add(u32::try_from(entries.len()).unwrap_or(u32::MAX));
        let all = Arc::make_mut(&mut self.rules);
        let position = position.min(all.len());
        all.splice(position..position, entries);
        keys
    }

    /// Removes the rules with these keys.
    pub fn remove(&mut self, keys: &[RuleKey]) {
        Arc::make_mut(&mut self.rules).retain(|entry| !keys.contains(&entry.key));
    }

    /// Replaces the content by that of `source`. A rule keeps its key if its id is found again (of rules that share an
    /// id, the nth keeps the nth key), or otherwise if it is at the position of a rule whose id is gone. So the
    /// selection survives typing in the source, even of an id. Rules with equal content stay shared.
    pub fn replace(&mut self, source: Source) {
        let mut head = source;
        let written = std::mem::take(&mut head.rules);
        if *self.head != head {
            self.head = Arc::new(head);
        }
        let mut by_id: HashMap<&str, Vec<&RuleEntry>> = HashMap::new();
        for entry in self.rules.iter().rev() {
            by_id.entry(rule::id(&entry.rule)).or_default().push(entry);
        }
        let mut found: Vec<Option<RuleEntry>> =
            written.iter().map(|new| by_id.get_mut(rule::id(new)).and_then(Vec::pop).cloned()).collect();
        let left: Vec<RuleKey> = by_id.values().flatten().map(|entry| entry.key).collect();
        for (slot, old) in found.iter_mut().zip(self.rules.iter()) {
            if slot.is_none() && left.contains(&old.key) {
                *slot = Some(old.clone());
            }
        }
        let mut next = self.next_key;
        let rules = written
            .into_iter()
            .zip(found)
            .map(|(new, old)| match old {
                Some(old) if *old.rule == new => old,
                Some(old) => RuleEntry { key: old.key, rule: Arc::new(new) },
                None => {
                    let key = RuleKey(next);
                    next = next.saturating_add(1);
                    RuleEntry { key, rule: Arc::new(new) }
                }
            })
            .collect();
        self.next_key = next;
        self.rules = Arc::new(rules);
    }
}

/// The document last sent to the worker, so that only changed rules are sent.
#[derive(Debug, Default)]
pub struct SentDocument {
    serial: u32,
    content: Option<Content>,
}

impl SentDocument {
    /// The number of the document last sent.
    pub fn serial(&self) -> u32 {
        self.serial
    }

    /// The document last sent.
    pub fn content(&self) -> Option<&Content> {
        self.content.as_ref()
    }

    /// The change to send now, with the number of the document after it; `None` if nothing changed.
    pub fn change(&mut self, content: &Content) -> Option<(u32, Change)> {
        let before = self.content.as_ref();
        let known: HashMap<RuleKey, &Arc<RawRule>> =
            before.iter().flat_map(|before| before.rules.iter()).map(|entry| (entry.key, &entry.rule)).collect();
        let same = |entry: &&RuleEntry| {
            known.get(&entry.key).is_some_and(|rule| Arc::ptr_eq(rule, &entry.rule) || **rule == entry.rule)
        };
        let rules = content.rules.iter().filter(|entry| !same(entry));
        let order = keys(content);
        let change = Change {
            head: before
                .is_none_or(|before| before.head != content.head)
                .then(|| Box::new(Source::clone(&content.head))),
            rules: rules.map(|entry| (entry.key.0, RawRule::clone(&entry.rule))).collect(),
            order: before.is_none_or(|before| keys(before) != order).then_some(order),
        };
        if change.head.is_none() && change.order.is_none() && change.rules.is_empty() {
            return None;
        }
        self.content = Some(content.clone());
        self.serial = self.serial.wrapping_add(1);
        Some((self.serial, change))
    }
}

fn keys(content: &Content) -> Vec<u32> {
    content.rules.iter().map(|entry| entry.key.0).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use worker::document::Document;

    use super::*;

    fn source(ids: &[&str]) -> Source {
        Source {
            rules: ids.iter().map(|id| json!({"id": id}).as_object().unwrap().clone()).collect(),
            ..Source::default()
        }
    }

    fn keys(content: &Content) -> Vec<u32> {
        content.rules().iter().map(|entry| entry.key.0).collect()
    }

    #[test]
    fn replacing_keeps_keys_by_id_then_by_place() {
        let mut content = Content::new(source(&["aaa", "bbb", "ccc"]));
        content.replace(source(&["ccc", "bbbb", "aaa", "ddd"]));
        assert_eq!(keys(&content), [2, 1, 0, 3]);
    }

    #[test]
    fn rules_that_share_an_id_keep_their_keys() {
        let mut content = Content::new(source(&["aaa", "aaa", "", ""]));
        content.replace(source(&["aaa", "aaa", "", "", ""]));
        assert_eq!(keys(&content), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn what_is_sent_adds_up_to_the_content() {
        let mut content = Content::new(source(&["aaa", "bbb", "ccc"]));
        let (mut sent, mut document) = (SentDocument::default(), Document::default());
        let mut follow = |content: &Content, rules: usize| {
            let (serial, change) = sent.change(content).unwrap();
            assert_eq!(change.rules.len(), rules);
            document.apply(change);
            assert_eq!(*document.source(), content.to_source());
            assert!(sent.change(content).is_none());
            serial
        };
        assert_eq!(follow(&content, 3), 1);
        content.edit_rule(RuleKey(1), |rule| {
            rule.insert("priority".into(), json!(7));
        });
        assert_eq!(follow(&content, 1), 2);
        content.remove(&[RuleKey(0)]);
        content.edit_head(|head| head.notes = "x".into());
        follow(&content, 0);
        content.insert(1, source(&["ddd", "eee"]).rules);
        follow(&content, 2);
    }

    #[test]
    fn a_path_names_its_rule() {
        let content = Content::new(source(&["aaa", "bbb"]));
        assert_eq!(content.key_of_path("/rules/1/conditions/>=x"), Some(RuleKey(1)));
        assert_eq!(content.key_of_path("/rules/1"), Some(RuleKey(1)));
        assert_eq!(content.key_of_path("/rules/9"), None);
        assert_eq!(content.key_of_path("/notes"), None);
    }
}
