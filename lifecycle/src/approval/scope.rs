//! How much an approval covers. Never more than its rule, never past a deny: the live policy still decides every call, and a
//! scope only answers where that very rule asks for approval.

use std::time::Duration;

use policy::{
    Fault, Timestamp,
    bundle::{Risk, Source},
    engine::{Input, Prepared},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{Call, Difference, Terms};
use crate::signing::KeyRing;

/// The longest time that a scope lasts, in hours.
pub const LONGEST_HOURS: u64 = 24;
/// How often a scope may be used, unless its approvers say otherwise.
pub const USES: u32 = 100;
/// The highest number of uses.
pub const MOST_USES: u32 = 10_000;

/// The kind of a scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum ScopeKind {
    /// This call, once.
    #[default]
    Once,
    /// Calls of the agent's session.
    Session,
    /// Calls until a time.
    Until,
    /// Calls whose arguments meet conditions.
    Box,
}

impl ScopeKind {
    /// The name used in JSON.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// How much an approval covers, besides the same token, agent, action, subject and rule.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Scope {
    /// The kind.
    pub kind: ScopeKind,
    /// When it ends; at most a day after the approval.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// How often it may be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// The conditions of a box, as a rule writes them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conditions: Option<Map<String, Value>>,
}

impl Scope {
    /// How often an approval with this scope can be used.
    pub fn uses(&self) -> u32 {
        if self.kind == ScopeKind::Once { 1 } else { self.count.unwrap_or(USES) }
    }

    /// The scope with its end and its number of uses, if it may be chosen at `now` for the request with these terms and
    /// arguments.
    ///
    /// # Errors
    /// Every member that makes no sense, with its JSON Pointer within the scope.
    pub fn checked(self, terms: &Terms, context: &Map<String, Value>, now: Timestamp) -> Result<Self, Vec<Fault>> {
        let mut faults = Vec::new();
        let mut fault = |pointer: &str, detail: &str| faults.push(Fault::new(pointer.to_owned(), detail.to_owned()));
        if self.kind == ScopeKind::Once {
            let bare = self.until.is_none() && self.count.is_none() && self.conditions.is_none();
            return if bare {
                Ok(self)
            } else {
                Err(vec![Fault::new("/kind", "this once has no end, number or conditions")])
            };
        }
        if terms.guardrail {
            fault("/kind", "a guardrail holds every call: it can be approved once only");
        }
        if terms.risk == Some(Risk::High) {
            fault("/kind", "the rule says that the risk is high: it can be approved once only");
        }
        if self.kind == ScopeKind::Session && terms.session.is_none() {
            fault("/kind", "the agent named no session");
        }
        let last = now.plus(Duration::from_secs(LONGEST_HOURS * 3600));
        if self.until.is_some_and(|until| until <= now || until > last) {
            fault("/until", "must be in the future, and at most 24 hours away");
        }
        if self.kind == ScopeKind::Until && self.until.is_none() {
            fault("/until", "is missing: say until when");
        }
        if self.count.is_some_and(|count| !(1..=MOST_USES).contains(&count)) {
            fault("/count", "must be 1 to 10000");
        }
        match &self.conditions {
            None if self.kind == ScopeKind::Box => fault("/conditions", "is missing: say which values are covered"),
            Some(_) if self.kind != ScopeKind::Box => fault("/conditions", "belongs to the kind `box` only"),
            Some(conditions) if conditions.is_empty() => fault("/conditions", "is empty: say which values are covered"),
            Some(conditions) => match holds(conditions, context) {
                None => fault("/conditions", "cannot be read: write them as in a rule, such as {\"<=amount\": 200}"),
                Some(false) => fault("/conditions", "does not cover the call that is asked for"),
                Some(true) => {}
            },
            None => {}
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        Ok(Self { until: Some(self.until.unwrap_or(last)), count: Some(self.count.unwrap_or(USES)), ..self })
    }

    /// What keeps the scope of an approval with these terms from covering a call; nothing if it covers it. How often it was
    /// used, and its end, are checked with the approval. `approved` are the arguments that were shown.
    pub(super) fn leaves_out(
        &self,
        (terms, approved): (&Terms, &Map<String, Value>),
        call: &Call<'_>,
        keys: &KeyRing,
    ) -> Vec<Difference> {
        // What the bundle says now counts as well as what it said.
        let narrow = terms.guardrail || call.rule.guardrail || call.rule.risk == Some(Risk::High);
        let kind = if narrow { ScopeKind::Once } else { self.kind };
        if kind == ScopeKind::Once {
            return call.differences(terms, approved, keys);
        }
        let mut differences = call.differences_of_asker(terms);
        match kind {
            ScopeKind::Once | ScopeKind::Until => {}
            ScopeKind::Session => {
                let same = terms.session.is_some() && call.session == terms.session.as_deref();
                differences.extend((!same).then_some(Difference::Session));
            }
            ScopeKind::Box => {
                let inside = self.conditions.as_ref().and_then(|conditions| holds(conditions, call.context));
                differences.extend((inside != Some(true)).then_some(Difference::Outside));
            }
        }
        differences
    }
}

/// Whether `context` meets the conditions; `None` when they cannot be read. An argument of the wrong type meets nothing.
fn holds(conditions: &Map<String, Value>, context: &Map<String, Value>) -> Option<bool> {
    let rule = json!({"id": "scope", "agent": "*", "action": "*", "effect": "allow", "reason": "The scope of an approval",
        "conditions": conditions});
    let parsed = Source::read(json!([rule])).ok()?.parse_rules();
    if !parsed.faults.is_empty() {
        return None;
    }
    let input = Input { agent: "agent".to_owned(), action: "action".to_owned(), context: context.clone() };
    let answer = Prepared::from(parsed.bundle).decide(&input);
    Some(answer.effect == policy::bundle::Effect::Allow)
}
