//! Guards: what keeps inputs from becoming allowed, and what a draft removes of it.
//!
//! A guardrail rule protects for as long as it stays: a first packet that only takes its mark away changes no answer, and
//! a second one that allows what it held back meets no guard any more. So nothing that guards goes unless the packet
//! lists it, with a reason, and a safety owner is among two signers.

use std::collections::BTreeSet;

use policy::{
    Fault,
    analysis::{
        Meter,
        diff::{NewAllowWitness, newly_allowed_by_rule},
        invariants::as_rule,
    },
    bundle::{
        Bundle, Effect, Invariant, Rule, Schema,
        invariant::{Demand, Statement},
    },
};
use serde::{Deserialize, Serialize};

use super::projection::protects;

/// Length of a reason, in characters.
const REASON_CHARS: std::ops::RangeInclusive<usize> = 10..=256;

/// The work budget of one comparison of two rules. A constant, so that every machine builds equal content.
const WORK: u64 = 1_000_000;

/// The settings of a bundle that guard.
const SETTINGS: [&str; 3] = [DEFAULT_EFFECT, ON_ERROR, ENFORCE];
const DEFAULT_EFFECT: &str = "default_effect";
const ON_ERROR: &str = "on_error";
const ENFORCE: &str = "schema.enforce";

/// The kind of a guard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GuardKind {
    /// A guardrail rule.
    Rule,
    /// An invariant of the workspace.
    Invariant,
    /// `default_effect`, `on_error` or `schema.enforce`.
    Setting,
}

impl GuardKind {
    /// The kind in words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Rule => "guardrail rule",
            Self::Invariant => "invariant",
            Self::Setting => "setting",
        }
    }
}

/// A guard that a packet removes on purpose.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Retirement {
    /// The kind of the guard.
    pub kind: GuardKind,
    /// The id of the rule or invariant, or the name of the setting.
    pub id: String,
    /// Why it may go.
    pub reason: String,
}

/// A guard that a draft takes away or weakens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemovedGuard {
    /// The kind of the guard.
    pub kind: GuardKind,
    /// The id of the rule or invariant, or the name of the setting.
    pub id: String,
    /// What the guard loses, in words: `loses its tag`.
    pub loses: String,
    /// Whether the packet lists it.
    pub retired: bool,
}

/// What guards, before and under a draft.
#[derive(Debug, Clone, Copy)]
pub struct Guards<'a> {
    /// The live bundle.
    pub base: &'a Bundle,
    /// The invariants that held when the live bundle was reviewed.
    pub base_invariants: &'a [Invariant],
    /// The draft.
    pub draft: &'a Bundle,
    /// The invariants in force.
    pub invariants: &'a [Invariant],
}

impl Guards<'_> {
    /// Every guard that the draft removes or weakens.
    pub fn removed(&self, retires: &[Retirement]) -> Vec<RemovedGuard> {
        let rules = self.base.rules.iter().filter(|rule| protects(rule));
        let rules = rules.filter_map(|rule| Some((GuardKind::Rule, rule.id.clone(), rule_loses(rule, self.draft)?)));
        let invariants = statements(self.base_invariants);
        let invariants = invariants
            .filter_map(|was| Some((GuardKind::Invariant, was.id.clone(), invariant_loses(&was, self.invariants)?)));
        let settings =
            settings_loosened(self.base, self.draft).map(|(name, loses)| (GuardKind::Setting, name.to_owned(), loses));
        rules
            .chain(invariants)
            .chain(settings)
            .map(|(kind, id, loses)| {
                let retired = is_retired(retires, kind, &id);
                RemovedGuard { kind, id, loses, retired }
            })
            .collect()
    }

    /// Whether there is a guard of this kind and id that could be retired.
    fn has(&self, kind: GuardKind, id: &str) -> bool {
        match kind {
            GuardKind::Rule => self.base.rules.iter().any(|rule| rule.id == id && protects(rule)),
            GuardKind::Invariant => {
                self.base_invariants.iter().chain(self.invariants).any(|invariant| invariant.id == id)
            }
            GuardKind::Setting => SETTINGS.contains(&id),
        }
    }
}

/// Whether `retires` lists this guard.
pub(super) fn is_retired(retires: &[Retirement], kind: GuardKind, id: &str) -> bool {
    retires.iter().any(|retired| retired.kind == kind && retired.id == id)
}

/// Refuses entries that name no guard, twice the same, or give no reason; without a live bundle there is nothing to retire.
///
/// # Errors
/// Every fault, with pointers that start at the list.
pub fn check(retires: &[Retirement], guards: Option<&Guards<'_>>) -> Result<(), Vec<Fault>> {
    let mut faults = Vec::new();
    let mut seen = BTreeSet::new();
    for (place, retired) in retires.iter().enumerate() {
        let Retirement { kind, id, reason } = retired;
        let mut fault = |member: &str, detail: String| faults.push(Fault::new(format!("/{place}/{member}"), detail));
        if !guards.is_some_and(|guards| guards.has(*kind, id)) {
            let detail = match kind {
                GuardKind::Setting => format!("`{id}` is no setting that guards; these are {}", SETTINGS.join(", ")),
                _ => format!("the live bundle has no {} `{id}` that could be retired", kind.words()),
            };
            fault("id", detail);
        } else if !seen.insert((*kind, id)) {
            fault("id", format!("the {} `{id}` is listed twice", kind.words()));
        }
        if !REASON_CHARS.contains(&reason.trim().chars().count()) || reason.contains('\0') {
            let (least, most) = (REASON_CHARS.start(), REASON_CHARS.end());
            fault("reason", format!("say why it may go, in {least} to {most} characters"));
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

/// The invariants that hold something back.
pub(super) fn statements(invariants: &[Invariant]) -> impl Iterator<Item = Statement> {
    invariants
        .iter()
        .filter_map(|invariant| invariant.parse().ok())
        .filter(|statement| statement.demand.forbids_allow())
}

/// What a guardrail rule loses in the draft; `None` if it holds back at least what it did.
fn rule_loses(guard: &Rule, draft: &Bundle) -> Option<String> {
    let Some(now) = draft.rules.iter().find(|rule| rule.id == guard.id) else {
        return Some("is gone".to_owned());
    };
    if !now.enabled {
        Some("is disabled".to_owned())
    } else if !now.is_guardrail() {
        Some("loses its tag `guardrail`".to_owned())
    } else if now.effect > guard.effect {
        Some(format!("answers {} instead of {}", now.effect, guard.effect))
    } else {
        covers(now, guard, Effect::Deny).err().map(str::to_owned)
    }
}

/// Whether an invariant demands at least what another did.
pub fn says_at_least(now: &Invariant, was: &Invariant) -> bool {
    let (Ok(now), Ok(was)) = (now.parse(), was.parse()) else { return false };
    let strict = now.demand == was.demand || (now.demand.forbids_allow() && was.demand == Demand::Never(Effect::Allow));
    strict && covers(&as_rule(&now), &as_rule(&was), Effect::Allow).is_ok()
}

fn invariant_loses(was: &Statement, invariants: &[Invariant]) -> Option<String> {
    let Some(now) = statements(invariants).find(|statement| statement.id == was.id) else {
        return Some("is gone".to_owned());
    };
    // An invariant says nothing about inputs whose conditions cannot be compared.
    covers(&as_rule(&now), &as_rule(was), Effect::Allow).err().map(str::to_owned)
}

/// Whether `now` holds back every input that `was` does. `on_error` says what becomes of inputs on which a rule errs:
/// `deny` if they are held back too.
fn covers(now: &Rule, was: &Rule, on_error: Effect) -> Result<(), &'static str> {
    let same = now.agent == was.agent && now.action == was.action && now.conditions.len() == was.conditions.len();
    let condition = |wanted: &policy::bundle::Condition| {
        was.conditions.iter().any(|other| other.field == wanted.field && other.test == wanted.test)
    };
    if same && now.conditions.iter().all(condition) {
        return Ok(());
    }
    // Two bundles of one rule each, in which everything else is allowed: what the second newly allows is what only the
    // first held back.
    let alone = |rule: &Rule| Bundle {
        rules: vec![Rule { effect: Effect::Deny, enabled: true, ..rule.clone() }],
        default_effect: Effect::Allow,
        on_error,
        schema: None,
    };
    let (before, after) = (alone(was), alone(now));
    let held: Vec<&Rule> = before.rules.iter().collect();
    match newly_allowed_by_rule(&before, &after, &held, Meter::new(WORK, WORK)).first() {
        Some(NewAllowWitness::None) => Ok(()),
        Some(NewAllowWitness::Input(_)) => Err("holds back less than it did"),
        Some(NewAllowWitness::Undecided) | None => Err("may hold back less: that could not be decided"),
    }
}

/// The settings of the bundle that move towards allow, each with what it loses.
fn settings_loosened(base: &Bundle, draft: &Bundle) -> impl Iterator<Item = (&'static str, String)> {
    let moved = |name: &'static str, before: Effect, after: Effect| {
        (after > before).then(|| (name, format!("moves from {before} to {after}")))
    };
    [
        moved(DEFAULT_EFFECT, base.default_effect, draft.default_effect),
        moved(ON_ERROR, base.on_error, draft.on_error),
        enforcement_lost(base.schema.as_ref(), draft.schema.as_ref()).map(|loses| (ENFORCE, loses)),
    ]
    .into_iter()
    .flatten()
}

/// Enforcement that goes off: for every agent, or for those whose declaration is gone.
fn enforcement_lost(before: Option<&Schema>, after: Option<&Schema>) -> Option<String> {
    let before = before.filter(|schema| schema.enforce && !schema.agents.is_empty())?;
    let Some(after) = after.filter(|schema| schema.enforce) else { return Some("goes off".to_owned()) };
    let gone: Vec<&str> =
        before.agents.keys().filter(|agent| !after.agents.contains_key(*agent)).map(String::as_str).collect();
    (!gone.is_empty()).then(|| format!("goes off for {}", gone.join(", ")))
}
