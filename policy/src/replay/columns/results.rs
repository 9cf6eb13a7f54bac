//! The results of a replay.

use std::{cell::OnceCell, collections::BTreeMap, sync::Arc};

use crate::{
    analysis::{
        SemanticDiff,
        diff::{DiffRegion, Outcome, deciders::Deciders},
    },
    bundle::{Budget, Effect},
    engine::{Prepared, Question, Status, Verdict, names},
    replay::{Limits, Summary, Transitions, corpus::Columnar, simulate::Tally},
};

/// The answers to all rows, six bytes each.
#[derive(Debug, Clone)]
pub struct Replayed {
    prepared: Arc<Prepared>,
    effects: Vec<Effect>,
    statuses: Vec<Status>,
    /// Rank of the deciding rule plus one; 0 for none.
    rules: Vec<u32>,
    hits: Vec<u64>,
    /// Effect and budget of each rule, in one array.
    answers: Vec<(Effect, Option<Budget>)>,
    tally: Tally,
}

impl Replayed {
    pub(super) fn new(prepared: Arc<Prepared>, rows: usize) -> Self {
        let answers: Vec<_> = prepared.rules().map(|rule| (rule.effect(), rule.budget())).collect();
        Self {
            effects: Vec::with_capacity(rows),
            statuses: Vec::with_capacity(rows),
            rules: Vec::with_capacity(rows),
            hits: vec![0; answers.len()],
            answers,
            prepared,
            tally: Tally::default(),
        }
    }

    pub(super) fn push(&mut self, rank: Option<u32>, error: bool) {
        let at = rank.and_then(|rank| usize::try_from(rank).ok());
        let answer = at.and_then(|at| self.answers.get(at)).copied();
        let (effect, status) = match answer {
            _ if error => (self.prepared.on_error(), Status::Error),
            Some((effect, _)) => (effect, Status::Matched),
            None => (self.prepared.default_effect(), Status::NoMatch),
        };
        if let Some(hits) = at.and_then(|at| self.hits.get_mut(at)) {
            *hits += 1;
        }
        self.record(effect, status, answer.and_then(|(_, budget)| budget), rank);
    }

    /// The answer to a row whose agent or action is no name.
    pub(super) fn push_invalid_name(&mut self) {
        self.record(names::EFFECT, Status::Error, None, None);
    }

    fn record(&mut self, effect: Effect, status: Status, budget: Option<Budget>, rank: Option<u32>) {
        self.tally.add(effect, status, budget);
        self.effects.push(effect);
        self.statuses.push(status);
        self.rules.push(rank.map_or(0, |rank| rank.saturating_add(1)));
    }

    /// The number of rows that were answered.
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether no row was answered.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The effects, row by row.
    pub fn effects(&self) -> &[Effect] {
        &self.effects
    }

    /// The statuses, row by row.
    pub fn statuses(&self) -> &[Status] {
        &self.statuses
    }

    /// The rule that decided a row, by its position in evaluation order ([`Prepared::rules`]).
    pub fn rank(&self, row: usize) -> Option<usize> {
        usize::try_from(self.rules.get(row)?.checked_sub(1)?).ok()
    }

    /// Whether a row ended in an error of its rule or of the schema.
    pub(super) fn erred(&self, row: usize) -> bool {
        self.statuses.get(row) == Some(&Status::Error)
    }

    /// The bundle.
    pub(super) fn prepared(&self) -> &Prepared {
        &self.prepared
    }

    /// The answer to one row; `None` past the end.
    pub fn verdict(&self, row: usize) -> Option<Verdict<'_>> {
        let rule = self.rank(row).and_then(|rank| self.prepared.rule(rank));
        Some(Verdict { effect: *self.effects.get(row)?, status: *self.statuses.get(row)?, rule })
    }

    /// Counts, rates and spending.
    pub fn summary(&self, limits: Limits) -> Summary {
        self.tally.summary(limits)
    }

    /// How many rows each enabled rule decided, by match or by error.
    pub fn rule_hits(&self) -> BTreeMap<String, u64> {
        let ids = self.prepared.rules().map(|rule| rule.id().to_owned());
        ids.zip(self.hits.iter().copied()).collect()
    }
}

/// The changes between two bundles over one corpus.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Moves {
    /// Rows by outcome before and after.
    pub transitions: Transitions,
    /// The rows whose effect differs, ascending.
    pub flips: Vec<u32>,
}

/// How `after` differs from `before`. Both must be replays over the same corpus.
pub fn moves(before: &Replayed, after: &Replayed) -> Moves {
    let mut moves = Moves::default();
    let of = |replayed: &Replayed, row: usize| replayed.verdict(row).as_ref().map(Outcome::of);
    for row in 0..before.len().min(after.len()) {
        let (Some(old), Some(new)) = (of(before, row), of(after, row)) else { continue };
        moves.transitions.add(old, new);
        if old.effect != new.effect {
            moves.flips.extend(u32::try_from(row));
        }
    }
    moves
}

/// The region of `diff` that contains a row; `None` when no region does. `diff` must not have been read from JSON, and
/// `deciders` must be those of `diff`.
pub fn region(
    (diff, deciders): (&SemanticDiff, &Deciders),
    corpus: &Columnar,
    (before, after): (&Replayed, &Replayed),
    row: usize,
) -> Option<usize> {
    let case = OnceCell::new();
    let holds = |region: &DiffRegion| region.holds(diff, Question::from(case.get_or_init(|| corpus.case(row))));
    deciders.locate(diff, before.verdict(row)?, after.verdict(row)?, holds)
}
