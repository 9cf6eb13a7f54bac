//! What is said about the draft as it is typed. It is worked out beside the page ([`super::beside`]): each change is sent
//! there, and what is told comes back into the desk, unless the draft has changed again.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use leptos::prelude::*;
use policy::{
    analysis::Analyzer,
    bundle::{Invariant, Source, diff::TextDiff, schema::Schema, version::Proposal},
    lint::{self, Code, Finding, Report, Severity},
};
use worker::{Event, Request};

use super::{
    replaying::{self, Replayed},
    stable::Stable,
    state::{EditorState, badness},
    worker_client,
};
use crate::{
    components::format,
    model::{Content, Edit, Key, content::Sent, rule},
};

/// Most rules whose input space is analysed in the browser; of larger drafts the packet says it, broken invariants
/// included.
pub const EXACT_AT_ALL: usize = 5_000;

/// Most rules whose input space is analysed on the page itself, when it is opened, also by the server that renders it.
const EXACT_HERE: usize = 250;

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
    /// What is said about `source`, which says what `content` says, at once: of a large draft without a look at its input
    /// space, which follows.
    pub fn here(
        content: Content,
        source: &Source,
        stable: Option<&Stable>,
        taken: &[String],
        invariants: &[Invariant],
    ) -> Self {
        let base = stable.map(|stable| (stable.version.as_str(), &stable.source));
        let mut analyzer = Analyzer::new();
        let known = (source.rules.len() <= EXACT_HERE).then_some(&mut analyzer);
        Self::told(content, worker::CheckReport::of(source, base, taken, invariants, known))
    }

    fn told(content: Content, told: worker::CheckReport) -> Self {
        let worker::CheckReport { report, diff, proposal, version_refused } = told;
        Self { content, report, diff, proposal, version_refused }
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
pub fn follow(desk: EditorState) {
    let sent = StoredValue::new(Sent::default());
    Effect::new(move |_| {
        let hear = Callback::new(move |tell| told(desk, sent, tell));
        worker_client::open(hear, Callback::new(move |()| begin(desk, sent)));
    });
    Effect::new(move |_| {
        let content = desk.content.get();
        // It begins with everything, so that nothing is sent before.
        if desk.sessions.get() == 0 {
            return;
        }
        let change = sent.try_update_value(|sent| sent.change(&content));
        if let Some((serial, change)) = change.flatten() {
            worker_client::ask(Request::Document { serial, change }, None);
        }
    });
    replaying::read_when_looked_at(desk);
    on_cleanup(worker_client::close);
}

/// Tells a session what the draft is compared with; everything else follows [`EditorState::sessions`].
fn begin(desk: EditorState, sent: StoredValue<Sent>) {
    let stable = desk.stable.get_value();
    let stable = stable.map(|stable| (stable.version.clone(), Box::new(stable.source.clone())));
    let (taken, invariants) = (desk.taken.get_value().to_vec(), desk.invariants.get_value().to_vec());
    worker_client::ask(Request::Open { stable, taken, invariants }, None);
    sent.set_value(Sent::default());
    desk.sessions.update(|sessions| *sessions += 1);
}

/// Takes over what is told.
fn told(desk: EditorState, sent: StoredValue<Sent>, tell: Event) {
    let current = |serial: u32| sent.try_with_value(|sent| sent.serial() == serial).unwrap_or_default();
    match tell {
        Event::Checked(serial, checked) if current(serial) => {
            let Some(content) = sent.try_with_value(|sent| sent.content().cloned()).flatten() else { return };
            desk.checked.set(Arc::new(Checked::told(content, *checked)));
        }
        Event::Compared(serial, diff, skipped) if current(serial) => {
            desk.skipped.set(skipped);
            // An edit of a reason changes no meaning: what is drawn stays.
            let diff = diff.map(|diff| Arc::new(*diff));
            if desk.diff.with_untracked(|old| old.as_deref() != diff.as_deref()) {
                desk.diff.set(diff);
            }
        }
        Event::Unreachable(serial, dead)
            if current(serial) && desk.covers.with_untracked(|covers| **covers != dead) =>
        {
            desk.covers.set(Arc::new(dead));
        }
        Event::Progress(done, total) => desk.progress.set(Some((done, total))),
        Event::Replayed(serial, replayed) if current(serial) => {
            desk.progress.set(None);
            desk.replayed.set(Some(Arc::new(Replayed::told(*replayed, desk.diff.get_untracked()))));
            replaying::mark_settled();
        }
        Event::Tested(serial, tested)
            if current(serial) && desk.tested.with_untracked(|old| old.as_deref() != Some(&*tested)) =>
        {
            desk.tested.set(Some(Arc::new(*tested)));
        }
        Event::Swept(serial, curved) if current(serial) => desk.swept.set(Some(Arc::new(*curved))),
        Event::Loaded(dataset, cases, days) => {
            desk.loaded.update(|loaded| drop(loaded.insert(dataset.name(), Ok((cases, days)))));
        }
        Event::Refused(dataset, why) => desk.loaded.update(|loaded| drop(loaded.insert(dataset.name(), Err(why)))),
        Event::Case(Some(input)) => desk.asked.set(*input),
        Event::Learned(schema, decisions) => learned(desk, schema, decisions),
        _ => {}
    }
}

/// Writes the schema that was learned.
fn learned(desk: EditorState, schema: Option<serde_json::Value>, decisions: usize) {
    desk.learning.set(false);
    let known = Schema::parse(schema.as_ref().unwrap_or(&serde_json::Value::Null));
    let (Some(schema), Ok(known)) = (schema, known) else {
        desk.toasts().note("No recorded decision says anything that a schema can declare.");
        return;
    };
    let fields: usize = known.agents.values().map(|agent| agent.fields.len()).sum();
    if desk.edit(&Edit::Schema(Some(schema))) {
        desk.toasts().good(format!(
            "Learned {} of {} from {}. Undo takes it back.",
            format::plural(fields as u64, "field", "fields"),
            format::plural(known.agents.len() as u64, "agent", "agents"),
            format::plural(decisions as u64, "decision", "decisions"),
        ));
    } else {
        desk.toasts().note("The schema says that already.");
    }
}

/// Looks at the document at once, for commands that need findings of exactly what is on the page.
pub fn check_now(desk: EditorState) -> Arc<Checked> {
    let content = desk.content.get_untracked();
    let seen = desk.checked.get_untracked();
    if seen.content == content {
        return seen;
    }
    let stable = desk.stable.get_value();
    let (taken, invariants) = (desk.taken.get_value(), desk.invariants.get_value());
    let source = content.to_source();
    Arc::new(Checked::here(content, &source, stable.as_deref(), &taken, &invariants))
}

/// How many repairs with one right answer a document waits for.
pub fn fixable(source: &Source) -> usize {
    lint::quick(source).all().filter(|finding| finding.fix.is_some()).count()
}

/// The findings of one severity.
pub fn of_severity(report: &Report, severity: Severity) -> &[Finding] {
    match severity {
        Severity::Error => &report.errors,
        Severity::Warning => &report.warnings,
        Severity::Info => &report.info,
    }
}
