//! A replay under way: stable's answers, the draft's, and which region explains each flip; a stride at a time.

use std::{collections::HashMap, sync::Arc};

use policy::{
    analysis::{SemanticDiff, diff::deciders::Deciders},
    engine::Prepared,
    replay::{
        Change, Comparison, Dataset, Deltas, Limits, Replay, Replayed as Answers, Transitions,
        columns::{Moves, moves, region},
    },
};

use super::{Cases, Draft, STRIDE};
use crate::{document::Document, protocol::Replayed};

/// Flips explained between two looks at the watch.
const EXPLAINED: usize = 1_024;

/// Flips kept to be listed; all are counted.
const FLIPS_KEPT: usize = 100;

/// What is over in such a moment needs no progress, in milliseconds; and how often it is told afterwards.
const MOMENT_MS: f64 = 250.0;
const AGAIN_MS: f64 = 100.0;

/// A replay under way.
#[derive(Debug)]
pub struct Replaying {
    began: f64,
    told: f64,
    stage: Stage,
}

/// What comes next.
#[derive(Debug)]
enum Stage {
    /// Stable's answers; they are kept for as long as the cases stay the same.
    Before(Replay),
    /// The draft's answers.
    After(Replay),
    /// Which region explains each flip.
    Explaining(Explaining),
    /// Nothing, since it was stopped before the draft had answered.
    Nothing,
}

#[derive(Debug)]
struct Explaining {
    before: Arc<Answers>,
    after: Arc<Answers>,
    moves: Moves,
    deciders: Deciders,
    explained: usize,
    changes: Vec<Change>,
    regions: Vec<usize>,
}

impl Explaining {
    fn new(before: Arc<Answers>, after: Arc<Answers>, diff: Option<&SemanticDiff>) -> Self {
        let moves = moves(&before, &after);
        let deciders = diff.filter(|_| !moves.flips.is_empty()).map(Deciders::of).unwrap_or_default();
        Self { before, after, moves, deciders, explained: 0, changes: Vec::new(), regions: Vec::new() }
    }

    /// Finds the regions of the next few flips; true when all are explained.
    fn step(&mut self, cases: &Cases, diff: Option<&SemanticDiff>) -> bool {
        let rows: Vec<u32> = self.moves.flips.iter().skip(self.explained).take(EXPLAINED).copied().collect();
        self.explained += rows.len();
        for row in rows.into_iter().filter_map(|row| usize::try_from(row).ok()) {
            let answers = (&*self.before, &*self.after);
            let region = diff.and_then(|diff| region((diff, &self.deciders), &cases.corpus, answers, row));
            if let Some(region) = region {
                if self.regions.len() <= region {
                    self.regions.resize(region + 1, 0);
                }
                if let Some(count) = self.regions.get_mut(region) {
                    *count += 1;
                }
            }
            if self.changes.len() < FLIPS_KEPT
                && let (Some(before), Some(after)) = (self.before.verdict(row), self.after.verdict(row))
            {
                self.changes.push(Change { region, ..Change::new(&cases.corpus.case(row), before, after) });
            }
        }
        self.explained >= self.moves.flips.len()
    }
}

/// A replay under the draft, from what is known of a version that is not far from it: the one before the last edit, or
/// stable.
fn of_draft(draft: &Draft, cases: &Cases) -> Replay {
    let (prepared, corpus) = (Arc::clone(&draft.prepared), Arc::clone(&cases.corpus));
    match cases.after.as_ref().or(cases.before.as_ref()) {
        Some(known) => Replay::after(Arc::clone(known), prepared, corpus),
        None => Replay::new(prepared, corpus),
    }
}

impl Replaying {
    /// A replay of `cases` under the draft, and under stable unless that is known already.
    pub fn new(now: f64, stable: Option<&Arc<Prepared>>, draft: &Draft, cases: &Cases) -> Self {
        let stage = match stable {
            Some(stable) if cases.before.is_none() => {
                Stage::Before(Replay::new(Arc::clone(stable), Arc::clone(&cases.corpus)))
            }
            _ => Stage::After(of_draft(draft, cases)),
        };
        Self { began: now, told: now, stage }
    }

    /// Cases replayed and cases there are, when that is worth telling.
    pub fn progress(&mut self, now: f64) -> Option<(usize, usize)> {
        if now - self.began < MOMENT_MS || now - self.told < AGAIN_MS {
            return None;
        }
        self.told = now;
        match &self.stage {
            Stage::Before(replay) | Stage::After(replay) => {
                let progress = replay.progress();
                Some((progress.done, progress.total))
            }
            Stage::Explaining(explaining) => Some((explaining.explained, explaining.moves.flips.len())),
            Stage::Nothing => None,
        }
    }

    /// One stride; true when nothing is left to do. A stopped replay ends with what it has.
    pub fn step(&mut self, cases: &mut Cases, draft: &Draft, has_stable: bool, stopped: bool) -> bool {
        let stage = std::mem::replace(&mut self.stage, Stage::Nothing);
        self.stage = match stage {
            Stage::Before(_) if stopped => return true,
            Stage::Before(mut replay) => {
                if replay.step(STRIDE).is_complete() {
                    cases.before = Some(Arc::new(replay.finish()));
                    Stage::After(of_draft(draft, cases))
                } else {
                    Stage::Before(replay)
                }
            }
            Stage::After(mut replay) => {
                let complete = replay.step(STRIDE).is_complete();
                if complete || stopped {
                    let after = Arc::new(replay.finish());
                    if complete {
                        cases.after = Some(Arc::clone(&after));
                    }
                    let before = cases.before.clone().filter(|_| has_stable).unwrap_or_else(|| Arc::clone(&after));
                    Stage::Explaining(Explaining::new(before, after, draft.diff.as_ref()))
                } else {
                    Stage::After(replay)
                }
            }
            Stage::Explaining(mut explaining) => {
                let done = explaining.step(cases, draft.diff.as_ref()) || stopped;
                self.stage = Stage::Explaining(explaining);
                return done;
            }
            Stage::Nothing => return true,
        };
        false
    }

    /// What it shows.
    #[expect(clippy::cast_precision_loss, reason = "counts of cases stay far below 2^52")]
    pub fn finish(self, dataset: Dataset, cases: &Cases, document: &Document, has_stable: bool, now: f64) -> Replayed {
        let total = cases.corpus.len();
        let mut replayed = Replayed {
            dataset,
            comparison: Comparison::default(),
            transitions: Transitions::default(),
            hits: Vec::new(),
            regions: Vec::new(),
            explained: 0,
            has_stable,
            done: 0,
            total,
            days: None,
            took_ms: now - self.began,
        };
        let Stage::Explaining(Explaining { before, after, moves, explained, changes, regions, .. }) = self.stage else {
            return replayed;
        };
        let hits: HashMap<String, u64> = after.rule_hits().into_iter().filter(|(_, hits)| *hits > 0).collect();
        replayed.hits =
            document.ids().filter_map(|(key, id)| Some((key, usize::try_from(*hits.get(id)?).ok()?))).collect();
        let limits = Limits::default();
        let (summary_a, summary_b) = (before.summary(limits), after.summary(limits));
        let deltas = Deltas::between(&summary_a, &summary_b);
        replayed.comparison = Comparison { summary_a, summary_b, deltas, changes, total_changes: moves.flips.len() };
        replayed.done = after.len();
        replayed.days = cases.days.map(|days| days * after.len() as f64 / total.max(1) as f64);
        replayed.transitions = moves.transitions;
        replayed.regions = regions;
        replayed.explained = explained.min(moves.flips.len());
        replayed
    }
}
