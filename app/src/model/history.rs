//! Undo and redo. Each step is a whole document, which is cheap: see [`Content`]. Typing into one field is one step.

use super::{Content, Edit, EditRefused, RuleKey};

/// Maximum number of steps that can be undone.
const DEPTH: usize = 200;

/// Longest pause between two keystrokes in a field that still belong to one step, in milliseconds.
const PAUSE_MS: f64 = 1500.0;

/// The field that is typed into: keystrokes close together in one field are undone together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TypingTarget {
    /// A field of a rule.
    Field(RuleKey, String),
    /// A field of the bundle.
    Head(&'static str),
    /// The source text.
    Source,
}

#[derive(Debug, Clone)]
struct Step {
    content: Content,
    label: String,
}

/// The document under edit with its history.
#[derive(Debug, Clone, Default)]
pub struct EditHistory {
    now: Content,
    saved: Content,
    past: Vec<Step>,
    future: Vec<Step>,
    typing: Option<(TypingTarget, f64)>,
}

impl EditHistory {
    /// A history that begins with the saved document.
    pub fn new(saved: Content) -> Self {
        Self { now: saved.clone(), saved, ..Self::default() }
    }

    /// The document now.
    pub fn content(&self) -> &Content {
        &self.now
    }

    /// The document as saved on the server.
    pub fn saved(&self) -> &Content {
        &self.saved
    }

    /// Whether the document differs from the saved document.
    pub fn dirty(&self) -> bool {
        self.now != self.saved
    }

    /// Records that `content` is saved on the server. Edits made while it was being saved are kept.
    pub fn mark_saved(&mut self, content: Content) {
        self.saved = content;
        self.typing = None;
    }

    /// Makes `edit` as a step of its own.
    ///
    /// # Errors
    /// [`EditRefused`]; in that case nothing changes.
    pub fn apply(&mut self, edit: &Edit) -> Result<(), EditRefused> {
        let next = self.now.edited(edit)?;
        self.typing = None;
        self.push(next, edit.label());
        Ok(())
    }

    /// Makes `edit` as part of typing into `target` at `now_ms`, in milliseconds of any clock.
    ///
    /// # Errors
    /// [`EditRefused`]; in that case nothing changes.
    pub fn type_into(&mut self, target: TypingTarget, now_ms: f64, edit: &Edit) -> Result<(), EditRefused> {
        let next = self.now.edited(edit)?;
        let goes_on =
            self.typing.as_ref().is_some_and(|(last, at)| *last == target && now_ms - at < PAUSE_MS) && self.can_undo();
        if goes_on {
            self.now = next;
            self.future.clear();
        } else {
            self.push(next, edit.label());
        }
        self.typing = Some((target, now_ms));
        Ok(())
    }

    /// Replaces the document by `next`, made elsewhere, as one step.
    pub fn replace(&mut self, next: Content, label: impl Into<String>) {
        self.typing = None;
        if next != self.now {
            self.push(next, label.into());
        }
    }

    /// Ends the current run of typing, when its field loses the focus.
    pub fn end_typing(&mut self) {
        self.typing = None;
    }

    /// Whether there is something to undo.
    pub fn can_undo(&self) -> bool {
        !self.past.is_empty()
    }

    /// Whether there is something to redo.
    pub fn can_redo(&self) -> bool {
        !self.future.is_empty()
    }

    /// Undoes the last step and returns its label.
    pub fn undo(&mut self) -> Option<String> {
        let step = self.past.pop()?;
        self.typing = None;
        let undone = Step { content: std::mem::replace(&mut self.now, step.content), label: step.label.clone() };
        self.future.push(undone);
        Some(step.label)
    }

    /// Redoes the step that was undone last and returns its label.
    pub fn redo(&mut self) -> Option<String> {
        let step = self.future.pop()?;
        self.typing = None;
        let before = Step { content: std::mem::replace(&mut self.now, step.content), label: step.label.clone() };
        self.past.push(before);
        Some(step.label)
    }

    fn push(&mut self, next: Content, label: String) {
        let before = std::mem::replace(&mut self.now, next);
        self.past.push(Step { content: before, label });
        if self.past.len() > DEPTH {
            self.past.remove(0);
        }
        self.future.clear();
    }
}

#[cfg(test)]
mod tests {
    use policy::bundle::{Effect, Source};
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::model::{order::Direction, rule};

    fn history() -> EditHistory {
        let rules = ["aaa", "bbb", "ccc"].iter().map(|id| rule::blank(id)).collect();
        EditHistory::new(Content::new(Source { rules, ..Source::default() }))
    }

    fn reason(text: &str) -> Edit {
        Edit::Set { key: RuleKey(0), field: "reason", value: Some(text.into()) }
    }

    #[test]
    fn typing_is_one_step_until_a_pause_or_another_field() {
        let mut history = history();
        let target = || TypingTarget::Field(RuleKey(0), "reason".into());
        for (at, text) in [(0.0, "a"), (100.0, "ab"), (200.0, "abc")] {
            history.type_into(target(), at, &reason(text)).unwrap();
        }
        history.type_into(target(), 9000.0, &reason("abcd")).unwrap();
        assert_eq!(history.undo().as_deref(), Some("edit reason"));
        assert_eq!(rule::text(&history.content().rules()[0].rule, "reason"), "abc");
        history.undo();
        assert!(!history.dirty() && !history.can_undo());
        history.redo();
        assert_eq!(rule::text(&history.content().rules()[0].rule, "reason"), "abc");
    }

    #[test]
    fn a_new_edit_forgets_what_was_undone() {
        let mut history = history();
        history.apply(&reason("one")).unwrap();
        history.undo();
        history.apply(&reason("two")).unwrap();
        assert!(!history.can_redo());
    }

    #[test]
    fn what_is_typed_while_saving_stays_unsaved() {
        let mut history = history();
        history.apply(&reason("one")).unwrap();
        let sent = history.content().clone();
        history.apply(&reason("two")).unwrap();
        history.mark_saved(sent);
        assert!(history.dirty());
        history.undo();
        assert!(!history.dirty());
    }

    fn any_edit() -> impl Strategy<Value = Edit> {
        let key = (0u32..6).prop_map(RuleKey);
        prop_oneof![
            (key.clone(), 0i64..100).prop_map(|(key, n)| Edit::Set { key, field: "priority", value: Some(json!(n)) }),
            (key.clone(), "[a-c]{1,2}", 0i64..9).prop_map(|(key, to, n)| Edit::Condition {
                key,
                from: None,
                to,
                value: json!(n)
            }),
            (key.clone(), any::<bool>()).prop_map(|(key, on)| Edit::Enable { keys: vec![key], on }),
            key.clone().prop_map(|key| Edit::Duplicate { keys: vec![key] }),
            key.clone().prop_map(|key| Edit::Delete { keys: vec![key] }),
            (key, any::<bool>()).prop_map(|(key, up)| Edit::Move {
                keys: vec![key],
                direction: if up { Direction::Up } else { Direction::Down }
            }),
            "[a-z]{0,4}".prop_map(Edit::Notes),
            Just(Edit::DefaultEffect(Effect::Allow)),
        ]
    }

    proptest! {
        /// Undoing everything gives what was saved; redoing everything gives what was typed.
        #[test]
        fn undo_and_redo_are_inverse(edits in prop::collection::vec(any_edit(), 0..40)) {
            let mut history = history();
            for edit in &edits {
                let _ = history.apply(edit);
            }
            let end = history.content().clone();
            while history.undo().is_some() {}
            prop_assert!(!history.dirty());
            while history.redo().is_some() {}
            prop_assert_eq!(history.content(), &end);
        }

        /// Keys stay unique whatever happens.
        #[test]
        fn keys_stay_unique(edits in prop::collection::vec(any_edit(), 0..40)) {
            let mut history = history();
            for edit in &edits {
                let _ = history.apply(edit);
            }
            let mut keys: Vec<_> = history.content().rules().iter().map(|entry| entry.key).collect();
            let all = keys.len();
            keys.sort_unstable();
            keys.dedup();
            prop_assert_eq!(keys.len(), all);
        }
    }
}
