//! The state of an open editor: what every part of the page reads and writes.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use leptos::prelude::*;
use lifecycle::bundle::{Record, State};
use policy::{
    Timestamp,
    analysis::{SemanticDiff, verdict::Unreachable},
    bundle::{Invariant, Source, schema::Schema},
    engine::Input,
    lint::{Finding, Severity},
};
use worker::{SweepResult, TestReport};

use super::{
    analysis::Checked,
    replaying::{Ready, Replayed},
    stable::{Shared, Stable},
};
use crate::{
    api::bundles::Workbench,
    components::{toast::Toasts, use_toasts},
    model::{
        Content, Edit, Editor, Key, Refused, Stroke,
        order::{self, Direction, Filter},
        rule,
    },
};

/// Rules from which on only those in sight are drawn.
pub const VIRTUAL_FROM: usize = 150;

/// How saving stands.
#[derive(Debug, Clone, PartialEq)]
pub enum Saving {
    /// Nothing was saved since the page was opened.
    Untouched,
    /// On its way.
    Now,
    /// It worked.
    Done,
    /// It did not work; the sentence says why.
    Failed(String),
}

/// A dataset: how many cases, and how many days of traffic they are; or why it is not there.
pub type Loaded = Result<(usize, Option<f64>), String>;

/// Where the row cursor moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// To the rule looked at before.
    Back,
    /// To the rule looked at after.
    On,
}

/// The state of an open editor. Copies are handles to the same state.
#[derive(Debug, Clone, Copy)]
pub struct EditorState {
    /// The bundle's number.
    pub bundle_id: i64,
    /// Whether this bundle can be edited by this person now.
    pub editable: bool,
    /// Whether this person may submit.
    pub may_submit: bool,
    /// The server's time when the page was made.
    pub as_of: Timestamp,
    /// The bundle as the server has it.
    pub record: RwSignal<Arc<Record>>,
    /// The revision the document was made from: what saving overwrites.
    pub revision: RwSignal<i64>,
    /// Where the browser keeps what is not saved.
    pub shelf_key: StoredValue<String>,
    /// Reads source text that is still waiting to be read.
    pub flush_source: StoredValue<Option<Callback<()>>>,
    /// The document and its history.
    pub editor: RwSignal<Editor>,
    /// The document.
    pub content: Memo<Content>,
    /// Whether something is not saved.
    pub dirty: Memo<bool>,
    /// The declared domain, when it can be understood.
    pub schema: Memo<Option<Arc<Schema>>>,
    /// Rank in evaluation order (from 1) and key of every rule that passes the filter.
    pub shown: Memo<Arc<Vec<(usize, Key)>>>,
    /// What is typed into the filter.
    pub filter: RwSignal<String>,
    /// The rule in the form.
    pub selected: RwSignal<Option<Key>>,
    /// Rules marked for changes together.
    pub marked: RwSignal<BTreeSet<Key>>,
    /// Asks the table to bring this rule into sight.
    pub reveal: RwSignal<Option<Key>>,
    /// Asks the form to put the cursor into the value of this condition, by the key it is written under.
    pub pointed: RwSignal<Option<(Key, String)>>,
    /// The rules that are being dragged, and the rule and side of it where they would go now.
    pub dragged: RwSignal<Vec<Key>>,
    /// See [`Self::dragged`].
    pub drop_at: RwSignal<Option<(Key, Direction)>>,
    /// The region of the diff that was asked for under *Changes*.
    pub region: RwSignal<Option<usize>>,
    /// The tab of the centre: `rules`, `map`, `source`, `bundle`.
    pub main: RwSignal<String>,
    /// The tab at the side: `problems`, `changes`, `rule`.
    pub side: RwSignal<String>,
    /// Source text that is being typed and cannot be read yet.
    pub unread: RwSignal<Option<String>>,
    /// What the linter and the text diff say.
    pub checked: RwSignal<Arc<Checked>>,
    /// The worst finding of each rule.
    pub flags: Memo<Arc<HashMap<Key, Finding>>>,
    /// What became of rules against stable, by id.
    pub marks: Memo<Arc<HashMap<String, &'static str>>>,
    /// How often what is worked out beside the page was begun; whoever feeds it begins again then. 0 before it was.
    pub sessions: RwSignal<u32>,
    /// The draft as understood, a moment after the last edit, while a part of the page is open that asks it questions.
    pub draft: RwSignal<Option<Ready>>,
    /// What it changes against stable, for every input; none before it was looked at, and without a stable bundle.
    pub diff: RwSignal<Option<Arc<SemanticDiff>>>,
    /// Rules that can never match, each with those that decide all it asks for.
    pub covers: RwSignal<Arc<Vec<Unreachable>>>,
    /// What replaying cases shows.
    pub replayed: RwSignal<Option<Arc<Replayed>>>,
    /// Rules of the draft that could not be understood, and so were not replayed.
    pub skipped: RwSignal<usize>,
    /// The datasets that are there, by name: how many cases, and how many days of traffic; or why they are not.
    pub loaded: RwSignal<HashMap<&'static str, Loaded>>,
    /// How the test cases came out.
    pub tested: RwSignal<Option<Arc<TestReport>>>,
    /// The curve of the number that is moved.
    pub swept: RwSignal<Option<Arc<SweepResult>>>,
    /// Cases replayed and cases there are, while a long replay runs.
    pub progress: RwSignal<Option<(usize, usize)>>,
    /// The question under *One input*.
    pub asked: RwSignal<Input>,
    /// Whether a schema is being learned.
    pub learning: RwSignal<bool>,
    /// Whether a question is on its way that somebody asked for.
    pub awaited: StoredValue<bool>,
    /// The tab of the dock: `simulate`, `one`, `sweep`, `tests`.
    pub dock: RwSignal<String>,
    /// Whether this person may keep test cases.
    pub may_edit: bool,
    /// How saving stands.
    pub saving: RwSignal<Saving>,
    /// Whether the device has no room for what is not saved.
    pub too_large: RwSignal<bool>,
    /// What somebody else saved meanwhile, while the author chooses.
    pub theirs: RwSignal<Option<Arc<Record>>>,
    /// When the edits of an earlier visit were restored, as milliseconds since 1970.
    pub restored: RwSignal<Option<f64>>,
    /// What the draft is compared with.
    pub stable: StoredValue<Option<Arc<Stable>>>,
    /// Versions of other bundles.
    pub taken: StoredValue<Arc<Vec<String>>>,
    /// What must hold of every bundle of the workspace.
    pub invariants: StoredValue<Arc<Vec<Invariant>>>,
    toasts: Toasts,
}

impl EditorState {
    /// Opens `bench`.
    pub fn open(bench: &Workbench) -> Self {
        let record = bench.record.clone();
        let stable = bench.stable.as_ref().map(|stable| Arc::new(Stable::new(stable)));
        let taken = Arc::new(bench.taken.clone());
        let content_now = Content::new(Source::from(&record));
        let invariants = Arc::new(bench.invariants.clone());
        let (source, base) = (content_now.to_source(), stable.as_deref());
        let first = Arc::new(Checked::here(content_now.clone(), &source, base, &taken, &invariants));

        let editor = RwSignal::new(Editor::new(content_now));
        let content = Memo::new(move |_| editor.with(|editor| editor.content().clone()));
        let dirty = Memo::new(move |_| editor.with(Editor::dirty));
        let schema = Memo::new(move |_| {
            content.with(|content| {
                content.head().schema.as_ref().and_then(|schema| Schema::parse(schema).ok()).map(Arc::new)
            })
        });
        let filter = RwSignal::new(String::new());
        let order = Memo::new(move |_| content.with(|content| Arc::new(order::evaluation_order(content))));
        let shown = Memo::new(move |_| {
            let filter = filter.with(|query| Filter::read(query));
            let order = order.get();
            content.with(|content| {
                let ranked = order.iter().zip(1..).filter_map(|(&at, rank)| Some((rank, content.rules().get(at)?)));
                Arc::new(
                    ranked
                        .filter(|(_, e)| filter.is_empty() || filter.passes(&e.rule))
                        .map(|(rank, e)| (rank, e.key))
                        .collect(),
                )
            })
        });
        let checked = RwSignal::new(first);
        let marks = Memo::new(move |_| Arc::new(checked.with(|checked| checked.marks())));
        let flags = Memo::new(move |_| Arc::new(checked.with(|checked| checked.flags())));
        let editable = matches!(record.state, State::Draft | State::ChangesRequested) && bench.may_edit;
        Self {
            bundle_id: record.id,
            editable,
            may_submit: bench.may_submit,
            as_of: bench.as_of,
            revision: RwSignal::new(record.revision),
            shelf_key: StoredValue::new(format!("countersign:draft:{}:{}", bench.me, record.id)),
            flush_source: StoredValue::new(None),
            record: RwSignal::new(Arc::new(record)),
            editor,
            content,
            dirty,
            schema,
            shown,
            filter,
            selected: RwSignal::new(None),
            marked: RwSignal::new(BTreeSet::new()),
            reveal: RwSignal::new(None),
            pointed: RwSignal::new(None),
            dragged: RwSignal::new(Vec::new()),
            drop_at: RwSignal::new(None),
            region: RwSignal::new(None),
            main: RwSignal::new("rules".to_owned()),
            side: RwSignal::new("problems".to_owned()),
            unread: RwSignal::new(None),
            checked,
            flags,
            marks,
            sessions: RwSignal::new(0),
            draft: RwSignal::new(None),
            diff: RwSignal::new(None),
            covers: RwSignal::new(Arc::default()),
            replayed: RwSignal::new(None),
            skipped: RwSignal::new(0),
            loaded: RwSignal::new(HashMap::new()),
            tested: RwSignal::new(None),
            swept: RwSignal::new(None),
            progress: RwSignal::new(None),
            asked: RwSignal::new(Input::default()),
            learning: RwSignal::new(false),
            awaited: StoredValue::new(false),
            dock: RwSignal::new("simulate".to_owned()),
            may_edit: bench.may_edit,
            saving: RwSignal::new(Saving::Untouched),
            too_large: RwSignal::new(false),
            theirs: RwSignal::new(None),
            restored: RwSignal::new(None),
            stable: StoredValue::new(stable),
            taken: StoredValue::new(taken),
            invariants: StoredValue::new(invariants),
            toasts: use_toasts(),
        }
    }

    /// Where messages go.
    pub fn toasts(self) -> Toasts {
        self.toasts
    }

    /// Makes `edit` as one step. Says why when it is refused.
    pub fn edit(self, edit: &Edit) -> bool {
        if !self.editable {
            return false;
        }
        match self.editor.try_update(|editor| editor.apply(edit)) {
            Some(Ok(())) => true,
            Some(Err(Refused::Nothing)) | None => false,
            Some(Err(refused)) => {
                self.toasts.note(format!("Could not {}: {refused}.", edit.label()));
                false
            }
        }
    }

    /// Makes `edit` as one step, for those who do not ask what came of it.
    pub fn act(self, edit: &Edit) {
        let _ = self.edit(edit);
    }

    /// Makes `edit` as part of typing into `stroke`.
    ///
    /// # Errors
    /// Why it was refused; the field says so itself.
    pub fn type_into(self, stroke: Stroke, edit: &Edit) -> Result<(), Refused> {
        if !self.editable {
            return Err(Refused::Nothing);
        }
        self.editor.try_update(|editor| editor.type_into(stroke, js_sys::Date::now(), edit)).unwrap_or(Ok(()))
    }

    /// Takes over a document made elsewhere, as one step.
    pub fn jump(self, next: Content, label: &str) {
        self.editor.update(|editor| editor.jump(next, label));
        self.forget_gone();
    }

    /// Takes the last step back.
    pub fn undo(self) {
        if let Some(Some(label)) = self.editor.try_update(Editor::undo) {
            self.toasts.note(format!("Undid: {label}"));
            self.forget_gone();
        }
    }

    /// Makes the last undone step again.
    pub fn redo(self) {
        if let Some(Some(label)) = self.editor.try_update(Editor::redo) {
            self.toasts.note(format!("Did again: {label}"));
            self.forget_gone();
        }
    }

    /// The rule called `key`.
    pub fn rule(self, key: Key) -> Option<Shared> {
        self.content.with(|content| content.rule(key).cloned()).map(Shared)
    }

    /// Opens a rule in the form and brings it into sight.
    pub fn select(self, key: Key) {
        self.main.set("rules".to_owned());
        self.selected.set(Some(key));
        self.side.set("rule".to_owned());
        self.reveal.set(Some(key));
    }

    /// Opens a rule in the form with the cursor in the value of one condition.
    pub fn select_condition(self, key: Key, condition: String) {
        self.select(key);
        self.pointed.set(Some((key, condition)));
    }

    /// Opens the rule called `id` in the form, when the draft has it.
    pub fn select_id(self, id: &str) {
        let key = self.content.with_untracked(|content| {
            content.rules().iter().find(|entry| rule::id(&entry.rule) == id).map(|entry| entry.key)
        });
        if let Some(key) = key {
            self.select(key);
        }
    }

    /// Puts a question under *One input*.
    pub fn try_input(self, input: Input) {
        self.asked.set(input);
        self.dock.set("one".to_owned());
    }

    /// Closes the form.
    pub fn deselect(self) {
        self.selected.set(None);
        if self.side.with_untracked(|side| side == "rule") {
            self.side.set("problems".to_owned());
        }
    }

    /// Moves the row cursor.
    pub fn step(self, step: Step) {
        let shown = self.shown.get_untracked();
        let at = self.selected.get_untracked().and_then(|key| shown.iter().position(|(_, shown)| *shown == key));
        let to = match (at, step) {
            (None, Step::On) => 0,
            (None, Step::Back) => shown.len().saturating_sub(1),
            (Some(at), Step::On) => (at + 1).min(shown.len().saturating_sub(1)),
            (Some(at), Step::Back) => at.saturating_sub(1),
        };
        if let Some((_, key)) = shown.get(to) {
            self.select(*key);
        }
    }

    /// The rules a command is about: the marked ones, or else the one in the form.
    pub fn targets(self) -> Vec<Key> {
        let marked: Vec<Key> = self.marked.with_untracked(|marked| marked.iter().copied().collect());
        if marked.is_empty() { self.selected.get_untracked().into_iter().collect() } else { marked }
    }

    /// Adds a rule and opens it. It starts where the selected rule speaks.
    pub fn add_rule(self) {
        if !self.editable {
            return;
        }
        let after = self.selected.get_untracked();
        let content = self.content.get_untracked();
        let mut blank = rule::blank(&rule::free_id("new-rule", &content.ids()));
        if let Some(beside) = after.and_then(|key| content.rule(key)) {
            for field in ["agent", "action", "priority"] {
                rule::set(&mut blank, field, beside.get(field).cloned());
            }
        }
        if self.edit(&Edit::Add { rules: vec![blank], after }) {
            let keys: HashSet<Key> = content.rules().iter().map(|entry| entry.key).collect();
            let added =
                self.content.with_untracked(|now| now.rules().iter().map(|e| e.key).find(|key| !keys.contains(key)));
            self.filter.set(String::new());
            if let Some(key) = added {
                self.select(key);
            }
        }
    }

    /// Removes rules; they can be brought back with undo.
    pub fn delete(self, keys: Vec<Key>) {
        let count = keys.len();
        if count > 0 && self.edit(&Edit::Delete { keys }) {
            self.forget_gone();
            let what = if count == 1 { "1 rule".to_owned() } else { format!("{count} rules") };
            self.toasts.note(format!("Deleted {what}. Undo brings it back."));
        }
    }

    /// Lets go of rules that are no more.
    pub fn forget_gone(self) {
        let content = self.content.get_untracked();
        if self.selected.get_untracked().is_some_and(|key| content.position(key).is_none()) {
            self.deselect();
        }
        if self.marked.with_untracked(|marked| marked.iter().any(|key| content.position(*key).is_none())) {
            self.marked.update(|marked| marked.retain(|key| content.position(*key).is_some()));
        }
    }

    /// Why the draft cannot be submitted now, for people; empty when it can.
    pub fn obstacles(self) -> Vec<String> {
        let mut obstacles = Vec::new();
        if !self.may_submit {
            obstacles.push("your roles do not let you submit for review".to_owned());
        }
        if self.unread.with(Option::is_some) {
            obstacles.push("the source text cannot be read".to_owned());
        }
        obstacles.extend(self.checked.with(|checked| checked.obstacles()));
        obstacles
    }

    /// Whether a finding blocks submitting.
    pub fn has_errors(self) -> bool {
        self.checked.with(|checked| !checked.report.passed)
    }
}

/// How bad a finding is, worst first.
pub fn badness(finding: &Finding) -> u8 {
    match finding.severity {
        Severity::Error => 0,
        Severity::Warning => 1,
        Severity::Info => 2,
    }
}
