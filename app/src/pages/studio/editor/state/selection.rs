//! Which rules the table shows, and which of them are selected, marked, scrolled to or dragged.

use std::{collections::BTreeSet, sync::Arc};

use leptos::prelude::*;

use super::read_only::ReadOnly;
use crate::model::{
    Content, RuleKey,
    order::{self, Direction, Filter},
};

/// The direction in which the row cursor moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowStep {
    /// To the rule that is evaluated before.
    Previous,
    /// To the rule that is evaluated after.
    Next,
}

/// Rules as the table shows them: the rank in evaluation order, from 1, and the key.
pub type ShownRules = Arc<Vec<(usize, RuleKey)>>;

/// The row at which dragged rules would be dropped, and the side of it.
pub type DropTarget = (RuleKey, Direction);

/// Which rules are shown, selected, marked and dragged. Copies are handles to the same selection.
#[derive(Debug, Clone, Copy)]
pub struct Selection {
    filter: RwSignal<String>,
    shown: Memo<ShownRules>,
    selected: RwSignal<Option<RuleKey>>,
    marked: RwSignal<BTreeSet<RuleKey>>,
    revealed: RwSignal<Option<RuleKey>>,
    focused_condition: RwSignal<Option<(RuleKey, String)>>,
    dragged: RwSignal<Vec<RuleKey>>,
    drop_target: RwSignal<Option<DropTarget>>,
}

impl Selection {
    /// Nothing selected, and every rule of `content` shown.
    pub(super) fn new(content: Memo<Content>) -> Self {
        let filter = RwSignal::new(String::new());
        let order = Memo::new(move |_| content.with(|content| Arc::new(order::evaluation_order(content))));
        let shown = Memo::new(move |_| {
            let filter = filter.with(|query| Filter::read(query));
            let order = order.get();
            content.with(|content| {
                let ranked = order.iter().zip(1..).filter_map(|(&at, rank)| Some((rank, content.rules().get(at)?)));
                Arc::new(
                    ranked
                        .filter(|(_, entry)| filter.is_empty() || filter.passes(&entry.rule))
                        .map(|(rank, entry)| (rank, entry.key))
                        .collect(),
                )
            })
        });
        let selected = RwSignal::new(None);
        let marked = RwSignal::new(BTreeSet::new());
        let revealed = RwSignal::new(None);
        let focused_condition = RwSignal::new(None);
        let dragged = RwSignal::new(Vec::new());
        let drop_target = RwSignal::new(None);
        Self { filter, shown, selected, marked, revealed, focused_condition, dragged, drop_target }
    }

    /// The text of the filter field.
    pub fn filter(self) -> ReadOnly<String> {
        self.filter.into()
    }

    /// Shows only the rules that pass this filter.
    pub fn set_filter(self, query: String) {
        self.filter.set(query);
    }

    /// The rules that pass the filter, in evaluation order.
    pub fn shown(self) -> Memo<ShownRules> {
        self.shown
    }

    /// The rule in the form.
    pub fn selected(self) -> ReadOnly<Option<RuleKey>> {
        self.selected.into()
    }

    /// Puts a rule into the form and scrolls its row into view.
    pub(super) fn select(self, key: RuleKey) {
        self.selected.set(Some(key));
        self.revealed.set(Some(key));
    }

    /// Takes the rule out of the form.
    pub(super) fn deselect(self) {
        self.selected.set(None);
    }

    /// The rule that the row cursor reaches with `step`, starting from the selected row or from outside the table.
    pub(super) fn reached_by(self, step: RowStep) -> Option<RuleKey> {
        let shown = self.shown.get_untracked();
        let at = self.selected.get_untracked().and_then(|key| shown.iter().position(|(_, shown)| *shown == key));
        let to = match (at, step) {
            (None, RowStep::Next) => 0,
            (None, RowStep::Previous) => shown.len().saturating_sub(1),
            (Some(at), RowStep::Next) => (at + 1).min(shown.len().saturating_sub(1)),
            (Some(at), RowStep::Previous) => at.saturating_sub(1),
        };
        shown.get(to).map(|(_, key)| *key)
    }

    /// The rules marked for changes together.
    pub fn marked(self) -> ReadOnly<BTreeSet<RuleKey>> {
        self.marked.into()
    }

    /// Marks a rule, or removes its mark.
    pub fn toggle_mark(self, key: RuleKey) {
        self.marked.update(|marked| {
            if !marked.remove(&key) {
                marked.insert(key);
            }
        });
    }

    /// Marks every rule shown, and no other.
    pub fn mark_shown(self) {
        let shown = self.shown.get_untracked();
        self.marked.set(shown.iter().map(|(_, key)| *key).collect());
    }

    /// Removes all marks.
    pub fn clear_marks(self) {
        self.marked.set(BTreeSet::new());
    }

    /// The rules that a command applies to: the marked ones, or otherwise the one in the form.
    pub fn targets(self) -> Vec<RuleKey> {
        let marked: Vec<RuleKey> = self.marked.with_untracked(|marked| marked.iter().copied().collect());
        if marked.is_empty() { self.selected.get_untracked().into_iter().collect() } else { marked }
    }

    /// The rule whose row the table scrolls into view.
    pub fn revealed(self) -> ReadOnly<Option<RuleKey>> {
        self.revealed.into()
    }

    /// Scrolls the row of a rule into view.
    pub fn reveal(self, key: RuleKey) {
        self.revealed.set(Some(key));
    }

    /// Scrolls the row of the selected rule into view, after it moved.
    pub fn reveal_selected(self) {
        self.revealed.set(self.selected.get_untracked());
    }

    /// The condition whose value the form focuses: its rule, and the key under which it is written.
    pub fn focused_condition(self) -> ReadOnly<Option<(RuleKey, String)>> {
        self.focused_condition.into()
    }

    /// Focuses the value of a condition in the form.
    pub(super) fn focus_condition(self, key: RuleKey, condition: String) {
        self.focused_condition.set(Some((key, condition)));
    }

    /// Ends the request for focus, once the form has followed it.
    pub fn clear_focused_condition(self) {
        self.focused_condition.set(None);
    }

    /// The rules that are being dragged.
    pub fn dragged(self) -> ReadOnly<Vec<RuleKey>> {
        self.dragged.into()
    }

    /// The place where the dragged rules would be dropped.
    pub fn drop_target(self) -> ReadOnly<Option<DropTarget>> {
        self.drop_target.into()
    }

    /// Starts dragging these rules.
    pub fn start_drag(self, keys: Vec<RuleKey>) {
        self.dragged.set(keys);
    }

    /// Moves the drop target while rules are dragged over the table.
    pub fn drag_over(self, target: Option<DropTarget>) {
        if self.drop_target.get_untracked() != target {
            self.drop_target.set(target);
        }
    }

    /// Ends dragging.
    pub fn end_drag(self) {
        self.dragged.set(Vec::new());
        self.drop_target.set(None);
    }

    /// Unmarks rules that `content` no longer has; true if the selected rule is missing too.
    pub(super) fn drop_missing(self, content: &Content) -> bool {
        if self.marked.with_untracked(|marked| marked.iter().any(|key| content.position(*key).is_none())) {
            self.marked.update(|marked| marked.retain(|key| content.position(*key).is_some()));
        }
        self.selected.get_untracked().is_some_and(|key| content.position(key).is_none())
    }
}
