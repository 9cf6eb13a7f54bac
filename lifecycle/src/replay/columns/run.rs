//! Row after row.

use std::{ops::Range, sync::Arc};

use super::{
    plan::{Asked, Plan, RowFacts, Rows},
    results::Replayed,
};
use crate::{
    engine::{
        Prepared,
        compiled::{axis::MISSING, matrix::WORD},
        trace::ConditionResult,
    },
    replay::corpus::{Columnar, Role},
};

/// Rows whose classes are looked up together; their tables stay in the cache.
const CHUNK: usize = 4096;

/// How far a replay has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Rows answered.
    pub done: usize,
    /// Rows in all.
    pub total: usize,
}

impl Progress {
    /// Whether nothing is left to do.
    pub const fn is_complete(self) -> bool {
        self.done >= self.total
    }
}

/// A replay that goes on in steps, so that a worker can report, yield and stop in between. To cancel it, drop it, or
/// [`finish`](Self::finish) it for what is known so far.
#[derive(Debug)]
pub struct Replay {
    prepared: Arc<Prepared>,
    corpus: Arc<Columnar>,
    plan: Plan,
    classes: Vec<Vec<u32>>,
    offsets: Vec<usize>,
    replayed: Replayed,
}

impl Replay {
    /// Makes a replay ready. This looks at every distinct value once.
    pub fn new(prepared: Arc<Prepared>, corpus: Arc<Columnar>) -> Self {
        let plan = Plan::new(&prepared, &corpus);
        let classes = vec![Vec::new(); plan.fields.len()];
        let replayed = Replayed::new(Arc::clone(&prepared), corpus.len());
        Self { prepared, corpus, plan, classes, offsets: Vec::new(), replayed }
    }

    /// The whole replay at once.
    pub fn run(prepared: Arc<Prepared>, corpus: Arc<Columnar>) -> Replayed {
        let mut replay = Self::new(prepared, corpus);
        replay.step(usize::MAX);
        replay.finish()
    }

    /// How far it has come.
    pub fn progress(&self) -> Progress {
        Progress { done: self.replayed.len(), total: self.corpus.len() }
    }

    /// Answers up to `rows` more rows.
    pub fn step(&mut self, rows: usize) -> Progress {
        let Progress { done, total } = self.progress();
        let end = done.saturating_add(rows).min(total);
        let mut start = done;
        while start < end {
            let chunk = start..(start + CHUNK).min(end);
            start = chunk.end;
            self.chunk(chunk);
        }
        self.progress()
    }

    /// What came of the rows that were answered.
    pub fn finish(self) -> Replayed {
        self.replayed
    }

    fn chunk(&mut self, range: Range<usize>) {
        let corpus = Arc::clone(&self.corpus);
        let (Some(agents), Some(actions)) = (corpus.about(Role::Agent), corpus.about(Role::Action)) else { return };
        for (field, out) in self.plan.fields.iter().zip(&mut self.classes) {
            if !field.view.is_empty() {
                field.view.fill(&corpus, &field.tables, &range, field.missing(), out);
            } else if out.len() < range.len() {
                out.resize(range.len(), field.missing());
            }
        }
        let mut last: Option<((u32, u32), &Asked)> = None;
        for (at, row) in range.enumerate() {
            let pair = (agents.code(row), actions.code(row));
            if self.plan.refuses(&corpus, pair.0, row) {
                self.replayed.push(None, true);
                continue;
            }
            let asked = match last {
                Some((before, asked)) if before == pair => asked,
                _ => self.plan.asked(pair.0, pair.1),
            };
            last = Some((pair, asked));
            let facts = RowFacts { plan: &self.plan, corpus: &corpus, row };
            let (index, rules) = (self.prepared.index(), self.prepared.rules());
            let found = match asked {
                Asked::Index => index.first_by(rules, corpus.agent(row), corpus.action(row), &facts),
                Asked::Rows(rows) => match first(rows, &self.classes, at, &mut self.offsets) {
                    Some((rank, false)) => Some((rank, ConditionResult::True)),
                    Some((rank, true)) => index.candidate(rules, rank, &facts),
                    None => None,
                },
            };
            match found {
                Some((rank, result)) => self.replayed.push(Some(rank), result == ConditionResult::Error),
                None => self.replayed.push(None, false),
            }
        }
    }
}

/// The first rule none of whose conditions is false, and whether one of them may be in error.
fn first(rows: &Rows, classes: &[Vec<u32>], at: usize, offsets: &mut Vec<usize>) -> Option<(u32, bool)> {
    const BLOCK: usize = 4;
    offsets.clear();
    let mut may_err = false;
    let mut few = u64::MAX;
    for column in &rows.columns {
        let class = *classes.get(column.field as usize)?.get(at)? as usize;
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
