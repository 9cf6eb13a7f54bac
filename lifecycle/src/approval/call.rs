//! The call that an approval is bound to.

use policy::{
    Timestamp,
    bundle::approval::{ApprovalRule, bound_context, canonical_context, changed_members},
};
use serde_json::{Map, Value};

use super::Terms;
use crate::signing::{KeyRing, Purpose};

/// A call that a rule holds for approval.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// The number of the token that asks.
    pub asked_by: i64,
    /// The agent.
    pub agent: &'a str,
    /// The action.
    pub action: &'a str,
    /// The subject that the asker named.
    pub subject: Option<&'a str>,
    /// The person for whom the agent acts.
    pub on_behalf_of: Option<&'a str>,
    /// The session of the agent.
    pub session: Option<&'a str>,
    /// The arguments.
    pub context: &'a Map<String, Value>,
    /// The rule that decides it now.
    pub rule: &'a ApprovalRule,
}

/// What differs between a call and the one that was approved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// Another token asks.
    Token,
    /// Another agent.
    Agent,
    /// Another action.
    Action,
    /// Another subject.
    Subject,
    /// Somebody else is acted for.
    OnBehalfOf,
    /// Other arguments: JSON Pointers of those that differ, as far as they can be told.
    Context(Vec<String>),
    /// Another rule, or a changed one.
    Rule,
    /// Another session of the agent.
    Session,
    /// Arguments outside of the box that was approved.
    Outside,
}

impl Difference {
    /// The difference in words, after "differs in".
    pub fn words(&self) -> String {
        match self {
            Self::Token => "the token that asks".to_owned(),
            Self::Agent => "the agent".to_owned(),
            Self::Action => "the action".to_owned(),
            Self::Subject => "the subject".to_owned(),
            Self::OnBehalfOf => "the person for whom the agent acts".to_owned(),
            Self::Context(members) if members.is_empty() => "the context".to_owned(),
            Self::Context(members) => {
                let members: Vec<String> = members.iter().map(|member| format!("/context{member}")).collect();
                members.join(", ")
            }
            Self::Rule => "the rule, which was changed or is another one".to_owned(),
            Self::Session => "the session".to_owned(),
            Self::Outside => "arguments that are outside of what was approved".to_owned(),
        }
    }
}

impl Call<'_> {
    /// The digest of the context with the current key: its name, and the HMAC in hex.
    pub fn context_digest(&self, keys: &KeyRing) -> (String, String) {
        let code = keys.current.authenticate(Purpose::ApprovedContext, &[&self.bound_bytes(&self.rule.terms.unbound)]);
        (keys.current.id.clone(), hex::encode(code))
    }

    /// Whether the context is the one that `terms` are about.
    pub(super) fn has_context_of(&self, terms: &Terms, keys: &KeyRing) -> bool {
        let mut code = [0; 32];
        if hex::decode_to_slice(&terms.context_digest, &mut code).is_err() {
            return false;
        }
        let bytes = self.bound_bytes(&terms.unbound);
        let made_at: Option<Timestamp> = Some(terms.requested_at);
        keys.named(&terms.context_key).any(|key| key.authenticates(Purpose::ApprovedContext, made_at, &[&bytes], &code))
    }

    fn bound_bytes(&self, unbound: &[String]) -> Vec<u8> {
        canonical_context(&bound_context(self.context, unbound)).into_bytes()
    }

    /// Everything in which this call differs from the one of `terms`, whose arguments were `approved`. An approval allows
    /// only a call without differences.
    pub fn differences(&self, terms: &Terms, approved: &Map<String, Value>, keys: &KeyRing) -> Vec<Difference> {
        let mut differences = self.differences_of_asker(terms);
        if !self.has_context_of(terms, keys) {
            let (before, after) =
                (bound_context(approved, &terms.unbound), bound_context(self.context, &terms.unbound));
            differences.push(Difference::Context(changed_members(&before, &after)));
        }
        differences
    }

    /// The differences that no scope covers.
    pub(super) fn differences_of_asker(&self, terms: &Terms) -> Vec<Difference> {
        let all = [
            (self.asked_by != terms.asked_by, Difference::Token),
            (self.agent != terms.agent, Difference::Agent),
            (self.action != terms.action, Difference::Action),
            (self.subject != terms.subject.as_deref(), Difference::Subject),
            (self.on_behalf_of != terms.on_behalf_of.as_deref(), Difference::OnBehalfOf),
            (self.rule.id != terms.rule || self.rule.digest.as_str() != terms.rule_digest, Difference::Rule),
        ];
        all.into_iter().filter(|(differs, _)| *differs).map(|(_, difference)| difference).collect()
    }
}
