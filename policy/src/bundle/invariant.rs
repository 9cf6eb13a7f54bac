//! Invariants: statements that every bundle of the workspace must satisfy. For example, "`inbox.triage` `quarantine` is
//! never allow when `risk_score < 20`" is proven on each draft, for every input.

use std::{collections::BTreeSet, fmt};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Condition, Effect, NamePattern, name, rule};
use crate::{Fault, json::escape, limits};

/// Maximum number of invariants in a workspace.
pub const MAX_INVARIANTS: usize = 200;

/// An invariant as written, with either `never` or `always`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Invariant {
    /// Unique in the workspace; written like a rule's id.
    pub id: String,
    /// The agents: a name, a prefix like `inbox.*`, or `*`.
    pub agent: String,
    /// The actions: a name, a prefix like `mcp__github__*`, or `*`.
    pub action: String,
    /// The forbidden effect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub never: Option<Effect>,
    /// The only permitted effect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub always: Option<Effect>,
    /// When the invariant must hold: conditions as in a rule; empty means always.
    #[serde(default)]
    pub when: Map<String, Value>,
    /// The reason for the invariant, for people.
    #[serde(default)]
    pub note: String,
}

/// The demand that an invariant makes on the effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Demand {
    /// Any effect but this one.
    Never(Effect),
    /// Only this effect.
    Always(Effect),
}

impl Demand {
    /// Whether `effect` breaks the demand.
    pub fn is_broken_by(self, effect: Effect) -> bool {
        match self {
            Self::Never(unwanted) => effect == unwanted,
            Self::Always(wanted) => effect != wanted,
        }
    }

    /// Whether the demand forbids `allow`.
    pub fn forbids_allow(self) -> bool {
        self.is_broken_by(Effect::Allow)
    }
}

/// A valid invariant, parsed.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// The id of the invariant.
    pub id: String,
    /// The agents that the statement applies to.
    pub agent: NamePattern,
    /// The actions that the statement applies to.
    pub action: NamePattern,
    /// The demand on the effect.
    pub demand: Demand,
    /// The conditions under which the statement applies; all of them must be true.
    pub conditions: Vec<Condition>,
}

impl fmt::Display for Statement {
    /// Writes the statement in words: `inbox.triage · quarantine is never allow when risk_score < 20`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (how, effect) = match self.demand {
            Demand::Never(effect) => ("never", effect),
            Demand::Always(effect) => ("always", effect),
        };
        write!(f, "{} · {} is {how} {effect}", self.agent, self.action)?;
        for (index, condition) in self.conditions.iter().enumerate() {
            write!(f, " {} {condition}", if index == 0 { "when" } else { "and" })?;
        }
        Ok(())
    }
}

impl Invariant {
    /// Parses the invariant.
    ///
    /// # Errors
    /// Every fault of the invariant, with pointers that start at the invariant (`/when/>=risk`).
    pub fn parse(&self) -> Result<Statement, Vec<Fault>> {
        let mut faults = Vec::new();
        let mut fault = |pointer: String, detail: String| faults.push(Fault::new(pointer, detail));
        if !rule::is_id(&self.id) {
            fault("/id".into(), "use 3 to 64 lowercase letters, digits, `-` and `_`".into());
        }
        let mut pattern = |pointer: &str, text: &str| match NamePattern::read(text) {
            Ok(pattern) => Some(pattern),
            Err(reason) => {
                fault(pointer.to_owned(), format!("{reason}. {}", name::ADVICE));
                None
            }
        };
        let (agent, action) = (pattern("/agent", &self.agent), pattern("/action", &self.action));
        let demand = match (self.never, self.always) {
            (Some(effect), None) => Some(Demand::Never(effect)),
            (None, Some(effect)) => Some(Demand::Always(effect)),
            _ => None,
        };
        if demand.is_none() {
            fault("/never".into(), "say either which effect must `never` come out, or which one `always`".into());
        }
        if self.when.len() > limits::MAX_CONDITIONS {
            fault("/when".into(), format!("at most {} conditions", limits::MAX_CONDITIONS));
        }
        if self.note.chars().count() > limits::MAX_NOTES_CHARS || self.note.contains('\0') {
            fault("/note".into(), format!("a note has at most {} characters", limits::MAX_NOTES_CHARS));
        }
        let mut conditions = Vec::new();
        for (key, value) in &self.when {
            let pointer = format!("/when/{}", escape(key));
            if key.len() > limits::MAX_STRING_BYTES || value.to_string().len() > limits::MAX_CONTEXT_BYTES {
                fault(pointer, format!("a text has at most {} bytes", limits::MAX_STRING_BYTES));
                continue;
            }
            match Condition::parse(key, value) {
                Ok(condition) => conditions.push(condition),
                Err(wrong) => fault(
                    pointer,
                    wrong.suggestion.map_or(wrong.message.clone(), |advice| format!("{} {advice}", wrong.message)),
                ),
            }
        }
        match (agent, action, demand) {
            (Some(agent), Some(action), Some(demand)) if faults.is_empty() => {
                Ok(Statement { id: self.id.clone(), agent, action, demand, conditions })
            }
            _ => Err(faults),
        }
    }
}

/// Checks a list of invariants as a whole.
///
/// # Errors
/// Every fault of the list, with pointers into the list (`/0/when/>=risk`).
pub fn check(invariants: &[Invariant]) -> Result<Vec<Statement>, Vec<Fault>> {
    if invariants.len() > MAX_INVARIANTS {
        return Err(vec![Fault::new("", format!("a workspace has at most {MAX_INVARIANTS} invariants"))]);
    }
    let mut faults = Vec::new();
    let mut statements = Vec::new();
    let mut ids = BTreeSet::new();
    for (index, invariant) in invariants.iter().enumerate() {
        match invariant.parse() {
            Ok(statement) => statements.push(statement),
            Err(wrong) => {
                faults.extend(wrong.into_iter().map(|f| Fault::new(format!("/{index}{}", f.pointer), f.detail)));
            }
        }
        if !ids.insert(invariant.id.as_str()) {
            faults.push(Fault::new(format!("/{index}/id"), format!("`{}` is used twice", invariant.id)));
        }
    }
    if faults.is_empty() { Ok(statements) } else { Err(faults) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn invariant(value: Value) -> Invariant {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn invariants_read_as_words() {
        let statement = invariant(json!({
            "id": "keep-low-risk", "agent": "inbox.triage", "action": "quarantine", "never": "allow",
            "when": {"<risk_score": 20, "sender_vip": true}
        }))
        .parse()
        .unwrap();
        assert_eq!(
            statement.to_string(),
            "inbox.triage · quarantine is never allow when risk_score < 20 and sender_vip is true"
        );
        let always = invariant(json!({"id": "no-deletes", "agent": "*", "action": "delete", "always": "deny"}));
        assert_eq!(always.parse().unwrap().to_string(), "* · delete is always deny");
    }

    #[test]
    fn faults_have_their_pointers() {
        let wrong = [
            invariant(json!({"id": "A", "agent": "", "action": "x y", "when": {"risk>=": 1}})),
            invariant(json!({"id": "two-ways", "agent": "*", "action": "*", "never": "allow", "always": "deny"})),
            invariant(json!({"id": "two-ways", "agent": "*", "action": "*", "never": "allow"})),
        ];
        let faults = check(&wrong).unwrap_err();
        let pointers: Vec<&str> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
        assert_eq!(pointers, ["/0/id", "/0/agent", "/0/action", "/0/never", "/0/when/risk>=", "/1/never", "/2/id"]);
    }
}
