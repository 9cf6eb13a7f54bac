//! The worker's copy of the draft. The page sends only what changed.

use std::collections::HashMap;

use policy::bundle::Source;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The changes to the draft since the last change was sent.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Change {
    /// Everything except the rules, if any of it changed.
    #[serde(default)]
    pub head: Option<Box<Source>>,
    /// The keys of all rules in written order, when the order changed.
    #[serde(default)]
    pub order: Option<Vec<u32>>,
    /// New and changed rules, by key.
    #[serde(default)]
    pub rules: Vec<(u32, Map<String, Value>)>,
}

/// The draft.
#[derive(Debug, Default)]
pub struct Document {
    keys: Vec<u32>,
    source: Source,
}

impl Document {
    /// Applies a change.
    pub fn apply(&mut self, change: Change) {
        if let Some(head) = change.head {
            let rules = std::mem::take(&mut self.source.rules);
            self.source = Source { rules, ..*head };
        }
        let mut fresh: HashMap<u32, Map<String, Value>> = change.rules.into_iter().collect();
        if let Some(order) = change.order {
            let old = self.keys.drain(..).zip(self.source.rules.drain(..));
            let mut known: HashMap<u32, Map<String, Value>> = old.collect();
            self.source.rules =
                order.iter().map(|key| fresh.remove(key).or_else(|| known.remove(key)).unwrap_or_default()).collect();
            self.keys = order;
        } else {
            for (key, rule) in self.keys.iter().zip(&mut self.source.rules) {
                if let Some(fresh) = fresh.remove(key) {
                    *rule = fresh;
                }
            }
        }
    }

    /// The draft as written.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// The position of the rule with this key.
    pub fn position(&self, key: u32) -> Option<usize> {
        self.keys.iter().position(|known| *known == key)
    }

    /// Every rule's key and id, in written order.
    pub fn ids(&self) -> impl Iterator<Item = (u32, &str)> {
        let rules = self.source.rules.iter();
        self.keys.iter().copied().zip(rules.map(|rule| rule.get("id").and_then(Value::as_str).unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rule(id: &str) -> Map<String, Value> {
        json!({ "id": id }).as_object().cloned().unwrap_or_default()
    }

    fn ids(document: &Document) -> Vec<(u32, &str)> {
        document.ids().collect()
    }

    #[test]
    fn changes_are_applied_to_the_document() {
        let mut document = Document::default();
        let head = Source { notes: "one".to_owned(), ..Source::default() };
        document.apply(Change {
            head: Some(Box::new(head)),
            order: Some(vec![0, 1, 2]),
            rules: vec![(0, rule("a")), (1, rule("b")), (2, rule("c"))],
        });
        assert_eq!(ids(&document), [(0, "a"), (1, "b"), (2, "c")]);

        document.apply(Change { rules: vec![(1, rule("bb"))], ..Change::default() });
        assert_eq!(ids(&document), [(0, "a"), (1, "bb"), (2, "c")]);

        document.apply(Change { order: Some(vec![2, 3, 1]), rules: vec![(3, rule("d"))], ..Change::default() });
        assert_eq!(ids(&document), [(2, "c"), (3, "d"), (1, "bb")]);
        assert_eq!(document.source().notes, "one");
        assert_eq!((document.position(1), document.position(0)), (Some(2), None));

        let head = Source { notes: "two".to_owned(), ..Source::default() };
        document.apply(Change { head: Some(Box::new(head)), ..Change::default() });
        assert_eq!((document.source().notes.as_str(), document.source().rules.len()), ("two", 3));
    }
}
