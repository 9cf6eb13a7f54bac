//! What the draft means: proven regions against stable, and a replay of cases. All of it runs in the browser, a slice of
//! a frame at a time, so that typing never waits for it.

mod work;

use std::{collections::HashMap, sync::Arc, time::Duration};

use leptos::{leptos_dom::helpers::TimeoutHandle, prelude::*};
use lifecycle::{
    analysis::{Analyzer, Meter, SemanticDiff, semantic_diff, verdict::Unreachable},
    bundle::Bundle,
    engine::Prepared,
    replay::{Columnar, Comparison, Transitions},
};

use self::work::Work;
use super::{analysis::now, desk::Desk};
use crate::editor::{Content, Key};

/// How long one slice of work may take, in milliseconds: less than a frame.
pub const SLICE_MS: f64 = 10.0;

/// Work that comparing with stable may take: about a tenth of a second.
fn budget() -> Meter {
    Meter::new(2_500_000, 500_000)
}

/// A draft as understood, ready to answer.
#[derive(Debug)]
pub struct Draft {
    /// The document it was made from.
    pub content: Content,
    /// As understood.
    pub bundle: Bundle,
    /// Ready to answer.
    pub prepared: Arc<Prepared>,
    /// Rules left out because they could not be understood.
    pub skipped: usize,
}

/// A [`Draft`] that is equal to itself only.
#[derive(Debug, Clone)]
pub struct Ready(pub Arc<Draft>);

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

/// The cases of a dataset, as columns.
#[derive(Debug, Clone)]
pub struct Cases {
    /// The cases.
    pub corpus: Arc<Columnar>,
    /// How many days of traffic they are; none when they were not recorded, or within less than an hour.
    pub days: Option<f64>,
}

impl Cases {
    /// Takes over a corpus.
    #[expect(clippy::cast_precision_loss, reason = "seconds of some years")]
    pub fn new(corpus: Columnar) -> Self {
        let seconds = corpus.window().map(|(first, last)| last.unix_seconds() - first.unix_seconds());
        let days = seconds.filter(|seconds| *seconds >= 3_600).map(|seconds| seconds as f64 / 86_400.0);
        Self { corpus: Arc::new(corpus), days }
    }
}

/// What replaying shows.
#[derive(Debug)]
pub struct Replayed {
    /// The draft.
    pub draft: Ready,
    /// Draft against stable; without a stable bundle the draft stands on both sides.
    pub comparison: Comparison,
    /// From which outcome to which.
    pub transitions: Transitions,
    /// How many cases each rule decided.
    pub hits: HashMap<Key, usize>,
    /// The diff whose regions are counted.
    pub diff: Option<Arc<SemanticDiff>>,
    /// How many cases fall into each of its regions.
    pub regions: Vec<usize>,
    /// Whether there is a stable bundle.
    pub has_stable: bool,
    /// Cases counted; fewer than there are when it was stopped.
    pub done: usize,
    /// Cases there are.
    pub total: usize,
    /// Days of traffic that the counted cases are.
    pub days: Option<f64>,
    /// How long it took, in milliseconds.
    pub took_ms: f64,
}

impl Replayed {
    /// How many cases a day that many of the counted ones are.
    #[expect(clippy::cast_precision_loss, reason = "counts of cases stay far below 2^52")]
    pub fn per_day(&self, count: usize) -> Option<f64> {
        self.days.map(|days| count as f64 / days)
    }
}

/// Work that is waiting for its turn. Copies are handles to the same.
#[derive(Debug, Clone, Copy)]
pub struct Turns {
    waiting: StoredValue<Option<TimeoutHandle>>,
    longest: StoredValue<f64>,
}

impl Turns {
    /// Nothing waits.
    pub fn new() -> Self {
        Self { waiting: StoredValue::new(None), longest: StoredValue::new(0.0) }
    }

    /// Runs `step` after `wait`, in place of what is waiting.
    pub fn later(self, wait: Duration, step: impl FnOnce() + 'static) {
        self.clear();
        self.waiting.set_value(set_timeout_with_handle(step, wait).ok());
    }

    /// Forgets what is waiting.
    pub fn clear(self) {
        if let Some(Some(handle)) = self.waiting.try_update_value(Option::take) {
            handle.clear();
        }
    }

    /// Runs `step` and remembers how long it held up the page.
    pub fn timed<T>(self, step: impl FnOnce() -> T) -> T {
        let began = now();
        let result = step();
        let took = now() - began;
        self.longest.update_value(|longest| *longest = longest.max(took));
        result
    }

    /// The longest step since the last call, in milliseconds.
    pub fn longest(self) -> f64 {
        self.longest.try_update_value(std::mem::take).unwrap_or_default()
    }
}

/// Understands the document, compares it with stable, and goes on to replay `cases`.
pub fn understand(desk: Desk, turns: Turns, cases: Option<Cases>) {
    let content = desk.content.get_untracked();
    let stable = desk.stable.get_value();
    let known = desk.draft.get_untracked().filter(|draft| draft.content == content);
    let draft = known.clone().unwrap_or_else(|| turns.timed(|| ready(content)));
    if known.is_none() {
        let diff = turns.timed(|| {
            let stable = stable.as_ref()?;
            Some(Arc::new(semantic_diff(&stable.bundle, &draft.bundle, budget())))
        });
        desk.diff.set(diff);
        desk.draft.set(Some(draft.clone()));
    }
    if let Some(cases) = cases {
        let work = Work::new(desk, draft, stable, cases);
        turns.later(Duration::ZERO, move || work.advance(desk, turns));
    }
}

fn ready(content: Content) -> Ready {
    let understood = content.to_source().understand();
    Ready(Arc::new(Draft {
        prepared: Arc::new(Prepared::new(&understood.bundle)),
        bundle: understood.bundle,
        skipped: understood.skipped.len(),
        content,
    }))
}

/// Rules that can never match, each with those that decide all it asks for.
pub fn covers(draft: &Draft, known: &mut Analyzer) -> Vec<Unreachable> {
    // The linter has just asked the same, so that this costs nothing but looking it up.
    known.analyse(&draft.bundle, Meter::default()).unreachable
}
