//! What is said about the draft as it is typed: findings, text diff, version. It runs in the browser, in steps between
//! frames, and waits longer when a step took long, so that typing never stalls. What follows is in [`super::replaying`].

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use leptos::prelude::*;
use lifecycle::{
    analysis::Analyzer,
    bundle::{
        Invariant, Source,
        diff::{TextDiff, text_diff},
        version::{self, Proposal},
    },
    lint::{self, Code, Finding, Report, Severity},
};

use super::{
    desk::{Desk, badness},
    replaying::{Cases, Turns, covers, understand},
    stable::Stable,
};
use crate::editor::{Content, Key, content::Mirror, rule};

/// Longest wait after a keystroke before looking again, in milliseconds.
const MAX_WAIT_MS: f64 = 600.0;

/// Most rules whose input space is analysed at every keystroke; larger drafts wait for a pause.
const EXACT_AT_ONCE: usize = 250;

/// Most rules whose input space is analysed in the browser; of larger drafts the packet says it, broken invariants
/// included.
pub const EXACT_AT_ALL: usize = 2_000;

/// How long a pause, in milliseconds.
const PAUSE: Duration = Duration::from_millis(1_200);

/// What the linter, the text diff and the version rules say about a document.
#[derive(Debug, Clone, PartialEq)]
pub struct Checked {
    /// The document they speak about: findings point into it by position.
    pub content: Content,
    /// The findings.
    pub report: Report,
    /// What changes against stable.
    pub diff: Option<TextDiff>,
    /// The next version and why.
    pub proposal: Proposal,
    /// Why the version in the document is refused.
    pub version_refused: Option<String>,
}

impl Checked {
    /// Looks at `source`, which says what `content` says. What `known` has proven is not proven again.
    pub fn of(
        content: Content,
        source: &Source,
        stable: Option<&Stable>,
        taken: &[String],
        invariants: &[Invariant],
        known: &mut Analyzer,
    ) -> Self {
        let base = stable.map(|stable| (stable.version.as_str(), &stable.source));
        let version_refused = source
            .version
            .as_deref()
            .and_then(|chosen| version::check(chosen, base, source, taken).err())
            .map(|refused| refused.to_string());
        Self {
            content,
            report: if source.rules.len() <= EXACT_AT_ONCE {
                lint::lint_again(source, invariants, known)
            } else {
                lint::quick(source)
            },
            diff: stable.map(|stable| text_diff(&stable.source, source)),
            proposal: version::propose(base, source, taken),
            version_refused,
        }
    }

    /// The rule a finding is about.
    pub fn key(&self, finding: &Finding) -> Option<Key> {
        self.content.key_of_path(&finding.path)
    }

    /// The worst finding of each rule.
    pub fn flags(&self) -> HashMap<Key, Finding> {
        let mut flags: HashMap<Key, Finding> = HashMap::new();
        for finding in self.report.all().filter(|finding| finding.code != Code::Disabled) {
            let Some(key) = self.key(finding) else { continue };
            match flags.get(&key) {
                Some(worse) if badness(worse) <= badness(finding) => {}
                _ => {
                    flags.insert(key, finding.clone());
                }
            }
        }
        flags
    }

    /// What became of rules against stable, by id: `new` or `edited`.
    pub fn marks(&self) -> HashMap<String, &'static str> {
        let Some(diff) = &self.diff else { return HashMap::new() };
        let added = diff.rules_added.iter().map(|added| (rule::id(added).to_owned(), "new"));
        added.chain(diff.rules_modified.iter().map(|modified| (modified.id.clone(), "edited"))).collect()
    }

    /// What blocks submitting, by kind: `15 × operator in the wrong place`.
    pub fn obstacles(&self) -> Vec<String> {
        let mut counts: BTreeMap<&'static str, usize> = BTreeMap::new();
        for finding in &self.report.errors {
            *counts.entry(code_words(finding.code)).or_default() += 1;
        }
        counts.into_iter().map(|(what, n)| if n == 1 { what.to_owned() } else { format!("{n} × {what}") }).collect()
    }

    /// How many findings have a repair.
    pub fn fixable(&self) -> usize {
        self.report.all().filter(|finding| finding.fix.is_some()).count()
    }
}

/// A kind of finding, in a few words.
pub const fn code_words(code: Code) -> &'static str {
    match code {
        Code::MissingId => "missing id",
        Code::DuplicateId => "duplicate id",
        Code::Schema => "not valid",
        Code::MissingReason => "missing reason",
        Code::BadOperator => "operator in the wrong place",
        Code::Contradiction => "contradiction",
        Code::TypeClash => "type clash",
        Code::Invariant => "invariant violated",
        Code::ShortReason => "short reason",
        Code::ApprovalWithoutBudget => "approval without budget",
        Code::HighCost => "high cost",
        Code::Unreachable => "unreachable",
        Code::Conflict => "conflict",
        Code::Redundant => "redundant",
        Code::OutOfDomain => "out of domain",
        Code::Undeclared => "undeclared",
        Code::NearDuplicate => "near duplicate",
        Code::GuardrailShadowed => "guardrail shadowed",
        Code::Disabled => "disabled",
        Code::Gap => "gap",
        Code::Undecided => "undecided",
    }
}

/// Follows the document. Call once, in the page.
pub fn follow(desk: Desk, cases: Signal<Option<Cases>>) {
    let mirror = StoredValue::new(Mirror::default());
    let turns = Turns::new();
    prove_in_pauses(desk);
    Effect::new(move |_| {
        desk.content.track();
        desk.again.track();
        let cases = cases.get();
        desk.stopped.set_value(false);
        // What held the page up once will do so again: wait for a longer pause.
        let cost = turns.longest();
        let wait = if cost < 8.0 { 16.0 } else { (cost * 2.5).clamp(32.0, MAX_WAIT_MS) };
        let check = move || {
            turns.timed(|| {
                let content = desk.content.get_untracked();
                // The server has checked the first document already.
                if desk.checked.with_untracked(|checked| checked.content == content) {
                    return;
                }
                mirror.update_value(|mirror| {
                    let source = mirror.follow(&content);
                    let stable = desk.stable.get_value();
                    let taken = desk.taken.get_value();
                    let invariants = desk.invariants.get_value();
                    let checked = desk.known.try_update_value(|known| {
                        Arc::new(Checked::of(content, source, stable.as_deref(), &taken, &invariants, known))
                    });
                    desk.checked.update(|seen| *seen = checked.unwrap_or_else(|| Arc::clone(seen)));
                });
            });
            turns.later(Duration::ZERO, move || understand(desk, turns, cases));
        };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped above")]
        let wait = Duration::from_millis(wait as u64);
        turns.later(wait, check);
    });
    on_cleanup(move || turns.clear());
}

/// Analyses the input space of a larger draft when its author pauses, and what covers the rules that are dead.
fn prove_in_pauses(desk: Desk) {
    let turns = Turns::new();
    Effect::new(move |_| {
        let Some(draft) = desk.draft.get() else { return };
        turns.clear();
        let rules = draft.bundle.rules.len();
        if rules > EXACT_AT_ALL {
            return;
        }
        let small = rules <= EXACT_AT_ONCE;
        let prove = move || {
            let seen = desk.checked.get_untracked();
            let invariants = desk.invariants.get_value();
            let proven = desk.known.try_update_value(|known| {
                let again = !small && seen.content == draft.content;
                let report = again.then(|| lint::lint_again(&draft.content.to_source(), &invariants, known));
                (report, covers(&draft, known))
            });
            let Some((report, covers)) = proven else { return };
            desk.covers.set(Arc::new(covers));
            if let Some(report) = report {
                desk.checked.set(Arc::new(Checked { report, ..Checked::clone(&seen) }));
            }
        };
        turns.later(if small { Duration::from_millis(120) } else { PAUSE }, prove);
    });
    on_cleanup(move || turns.clear());
}

/// Looks at the document at once, for commands that need findings of exactly what is on the page.
pub fn check_now(desk: Desk) -> Arc<Checked> {
    let content = desk.content.get_untracked();
    let seen = desk.checked.get_untracked();
    if seen.content == content {
        return seen;
    }
    let source = content.to_source();
    let stable = desk.stable.get_value();
    let (taken, invariants) = (desk.taken.get_value(), desk.invariants.get_value());
    let checked = desk
        .known
        .try_update_value(|known| Checked::of(content, &source, stable.as_deref(), &taken, &invariants, known));
    // The desk is there for as long as its page.
    let checked = checked.map_or(seen, Arc::new);
    desk.checked.set(Arc::clone(&checked));
    checked
}

/// Milliseconds on the browser's own watch. Called from handlers only, never while rendering.
pub fn now() -> f64 {
    window().performance().map_or(0.0, |performance| performance.now())
}

/// The findings of one severity.
pub fn of_severity(report: &Report, severity: Severity) -> &[Finding] {
    match severity {
        Severity::Error => &report.errors,
        Severity::Warning => &report.warnings,
        Severity::Info => &report.info,
    }
}
