//! The replay itself, row by row, in steps.

use std::{ops::Range, sync::Arc};

use super::{
    incremental::{RowDecider, RuleMapping},
    names::InvalidNames,
    plan::{Plan, RowFacts, Rows, RuleSet},
    results::Replayed,
    view::View,
};
use crate::{
    bundle::Bundle,
    engine::{
        Fact, Prepared,
        compiled::{axis::MISSING, fact_source::FactSource, word::WORD},
        condition::ConditionResult,
    },
    replay::corpus::{Columnar, Role},
};

/// The number of rows whose classes are looked up together, so that the tables stay in the cache.
const CHUNK: usize = 4096;

/// When more than one row in this many must be evaluated individually, evaluating all rows is faster, because that
/// shares work between rows.
const ROWS_PER_EVALUATION: usize = 16;

/// How far a replay has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Rows answered.
    pub done: usize,
    /// All rows.
    pub total: usize,
}

impl Progress {
    /// Whether nothing is left to do.
    pub const fn is_complete(self) -> bool {
        self.done >= self.total
    }
}

/// A replay in steps, so that a worker can report progress, yield and stop between steps. To cancel a replay, drop it,
/// or [`finish`](Self::finish) it for the results so far.
#[derive(Debug)]
pub struct Replay {
    prepared: Arc<Prepared>,
    corpus: Arc<Columnar>,
    invalid_names: InvalidNames,
    strategy: Strategy,
    replayed: Replayed,
}

/// The strategy for evaluating rows.
#[derive(Debug)]
enum Strategy {
    /// All rows are evaluated.
    Whole(Whole),
    /// The results of an earlier replay are reused.
    After(Box<After>),
}

/// The data for evaluating all rows.
#[derive(Debug)]
struct Whole {
    plan: Plan,
    classes: Vec<Vec<u32>>,
    offsets: Vec<usize>,
}

/// An earlier replay, and the changes since then.
#[derive(Debug)]
struct After {
    last: Arc<Replayed>,
    mapping: RuleMapping,
    /// A replay of only the rules that are new.
    fresh: Replay,
    /// The views by number of the field in the index, for rows that must be evaluated.
    views: Vec<View>,
    /// How many more rows may be evaluated individually before evaluating all rows is faster.
    patience: usize,
}

impl Replay {
    /// Prepares a replay. This classifies every distinct value once.
    pub fn new(prepared: Arc<Prepared>, corpus: Arc<Columnar>) -> Self {
        let strategy = Strategy::Whole(Whole::new(&prepared, &corpus));
        Self::by(strategy, prepared, corpus)
    }

    fn by(strategy: Strategy, prepared: Arc<Prepared>, corpus: Arc<Columnar>) -> Self {
        let replayed = Replayed::new(Arc::clone(&prepared), corpus.len());
        Self { invalid_names: InvalidNames::of(&corpus), replayed, prepared, corpus, strategy }
    }

    /// Prepares a replay that reuses the results of `last`, a replay of the same corpus with another version of the
    /// bundle, wherever the changed rules cannot affect them. The results are those of [`new`](Self::new).
    pub fn after(last: Arc<Replayed>, prepared: Arc<Prepared>, corpus: Arc<Columnar>) -> Self {
        let mapping = RuleMapping::between(last.prepared(), &prepared).filter(|_| last.len() == corpus.len());
        let Some(mapping) = mapping else { return Self::new(prepared, corpus) };
        let rules = mapping.fresh(&prepared).map(|rule| rule.to_rule()).collect();
        let (default_effect, on_error) = (prepared.default_effect(), prepared.on_error());
        let fresh = Bundle { rules, default_effect, on_error, schema: None };
        let fresh = Self::new(Arc::new(Prepared::from(fresh)), Arc::clone(&corpus));
        let views = prepared.index().fields().iter().map(|path| View::new(&corpus, path)).collect();
        let strategy = Strategy::After(Box::new(After {
            last,
            mapping,
            fresh,
            views,
            patience: corpus.len() / ROWS_PER_EVALUATION,
        }));
        Self::by(strategy, prepared, corpus)
    }

    /// The whole replay at once.
    pub fn run(prepared: Arc<Prepared>, corpus: Arc<Columnar>) -> Replayed {
        let mut replay = Self::new(prepared, corpus);
        replay.step(usize::MAX);
        replay.finish()
    }

    /// The progress of the replay.
    pub fn progress(&self) -> Progress {
        Progress { done: self.replayed.len(), total: self.corpus.len() }
    }

    /// Evaluates up to `rows` more rows.
    pub fn step(&mut self, rows: usize) -> Progress {
        let Progress { done, total } = self.progress();
        let end = done.saturating_add(rows).min(total);
        let mut start = done;
        while start < end {
            let chunk = start..(start + CHUNK).min(end);
            start = chunk.end;
            let asked = Asked { prepared: &self.prepared, corpus: &self.corpus, invalid_names: &self.invalid_names };
            match &mut self.strategy {
                Strategy::Whole(whole) => whole.chunk(chunk, asked, &mut self.replayed),
                Strategy::After(after) => {
                    after.chunk(chunk, asked, &mut self.replayed);
                    if after.patience == 0 {
                        self.strategy = Strategy::Whole(Whole::new(&self.prepared, &self.corpus));
                    }
                }
            }
        }
        self.progress()
    }

    /// The results of the rows that have been evaluated.
    pub fn finish(self) -> Replayed {
        self.replayed
    }
}

/// The bundle and the rows that it is asked about.
#[derive(Clone, Copy)]
struct Asked<'a> {
    prepared: &'a Prepared,
    corpus: &'a Columnar,
    invalid_names: &'a InvalidNames,
}

impl After {
    fn chunk(&mut self, range: Range<usize>, asked: Asked<'_>, replayed: &mut Replayed) {
        let Asked { prepared, corpus, invalid_names } = asked;
        self.fresh.step(range.len());
        for row in range {
            if invalid_names.concern(corpus, row) {
                replayed.push_invalid_name();
                continue;
            }
            let (was, erred) = (self.last.rank(row), self.last.erred(row));
            if was.is_none() && erred {
                // The schema refused the row, and the schema has not changed.
                replayed.push(None, true);
                continue;
            }
            match self.mapping.decider(was, self.fresh.replayed.rank(row)) {
                RowDecider::Nothing => replayed.push(None, false),
                RowDecider::Unchanged(rank) => replayed.push(Some(rank), erred),
                RowDecider::Fresh(rank) => replayed.push(Some(rank), self.fresh.replayed.erred(row)),
                RowDecider::Unknown => {
                    self.patience = self.patience.saturating_sub(1);
                    let facts = Viewed { views: &self.views, corpus, row };
                    let (agent, action) = (corpus.agent(row), corpus.action(row));
                    let found = prepared.index().first_by(agent, action, &facts);
                    let error = matches!(found, Some((_, ConditionResult::Error)));
                    replayed.push(found.map(|(rank, _)| rank), error);
                }
            }
        }
    }
}

/// One row, as input for the conditions of a rule.
struct Viewed<'a> {
    views: &'a [View],
    corpus: &'a Columnar,
    row: usize,
}

impl FactSource for Viewed<'_> {
    fn fact(&self, field: u32) -> Fact<'_> {
        let view = self.views.get(field as usize);
        view.map_or(Fact::Missing, |view| view.fact(self.corpus, self.row))
    }
}

impl Whole {
    fn new(prepared: &Prepared, corpus: &Columnar) -> Self {
        let plan = Plan::new(prepared, corpus);
        Self { classes: vec![Vec::new(); plan.fields.len()], plan, offsets: Vec::new() }
    }

    fn chunk(&mut self, range: Range<usize>, asked: Asked<'_>, replayed: &mut Replayed) {
        let Asked { prepared, corpus, invalid_names } = asked;
        let (Some(agents), Some(actions)) = (corpus.about(Role::Agent), corpus.about(Role::Action)) else { return };
        for (field, out) in self.plan.fields.iter().zip(&mut self.classes) {
            if !field.view.is_empty() {
                field.view.fill(corpus, &field.tables, &range, field.missing(), out);
            } else if out.len() < range.len() {
                out.resize(range.len(), field.missing());
            }
        }
        let index = prepared.index();
        let mut last: Option<((u32, u32), &RuleSet)> = None;
        for (at, row) in range.enumerate() {
            let pair = (agents.code(row), actions.code(row));
            if invalid_names.concern(corpus, row) {
                replayed.push_invalid_name();
                continue;
            }
            if self.plan.refuses(corpus, pair.0, row) {
                replayed.push(None, true);
                continue;
            }
            let rule_set = match last {
                Some((before, rule_set)) if before == pair => rule_set,
                _ => self.plan.rule_set(pair.0, pair.1),
            };
            last = Some((pair, rule_set));
            let facts = RowFacts { plan: &self.plan, corpus, row };
            let found = match rule_set {
                RuleSet::Index => index.first_by(corpus.agent(row), corpus.action(row), &facts),
                RuleSet::Rows(rows) => match first(rows, &self.classes, at, &mut self.offsets) {
                    Some((rank, false)) => Some((rank, ConditionResult::True)),
                    Some((rank, true)) => index.candidate(rank, &facts),
                    None => None,
                },
            };
            match found {
                Some((rank, result)) => replayed.push(Some(rank), result == ConditionResult::Error),
                None => replayed.push(None, false),
            }
        }
    }
}

/// The first rule without a false condition, and whether one of the rule's conditions may be in error.
fn first(rows: &Rows, classes: &[Vec<u32>], at: usize, offsets: &mut Vec<usize>) -> Option<(u32, bool)> {
    const BLOCK: usize = 4;
    offsets.clear();
    let mut may_err = false;
    let mut few = u64::MAX;
    for column in &rows.columns {
        let mut class = *classes.get(column.field as usize)?.get(at)? as usize;
        if !column.onto.is_empty() {
            class = *column.onto.get(class)? as usize;
        }
        may_err |= class != MISSING && !column.comparable.contains(&class);
        if rows.words == 1 {
            few &= column.rows.get(class)?;
        } else {
            offsets.push(class * rows.words);
        }
    }
    let found = |word: usize, bits: u64| {
        let local = word * WORD + bits.trailing_zeros() as usize;
        rows.ranks.get(local).map(|rank| (*rank, may_err))
    };
    if rows.words == 1 {
        return if few == 0 { None } else { found(0, few) };
    }
    let mut start = 0;
    while start < rows.words {
        let width = BLOCK.min(rows.words - start);
        let mut block = [u64::MAX; BLOCK];
        for (column, offset) in rows.columns.iter().zip(offsets.iter()) {
            let from = offset + start;
            let mut any = 0;
            for (word, bits) in block.iter_mut().zip(column.rows.get(from..from + width)?) {
                *word &= bits;
                any |= *word;
            }
            if any == 0 {
                break;
            }
        }
        for (word, bits) in block.iter().enumerate().take(width) {
            if *bits != 0 {
                return found(start + word, *bits);
            }
        }
        start += width;
    }
    None
}
