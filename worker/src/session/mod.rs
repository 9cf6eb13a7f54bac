//! The state of one open draft, and the tasks that are due next. Each step is short, except for the first analysis of a
//! large draft; newer requests are handled between two steps.

mod replay;
mod state;

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use policy::{
    analysis::{Analyzer, Meter, semantic_diff, shadow},
    bundle::{Bundle, Invariant, Source},
    engine::Prepared,
    lint::{self, Finding},
    replay::{
        Case, Columnar, Dataset, Limits, learn, simulate_prepared,
        sweep::{Sweep, Sweeping},
        synthetic,
    },
};

use self::{
    replay::ReplayJob,
    state::{Cases, Draft, ROWS_PER_STEP, Stable},
};
use crate::{
    check::CheckReport,
    document::Document,
    protocol::{Event, Question, Request, Response, SweepResult, TestReport},
};

/// The work budget of comparing the draft with stable: about a tenth of a second.
fn diff_budget() -> Meter {
    Meter::new(2_500_000, 500_000)
}

/// The work budget of finding the rules that shadow one rule: a fraction of a second.
fn shadow_budget() -> Meter {
    Meter::new(4_000_000, 200_000)
}

/// Up to how many rules a draft's whole input space is analysed, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExactLimits {
    /// Up to this many rules: at every change, including the first.
    pub at_once: usize,
    /// Up to this many rules: the first time when nothing else is due, afterwards at every change.
    pub at_all: usize,
}

/// How many errors of `source` have a repair with one right answer.
fn repairs(source: &Source) -> usize {
    lint::quick(source).all().filter(|finding| lint::is_repaired_with_all(finding)).count()
}

/// The tasks that can be due, most urgent first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Task {
    Check,
    Compare,
    Replay,
    Test,
    Sweep,
    FindUnreachable,
    Prove,
}

/// A sweep in progress.
#[derive(Debug)]
struct SweepJob {
    steps: Sweeping,
    days: Option<f64>,
}

/// The state of one open draft.
#[derive(Debug)]
pub struct Session {
    now: fn() -> f64,
    limits: ExactLimits,
    stable: Option<Stable>,
    taken: Vec<String>,
    invariants: Vec<Invariant>,
    document: Document,
    serial: u32,
    analyzer: Analyzer,
    /// Whether the whole draft was analysed once, so that only edits have to be proven from then on.
    is_analysed: bool,
    /// The bundle parsed by the check, and how many rules could not be parsed; taken when the draft is compared.
    parsed: Option<(Bundle, usize)>,
    draft: Option<Draft>,
    datasets: HashMap<&'static str, Cases>,
    selected: Dataset,
    replay: Option<Box<ReplayJob>>,
    stopped: bool,
    tests: Option<Vec<Case>>,
    sweep_target: Option<(u32, usize)>,
    sweep: Option<Box<SweepJob>>,
    due: BTreeSet<Task>,
}

impl Session {
    /// A session without a draft. `now` gives milliseconds since any fixed moment.
    pub fn new(now: fn() -> f64, limits: ExactLimits) -> Self {
        Self {
            now,
            limits,
            stable: None,
            taken: Vec::new(),
            invariants: Vec::new(),
            document: Document::default(),
            serial: 0,
            analyzer: Analyzer::new(),
            is_analysed: false,
            parsed: None,
            draft: None,
            datasets: HashMap::new(),
            selected: Dataset::Recorded,
            replay: None,
            stopped: false,
            tests: None,
            sweep_target: None,
            sweep: None,
            due: BTreeSet::new(),
        }
    }

    /// Handles a request. Answers that are available at once are emitted; the remaining work becomes due.
    pub fn handle(&mut self, request: Request, payload: Option<&[u8]>, emit: &mut dyn FnMut(Event)) {
        match request {
            Request::Open { stable, taken, invariants } => {
                self.stable = stable.map(|(version, source)| Stable::new(version, *source));
                (self.taken, self.invariants) = (taken, invariants);
            }
            Request::Document { serial, change } => {
                self.document.apply(change);
                self.serial = serial;
                (self.draft, self.parsed) = (None, None);
                self.stopped = false;
                self.due.extend([Task::Check, Task::Compare, Task::FindUnreachable]);
                self.restart();
            }
            Request::Corpus(dataset) => {
                let read = Columnar::decode(payload.unwrap_or_default());
                self.load(dataset, read.map_err(|error| format!("{error}.")), emit);
            }
            Request::Cases(dataset, cases) => {
                let read = Columnar::of_cases(dataset, &cases).map_err(|error| error.to_string());
                self.load(dataset, read, emit);
            }
            Request::Synthetic(count, seed) => {
                // Both bundles contribute rules: answers can differ around the thresholds of either.
                let mut both = self.document.source().parse_rules().bundle;
                both.rules.extend(self.stable.iter().flat_map(|stable| stable.bundle.rules.iter().cloned()));
                let cases = synthetic::cases(&both, count, seed);
                let read = Columnar::of_cases(Dataset::Synthetic, &cases).map_err(|error| error.to_string());
                self.load(Dataset::Synthetic, read, emit);
            }
            Request::Choose(dataset) => {
                self.selected = dataset;
                self.restart();
            }
            Request::Stop => self.stopped = true,
            Request::Restart => {
                self.stopped = false;
                self.restart();
            }
            Request::Tests(cases) => {
                self.tests = Some(cases);
                self.due.insert(Task::Test);
            }
            Request::Sweep(target) => {
                (self.sweep_target, self.sweep) = (target, None);
                self.due.insert(Task::Sweep);
            }
            Request::Learn => {
                let bundle = self.document.source().parse_rules().bundle;
                let recorded = self.datasets.get(Dataset::Recorded.name()).map(|cases| &cases.corpus);
                let schema = recorded.and_then(|corpus| learn::schema(corpus, &bundle));
                emit(Event::Learned(schema, recorded.map_or(0, |corpus| corpus.len())));
            }
            Request::Case(number) => {
                let corpus = self.cases().map(|cases| &cases.corpus).filter(|corpus| !corpus.is_empty());
                emit(Event::Case(corpus.map(|corpus| Box::new(corpus.case(number % corpus.len()).input()))));
            }
            Request::Ask(number, question) => emit(Event::Answered(number, Box::new(self.answer(question)))),
        }
    }

    fn answer(&mut self, question: Question) -> Response {
        match question {
            Question::Shadow(rule) => {
                let bundle = self.document.source().parse_rules().bundle;
                Response::Shadow(shadow(&bundle, &rule, shadow_budget()))
            }
            Question::Repair(finding) => {
                let fixed = self.repair(&finding);
                Response::Repaired(fixed.map(Box::new), 1)
            }
            Question::RepairAll => {
                let fixed = lint::fix_all(self.document.source());
                let made = repairs(self.document.source()).saturating_sub(repairs(&fixed));
                Response::Repaired(Some(Box::new(fixed)), made)
            }
        }
    }

    /// The draft after the repair of a finding, if the draft still has a finding like it.
    fn repair(&mut self, finding: &Finding) -> Option<Source> {
        let rules = self.document.source().rules.len();
        let CheckReport { report, .. } = self.check_report(self.is_analysed && rules <= self.limits.at_all);
        let found = report.all().find(|other| {
            other.code == finding.code && other.rule_id == finding.rule_id && other.message == finding.message
        });
        lint::apply_fix(self.document.source(), found?)
    }

    fn load(&mut self, dataset: Dataset, read: Result<Columnar, String>, emit: &mut dyn FnMut(Event)) {
        match read {
            Ok(corpus) => {
                let cases = Cases::new(corpus);
                emit(Event::Loaded(dataset, cases.corpus.len(), cases.days));
                self.datasets.insert(dataset.name(), cases);
                if dataset == self.selected {
                    self.restart();
                }
            }
            Err(why) => emit(Event::Refused(dataset, why)),
        }
    }

    fn cases(&self) -> Option<&Cases> {
        self.datasets.get(self.selected.name())
    }

    /// Abandons the replay and the sweep, and starts everything that is counted over cases from the beginning.
    fn restart(&mut self) {
        (self.replay, self.sweep) = (None, None);
        self.due.extend([Task::Replay, Task::Test, Task::Sweep]);
    }

    /// Whether something is due.
    pub fn is_due(&self) -> bool {
        !self.due.is_empty()
    }

    /// Does one step of the most urgent task.
    pub fn step(&mut self, emit: &mut dyn FnMut(Event)) {
        let Some(task) = self.due.first().copied() else { return };
        let done = match task {
            Task::Check => self.check(emit),
            Task::Compare => self.compare(emit),
            Task::Replay => self.replay(emit),
            Task::Test => self.test(emit),
            Task::Sweep => self.sweep(emit),
            Task::FindUnreachable => self.find_unreachable(emit),
            Task::Prove => self.prove(emit),
        };
        if done {
            self.due.remove(&task);
        }
    }

    fn check_report(&mut self, exact: bool) -> CheckReport {
        let base = self.stable.as_ref().map(|stable| (stable.version.as_str(), &stable.source));
        let analyzer = exact.then_some(&mut self.analyzer);
        let (report, bundle, skipped) =
            CheckReport::with_bundle(self.document.source(), base, &self.taken, &self.invariants, analyzer);
        self.parsed = Some((bundle, skipped.len()));
        report
    }

    fn check(&mut self, emit: &mut dyn FnMut(Event)) -> bool {
        let rules = self.document.source().rules.len();
        let exact = rules <= self.limits.at_once || (self.is_analysed && rules <= self.limits.at_all);
        self.is_analysed = exact;
        if !exact && rules <= self.limits.at_all {
            self.due.insert(Task::Prove);
        }
        let report = self.check_report(exact);
        emit(Event::Checked(self.serial, Box::new(report)));
        true
    }

    fn prove(&mut self, emit: &mut dyn FnMut(Event)) -> bool {
        let report = self.check_report(true);
        self.is_analysed = true;
        emit(Event::Checked(self.serial, Box::new(report)));
        self.due.insert(Task::FindUnreachable);
        true
    }

    fn compare(&mut self, emit: &mut dyn FnMut(Event)) -> bool {
        let (bundle, skipped) = self.parsed.take().unwrap_or_else(|| {
            let parsed = self.document.source().parse_rules();
            (parsed.bundle, parsed.skipped.len())
        });
        let diff = self.stable.as_ref().map(|stable| semantic_diff(&stable.bundle, &bundle, diff_budget()));
        emit(Event::Compared(self.serial, diff.clone().map(Box::new), skipped));
        self.draft = Some(Draft { prepared: Arc::new(Prepared::new(&bundle)), bundle, diff });
        true
    }

    fn replay(&mut self, emit: &mut dyn FnMut(Event)) -> bool {
        let (Some(draft), Some(cases)) = (&self.draft, self.datasets.get_mut(self.selected.name())) else {
            return true;
        };
        let now = self.now;
        let stable = self.stable.as_ref().map(|stable| &stable.prepared);
        let mut replay = self.replay.take().unwrap_or_else(|| Box::new(ReplayJob::new(now(), stable, draft, cases)));
        if !replay.step(cases, draft, stable.is_some(), self.stopped) {
            if let Some((done, total)) = replay.progress(now()) {
                emit(Event::Progress(done, total));
            }
            self.replay = Some(replay);
            return false;
        }
        let result = replay.finish(self.selected, cases, &self.document, stable.is_some(), now());
        emit(Event::Replayed(self.serial, Box::new(result)));
        true
    }

    fn test(&mut self, emit: &mut dyn FnMut(Event)) -> bool {
        let (Some(tests), Some(draft)) = (&self.tests, &self.draft) else { return true };
        let run = simulate_prepared(&draft.prepared, tests, Limits::default());
        let rules = run.rule_hits.len();
        let untested = run.rule_hits.into_iter().filter(|(_, hits)| *hits == 0).map(|(rule, _)| rule).collect();
        emit(Event::Tested(self.serial, Box::new(TestReport { results: run.results, untested, rules })));
        true
    }

    fn sweep(&mut self, emit: &mut dyn FnMut(Event)) -> bool {
        let (Some((rule, at)), Some(draft), Some(cases)) = (self.sweep_target, &self.draft, self.cases()) else {
            return true;
        };
        let days = cases.days;
        if self.sweep.is_none() {
            let position = self.document.position(rule);
            let sweep = position.and_then(|position| Sweep::new(&draft.bundle, position, at));
            let Some(sweep) = sweep else { return true };
            let steps = sweep.over(Arc::clone(&cases.corpus));
            self.sweep = Some(Box::new(SweepJob { steps, days }));
        }
        if self.sweep.as_mut().is_some_and(|sweep| !sweep.steps.step(ROWS_PER_STEP)) {
            return false;
        }
        if let Some(sweep) = self.sweep.take() {
            let curve = Some(sweep.steps.finish());
            emit(Event::Swept(self.serial, Box::new(SweepResult { rule, at, days: sweep.days, curve })));
        }
        true
    }

    /// The rules that can never match, and the rules that cover them. The linter has just asked the analyzer for these
    /// rules, so this call only looks the answer up.
    fn find_unreachable(&mut self, emit: &mut dyn FnMut(Event)) -> bool {
        if let (true, Some(draft)) = (self.is_analysed, &self.draft) {
            let unreachable = self.analyzer.analyse(&draft.bundle, Meter::default()).unreachable;
            emit(Event::Unreachable(self.serial, unreachable));
        }
        true
    }
}

#[cfg(test)]
mod tests;
