//! The body of `POST /policy/evaluate` as a tree: for batches, and for bodies that the engine's decoder does not
//! handle.

use lifecycle::problem::Problem;
use policy::{
    Fault,
    engine::Input,
    limits::{MAX_DECISION_ID_BYTES, MAX_STRING_BYTES},
};
use serde::Deserialize;
use serde_json::{Map, Value};

/// The body of `POST /policy/evaluate`, as a tree.
#[derive(Debug, Clone, Deserialize)]
pub struct EvaluationRequest {
    /// The agent that wants to act.
    pub agent: String,
    /// The action that the agent wants to take.
    pub action: String,
    /// The facts.
    #[serde(default)]
    pub context: Map<String, Value>,
    /// The key of the traffic split; if absent, the decision's id.
    #[serde(default)]
    pub subject: Option<String>,
    /// The caller's id for the decision; if absent, a new one is generated.
    #[serde(default)]
    pub decision_id: Option<String>,
    /// Whether to ask people if the answer is `needs_approval`.
    #[serde(default)]
    pub request_approval: bool,
    /// The approval to use if the answer is `needs_approval`.
    #[serde(default)]
    pub approval: Option<String>,
    /// The agent's session, for approvals that last as long as one.
    #[serde(default)]
    pub session: Option<String>,
    /// The person for whom the agent acts.
    #[serde(default)]
    pub on_behalf_of: Option<String>,
}

/// What a caller wants where people have to approve: these members of an [`EvaluationRequest`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wants {
    /// Whether to ask people.
    pub request_approval: bool,
    /// The approval to use.
    pub approval: Option<String>,
    /// The agent's session.
    pub session: Option<String>,
    /// The person for whom the agent acts.
    pub on_behalf_of: Option<String>,
}

impl Wants {
    /// Whether the caller deals with approvals at all.
    pub fn anything(&self) -> bool {
        self.request_approval || self.approval.is_some()
    }
}

impl EvaluationRequest {
    /// What the caller wants where people have to approve.
    pub fn wants(&self) -> Wants {
        let Self { request_approval, approval, session, on_behalf_of, .. } = self;
        Wants {
            request_approval: *request_approval,
            approval: approval.clone(),
            session: session.clone(),
            on_behalf_of: on_behalf_of.clone(),
        }
    }

    /// Checks what the types cannot express. `at` is the JSON Pointer of this request in the body.
    ///
    /// # Errors
    /// 422 with a pointer to each member that is empty, too long or holds the character NUL. An agent or an action may be:
    /// what is no name is answered and recorded as such.
    pub(super) fn check(&self, at: &str) -> Result<(), Problem> {
        let mut faults = Vec::new();
        let mut text = |name: &str, value: Option<&str>, most: usize| {
            let Some(value) = value else { return };
            if value.is_empty() {
                faults.push(Fault::new(format!("{at}/{name}"), "must not be empty"));
            } else if value.len() > most {
                faults.push(Fault::new(format!("{at}/{name}"), format!("may hold at most {most} bytes")));
            } else if value.contains('\0') {
                faults.push(Fault::new(format!("{at}/{name}"), "contains the character U+0000, which cannot be kept"));
            }
        };
        text("subject", self.subject.as_deref(), MAX_STRING_BYTES);
        text("decision_id", self.decision_id.as_deref(), MAX_DECISION_ID_BYTES);
        text("approval", self.approval.as_deref(), MAX_DECISION_ID_BYTES);
        text("session", self.session.as_deref(), MAX_STRING_BYTES);
        text("on_behalf_of", self.on_behalf_of.as_deref(), MAX_STRING_BYTES);
        // The id stands for the subject of a call that names none, which an approval is bound to as such.
        if self.wants().anything() && self.subject.is_some() && self.subject == self.decision_id {
            let detail = "must differ from `decision_id` where an approval is asked for or used";
            faults.push(Fault::new(format!("{at}/subject"), detail));
        }
        if let Some(pointer) = find_nul(&self.context) {
            let detail = "contains the character U+0000, which cannot be kept";
            faults.push(Fault::new(format!("{at}/context{pointer}"), detail));
        }
        if faults.is_empty() { Ok(()) } else { Err(Problem::invalid_fields(faults)) }
    }

    /// The engine's input, the subject and the decision's id.
    pub(super) fn into_parts(self) -> (Input, Option<String>, Option<String>) {
        (Input { agent: self.agent, action: self.action, context: self.context }, self.subject, self.decision_id)
    }
}

/// The JSON Pointer, within `context`, to a NUL character, which PostgreSQL cannot store.
fn find_nul(context: &Map<String, Value>) -> Option<String> {
    fn find_below(value: &Value) -> Option<String> {
        match value {
            Value::String(text) => text.contains('\0').then(String::new),
            Value::Array(items) => items
                .iter()
                .enumerate()
                .find_map(|(index, item)| find_below(item).map(|below| format!("/{index}{below}"))),
            Value::Object(members) => find_nul(members),
            _ => None,
        }
    }
    context.iter().find_map(|(key, value)| {
        let escaped = key.replace('~', "~0").replace('/', "~1");
        if key.contains('\0') {
            Some(String::new())
        } else {
            find_below(value).map(|below| format!("/{escaped}{below}"))
        }
    })
}
