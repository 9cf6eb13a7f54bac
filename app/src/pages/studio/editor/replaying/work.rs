//! A replay under way: what is left to do, a slice at a time.

use std::{collections::HashMap, ops::ControlFlow, sync::Arc, time::Duration};

use leptos::prelude::*;
use lifecycle::{
    analysis::SemanticDiff,
    engine::Question,
    replay::{
        Change, Comparison, Deltas, Limits, Replay, Replayed as Answers,
        columns::{Moves, moves},
    },
};

use super::{Cases, Ready, Replayed, SLICE_MS, Turns};
use crate::{
    editor::rule,
    pages::studio::editor::{analysis::now, desk::Desk, stable::Stable},
};

/// Cases answered, and flips explained, between two looks at the watch.
const STRIDE: usize = 4096;
const EXPLAINED: usize = 64;

/// Flips kept to be listed; all are counted.
const FLIPS_KEPT: usize = 500;

/// A replay under way.
pub struct Work {
    began: f64,
    draft: Ready,
    stable: Option<Arc<Stable>>,
    diff: Option<Arc<SemanticDiff>>,
    cases: Cases,
    stage: Stage,
}

/// What comes next.
enum Stage {
    /// Stable's answers; they are kept for as long as the cases stay the same.
    Before(Replay),
    /// The draft's answers.
    After(Replay),
    /// Which region explains each flip.
    Explaining(Explaining),
}

struct Explaining {
    before: Arc<Answers>,
    after: Arc<Answers>,
    moves: Moves,
    explained: usize,
    changes: Vec<Change>,
    regions: Vec<usize>,
}

impl Explaining {
    /// Finds the regions of the next few flips.
    fn explain(&mut self, cases: &Cases, diff: Option<&SemanticDiff>) {
        let rows: Vec<u32> = self.moves.flips.iter().skip(self.explained).take(EXPLAINED).copied().collect();
        self.explained += rows.len();
        for row in rows.into_iter().filter_map(|row| usize::try_from(row).ok()) {
            let case = cases.corpus.case(row);
            let region = diff.and_then(|diff| diff.locate(Question::from(&case)));
            if let Some(region) = region {
                if self.regions.len() <= region {
                    self.regions.resize(region + 1, 0);
                }
                self.regions[region] += 1;
            }
            if self.changes.len() < FLIPS_KEPT
                && let (Some(before), Some(after)) = (self.before.verdict(row), self.after.verdict(row))
            {
                self.changes.push(Change { region, ..Change::new(&case, before, after) });
            }
        }
    }
}

impl Work {
    /// A replay of `cases` under the draft, and under stable unless that is known already.
    pub fn new(desk: Desk, draft: Ready, stable: Option<Arc<Stable>>, cases: Cases) -> Self {
        let known = desk
            .before
            .with_value(|before| before.as_ref().is_some_and(|(corpus, _)| Arc::ptr_eq(corpus, &cases.corpus)));
        let stage = match &stable {
            Some(stable) if !known => {
                Stage::Before(Replay::new(Arc::clone(&stable.prepared), Arc::clone(&cases.corpus)))
            }
            _ => Stage::After(Replay::new(Arc::clone(&draft.prepared), Arc::clone(&cases.corpus))),
        };
        Self { began: now(), diff: desk.diff.get_untracked(), draft, stable, cases, stage }
    }

    /// Does one slice, and the next one after the browser had its turn.
    pub fn advance(mut self, desk: Desk, turns: Turns) {
        let began = now();
        loop {
            match self.step(desk) {
                ControlFlow::Continue(work) => self = work,
                ControlFlow::Break(replayed) => {
                    desk.progress.set(None);
                    desk.replayed.set(Some(Arc::new(*replayed)));
                    return;
                }
            }
            if now() - began >= SLICE_MS {
                break;
            }
        }
        // What is over in a moment needs no progress.
        if now() - self.began > 250.0 {
            desk.progress.set(Some(self.progress()));
        }
        turns.later(Duration::ZERO, move || self.advance(desk, turns));
    }

    fn progress(&self) -> (usize, usize) {
        match &self.stage {
            Stage::Before(replay) | Stage::After(replay) => {
                let progress = replay.progress();
                (progress.done, progress.total)
            }
            Stage::Explaining(explaining) => (explaining.explained, explaining.moves.flips.len()),
        }
    }

    /// One stride; ends with the result when nothing is left to do.
    fn step(mut self, desk: Desk) -> ControlFlow<Box<Replayed>, Self> {
        let stopped = desk.stopped.get_value();
        if stopped && matches!(self.stage, Stage::Before(_)) {
            return ControlFlow::Break(Box::new(self.finish()));
        }
        self.stage = match self.stage {
            Stage::Before(mut replay) => {
                if replay.step(STRIDE).is_complete() {
                    let before = Arc::new(replay.finish());
                    desk.before.set_value(Some((Arc::clone(&self.cases.corpus), before)));
                    Stage::After(Replay::new(Arc::clone(&self.draft.prepared), Arc::clone(&self.cases.corpus)))
                } else {
                    Stage::Before(replay)
                }
            }
            Stage::After(mut replay) => {
                if replay.step(STRIDE).is_complete() || stopped {
                    let after = Arc::new(replay.finish());
                    let before = desk.before.with_value(|before| before.as_ref().map(|(_, before)| Arc::clone(before)));
                    let before = before.filter(|_| self.stable.is_some()).unwrap_or_else(|| Arc::clone(&after));
                    let moves = moves(&before, &after);
                    let (changes, regions) = (Vec::new(), Vec::new());
                    Stage::Explaining(Explaining { before, after, moves, explained: 0, changes, regions })
                } else {
                    Stage::After(replay)
                }
            }
            Stage::Explaining(mut explaining) => {
                explaining.explain(&self.cases, self.diff.as_deref());
                if explaining.explained >= explaining.moves.flips.len() || stopped {
                    self.stage = Stage::Explaining(explaining);
                    return ControlFlow::Break(Box::new(self.finish()));
                }
                Stage::Explaining(explaining)
            }
        };
        ControlFlow::Continue(self)
    }

    #[expect(clippy::cast_precision_loss, reason = "counts of cases stay far below 2^52")]
    fn finish(self) -> Replayed {
        let total = self.cases.corpus.len();
        let mut replayed = Replayed {
            comparison: Comparison::default(),
            transitions: lifecycle::replay::Transitions::default(),
            hits: HashMap::new(),
            regions: Vec::new(),
            has_stable: self.stable.is_some(),
            days: None,
            took_ms: now() - self.began,
            diff: self.diff,
            done: 0,
            total,
            draft: self.draft,
        };
        let Stage::Explaining(Explaining { before, after, moves, changes, regions, .. }) = self.stage else {
            return replayed;
        };
        let hits = after.rule_hits();
        replayed.hits = (replayed.draft.content.rules().iter())
            .filter_map(|entry| Some((entry.key, usize::try_from(*hits.get(rule::id(&entry.rule))?).ok()?)))
            .collect();
        let limits = Limits::default();
        let (summary_a, summary_b) = (before.summary(limits), after.summary(limits));
        let deltas = Deltas::between(&summary_a, &summary_b);
        replayed.comparison = Comparison { summary_a, summary_b, deltas, changes, total_changes: moves.flips.len() };
        replayed.done = after.len();
        replayed.days = self.cases.days.map(|days| days * after.len() as f64 / total.max(1) as f64);
        replayed.transitions = moves.transitions;
        replayed.regions = regions;
        replayed
    }
}
