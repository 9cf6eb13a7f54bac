//! The state of one open draft, and what is due next. Each step is short, except for the analysis of a large draft that
//! was never analysed before; between two steps newer asks are heard.

mod replaying;

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use policy::{
    analysis::{Analyzer, Meter, SemanticDiff, semantic_diff},
    bundle::{Bundle, Invariant, Source},
    engine::Prepared,
    replay::{
        Case, Columnar, Dataset, Limits, Replayed as Answers, learn, simulate_prepared,
        sweep::{Sweep, Sweeping},
        synthetic,
    },
};

use self::replaying::Replaying;
use crate::{
    check::Checked,
    document::Document,
    protocol::{Curved, Event, Request, Tested},
};

/// Work that comparing with stable may take: about a tenth of a second.
fn budget() -> Meter {
    Meter::new(2_500_000, 500_000)
}

/// How many rules are analysed over their whole input space, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exact {
    /// Up to so many rules at every change, also the first time.
    pub at_once: usize,
    /// Up to so many rules at all: the first time when nothing else is due, afterwards at every change.
    pub at_all: usize,
}

/// What can be due, the most urgent first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Task {
    Check,
    Mean,
    Replay,
    Test,
    Sweep,
    Cover,
    Prove,
}

/// What the draft is compared with.
#[derive(Debug)]
struct Stable {
    version: String,
    source: Source,
    bundle: Bundle,
    prepared: Arc<Prepared>,
}

/// The draft as understood.
#[derive(Debug)]
struct Draft {
    bundle: Bundle,
    prepared: Arc<Prepared>,
    diff: Option<SemanticDiff>,
}

/// Cases as columns.
#[derive(Debug, Clone)]
struct Cases {
    corpus: Arc<Columnar>,
    days: Option<f64>,
    /// Stable's answers, once they are known.
    before: Option<Arc<Answers>>,
    /// The draft's answers as they were last known, perhaps before an edit.
    after: Option<Arc<Answers>>,
}

impl Cases {
    #[expect(clippy::cast_precision_loss, reason = "seconds of some years")]
    fn new(corpus: Columnar) -> Self {
        let seconds = corpus.window().map(|(first, last)| last.unix_seconds() - first.unix_seconds());
        let days = seconds.filter(|seconds| *seconds >= 3_600).map(|seconds| seconds as f64 / 86_400.0);
        Self { corpus: Arc::new(corpus), days, before: None, after: None }
    }
}

/// A sweep under way.
#[derive(Debug)]
struct Moving {
    steps: Sweeping,
    days: Option<f64>,
}

/// The state of one open draft.
#[derive(Debug)]
pub struct Session {
    now: fn() -> f64,
    exact: Exact,
    stable: Option<Stable>,
    taken: Vec<String>,
    invariants: Vec<Invariant>,
    document: Document,
    serial: u32,
    known: Analyzer,
    /// Whether the whole draft was analysed once, so that only edits need proof.
    warm: bool,
    /// What the check understood, with how many rules it left out, until the draft is made of it.
    understood: Option<(Bundle, usize)>,
    draft: Option<Draft>,
    datasets: HashMap<&'static str, Cases>,
    chosen: Dataset,
    replaying: Option<Box<Replaying>>,
    stopped: bool,
    tests: Option<Vec<Case>>,
    sweep: Option<(u32, usize)>,
    moving: Option<Box<Moving>>,
    due: BTreeSet<Task>,
}

/// Rows answered between two looks at the watch.
const STRIDE: usize = 8_192;

impl Session {
    /// Nothing is open yet. `now` tells milliseconds on some watch.
    pub fn new(now: fn() -> f64, exact: Exact) -> Self {
        Self {
            now,
            exact,
            stable: None,
            taken: Vec::new(),
            invariants: Vec::new(),
            document: Document::default(),
            serial: 0,
            known: Analyzer::new(),
            warm: false,
            understood: None,
            draft: None,
            datasets: HashMap::new(),
            chosen: Dataset::Recorded,
            replaying: None,
            stopped: false,
            tests: None,
            sweep: None,
            moving: None,
            due: BTreeSet::new(),
        }
    }

    /// Hears an ask. What can be answered at once is told; the rest becomes due.
    pub fn ask(&mut self, ask: Request, payload: Option<&[u8]>, tell: &mut dyn FnMut(Event)) {
        match ask {
            Request::Open { stable, taken, invariants } => {
                self.stable = stable.map(|(version, source)| {
                    let bundle = source.parse_rules().bundle;
                    Stable { version, prepared: Arc::new(Prepared::new(&bundle)), bundle, source: *source }
                });
                (self.taken, self.invariants) = (taken, invariants);
            }
            Request::Document { serial, change } => {
                self.document.follow(change);
                self.serial = serial;
                (self.draft, self.understood) = (None, None);
                self.stopped = false;
                self.due.extend([Task::Check, Task::Mean, Task::Cover]);
                self.again();
            }
            Request::Corpus(dataset) => {
                let read = Columnar::decode(payload.unwrap_or_default());
                self.keep(dataset, read.map_err(|error| format!("{error}.")), tell);
            }
            Request::Cases(dataset, cases) => {
                let read = Columnar::of_cases(dataset, &cases).map_err(|error| error.to_string());
                self.keep(dataset, read, tell);
            }
            Request::Synthetic(count, seed) => {
                // From the rules of both: their thresholds are where answers may differ.
                let mut both = self.document.source().parse_rules().bundle;
                both.rules.extend(self.stable.iter().flat_map(|stable| stable.bundle.rules.iter().cloned()));
                let cases = synthetic::cases(&both, count, seed);
                let read = Columnar::of_cases(Dataset::Synthetic, &cases).map_err(|error| error.to_string());
                self.keep(Dataset::Synthetic, read, tell);
            }
            Request::Choose(dataset) => {
                self.chosen = dataset;
                self.again();
            }
            Request::Stop => self.stopped = true,
            Request::Again => {
                self.stopped = false;
                self.again();
            }
            Request::Tests(cases) => {
                self.tests = Some(cases);
                self.due.insert(Task::Test);
            }
            Request::Sweep(target) => {
                (self.sweep, self.moving) = (target, None);
                self.due.insert(Task::Sweep);
            }
            Request::Learn => {
                let bundle = self.document.source().parse_rules().bundle;
                let recorded = self.datasets.get(Dataset::Recorded.name()).map(|cases| &cases.corpus);
                let schema = recorded.and_then(|corpus| learn::schema(corpus, &bundle));
                tell(Event::Learned(schema, recorded.map_or(0, |corpus| corpus.len())));
            }
            Request::Case(number) => {
                let corpus = self.cases().map(|cases| &cases.corpus).filter(|corpus| !corpus.is_empty());
                tell(Event::Case(corpus.map(|corpus| Box::new(corpus.case(number % corpus.len()).input()))));
            }
        }
    }

    fn keep(&mut self, dataset: Dataset, read: Result<Columnar, String>, tell: &mut dyn FnMut(Event)) {
        match read {
            Ok(corpus) => {
                let cases = Cases::new(corpus);
                tell(Event::Loaded(dataset, cases.corpus.len(), cases.days));
                self.datasets.insert(dataset.name(), cases);
                if dataset == self.chosen {
                    self.again();
                }
            }
            Err(why) => tell(Event::Refused(dataset, why)),
        }
    }

    fn cases(&self) -> Option<&Cases> {
        self.datasets.get(self.chosen.name())
    }

    /// Gives up what is counted and counts it anew.
    fn again(&mut self) {
        (self.replaying, self.moving) = (None, None);
        self.due.extend([Task::Replay, Task::Test, Task::Sweep]);
    }

    /// Whether something is due.
    pub fn is_due(&self) -> bool {
        !self.due.is_empty()
    }

    /// Does one step of the most urgent task.
    pub fn step(&mut self, tell: &mut dyn FnMut(Event)) {
        let Some(task) = self.due.first().copied() else { return };
        let done = match task {
            Task::Check => self.check(tell),
            Task::Mean => self.mean(tell),
            Task::Replay => self.replay(tell),
            Task::Test => self.test(tell),
            Task::Sweep => self.sweep(tell),
            Task::Cover => self.cover(tell),
            Task::Prove => self.prove(tell),
        };
        if done {
            self.due.remove(&task);
        }
    }

    fn checked(&mut self, exact: bool) -> Checked {
        let base = self.stable.as_ref().map(|stable| (stable.version.as_str(), &stable.source));
        let known = exact.then_some(&mut self.known);
        let (checked, bundle, skipped) =
            Checked::understanding(self.document.source(), base, &self.taken, &self.invariants, known);
        self.understood = Some((bundle, skipped.len()));
        checked
    }

    fn check(&mut self, tell: &mut dyn FnMut(Event)) -> bool {
        let rules = self.document.source().rules.len();
        let exact = rules <= self.exact.at_once || (self.warm && rules <= self.exact.at_all);
        self.warm = exact;
        if !exact && rules <= self.exact.at_all {
            self.due.insert(Task::Prove);
        }
        let checked = self.checked(exact);
        tell(Event::Checked(self.serial, Box::new(checked)));
        true
    }

    fn prove(&mut self, tell: &mut dyn FnMut(Event)) -> bool {
        let checked = self.checked(true);
        self.warm = true;
        tell(Event::Checked(self.serial, Box::new(checked)));
        self.due.insert(Task::Cover);
        true
    }

    fn mean(&mut self, tell: &mut dyn FnMut(Event)) -> bool {
        let (bundle, skipped) = self.understood.take().unwrap_or_else(|| {
            let understood = self.document.source().parse_rules();
            (understood.bundle, understood.skipped.len())
        });
        let diff = self.stable.as_ref().map(|stable| semantic_diff(&stable.bundle, &bundle, budget()));
        tell(Event::Meant(self.serial, diff.clone().map(Box::new), skipped));
        self.draft = Some(Draft { prepared: Arc::new(Prepared::new(&bundle)), bundle, diff });
        true
    }

    fn replay(&mut self, tell: &mut dyn FnMut(Event)) -> bool {
        let (Some(draft), Some(cases)) = (&self.draft, self.datasets.get_mut(self.chosen.name())) else { return true };
        let now = self.now;
        let stable = self.stable.as_ref().map(|stable| &stable.prepared);
        let mut replaying =
            self.replaying.take().unwrap_or_else(|| Box::new(Replaying::new(now(), stable, draft, cases)));
        if !replaying.step(cases, draft, stable.is_some(), self.stopped) {
            if let Some((done, total)) = replaying.progress(now()) {
                tell(Event::Progress(done, total));
            }
            self.replaying = Some(replaying);
            return false;
        }
        let told = replaying.finish(self.chosen, cases, &self.document, stable.is_some(), now());
        tell(Event::Replayed(self.serial, Box::new(told)));
        true
    }

    fn test(&mut self, tell: &mut dyn FnMut(Event)) -> bool {
        let (Some(tests), Some(draft)) = (&self.tests, &self.draft) else { return true };
        let run = simulate_prepared(&draft.prepared, tests, Limits::default());
        let rules = run.rule_hits.len();
        let untested = run.rule_hits.into_iter().filter(|(_, hits)| *hits == 0).map(|(rule, _)| rule).collect();
        tell(Event::Tested(self.serial, Box::new(Tested { results: run.results, untested, rules })));
        true
    }

    fn sweep(&mut self, tell: &mut dyn FnMut(Event)) -> bool {
        let (Some((rule, at)), Some(draft), Some(cases)) = (self.sweep, &self.draft, self.cases()) else { return true };
        let days = cases.days;
        if self.moving.is_none() {
            let position = self.document.position(rule);
            let sweep = position.and_then(|position| Sweep::new(&draft.bundle, position, at));
            let Some(sweep) = sweep else { return true };
            let steps = sweep.over(Arc::clone(&cases.corpus));
            self.moving = Some(Box::new(Moving { steps, days }));
        }
        if self.moving.as_mut().is_some_and(|moving| !moving.steps.step(STRIDE)) {
            return false;
        }
        if let Some(moving) = self.moving.take() {
            let curve = Some(moving.steps.finish());
            tell(Event::Swept(self.serial, Box::new(Curved { rule, at, days: moving.days, curve })));
        }
        true
    }

    /// The rules that are dead and what covers them; the linter has just asked the same, so that it only looks it up.
    fn cover(&mut self, tell: &mut dyn FnMut(Event)) -> bool {
        if let (true, Some(draft)) = (self.warm, &self.draft) {
            let unreachable = self.known.analyse(&draft.bundle, Meter::default()).unreachable;
            tell(Event::Covered(self.serial, unreachable));
        }
        true
    }
}

#[cfg(test)]
mod tests;
