//! The settings that are safeguards, and the direction in which each becomes weaker. An administrator alone strengthens
//! them; what weakens one is a proposal that a safety owner countersigns.

use policy::bundle::Invariant;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Settings;
use crate::{authority::GroupTable, review::guards};

/// The direction in which a setting becomes weaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weaker {
    /// A smaller number.
    Lower,
    /// A larger number.
    Higher,
    /// Any other value.
    Other,
    /// This value, given as text.
    Value(&'static str),
    /// On or off.
    Switch(bool),
}

/// One safeguard.
#[derive(Debug, Clone, Copy)]
pub struct Safeguard {
    /// The setting, as a JSON Pointer into the settings.
    pub field: &'static str,
    /// The direction in which it becomes weaker.
    pub weaker: Weaker,
    /// The setting in words.
    pub words: &'static str,
}

const fn safeguard(field: &'static str, weaker: Weaker, words: &'static str) -> Safeguard {
    Safeguard { field, weaker, words }
}

/// All safeguards. A setting that is neither here nor in [`FREE`] fails a test.
pub const SAFEGUARDS: [Safeguard; 42] = [
    safeguard("/gates/min_sample_size", Weaker::Lower, "minimum sample size of a gate"),
    safeguard("/gates/min_subjects", Weaker::Lower, "minimum number of subjects of a gate"),
    safeguard("/gates/max_error_rate", Weaker::Higher, "maximum error rate of a gate"),
    safeguard("/gates/max_deny_rate", Weaker::Higher, "maximum deny rate of a gate"),
    safeguard("/gates/deny_like_stable", Weaker::Switch(true), "higher deny rates where stable denies the same"),
    safeguard("/gates/max_cost_increase", Weaker::Higher, "maximum cost increase of a gate"),
    safeguard("/gates/cost_allowance", Weaker::Higher, "cost that a gate allows on top"),
    // A lower bound cuts more, a higher one makes intervals wider.
    safeguard("/gates/cost_bound", Weaker::Other, "highest cost that a gate's interval counts with"),
    safeguard("/gates/require_confidence", Weaker::Switch(false), "certainty for a pass of a gate"),
    safeguard("/gates/automatic_promotion", Weaker::Switch(true), "promotion without a person"),
    safeguard("/gates/min_stage_seconds", Weaker::Lower, "minimum stage duration"),
    safeguard("/watch/mode", Weaker::Value("observe"), "response of automatic rollback"),
    safeguard("/watch/min_sample_size", Weaker::Higher, "decisions that automatic rollback waits for"),
    safeguard("/watch/min_subjects", Weaker::Higher, "subjects that automatic rollback waits for"),
    safeguard("/watch/max_error_rate", Weaker::Higher, "error rate for automatic rollback"),
    safeguard("/watch/error_rate_factor", Weaker::Higher, "error rate over the baseline for automatic rollback"),
    safeguard("/watch/max_deny_rate", Weaker::Higher, "deny rate for automatic rollback"),
    safeguard("/watch/max_cost_increase", Weaker::Higher, "cost increase for automatic rollback"),
    safeguard("/watch/max_no_match_rate", Weaker::Higher, "share without a rule for automatic rollback"),
    safeguard("/watch/paired_margin", Weaker::Higher, "margin over stable for automatic rollback"),
    safeguard("/review/approval_hours", Weaker::Higher, "hours that an approval counts"),
    safeguard("/review/high_risk_bps", Weaker::Higher, "risk from which two people sign"),
    safeguard("/review/many_changes_bps", Weaker::Higher, "share of changed decisions from which two people sign"),
    safeguard("/review/approvals", Weaker::Lower, "approvals of an ordinary packet"),
    safeguard("/review/approvals_high_risk", Weaker::Lower, "approvals of a risky packet"),
    safeguard("/review/min_evidence", Weaker::Lower, "recorded decisions that a packet needs"),
    // Older decisions prove less about today, fewer days less about the rest of the month.
    safeguard("/review/evidence_days", Weaker::Other, "days that the evidence of a packet goes back"),
    safeguard("/review/guardrails/margin_delta_bps", Weaker::Lower, "margin guardrail"),
    safeguard("/review/guardrails/success_delta_bps", Weaker::Lower, "success guardrail"),
    safeguard("/review/guardrails/approval_load_delta_bps", Weaker::Higher, "approval load guardrail"),
    safeguard("/review/guardrails/hard_violation_delta", Weaker::Higher, "hard violation guardrail"),
    safeguard("/approvals/approvers/revenue_ops", Weaker::Switch(true), "approvals at run time by revenue operations"),
    safeguard("/approvals/approvers/approver", Weaker::Switch(true), "approvals at run time by approvers"),
    safeguard("/approvals/approvers/runtime_owner", Weaker::Switch(true), "approvals at run time by runtime owners"),
    safeguard("/approvals/approvers/safety_owner", Weaker::Switch(true), "approvals at run time by safety owners"),
    safeguard("/approvals/quorum", Weaker::Lower, "approvals of a call at run time"),
    safeguard("/approvals/expires_in", Weaker::Higher, "seconds that a request for approval waits"),
    safeguard("/approvals/require_on_behalf_of", Weaker::Switch(false), "for whom an agent acts"),
    safeguard("/corpus", Weaker::Lower, "recorded decisions that a packet replays"),
    safeguard("/sign_in/check_minutes", Weaker::Higher, "minutes within which the sign-in provider confirms a session"),
    safeguard("/sign_in/passwords", Weaker::Value("everyone"), "who signs in with a password"),
    safeguard("/retention/days", Weaker::Lower, "days that decisions stay in the database"),
];

/// The settings that guard nothing: limits that a simulation warns at, and which administrator has the emergency
/// password.
pub const FREE: [&str; 5] = [
    "/simulation/cost",
    "/simulation/compute",
    "/review/limits/cost",
    "/review/limits/compute",
    "/sign_in/break_glass",
];

/// The setting that a change of an invariant names, before its id.
const INVARIANTS: &str = "/invariants/";

/// The setting that a change of the group table names, before the group.
pub(super) const GROUPS: &str = "/groups/";

/// The change of one setting.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// The setting, as a JSON Pointer: `/gates/max_error_rate`, or `/invariants/` and an invariant's id.
    pub field: String,
    /// The value before; null for an invariant that was added.
    pub from: Value,
    /// The value after; null for an invariant that goes.
    pub to: Value,
}

impl Change {
    /// The setting in words.
    pub fn words(&self) -> String {
        if let Some(id) = self.field.strip_prefix(INVARIANTS) {
            return format!("invariant {id}");
        }
        if let Some(group) = self.field.strip_prefix(GROUPS) {
            return format!("roles of the group {group}");
        }
        let known = SAFEGUARDS.iter().find(|safeguard| safeguard.field == self.field);
        known.map_or_else(
            || self.field.trim_start_matches('/').replace('/', " "),
            |safeguard| safeguard.words.to_owned(),
        )
    }

    /// Whether the change is about an invariant.
    pub fn is_invariant(&self) -> bool {
        self.field.starts_with(INVARIANTS)
    }
}

/// A request to change settings, taken apart.
#[derive(Debug, Clone, PartialEq)]
pub struct Split<T> {
    /// What is in force at once: everything that weakens nothing.
    pub now: T,
    /// The changes that are in force at once.
    pub applied: Vec<Change>,
    /// The changes that weaken a safeguard, and wait for a safety owner.
    pub weaker: Vec<Change>,
}

/// Takes apart the change from `current` to `wanted`.
///
/// # Errors
/// None in practice, because settings always have a JSON form.
pub fn split(current: &Settings, wanted: &Settings) -> Result<Split<Settings>, serde_json::Error> {
    let (before, after) = (serde_json::to_value(current)?, serde_json::to_value(wanted)?);
    let (mut applied, mut weaker) = (Vec::new(), Vec::new());
    let mut now = after.clone();
    for field in leaves(&after) {
        let (Some(from), Some(to)) = (before.pointer(&field), after.pointer(&field)) else { continue };
        if from == to {
            continue;
        }
        let change = Change { field: field.clone(), from: from.clone(), to: to.clone() };
        let known = SAFEGUARDS.iter().find(|safeguard| safeguard.field == field);
        if known.is_some_and(|safeguard| weakens(safeguard.weaker, from, to)) {
            if let Some(place) = now.pointer_mut(&field) {
                *place = from.clone();
            }
            weaker.push(change);
        } else {
            applied.push(change);
        }
    }
    Ok(Split { now: serde_json::from_value(now)?, applied, weaker })
}

/// Takes apart the change of the invariants from `current` to `wanted`: one that is gone or says less is weaker.
pub fn split_invariants(current: &[Invariant], wanted: &[Invariant]) -> Split<Vec<Invariant>> {
    let (mut applied, mut weaker) = (Vec::new(), Vec::new());
    let mut now = wanted.to_vec();
    let change = |id: &str, from: Value, to: Value| Change { field: format!("{INVARIANTS}{id}"), from, to };
    for (place, before) in current.iter().enumerate() {
        let after = wanted.iter().find(|invariant| invariant.id == before.id);
        if after == Some(before) {
            continue;
        }
        let step = change(&before.id, json!(before), after.map_or(Value::Null, |after| json!(after)));
        if after.is_some_and(|after| guards::says_at_least(after, before)) {
            applied.push(step);
            continue;
        }
        match now.iter_mut().find(|invariant| invariant.id == before.id) {
            Some(kept) => *kept = before.clone(),
            None => now.insert(place.min(now.len()), before.clone()),
        }
        weaker.push(step);
    }
    let added = wanted.iter().filter(|invariant| current.iter().all(|known| known.id != invariant.id));
    applied.extend(added.map(|invariant| change(&invariant.id, Value::Null, json!(invariant))));
    Split { now, applied, weaker }
}

/// The safeguards that are weaker than by default, each with its default and its present value.
///
/// # Errors
/// None in practice, because settings always have a JSON form.
pub fn below_default(settings: &Settings) -> Result<Vec<Change>, serde_json::Error> {
    Ok(split(&Settings::default(), settings)?.weaker)
}

/// What is in force once a proposal was accepted.
#[derive(Debug, Clone, PartialEq)]
pub struct Accepted {
    /// The settings.
    pub settings: Settings,
    /// The invariants.
    pub invariants: Vec<Invariant>,
    /// The group table.
    pub groups: GroupTable,
}

/// Makes the changes of an accepted proposal. A change applies only to the value that it was proposed for.
///
/// # Errors
/// The first change whose setting has another value now, or whose new value cannot be read.
pub fn accept(
    changes: &[Change],
    settings: &Settings,
    invariants: &[Invariant],
    groups: &GroupTable,
) -> Result<Accepted, Change> {
    let first =
        || changes.first().cloned().unwrap_or(Change { field: String::new(), from: Value::Null, to: Value::Null });
    let mut document = serde_json::to_value(settings).map_err(|_| first())?;
    let (mut invariants, mut groups) = (invariants.to_vec(), groups.clone());
    for change in changes {
        if let Some(group) = change.field.strip_prefix(GROUPS) {
            if json!(groups.get(group).cloned().unwrap_or_default()) != change.from {
                return Err(change.clone());
            }
            let roles = serde_json::from_value(change.to.clone()).map_err(|_| change.clone())?;
            groups.insert(group.to_owned(), roles);
            continue;
        }
        if let Some(id) = change.field.strip_prefix(INVARIANTS) {
            let place = invariants.iter().position(|invariant| invariant.id == id).ok_or_else(|| change.clone())?;
            let current = invariants.get(place).map(|invariant| json!(invariant));
            if current.as_ref() != Some(&change.from) {
                return Err(change.clone());
            }
            if change.to.is_null() {
                invariants.remove(place);
            } else if let Some(kept) = invariants.get_mut(place) {
                *kept = serde_json::from_value(change.to.clone()).map_err(|_| change.clone())?;
            }
            continue;
        }
        match document.pointer_mut(&change.field) {
            Some(place) if *place == change.from => *place = change.to.clone(),
            _ => return Err(change.clone()),
        }
    }
    let settings = serde_json::from_value(document).map_err(|_| first())?;
    Ok(Accepted { settings, invariants, groups })
}

/// Whether a setting becomes weaker.
fn weakens(weaker: Weaker, from: &Value, to: &Value) -> bool {
    let numbers = from.as_f64().zip(to.as_f64());
    match weaker {
        Weaker::Lower => numbers.is_none_or(|(from, to)| to < from),
        Weaker::Higher => numbers.is_none_or(|(from, to)| to > from),
        Weaker::Other => true,
        Weaker::Value(value) => to == value,
        Weaker::Switch(weaker) => to == weaker,
    }
}

/// Pointers to everything in a document that is no object.
fn leaves(document: &Value) -> Vec<String> {
    let Value::Object(members) = document else { return vec![String::new()] };
    let below = |(name, value): (&String, &Value)| -> Vec<String> {
        leaves(value).into_iter().map(|rest| format!("/{name}{rest}")).collect()
    };
    members.iter().flat_map(below).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn none() -> GroupTable {
        GroupTable::new()
    }

    #[test]
    fn every_setting_is_a_safeguard_or_free() {
        let all = leaves(&serde_json::to_value(Settings::default()).unwrap());
        let known: Vec<&str> = SAFEGUARDS.iter().map(|one| one.field).chain(FREE).collect();
        for field in &all {
            assert!(
                known.contains(&field.as_str()),
                "{field}: is it a safeguard, and in which direction is it weaker?"
            );
        }
        assert_eq!(known.len(), all.len(), "{all:?}");
    }

    #[test]
    fn only_what_weakens_waits() {
        let current = Settings::default();
        let mut wanted = current;
        wanted.gates.max_error_rate = 0.2;
        wanted.gates.max_deny_rate = 0.1;
        wanted.watch.mode = crate::rollout::WatchMode::Observe;
        wanted.review.approvals = 2;
        wanted.simulation.cost = 5.0;
        let split = split(&current, &wanted).unwrap();
        let fields = |changes: &[Change]| changes.iter().map(|change| change.field.clone()).collect::<Vec<_>>();
        assert_eq!(fields(&split.weaker), ["/gates/max_error_rate", "/watch/mode"]);
        assert_eq!(fields(&split.applied), ["/gates/max_deny_rate", "/review/approvals", "/simulation/cost"]);
        assert_eq!((split.now.gates.max_error_rate, split.now.gates.max_deny_rate), (0.05, 0.1));
        let accepted = accept(&split.weaker, &split.now, &[], &none()).unwrap().settings;
        assert_eq!(accepted, wanted);
        assert_eq!(fields(&below_default(&accepted).unwrap()), fields(&split.weaker));
        assert!(below_default(&current).unwrap().is_empty());
        // Back to the default waits for nobody, unless that is weaker than what is in force.
        let back = super::split(&accepted, &current).unwrap();
        assert_eq!(fields(&back.weaker), ["/gates/max_deny_rate", "/review/approvals"]);
        // Only against the value that it was proposed for.
        let moved =
            Settings { gates: crate::metrics::GateConfig { max_error_rate: 0.01, ..split.now.gates }, ..split.now };
        assert_eq!(accept(&split.weaker, &moved, &[], &none()).unwrap_err().field, "/gates/max_error_rate");
    }

    fn invariant(id: &str, below: i64) -> Invariant {
        serde_json::from_value(json!({"id": id, "agent": "*", "action": "delete", "never": "allow",
            "when": {"<risk": below}}))
        .unwrap()
    }

    #[test]
    fn an_invariant_that_goes_or_says_less_waits() {
        let current = [invariant("one", 10), invariant("two", 10), invariant("three", 10)];
        let wanted = [invariant("two", 20), invariant("three", 5), invariant("four", 1)];
        let split = split_invariants(&current, &wanted);
        let fields = |changes: &[Change]| changes.iter().map(|change| change.field.clone()).collect::<Vec<_>>();
        assert_eq!(fields(&split.weaker), ["/invariants/one", "/invariants/three"]);
        assert_eq!(fields(&split.applied), ["/invariants/two", "/invariants/four"]);
        assert_eq!(split.now.len(), 4);
        let defaults = Settings::default();
        let after = accept(&split.weaker, &defaults, &split.now, &none()).unwrap().invariants;
        let ids = |all: &[Invariant]| all.iter().map(|one| one.id.clone()).collect::<std::collections::BTreeSet<_>>();
        assert_eq!(ids(&after), ids(&wanted));
        assert_eq!(accept(&split.weaker, &defaults, &after, &none()).unwrap_err().field, "/invariants/one");
    }

    proptest! {
        /// Whatever is asked for: what is in force at once is nowhere weaker, and with the rest accepted it is what was
        /// asked for.
        #[test]
        fn nothing_is_weaker_before_it_is_accepted(
            before in prop::collection::vec(0_u32..4, SAFEGUARDS.len()), after in prop::collection::vec(0_u32..4, SAFEGUARDS.len()),
        ) {
            let settings = |values: &[u32]| {
                let mut document = serde_json::to_value(Settings::default()).unwrap();
                for (safeguard, value) in SAFEGUARDS.iter().zip(values) {
                    let place = document.pointer_mut(safeguard.field).unwrap();
                    *place = match safeguard.weaker {
                        Weaker::Value("observe") => json!(["roll_back", "observe"][*value as usize % 2]),
                        Weaker::Value(_) => json!(["everyone", "break_glass"][*value as usize % 2]),
                        Weaker::Switch(_) => json!(value % 2 == 0),
                        // Whole numbers fit every other setting.
                        _ => json!(value),
                    };
                }
                serde_json::from_value::<Settings>(document).unwrap()
            };
            let (current, wanted) = (settings(&before), settings(&after));
            let split = split(&current, &wanted).unwrap();
            prop_assert!(super::split(&current, &split.now).unwrap().weaker.is_empty());
            let accepted = accept(&split.weaker, &split.now, &[], &none()).unwrap().settings;
            prop_assert_eq!(accepted, wanted);
        }
    }
}
