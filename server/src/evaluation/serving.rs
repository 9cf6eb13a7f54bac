//! The bundles in service, ready to decide.

use std::{collections::HashMap, sync::Arc};

use lifecycle::{
    bundle::Record,
    decision::{BundleRef, Record as Decided},
};
use policy::{
    bundle::{
        Effect, Source,
        approval::{ApprovalRule, approval_rules},
    },
    engine::{Arm, Prepared, split},
};
use store::Store;
use tokio::task::spawn_blocking;

/// One bundle in service.
#[derive(Debug, Clone)]
pub struct LiveBundle {
    /// The bundle's identity in answers and records.
    pub bundle: BundleRef,
    /// The bundle's share of traffic in percent; 0 for a shadow.
    pub percent: i16,
    /// The bundle's rules, ready to decide.
    pub prepared: Arc<Prepared>,
    /// The rules that hold calls for approval, by id.
    pub held: Arc<HashMap<String, ApprovalRule>>,
}

/// The live state as one immutable value: a request sees either all of a change or nothing of it.
#[derive(Debug, Clone)]
pub struct Serving {
    /// Whether evaluation is on.
    pub enabled: bool,
    /// The answer to every request while evaluation is off.
    pub bypass_effect: Effect,
    /// Whether a safety pause is in force. A pause changes no decision; every answer says whether one is in force.
    pub paused: bool,
    /// The bundle at 100 %.
    pub stable: Option<LiveBundle>,
    /// The bundle being tried out: canary or shadow.
    pub canary: Option<LiveBundle>,
    /// The last known good bundle, evaluated beside a stable one in its first day; it serves nobody.
    pub previous: Option<LiveBundle>,
}

/// The arm of a subject, and the bundles that answer it.
#[derive(Debug, Clone, Copy)]
pub struct Split<'a> {
    /// The arm that the subject is on.
    pub arm: Arm,
    /// The bundle whose answer the caller gets.
    pub serves: Option<&'a LiveBundle>,
    /// The bundle whose answer is only recorded.
    pub other: Option<&'a LiveBundle>,
}

impl Default for Split<'_> {
    /// A split in which no bundle answers.
    fn default() -> Self {
        Self { arm: Arm::None, serves: None, other: None }
    }
}

impl Serving {
    /// The rule that held a decision for approval, if the bundle that decided is in service.
    pub fn held_by(&self, decision: &Decided) -> Option<&ApprovalRule> {
        let digest = &decision.bundle.as_ref()?.digest;
        let live = self.stable.iter().chain(&self.canary).find(|live| live.bundle.digest == *digest)?;
        live.held.get(decision.matched_rule.as_deref()?)
    }

    /// The bundles that answer `subject`.
    pub fn split(&self, subject: &str) -> Split<'_> {
        let (stable, canary) = (self.stable.as_ref(), self.canary.as_ref());
        let chosen = canary.map_or(Arm::Stable, |canary| split::arm(&canary.bundle.digest, subject, canary.percent));
        match (chosen, stable, canary) {
            (Arm::Canary, _, Some(_)) => Split { arm: Arm::Canary, serves: canary, other: stable },
            (_, Some(_), _) => Split { arm: Arm::Stable, serves: stable, other: canary.or(self.previous.as_ref()) },
            (_, None, _) => Split { arm: Arm::None, serves: None, other: canary },
        }
    }
}

/// Reads the live state. A bundle that `previous` has with an equal digest is not prepared again.
pub(super) async fn load(store: &Store, previous: Option<&Serving>) -> Result<Serving, store::Error> {
    let live = store::system::live(store).await?;
    let before = previous.cloned();
    // A bundle with many rules takes a while, and the thread that asks has others to look after.
    let prepared = spawn_blocking(move || {
        let before: Vec<&LiveBundle> =
            before.iter().flat_map(|serving| [&serving.stable, &serving.canary, &serving.previous]).flatten().collect();
        let ready = |record: Option<Record>| record.map(|record| prepare(record, &before));
        Serving {
            enabled: live.enabled,
            bypass_effect: live.bypass_effect,
            paused: live.paused,
            stable: ready(live.stable),
            canary: ready(live.canary),
            previous: ready(live.previous),
        }
    });
    prepared.await.map_err(|error| store::Error::Internal(format!("a bundle could not be prepared: {error}")))
}

fn prepare(record: Record, previous: &[&LiveBundle]) -> LiveBundle {
    let (id, version, percent) = (record.id, record.version.clone(), record.canary_pct);
    let source = Source::from(record);
    // Computed, not read: what is served is named by what it is, whatever the row says.
    let bundle = BundleRef { id, version, digest: source.digest().to_string() };
    if let Some(live) = previous.iter().find(|live| live.bundle == bundle) {
        return LiveBundle { percent, ..(*live).clone() };
    }
    let parsed = source.parse_rules();
    let held = Arc::new(approval_rules(&source, &parsed));
    LiveBundle { bundle, percent, prepared: Arc::new(Prepared::from(parsed.bundle)), held }
}
