//! What a replay shows.

use std::{
    cell::OnceCell,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use crate::{
    analysis::{
        Analysis, SemanticDiff,
        diff::{Outcome, Region, deciders::Deciders},
    },
    bundle::{Budget, Effect},
    engine::{Prepared, Question, Status, Verdict},
    replay::{Limits, Summary, Transitions, corpus::Columnar, simulate::Tally},
};

/// The answer to every row, six bytes each.
#[derive(Debug, Clone)]
pub struct Replayed {
    prepared: Arc<Prepared>,
    effects: Vec<Effect>,
    statuses: Vec<Status>,
    /// Rank of the deciding rule plus one; 0 for none.
    rules: Vec<u32>,
    hits: Vec<u64>,
    /// What each rule answers, close together.
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
        self.tally.add(effect, status, answer.and_then(|(_, budget)| budget));
        self.effects.push(effect);
        self.statuses.push(status);
        self.rules.push(rank.map_or(0, |rank| rank.saturating_add(1)));
    }

    /// How many rows were answered.
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether none was.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The effects, row by row.
    pub fn effects(&self) -> &[Effect] {
        &self.effects
    }

    /// How they came about, row by row.
    pub fn statuses(&self) -> &[Status] {
        &self.statuses
    }

    /// The rule that decided a row, by its place in the order of evaluation ([`Prepared::rules`]).
    pub fn rank(&self, row: usize) -> Option<usize> {
        usize::try_from(self.rules.get(row)?.checked_sub(1)?).ok()
    }

    /// Whether a row was answered by an error: of the rule that decided it, or of the schema where none did.
    pub(super) fn erred(&self, row: usize) -> bool {
        self.statuses.get(row) == Some(&Status::Error)
    }

    /// What answered.
    pub(super) fn prepared(&self) -> &Prepared {
        &self.prepared
    }

    /// The answer to one row; none past the end.
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

    /// What the replay and the analysis of the same bundle together say about each enabled rule, in evaluation order.
    pub fn coverage(&self, analysis: &Analysis) -> Vec<RuleCoverage> {
        let unreachable: BTreeSet<&str> = analysis.unreachable.iter().map(|dead| dead.rule.as_str()).collect();
        let rules = self.prepared.rules().zip(&self.hits);
        rules
            .map(|(rule, hits)| {
                let reach = match hits {
                    1.. => Reach::Hit,
                    0 if unreachable.contains(rule.id()) => Reach::Dead,
                    0 if analysis.too_large || analysis.undecided.iter().any(|undecided| undecided == rule.id()) => {
                        Reach::Undecided
                    }
                    0 => Reach::NeverHit,
                };
                RuleCoverage { rule: rule.id().to_owned(), hits: *hits, reach }
            })
            .collect()
    }

    /// How many approvals a day this bundle would have asked people for. None when fewer than an hour was recorded, or
    /// no times were.
    pub fn approvals_per_day(&self, corpus: &Columnar) -> Option<Forecast> {
        const DAY: i64 = 86_400;
        let mut days: BTreeMap<i64, u64> = BTreeMap::new();
        let mut window: Option<(i64, i64)> = None;
        let mut approvals = 0_u64;
        for (row, effect) in self.effects.iter().enumerate() {
            let Some(at) = corpus.decided_at(row).map(crate::Timestamp::unix_seconds) else { continue };
            window = Some(window.map_or((at, at), |(first, last)| (first.min(at), last.max(at))));
            if *effect == Effect::NeedsApproval {
                approvals += 1;
                *days.entry(at.div_euclid(DAY)).or_default() += 1;
            }
        }
        let (first, last) = window?;
        let seconds = last - first;
        if seconds < 3_600 {
            return None;
        }
        #[expect(clippy::cast_precision_loss, reason = "seconds and counts stay far below 2^53")]
        let (days_recorded, total) = (seconds as f64 / DAY as f64, approvals as f64);
        Some(Forecast {
            per_day: total / days_recorded,
            busiest_day: days.values().copied().max().unwrap_or_default(),
            days_recorded,
        })
    }
}

/// Approvals to expect.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Forecast {
    /// Approvals a day, on average over what was recorded.
    pub per_day: f64,
    /// Approvals on the busiest UTC day.
    pub busiest_day: u64,
    /// Days between the first and the last recorded decision.
    pub days_recorded: f64,
}

/// Whether a rule ever decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// It can never match: proven for every input.
    Dead,
    /// Some input reaches it, but none of the corpus does.
    NeverHit,
    /// It decided some row.
    Hit,
    /// No row reached it, and the analysis ran out of budget.
    Undecided,
}

/// One rule over a corpus.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleCoverage {
    /// The rule.
    pub rule: String,
    /// Rows it decided, by match or by error.
    pub hits: u64,
    /// Whether it ever decides.
    pub reach: Reach,
}

/// What changes between two bundles over one corpus.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Moves {
    /// Rows by outcome before and after.
    pub transitions: Transitions,
    /// The rows whose effect differs, ascending.
    pub flips: Vec<u32>,
}

/// How `after` differs from `before`, which were replayed over the same corpus.
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

/// The region of a fresh `diff` that explains how one row is answered otherwise; none where there is none. `deciders` are
/// those of the diff.
pub fn region(
    (diff, deciders): (&SemanticDiff, &Deciders),
    corpus: &Columnar,
    (before, after): (&Replayed, &Replayed),
    row: usize,
) -> Option<usize> {
    let case = OnceCell::new();
    let holds = |region: &Region| region.holds(diff, Question::from(case.get_or_init(|| corpus.case(row))));
    deciders.locate(diff, before.verdict(row)?, after.verdict(row)?, holds)
}
