//! The state of an open editor, in five parts. Each part keeps its fields private; an operation on several parts at
//! once is a method of [`EditorState`].
//!
//! ```text
//! document    the content with its history, and source text that cannot be parsed yet
//! selection   which rules are shown, selected, marked, dragged
//! panes       which tab each pane shows
//! results     the worker's results, and what the draft is compared with
//! save        the state of the document on the server and on this device
//!
//! checked, draft, replay_result   kinds of results: findings, the parsed draft, the replay
//! stable      the bundle that the draft is compared with
//! read_only   a signal that its owner writes, as others see it
//! ```

pub mod checked;
mod document;
mod panes;
pub mod parsed_draft;
mod read_only;
pub mod replay_result;
mod results;
mod save;
mod selection;
pub mod stable;

use std::{collections::HashSet, sync::Arc};

use leptos::prelude::*;
use lifecycle::bundle::State;
use policy::{bundle::Source, engine::Input};
use wasm_bindgen::JsCast;

use self::{checked::Checked, stable::Stable};
pub use self::{
    document::Document,
    panes::{DockTab, MainTab, Panes, SideTab, TabRow},
    results::{Baseline, Results},
    save::{Save, SaveStatus},
    selection::{RowStep, Selection},
};

use crate::{
    api::bundles::Workbench,
    components::{toast::Toasts, use_toasts},
    model::{Content, Edit, RuleKey, rule},
};

/// The state of an open editor. Copies are handles to the same state.
#[derive(Debug, Clone, Copy)]
pub struct EditorState {
    /// The document under edit.
    pub document: Document,
    /// Which rules are shown, selected, marked and dragged.
    pub selection: Selection,
    /// Which tab each pane shows.
    pub panes: Panes,
    /// The worker's results for the draft.
    pub results: Results,
    /// The state of the document on the server and on this device.
    pub save: Save,
}

impl EditorState {
    /// Opens `workbench`.
    pub fn open(workbench: &Workbench) -> Self {
        let baseline = Baseline {
            stable: workbench.stable.as_ref().map(|stable| Arc::new(Stable::new(stable))),
            taken: Arc::new(workbench.taken.clone()),
            invariants: Arc::new(workbench.invariants.clone()),
        };
        let content = Content::new(Source::from(&workbench.record));
        let editable = matches!(workbench.record.state, State::Draft | State::ChangesRequested) && workbench.may_edit;
        let document = Document::open(content.clone(), editable, workbench.may_edit, use_toasts());
        Self {
            document,
            selection: Selection::new(document.content()),
            panes: Panes::new(),
            results: Results::new(Checked::new(content, workbench.check.clone()), baseline),
            save: Save::open(workbench),
        }
    }

    /// The handler of messages.
    pub fn toasts(self) -> Toasts {
        self.document.toasts()
    }

    /// Replaces the document by one made elsewhere, as one step of the history.
    pub fn replace_document(self, next: Content, label: &str) {
        self.document.replace(next, label);
        self.drop_deleted_rules();
    }

    /// Undoes the last edit.
    pub fn undo(self) {
        if let Some(label) = self.document.undo() {
            self.toasts().note(format!("Undid: {label}"));
            self.drop_deleted_rules();
        }
    }

    /// Redoes the edit that was undone last.
    pub fn redo(self) {
        if let Some(label) = self.document.redo() {
            self.toasts().note(format!("Redid: {label}"));
            self.drop_deleted_rules();
        }
    }

    /// Opens a rule in the form and scrolls its row into view.
    pub fn select_rule(self, key: RuleKey) {
        self.panes.open_main(MainTab::Rules);
        self.selection.select(key);
        self.panes.open_side(SideTab::Rule);
    }

    /// Opens a rule in the form and focuses the value of one of its conditions.
    pub fn select_condition(self, key: RuleKey, condition: String) {
        self.select_rule(key);
        self.selection.focus_condition(key, condition);
    }

    /// Opens a rule in the form and focuses one of its fields.
    pub fn select_field(self, key: RuleKey, field: &'static str) {
        self.select_rule(key);
        // In the next frame: the form may not be there until then.
        request_animation_frame(move || {
            let found = document().query_selector(&format!("#rule-{field}, [name=rule-{field}]:checked"));
            if let Some(input) = found.ok().flatten().and_then(|node| node.dyn_into::<web_sys::HtmlElement>().ok()) {
                let _ = input.focus();
            }
        });
    }

    /// Opens the rule with this id in the form, if the draft has it.
    pub fn select_rule_by_id(self, id: &str) {
        let key = self.document.content().with_untracked(|content| {
            content.rules().iter().find(|entry| rule::id(&entry.rule) == id).map(|entry| entry.key)
        });
        if let Some(key) = key {
            self.select_rule(key);
        }
    }

    /// Closes the form.
    pub fn deselect(self) {
        self.selection.deselect();
        if self.panes.side().get_untracked() == SideTab::Rule {
            self.panes.open_side(SideTab::Problems);
        }
    }

    /// Moves the row cursor.
    pub fn step(self, step: RowStep) {
        if let Some(key) = self.selection.reached_by(step) {
            self.select_rule(key);
        }
    }

    /// Opens *One input* with this input.
    pub fn try_input(self, input: Input) {
        self.panes.try_input(input);
    }

    /// Adds a rule and opens it. Agent, action and priority are initially those of the selected rule.
    pub fn add_rule(self) {
        if !self.document.is_editable() {
            return;
        }
        let after = self.selection.selected().get_untracked();
        let content = self.document.content().get_untracked();
        let mut blank = rule::blank(&rule::free_id("new-rule", &content.ids()));
        if let Some(selected) = after.and_then(|key| content.rule(key)) {
            for field in ["agent", "action", "priority"] {
                rule::set(&mut blank, field, selected.get(field).cloned());
            }
        }
        if self.document.try_edit(&Edit::Add { rules: vec![blank], after }) {
            let keys: HashSet<RuleKey> = content.rules().iter().map(|entry| entry.key).collect();
            let added = self
                .document
                .content()
                .with_untracked(|now| now.rules().iter().map(|entry| entry.key).find(|key| !keys.contains(key)));
            self.selection.set_filter(String::new());
            if let Some(key) = added {
                self.select_rule(key);
            }
        }
    }

    /// Deletes rules; undo brings them back.
    pub fn delete_rules(self, keys: Vec<RuleKey>) {
        let count = keys.len();
        if count > 0 && self.document.try_edit(&Edit::Delete { keys }) {
            self.drop_deleted_rules();
            let what = if count == 1 { "1 rule".to_owned() } else { format!("{count} rules") };
            self.toasts().note(format!("Deleted {what}. Undo brings it back."));
        }
    }

    /// Takes rules that the document no longer has out of the form and the marks.
    pub fn drop_deleted_rules(self) {
        let content = self.document.content().get_untracked();
        if self.selection.drop_missing(&content) {
            self.deselect();
        }
    }

    /// The reasons why the draft cannot be submitted now, for people; empty if it can.
    pub fn obstacles(self) -> Vec<String> {
        let mut obstacles = Vec::new();
        if !self.save.may_submit() {
            obstacles.push("your roles do not let you submit for review".to_owned());
        }
        if self.document.unparsed_source().with(Option::is_some) {
            obstacles.push("the source text cannot be read".to_owned());
        }
        obstacles.extend(self.results.checked().with(|checked| checked.obstacles()));
        obstacles
    }
}
