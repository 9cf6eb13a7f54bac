//! A replay in progress: stable's answers, the draft's answers, then the region that explains each flip; a step at a
//! time.

use std::{collections::HashMap, sync::Arc};

use policy::{
    analysis::{SemanticDiff, diff::deciders::Deciders},
    engine::Prepared,
    replay::{
        Change, Comparison, Dataset, Deltas, Limits, Replay, Replayed, Transitions,
        columns::{Moves, moves, region},
    },
};

use super::state::{Cases, Draft, ROWS_PER_STEP};
use crate::{document::Document, protocol::ReplayResult};

/// Flips explained in one step.
const FLIPS_PER_STEP: usize = 1_024;

/// Maximum number of flips that are listed; all flips are counted.
const MAX_LISTED_FLIPS: usize = 100;

/// How long a replay runs before progress is reported, in milliseconds: a shorter replay needs no progress report.
const FIRST_PROGRESS_MS: f64 = 250.0;

/// Time between two progress reports, in milliseconds.
const PROGRESS_INTERVAL_MS: f64 = 100.0;

/// A replay in progress.
#[derive(Debug)]
pub(super) struct ReplayJob {
    started_at: f64,
    reported_at: f64,
    stage: Stage,
}

/// The stages of a replay.
#[derive(Debug)]
enum Stage {
    /// Finding stable's answers; they stay valid until the cases change.
    Before(Replay),
    /// Finding the draft's answers.
    After(Replay),
    /// Finding the region that explains each flip.
    Explaining(Explaining),
    /// Stopped before the draft's answers were known.
    Stopped,
}

#[derive(Debug)]
struct Explaining {
    before: Arc<Replayed>,
    after: Arc<Replayed>,
    moves: Moves,
    deciders: Deciders,
    explained: usize,
    changes: Vec<Change>,
    regions: Vec<usize>,
}

impl Explaining {
    fn new(before: Arc<Replayed>, after: Arc<Replayed>, diff: Option<&SemanticDiff>) -> Self {
        let moves = moves(&before, &after);
        let deciders = diff.filter(|_| !moves.flips.is_empty()).map(Deciders::of).unwrap_or_default();
        Self { before, after, moves, deciders, explained: 0, changes: Vec::new(), regions: Vec::new() }
    }

    /// Finds the regions of the next flips; true when all flips are explained.
    fn step(&mut self, cases: &Cases, diff: Option<&SemanticDiff>) -> bool {
        let rows: Vec<u32> = self.moves.flips.iter().skip(self.explained).take(FLIPS_PER_STEP).copied().collect();
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
            if self.changes.len() < MAX_LISTED_FLIPS
                && let (Some(before), Some(after)) = (self.before.verdict(row), self.after.verdict(row))
            {
                self.changes.push(Change { region, ..Change::new(&cases.corpus.case(row), before, after) });
            }
        }
        self.explained >= self.moves.flips.len()
    }
}

/// A replay of the draft that reuses the answers of a similar version: the draft before the last edit, or stable.
fn replay_draft(draft: &Draft, cases: &Cases) -> Replay {
    let (prepared, corpus) = (Arc::clone(&draft.prepared), Arc::clone(&cases.corpus));
    match cases.after.as_ref().or(cases.before.as_ref()) {
        Some(known) => Replay::after(Arc::clone(known), prepared, corpus),
        None => Replay::new(prepared, corpus),
    }
}

impl ReplayJob {
    /// A replay of `cases` against the draft, and against stable unless stable's answers are known already.
    pub fn new(now: f64, stable: Option<&Arc<Prepared>>, draft: &Draft, cases: &Cases) -> Self {
        let stage = match stable {
            Some(stable) if cases.before.is_none() => {
                Stage::Before(Replay::new(Arc::clone(stable), Arc::clone(&cases.corpus)))
            }
            _ => Stage::After(replay_draft(draft, cases)),
        };
        Self { started_at: now, reported_at: now, stage }
    }

    /// Cases replayed so far and all cases, when a progress report is due.
    pub fn progress(&mut self, now: f64) -> Option<(usize, usize)> {
        if now - self.started_at < FIRST_PROGRESS_MS || now - self.reported_at < PROGRESS_INTERVAL_MS {
            return None;
        }
        self.reported_at = now;
        match &self.stage {
            Stage::Before(replay) | Stage::After(replay) => {
                let progress = replay.progress();
                Some((progress.done, progress.total))
            }
            Stage::Explaining(explaining) => Some((explaining.explained, explaining.moves.flips.len())),
            Stage::Stopped => None,
        }
    }

    /// Does one step; true when nothing is left to do. A stopped replay ends with the answers found so far.
    pub fn step(&mut self, cases: &mut Cases, draft: &Draft, has_stable: bool, stopped: bool) -> bool {
        let stage = std::mem::replace(&mut self.stage, Stage::Stopped);
        self.stage = match stage {
            Stage::Before(_) if stopped => return true,
            Stage::Before(mut replay) => {
                if replay.step(ROWS_PER_STEP).is_complete() {
                    cases.before = Some(Arc::new(replay.finish()));
                    Stage::After(replay_draft(draft, cases))
                } else {
                    Stage::Before(replay)
                }
            }
            Stage::After(mut replay) => {
                let complete = replay.step(ROWS_PER_STEP).is_complete();
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
            Stage::Stopped => return true,
        };
        false
    }

    /// The result of the replay.
    pub fn finish(
        self,
        dataset: Dataset,
        cases: &Cases,
        document: &Document,
        has_stable: bool,
        now: f64,
    ) -> ReplayResult {
        let total = cases.corpus.len();
        let mut result = ReplayResult {
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
            took_ms: now - self.started_at,
        };
        let Stage::Explaining(Explaining { before, after, moves, explained, changes, regions, .. }) = self.stage else {
            return result;
        };
        let hits: HashMap<String, u64> = after.rule_hits().into_iter().filter(|(_, hits)| *hits > 0).collect();
        result.hits =
            document.ids().filter_map(|(key, id)| Some((key, usize::try_from(*hits.get(id)?).ok()?))).collect();
        let limits = Limits::default();
        let (summary_a, summary_b) = (before.summary(limits), after.summary(limits));
        let deltas = Deltas::between(&summary_a, &summary_b);
        result.comparison = Comparison { summary_a, summary_b, deltas, changes, total_changes: moves.flips.len() };
        result.done = after.len();
        result.days = cases.days.map(|days| days * after.len() as f64 / total.max(1) as f64);
        result.transitions = moves.transitions;
        result.regions = regions;
        result.explained = explained.min(moves.flips.len());
        result
    }
}
