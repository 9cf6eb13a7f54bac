//! A batch of decisions as arrays, one a column, for a statement that unnests them.

use std::{borrow::Cow, collections::HashSet};

use const_format::concatcp;
use sha2::{Digest, Sha256};
use sqlx::{Postgres, postgres::PgArguments, query::QueryScalar};
use time::OffsetDateTime;

use super::{
    pending::{Decision, stored_id},
    subjects::PARTS,
};
use crate::{Error, Result, json, text::storable};

/// The arrays that [`Batch::bind`] binds, with the names of their columns.
pub(super) const ASKED: &str = concatcp!(
    "unnest($1::text[], $2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
         $9::text[], $10::text[], $11::text[], $12::float8[], $13::int8[], $14::text[], $15::text[], $16::text[],
         $17::text[], $18::text[], $19::int8[], $20::text[], $21::text[], $22::text[], $23::text[], $24::text[],
         $25::int8[], $26::timestamptz[], $27::int2[], $28::int2[], $29::int8[])
     as asked (",
    super::row::WRITTEN,
    ", past, bucket, zeros, seen)"
);

/// When the decisions of a batch count as recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Recorded {
    /// Now, by the database's clock.
    Now,
    /// When they were decided, at the latest now.
    WhenDecided,
}

/// Decisions, each id once.
#[derive(Default)]
pub(super) struct Batch<'a> {
    ids: Vec<Cow<'a, str>>,
    decided: Vec<OffsetDateTime>,
    agents: Vec<Cow<'a, str>>,
    actions: Vec<Cow<'a, str>>,
    subjects: Vec<Cow<'a, str>>,
    contexts: Vec<Cow<'a, str>>,
    effects: Vec<&'static str>,
    statuses: Vec<&'static str>,
    rules: Vec<Option<Cow<'a, str>>>,
    reasons: Vec<Cow<'a, str>>,
    budgets: Vec<Option<String>>,
    costs: Vec<Option<f64>>,
    bundle_ids: Vec<Option<i64>>,
    versions: Vec<Option<&'a str>>,
    digests: Vec<Option<&'a str>>,
    arms: Vec<&'static str>,
    modes: Vec<&'static str>,
    errors: Vec<Option<String>>,
    other_ids: Vec<Option<i64>>,
    other_versions: Vec<Option<&'a str>>,
    other_digests: Vec<Option<&'a str>>,
    other_effects: Vec<Option<&'static str>>,
    other_statuses: Vec<Option<&'static str>>,
    other_rules: Vec<Option<Cow<'a, str>>>,
    askers: Vec<Option<i64>>,
    past: Vec<Option<OffsetDateTime>>,
    buckets: Vec<i16>,
    zeros: Vec<i16>,
    seen: Vec<i64>,
}

impl<'a> Batch<'a> {
    /// Of decisions with the same id, only the first is taken.
    pub fn new<D: Decision>(decisions: &'a [D], recorded: Recorded) -> Result<Self> {
        let mut batch = Self::default();
        let mut taken = HashSet::with_capacity(decisions.len());
        for decision in decisions {
            if taken.insert(stored_id(decision)) {
                batch.push(decision, recorded)?;
            }
        }
        Ok(batch)
    }

    fn push<D: Decision>(&mut self, decision: &'a D, recorded: Recorded) -> Result<()> {
        let record = decision.record();
        let decided = OffsetDateTime::from(record.decided_at);
        let context = match decision.context() {
            Some(text) => storable(text),
            None => json::text(&record.context)?.into(),
        };
        let (bucket, zeros, seen) = of_subject(&record.subject);
        let (bundle, other) = (record.bundle.as_ref(), record.other_arm.as_ref());
        self.ids.push(storable(&record.decision_id));
        self.decided.push(decided);
        self.agents.push(storable(&record.agent));
        self.actions.push(storable(&record.action));
        self.subjects.push(storable(&record.subject));
        self.contexts.push(context);
        self.effects.push(record.effect.name());
        self.statuses.push(record.status.name());
        self.rules.push(record.matched_rule.as_deref().map(storable));
        self.reasons.push(storable(&record.reason));
        self.budgets.push(record.budget.as_ref().map(json::text).transpose()?);
        self.costs.push(record.budget.and_then(|budget| budget.cost));
        self.bundle_ids.push(bundle.map(|bundle| bundle.id));
        self.versions.push(bundle.map(|bundle| bundle.version.as_str()));
        self.digests.push(bundle.map(|bundle| bundle.digest.as_str()));
        self.arms.push(record.arm.name());
        self.modes.push(record.mode.name());
        self.errors.push(if record.errors.is_empty() { None } else { Some(json::text(&record.errors)?) });
        self.other_ids.push(other.map(|other| other.bundle.id));
        self.other_versions.push(other.map(|other| other.bundle.version.as_str()));
        self.other_digests.push(other.map(|other| other.bundle.digest.as_str()));
        self.other_effects.push(other.map(|other| other.effect.name()));
        self.other_statuses.push(other.map(|other| other.status.name()));
        self.other_rules.push(other.and_then(|other| other.matched_rule.as_deref()).map(storable));
        self.askers.push(record.asked_by);
        self.past.push((recorded == Recorded::WhenDecided).then_some(decided));
        self.buckets.push(bucket);
        self.zeros.push(zeros);
        self.seen.push(seen);
        Ok(())
    }

    /// When the decisions were decided.
    pub fn times(&self) -> &[OffsetDateTime] {
        &self.decided
    }

    /// Binds the arrays of [`ASKED`].
    pub fn bind<'q, O>(
        self,
        query: QueryScalar<'q, Postgres, O, PgArguments>,
    ) -> QueryScalar<'q, Postgres, O, PgArguments>
    where
        'a: 'q,
    {
        query
            .bind(self.ids)
            .bind(self.decided)
            .bind(self.agents)
            .bind(self.actions)
            .bind(self.subjects)
            .bind(self.contexts)
            .bind(self.effects)
            .bind(self.statuses)
            .bind(self.rules)
            .bind(self.reasons)
            .bind(self.budgets)
            .bind(self.costs)
            .bind(self.bundle_ids)
            .bind(self.versions)
            .bind(self.digests)
            .bind(self.arms)
            .bind(self.modes)
            .bind(self.errors)
            .bind(self.other_ids)
            .bind(self.other_versions)
            .bind(self.other_digests)
            .bind(self.other_effects)
            .bind(self.other_statuses)
            .bind(self.other_rules)
            .bind(self.askers)
            .bind(self.past)
            .bind(self.buckets)
            .bind(self.zeros)
            .bind(self.seen)
    }
}

/// The bucket of a subject's hash, below [`BUCKETS`](super::subjects::BUCKETS), the number of zeros before the first one
/// of the next bits, and the part of the bucket, of [`PARTS`](super::subjects::PARTS), as the bit that stands for it.
pub(super) fn of_subject(subject: &str) -> (i16, i16, i64) {
    let hash: [u8; 32] = Sha256::digest(subject.as_bytes()).into();
    let [a, b, c, d, e, f, g, h, i, ..] = hash;
    let bucket = i16::from_be_bytes([a & 0x0f, b]);
    let rest = u64::from_be_bytes([c, d, e, f, g, h, 0xff, 0xff]);
    // At most 48.
    (bucket, i16::try_from(rest.leading_zeros()).unwrap_or(48), 1 << (i % PARTS))
}

/// Refuses a time that a column cannot hold.
pub(super) fn refuse_unwritable<D: Decision>(decisions: &[D]) -> Result<()> {
    let unwritable = decisions.iter().map(|decision| decision.record().decided_at).find(|at| {
        let year = OffsetDateTime::from(*at).year();
        !(-4000..=9999).contains(&year)
    });
    match unwritable {
        Some(at) => Err(Error::Internal(format!("a decision of {at} cannot be written"))),
        None => Ok(()),
    }
}
