//! The result of replaying a dataset under the draft.

use std::{collections::HashMap, sync::Arc};

use policy::analysis::SemanticDiff;

use crate::model::RuleKey;

/// The result of a replay, with what the page needs to draw it.
#[derive(Debug)]
pub struct ReplayResult {
    replayed: worker::ReplayResult,
    /// How many cases each rule decided.
    pub hits: HashMap<RuleKey, usize>,
    /// The diff whose regions are counted.
    pub diff: Option<Arc<SemanticDiff>>,
}

impl std::ops::Deref for ReplayResult {
    type Target = worker::ReplayResult;

    fn deref(&self) -> &worker::ReplayResult {
        &self.replayed
    }
}

impl ReplayResult {
    /// The worker's replay of a draft with this diff.
    pub fn new(replayed: worker::ReplayResult, diff: Option<Arc<SemanticDiff>>) -> Self {
        let hits = replayed.hits.iter().map(|(key, hits)| (RuleKey(*key), *hits)).collect();
        Self { replayed, hits, diff }
    }

    /// Whether the replay was stopped before everything was counted.
    pub fn stopped(&self) -> bool {
        self.done < self.total || !self.regions_counted()
    }

    /// Whether every flip was attributed to its region.
    pub fn regions_counted(&self) -> bool {
        self.explained >= self.comparison.total_changes
    }

    /// `count` of the replayed cases as cases per day, if the dataset has a duration.
    pub fn per_day(&self, count: usize) -> Option<f64> {
        self.days.map(|days| count as f64 / days)
    }
}
