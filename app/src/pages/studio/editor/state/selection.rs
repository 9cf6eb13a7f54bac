//! Which rules the table shows, and which of them are selected, marked, scrolled to or dragged.

use std::{collections::BTreeSet, sync::Arc};

use leptos::prelude::*;

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
    filter: ReadSignal<String>,
    set_filter: WriteSignal<String>,
    shown: Memo<ShownRules>,
    selected: ReadSignal<Option<RuleKey>>,
    set_selected: WriteSignal<Option<RuleKey>>,
    marked: ReadSignal<BTreeSet<RuleKey>>,
    set_marked: WriteSignal<BTreeSet<RuleKey>>,
    revealed: ReadSignal<Option<RuleKey>>,
    set_revealed: WriteSignal<Option<RuleKey>>,
    focused_condition: ReadSignal<Option<(RuleKey, String)>>,
    set_focused_condition: WriteSignal<Option<(RuleKey, String)>>,
    dragged: ReadSignal<Vec<RuleKey>>,
    set_dragged: WriteSignal<Vec<RuleKey>>,
    drop_target: ReadSignal<Option<DropTarget>>,
    set_drop_target: WriteSignal<Option<DropTarget>>,
}

impl Selection {
    /// Nothing selected, and every rule of `content` shown.
    pub(super) fn new(content: Memo<Content>) -> Self {
        let (filter, set_filter) = signal(String::new());
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
        let (selected, set_selected) = signal(None);
        let (marked, set_marked) = signal(BTreeSet::new());
        let (revealed, set_revealed) = signal(None);
        let (focused_condition, set_focused_condition) = signal(None);
        let (dragged, set_dragged) = signal(Vec::new());
        let (drop_target, set_drop_target) = signal(None);
        Self {
            filter,
            set_filter,
            shown,
            selected,
            set_selected,
            marked,
            set_marked,
            revealed,
            set_revealed,
            focused_condition,
            set_focused_condition,
            dragged,
            set_dragged,
            drop_target,
            set_drop_target,
        }
    }

    /// The text of the filter field.
    pub fn filter(self) -> ReadSignal<String> {
        self.filter
    }

    /// Shows only the rules that pass this filter.
    pub fn set_filter(self, query: String) {
        self.set_filter.set(query);
    }

    /// The rules that pass the filter, in evaluation order.
    pub fn shown(self) -> Memo<ShownRules> {
        self.shown
    }

    /// The rule in the form.
    pub fn selected(self) -> ReadSignal<Option<RuleKey>> {
        self.selected
    }

    /// Puts a rule into the form and scrolls its row into view.
    pub(super) fn select(self, key: RuleKey) {
        self.set_selected.set(Some(key));
        self.set_revealed.set(Some(key));
    }

    /// Takes the rule out of the form.
    pub(super) fn deselect(self) {
        self.set_selected.set(None);
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
    pub fn marked(self) -> ReadSignal<BTreeSet<RuleKey>> {
        self.marked
    }

    /// Marks a rule, or removes its mark.
    pub fn toggle_mark(self, key: RuleKey) {
        self.set_marked.update(|marked| {
            if !marked.remove(&key) {
                marked.insert(key);
            }
        });
    }

    /// Marks every rule shown, and no other.
    pub fn mark_shown(self) {
        let shown = self.shown.get_untracked();
        self.set_marked.set(shown.iter().map(|(_, key)| *key).collect());
    }

    /// Removes all marks.
    pub fn clear_marks(self) {
        self.set_marked.set(BTreeSet::new());
    }

    /// The rules that a command applies to: the marked ones, or otherwise the one in the form.
    pub fn targets(self) -> Vec<RuleKey> {
        let marked: Vec<RuleKey> = self.marked.with_untracked(|marked| marked.iter().copied().collect());
        if marked.is_empty() { self.selected.get_untracked().into_iter().collect() } else { marked }
    }

    /// The rule whose row the table scrolls into view.
    pub fn revealed(self) -> ReadSignal<Option<RuleKey>> {
        self.revealed
    }

    /// Scrolls the row of a rule into view.
    pub fn reveal(self, key: RuleKey) {
        self.set_revealed.set(Some(key));
    }

    /// Scrolls the row of the selected rule into view, after it moved.
    pub fn reveal_selected(self) {
        self.set_revealed.set(self.selected.get_untracked());
    }

    /// The condition whose value the form focuses: its rule, and the key under which it is written.
    pub fn focused_condition(self) -> ReadSignal<Option<(RuleKey, String)>> {
        self.focused_condition
    }

    /// Focuses the value of a condition in the form.
    pub(super) fn focus_condition(self, key: RuleKey, condition: String) {
        self.set_focused_condition.set(Some((key, condition)));
    }

    /// Ends the request for focus, once the form has followed it.
    pub fn clear_focused_condition(self) {
        self.set_focused_condition.set(None);
    }

    /// The rules that are being dragged.
    pub fn dragged(self) -> ReadSignal<Vec<RuleKey>> {
        self.dragged
    }

    /// The place where the dragged rules would be dropped.
    pub fn drop_target(self) -> ReadSignal<Option<DropTarget>> {
        self.drop_target
    }

    /// Starts dragging these rules.
    pub fn start_drag(self, keys: Vec<RuleKey>) {
        self.set_dragged.set(keys);
    }

    /// Moves the drop target while rules are dragged over the table.
    pub fn drag_over(self, target: Option<DropTarget>) {
        if self.drop_target.get_untracked() != target {
            self.set_drop_target.set(target);
        }
    }

    /// Ends dragging.
    pub fn end_drag(self) {
        self.set_dragged.set(Vec::new());
        self.set_drop_target.set(None);
    }

    /// Unmarks rules that `content` no longer has; true if the selected rule is missing too.
    pub(super) fn drop_missing(self, content: &Content) -> bool {
        if self.marked.with_untracked(|marked| marked.iter().any(|key| content.position(*key).is_none())) {
            self.set_marked.update(|marked| marked.retain(|key| content.position(*key).is_some()));
        }
        self.selected.get_untracked().is_some_and(|key| content.position(key).is_none())
    }
}
