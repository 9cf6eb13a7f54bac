//! Replaying a corpus against two bundles, and the checksum that proves the result.

use policy::{
    bundle::{Bundle, Digest, Effect},
    engine::{self, Prepared, Status, Verdict},
    replay::{Change, Corpus, Dataset, Deltas, simulate::Tally},
};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::{
    ReviewSettings,
    content::{EvidenceGap, ReplayReport},
};

/// Maximum number of flips that a packet lists; all flips are counted.
pub const MAX_FLIPS: usize = 1000;

/// A bundle with its content address.
#[derive(Debug, Clone, Copy)]
pub struct DigestedBundle<'a> {
    /// The bundle.
    pub bundle: &'a Bundle,
    /// The content address.
    pub digest: &'a str,
}

/// The counts of a replay that the report does not contain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReplayImpact {
    /// Decisions replayed.
    pub total: usize,
    /// Decisions whose effect differs from before.
    pub flips: usize,
    /// Decisions that are allowed now and were not before.
    pub newly_allowed: usize,
    /// Decisions that were allowed before and are not now.
    pub newly_refused: usize,
    /// Decisions that are in error now and were not before.
    pub new_errors: usize,
}

/// One line of results that the checksum covers.
#[derive(Serialize)]
struct Line<'a> {
    case_id: &'a str,
    before: Option<AnswerLine<'a>>,
    after: AnswerLine<'a>,
}

#[derive(Serialize)]
struct AnswerLine<'a> {
    effect: Effect,
    status: Status,
    rule: Option<&'a str>,
}

impl<'a> From<Verdict<'a>> for AnswerLine<'a> {
    fn from(verdict: Verdict<'a>) -> Self {
        Self { effect: verdict.effect, status: verdict.status, rule: verdict.rule.map(|rule| rule.id()) }
    }
}

/// Replays `corpus` twice and reports; `deterministic_pass` says whether both runs gave the same checksum.
/// `corpus_by_policy` says whether the settings named the corpus.
///
/// Without a base no bundle was live and every decision was denied, so every case that is not denied now is a flip.
pub fn replay(
    corpus: &Corpus,
    base: Option<DigestedBundle<'_>>,
    draft: DigestedBundle<'_>,
    settings: &ReviewSettings,
    corpus_by_policy: bool,
) -> (ReplayReport, ReplayImpact) {
    let corpus_digest = corpus.digest();
    let gap = evidence_gap(corpus, settings, corpus_by_policy);
    let first = replay_once(corpus, &corpus_digest, base, draft);
    let second = replay_once(corpus, &corpus_digest, base, draft);
    let bundle_summary = first.after.summary(settings.limits);
    let base_summary = base.is_some().then(|| first.before.summary(settings.limits));
    let report = ReplayReport {
        corpus_digest: corpus_digest.to_string(),
        corpus_count: corpus.cases.len(),
        corpus_source: source_name(corpus),
        window: corpus.window(),
        engine_version: engine::VERSION.to_owned(),
        deltas: base_summary.as_ref().map(|before| Deltas::between(before, &bundle_summary)),
        base_summary,
        bundle_summary,
        flips: first.flips,
        total_flips: first.impact.flips,
        deterministic_pass: first.checksum == second.checksum,
        replay_checksum: first.checksum,
        insufficient_evidence: gap.is_some(),
        evidence_gap: gap,
    };
    (report, first.impact)
}

/// Why the corpus is not enough to draw conclusions from: only recorded decisions count, and only those that the settings
/// name, because an author who chooses the evidence chooses the result.
fn evidence_gap(corpus: &Corpus, settings: &ReviewSettings, by_policy: bool) -> Option<EvidenceGap> {
    if corpus.source != Dataset::Recorded {
        Some(EvidenceGap::NotRecorded)
    } else if corpus.cases.len() < settings.min_evidence {
        Some(EvidenceGap::TooFew)
    } else {
        (!by_policy).then_some(EvidenceGap::OtherCorpus)
    }
}

/// `recorded`, `fixtures`, …
fn source_name(corpus: &Corpus) -> String {
    serde_json::to_value(corpus.source).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
}

/// The result of one replay.
struct Run {
    before: Tally,
    after: Tally,
    flips: Vec<Change>,
    impact: ReplayImpact,
    checksum: String,
}

/// Replays the corpus once. The checksum is `sha256:` over lines of JSON, each ended by a newline: first corpus digest,
/// base digest (or null), bundle digest and engine version, then every case in order with both answers.
fn replay_once(
    corpus: &Corpus,
    corpus_digest: &Digest,
    base: Option<DigestedBundle<'_>>,
    draft: DigestedBundle<'_>,
) -> Run {
    let prepared_base = base.map(|base| Prepared::new(base.bundle));
    let prepared = Prepared::new(draft.bundle);
    let mut hasher = Sha256::new();
    let mut line = Vec::new();
    let mut add = |value: &dyn erased::Json| {
        line.clear();
        value.write(&mut line);
        line.push(b'\n');
        hasher.update(&line);
    };
    add(&(corpus_digest.as_str(), base.map(|base| base.digest), draft.digest, engine::VERSION));
    let (mut before_tally, mut after_tally) = (Tally::default(), Tally::default());
    let mut impact = ReplayImpact { total: corpus.cases.len(), ..ReplayImpact::default() };
    let mut flips = Vec::new();
    let nothing = Verdict { effect: Effect::Deny, status: Status::NoMatch, rule: None };
    for case in corpus.cases.iter().map(|recorded| &recorded.case) {
        let before = prepared_base.as_ref().map(|base| base.verdict(case.into()));
        let after = prepared.verdict(case.into());
        add(&Line { case_id: &case.case_id, before: before.map(AnswerLine::from), after: after.into() });
        let before = before.unwrap_or(nothing);
        before_tally.add(before.effect, before.status, before.rule.and_then(|rule| rule.budget()));
        after_tally.add(after.effect, after.status, after.rule.and_then(|rule| rule.budget()));
        impact.new_errors += usize::from(after.status == Status::Error && before.status != Status::Error);
        if before.effect != after.effect {
            impact.flips += 1;
            impact.newly_allowed += usize::from(after.effect == Effect::Allow);
            impact.newly_refused += usize::from(before.effect == Effect::Allow);
            if flips.len() < MAX_FLIPS {
                flips.push(Change::new(case, before, after));
            }
        }
    }
    let checksum = format!("sha256:{}", hex::encode(hasher.finalize()));
    Run { before: before_tally, after: after_tally, flips, impact, checksum }
}

/// Serialization through a trait object, so that one closure writes every line.
mod erased {
    use serde::Serialize;

    pub(super) trait Json {
        fn write(&self, into: &mut Vec<u8>);
    }

    impl<T: Serialize> Json for T {
        fn write(&self, into: &mut Vec<u8>) {
            // Text, null and enum names always serialize, and writing to a vector never fails.
            let _ = serde_json::to_writer(into, self);
        }
    }
}
