//! What replaying cases shows, and the draft as understood for the parts of the page that look at single inputs.

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
    time::Duration,
};

use leptos::{leptos_dom::helpers::TimeoutHandle, prelude::*};
use policy::{analysis::SemanticDiff, bundle::Bundle, engine::Prepared};

use super::state::EditorState;
use crate::model::{Content, Key};

/// How long a pause is before the draft is read on the page itself, in milliseconds.
const PAUSE_MS: u64 = 60;

/// The name of the mark that the browser's performance timeline gets when everything about an edit is shown.
const SETTLED: &str = "draft-settled";

/// A draft as understood.
#[derive(Debug)]
pub struct Draft {
    /// The document it was made from.
    pub content: Content,
    /// As understood.
    pub bundle: Bundle,
    prepared: OnceLock<Prepared>,
}

impl Draft {
    fn new(content: Content) -> Self {
        let bundle = content.to_source().parse_rules().bundle;
        Self { content, bundle, prepared: OnceLock::new() }
    }

    /// Ready to answer.
    pub fn prepared(&self) -> &Prepared {
        self.prepared.get_or_init(|| Prepared::new(&self.bundle))
    }
}

/// A [`Draft`] that is equal to itself only.
#[derive(Debug, Clone)]
pub struct Ready(Arc<Draft>);

impl PartialEq for Ready {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl std::ops::Deref for Ready {
    type Target = Draft;

    fn deref(&self) -> &Draft {
        &self.0
    }
}

/// What replaying shows.
#[derive(Debug)]
pub struct Replayed {
    told: worker::ReplayResult,
    /// How many cases each rule decided.
    pub hits: HashMap<Key, usize>,
    /// The diff whose regions are counted.
    pub diff: Option<Arc<SemanticDiff>>,
}

impl std::ops::Deref for Replayed {
    type Target = worker::ReplayResult;

    fn deref(&self) -> &worker::ReplayResult {
        &self.told
    }
}

impl Replayed {
    /// Takes over what is told about a draft with this diff.
    pub fn told(told: worker::ReplayResult, diff: Option<Arc<SemanticDiff>>) -> Self {
        let hits = told.hits.iter().map(|(key, hits)| (Key(*key), *hits)).collect();
        Self { told, hits, diff }
    }

    /// Whether it was stopped before everything was counted.
    pub fn stopped(&self) -> bool {
        self.done < self.total || !self.regions_counted()
    }

    /// Whether every flip was put down to its region.
    pub fn regions_counted(&self) -> bool {
        self.explained >= self.comparison.total_changes
    }

    /// How many cases a day that many of the counted ones are.
    #[expect(clippy::cast_precision_loss, reason = "counts of cases stay far below 2^52")]
    pub fn per_day(&self, count: usize) -> Option<f64> {
        self.days.map(|days| count as f64 / days)
    }
}

/// Says on the browser's performance timeline that what an edit comes to is known.
pub fn mark_settled() {
    if let Some(performance) = window().performance() {
        performance.clear_marks_with_mark_name(SETTLED);
        let _ = performance.mark(SETTLED);
    }
}

/// Work that is waiting for its turn. Copies are handles to the same.
#[derive(Debug, Clone, Copy)]
pub struct Turns(StoredValue<Option<TimeoutHandle>>);

impl Turns {
    /// Nothing waits.
    pub fn new() -> Self {
        Self(StoredValue::new(None))
    }

    /// Runs `step` after `wait`, in place of what is waiting.
    pub fn later(self, wait: Duration, step: impl FnOnce() + 'static) {
        self.clear();
        self.0.set_value(set_timeout_with_handle(step, wait).ok());
    }

    /// Forgets what is waiting.
    pub fn clear(self) {
        if let Some(Some(handle)) = self.0.try_update_value(Option::take) {
            handle.clear();
        }
    }
}

/// Understands the draft in pauses while a part of the page is open that asks it single questions.
pub fn read_when_looked_at(desk: EditorState) {
    let turns = Turns::new();
    let looked_at = Memo::new(move |_| desk.main.read().as_str() == "map" || desk.dock.read().as_str() != "simulate");
    Effect::new(move |_| {
        let content = desk.content.get();
        turns.clear();
        if !looked_at.get() || desk.draft.with_untracked(|draft| draft.as_ref().is_some_and(|d| d.content == content)) {
            return;
        }
        let read = move || desk.draft.set(Some(Ready(Arc::new(Draft::new(content)))));
        let first = desk.draft.with_untracked(Option::is_none);
        turns.later(Duration::from_millis(if first { 0 } else { PAUSE_MS }), read);
    });
    on_cleanup(move || turns.clear());
}
