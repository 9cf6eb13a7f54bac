//! The worker's results for the draft, and what the draft is compared with.

use std::{collections::HashMap, sync::Arc};

use leptos::prelude::*;
use policy::{
    analysis::{SemanticDiff, verdict::Unreachable},
    bundle::Invariant,
    lint::Finding,
    replay::Dataset,
};
use worker::{SweepResult, TestReport};

use super::{
    checked::{Checked, RuleChange},
    parsed_draft::SharedDraft,
    read_only::ReadOnly,
    replay_result::ReplayResult,
    stable::Stable,
};
use crate::model::RuleKey;

/// How many cases a dataset has, or why it could not be loaded.
pub type LoadedCases = Result<usize, String>;

/// The baseline of the draft's checks: the stable bundle, and what the workspace prescribes.
#[derive(Debug, Clone)]
pub struct Baseline {
    /// The stable bundle.
    pub stable: Option<Arc<Stable>>,
    /// Versions of other bundles, which the draft cannot have.
    pub taken: Arc<Vec<String>>,
    /// The invariants that every bundle of the workspace must satisfy.
    pub invariants: Arc<Vec<Invariant>>,
}

/// The worker's results for the draft. Copies are handles to the same results.
#[derive(Debug, Clone, Copy)]
pub struct Results {
    baseline: StoredValue<Baseline>,
    checked: RwSignal<Arc<Checked>>,
    worst_findings: Memo<Arc<HashMap<RuleKey, Finding>>>,
    rule_changes: Memo<Arc<HashMap<String, RuleChange>>>,
    sessions: RwSignal<u32>,
    draft: RwSignal<Option<SharedDraft>>,
    diff: RwSignal<Option<Arc<SemanticDiff>>>,
    unreachable: RwSignal<Arc<Vec<Unreachable>>>,
    replay: RwSignal<Option<Arc<ReplayResult>>>,
    replay_progress: RwSignal<Option<(usize, usize)>>,
    skipped_rules: RwSignal<usize>,
    datasets: RwSignal<HashMap<&'static str, LoadedCases>>,
    tests: RwSignal<Option<Arc<TestReport>>>,
    sweep: RwSignal<Option<Arc<SweepResult>>>,
    learning_schema: RwSignal<bool>,
}

impl Results {
    /// The server's findings; all other results come from the worker.
    pub(super) fn new(checked: Checked, baseline: Baseline) -> Self {
        let checked = RwSignal::new(Arc::new(checked));
        let rule_changes = Memo::new(move |_| Arc::new(checked.with(|checked| checked.rule_changes())));
        let worst_findings = Memo::new(move |_| Arc::new(checked.with(|checked| checked.worst_findings())));
        let sessions = RwSignal::new(0);
        let draft = RwSignal::new(None);
        let diff = RwSignal::new(None);
        let unreachable = RwSignal::new(Arc::default());
        let replay = RwSignal::new(None);
        let replay_progress = RwSignal::new(None);
        let skipped_rules = RwSignal::new(0);
        let datasets = RwSignal::new(HashMap::new());
        let tests = RwSignal::new(None);
        let sweep = RwSignal::new(None);
        let learning_schema = RwSignal::new(false);
        Self {
            baseline: StoredValue::new(baseline),
            checked,
            worst_findings,
            rule_changes,
            sessions,
            draft,
            diff,
            unreachable,
            replay,
            replay_progress,
            skipped_rules,
            datasets,
            tests,
            sweep,
            learning_schema,
        }
    }

    /// The baseline of the draft's checks.
    pub fn baseline(self) -> Baseline {
        self.baseline.get_value()
    }

    /// The bundle that the draft is compared with.
    pub fn stable(self) -> Option<Arc<Stable>> {
        self.baseline.with_value(|baseline| baseline.stable.clone())
    }

    /// The version of the bundle that the draft is compared with.
    pub fn stable_version(self) -> Option<String> {
        self.baseline.with_value(|baseline| baseline.stable.as_ref().map(|stable| stable.version.clone()))
    }

    /// Findings, text diff and version.
    pub fn checked(self) -> ReadOnly<Arc<Checked>> {
        self.checked.into()
    }

    /// The worst finding of each rule.
    pub fn worst_findings(self) -> Memo<Arc<HashMap<RuleKey, Finding>>> {
        self.worst_findings
    }

    /// How rules differ from stable, by id.
    pub fn rule_changes(self) -> Memo<Arc<HashMap<String, RuleChange>>> {
        self.rule_changes
    }

    /// How many sessions of the worker were started: 0 before the first. A new session knows nothing and is sent
    /// everything again.
    pub fn sessions(self) -> ReadOnly<u32> {
        self.sessions.into()
    }

    /// The parsed draft, while a tab that evaluates single inputs is open; it follows edits after a short pause.
    pub fn draft(self) -> ReadOnly<Option<SharedDraft>> {
        self.draft.into()
    }

    /// The changes against stable for every input; `None` until the draft has been analysed, and without a stable
    /// bundle.
    pub fn diff(self) -> ReadOnly<Option<Arc<SemanticDiff>>> {
        self.diff.into()
    }

    /// Rules that can never match, each with the rules that cover it.
    pub fn unreachable(self) -> ReadOnly<Arc<Vec<Unreachable>>> {
        self.unreachable.into()
    }

    /// The replay of the chosen dataset.
    pub fn replay(self) -> ReadOnly<Option<Arc<ReplayResult>>> {
        self.replay.into()
    }

    /// Cases replayed and cases in total, while a long replay runs.
    pub fn replay_progress(self) -> ReadOnly<Option<(usize, usize)>> {
        self.replay_progress.into()
    }

    /// How many rules could not be parsed, and were therefore not replayed.
    pub fn skipped_rules(self) -> ReadOnly<usize> {
        self.skipped_rules.into()
    }

    /// A loaded dataset; `None` while it is being loaded.
    pub fn dataset(self, dataset: Dataset) -> Option<LoadedCases> {
        self.datasets.with(|datasets| datasets.get(dataset.name()).cloned())
    }

    /// The outcome of the test cases.
    pub fn tests(self) -> ReadOnly<Option<Arc<TestReport>>> {
        self.tests.into()
    }

    /// The curve of the swept threshold.
    pub fn sweep(self) -> ReadOnly<Option<Arc<SweepResult>>> {
        self.sweep.into()
    }

    /// Whether a schema is being learned.
    pub fn learning_schema(self) -> ReadOnly<bool> {
        self.learning_schema.into()
    }

    /// Records that a session of the worker was started.
    pub fn record_session(self) {
        self.sessions.update(|sessions| *sessions += 1);
    }

    /// Records findings, text diff and version.
    pub fn record_checked(self, checked: Checked) {
        self.checked.set(Arc::new(checked));
    }

    /// Records the parsed draft.
    pub fn record_draft(self, draft: SharedDraft) {
        self.draft.set(Some(draft));
    }

    /// Records the semantic diff and how many rules could not be parsed. An equal diff, as after editing a reason,
    /// redraws nothing.
    pub fn record_diff(self, diff: Option<SemanticDiff>, skipped_rules: usize) {
        self.skipped_rules.set(skipped_rules);
        let diff = diff.map(Arc::new);
        if self.diff.with_untracked(|old| old.as_deref() != diff.as_deref()) {
            self.diff.set(diff);
        }
    }

    /// Records the rules that can never match.
    pub fn record_unreachable(self, unreachable: Vec<Unreachable>) {
        if self.unreachable.with_untracked(|old| **old != unreachable) {
            self.unreachable.set(Arc::new(unreachable));
        }
    }

    /// Records how far a replay is.
    pub fn record_progress(self, done: usize, total: usize) {
        self.replay_progress.set(Some((done, total)));
    }

    /// Records a finished or stopped replay of the draft with the current diff.
    pub fn record_replay(self, replayed: worker::ReplayResult) {
        self.replay_progress.set(None);
        self.replay.set(Some(Arc::new(ReplayResult::new(replayed, self.diff.get_untracked()))));
    }

    /// Forgets the replay and a dataset that is about to be loaded again.
    pub fn reload_dataset(self, dataset: Dataset) {
        self.datasets.update(|datasets| drop(datasets.remove(dataset.name())));
        self.replay.set(None);
    }

    /// Records that a dataset was loaded, or why it was not. Does nothing if the page was left meanwhile.
    pub fn record_dataset(self, dataset: Dataset, loaded: LoadedCases) {
        let _ = self.datasets.try_update(|datasets| datasets.insert(dataset.name(), loaded));
    }

    /// Records the outcome of the test cases.
    pub fn record_tests(self, tests: TestReport) {
        if self.tests.with_untracked(|old| old.as_deref() != Some(&tests)) {
            self.tests.set(Some(Arc::new(tests)));
        }
    }

    /// Records the curve of the swept threshold.
    pub fn record_sweep(self, curve: SweepResult) {
        self.sweep.set(Some(Arc::new(curve)));
    }

    /// Records that a schema is being learned.
    pub fn start_learning_schema(self) {
        self.learning_schema.set(true);
    }

    /// Records that no schema is being learned any longer.
    pub fn finish_learning_schema(self) {
        self.learning_schema.set(false);
    }
}
