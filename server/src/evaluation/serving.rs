//! The bundles in service, ready to decide.

use std::sync::Arc;

use lifecycle::{bundle::Record, decision::BundleRef};
use policy::{
    bundle::{Effect, Source},
    engine::{Arm, Prepared, split},
};
use store::Store;

/// One bundle in service.
#[derive(Debug, Clone)]
pub struct ArmInService {
    /// Names it in answers.
    pub bundle: BundleRef,
    /// Its share of traffic in percent; 0 for a shadow.
    pub percent: i16,
    /// Its rules, ready.
    pub prepared: Arc<Prepared>,
}

/// What is live, as one immutable value: a request sees either all of a change or nothing of it.
#[derive(Debug, Clone)]
pub struct Serving {
    /// Whether evaluation is on.
    pub enabled: bool,
    /// What is answered while it is off.
    pub bypass_effect: Effect,
    /// Whether a safety pause is in force. It changes no answer; every answer tells it.
    pub paused: bool,
    /// The bundle at 100 %.
    pub stable: Option<ArmInService>,
    /// The bundle beside it: canary or shadow.
    pub canary: Option<ArmInService>,
}

impl Serving {
    /// The bundle that serves `subject`, and the one that is only asked.
    pub fn arms(&self, subject: &str) -> (Arm, Option<&ArmInService>, Option<&ArmInService>) {
        let (stable, canary) = (self.stable.as_ref(), self.canary.as_ref());
        let chosen = canary.map_or(Arm::Stable, |canary| split::arm(&canary.bundle.digest, subject, canary.percent));
        match (chosen, stable, canary) {
            (Arm::Canary, _, Some(_)) => (Arm::Canary, canary, stable),
            (_, Some(_), _) => (Arm::Stable, stable, canary),
            (_, None, _) => (Arm::None, None, canary),
        }
    }
}

/// Reads what is live. Bundles that are in `known` with the same digest are not prepared again.
pub(super) async fn load(store: &Store, known: Option<&Serving>) -> Result<Serving, store::Error> {
    let live = store::system::live(store).await?;
    let known: Vec<&ArmInService> =
        known.into_iter().flat_map(|known| [&known.stable, &known.canary]).flatten().collect();
    let arm = |record: Option<Record>| record.map(|record| prepare(record, &known));
    Ok(Serving {
        enabled: live.enabled,
        bypass_effect: live.bypass_effect,
        paused: live.paused,
        stable: arm(live.stable),
        canary: arm(live.canary),
    })
}

fn prepare(record: Record, known: &[&ArmInService]) -> ArmInService {
    let bundle = BundleRef { id: record.id, version: record.version.clone(), digest: record.digest.clone() };
    let percent = record.canary_pct;
    let prepared = match known.iter().find(|arm| arm.bundle == bundle) {
        Some(arm) => Arc::clone(&arm.prepared),
        None => Arc::new(Prepared::from(Source::from(record).parse_rules().bundle)),
    };
    ArmInService { bundle, percent, prepared }
}
