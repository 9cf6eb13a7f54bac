//! What the pages show of approval requests.

#[cfg(feature = "ssr")]
use lifecycle::{
    approval::{Request, decision::MayNotDecide, may_decide},
    authority::{Actor, Permission, Role, same_person},
};
use lifecycle::{
    approval::{Scope, Status, Verdict, request::Use},
    decision::BundleRef,
};
use policy::{Timestamp, bundle::Budget};
#[cfg(feature = "ssr")]
use policy::{bundle::Risk, characters::lookalikes::skeleton};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

#[cfg(feature = "ssr")]
use crate::labels;

/// The requests that the page lists.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ApprovalList {
    /// Requests that wait: first those that wait for the reader, and what expires first first.
    pub waiting: Vec<ApprovalRow>,
    /// What waits for the reader, by rule and agent, when that is too much for a list; `waiting` has only others then.
    pub groups: Vec<ApprovalGroup>,
    /// Whether more wait than were read.
    pub more: bool,
    /// Approvals that can be used, the newest first.
    pub in_force: Vec<ApprovalRow>,
    /// What is over, the newest first.
    pub ended: Vec<ApprovalRow>,
    /// Whether the reader may decide about calls, and revoke approvals.
    pub may_decide: bool,
    /// The server's time.
    pub as_of: Timestamp,
}

/// Requests of one agent that one rule holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalGroup {
    /// The rule.
    pub rule: String,
    /// The agent.
    pub agent: String,
    /// How many wait.
    pub waiting: i64,
    /// How many were made in the last minute.
    pub last_minute: i64,
}

/// A request in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ApprovalRow {
    /// The id of the request.
    pub id: String,
    /// The agent that asks.
    pub agent: String,
    /// What it wants to do.
    pub action: String,
    /// The first arguments, in one line.
    pub gist: String,
    /// The subject, if the agent named one.
    pub subject: Option<String>,
    /// The person for whom the agent acts.
    pub on_behalf_of: Option<String>,
    /// When it was made.
    pub requested_at: Timestamp,
    /// Until when people may decide.
    pub expires_at: Timestamp,
    /// Where it stands.
    pub status: Status,
    /// Whether it waits for the reader.
    pub yours: bool,
    /// Who approved, the first one first.
    pub approved_by: Vec<String>,
    /// How many people have to approve.
    pub quorum: u8,
    /// Who denied it.
    pub denied_by: Option<String>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Until when an approval can be used.
    pub usable_until: Option<Timestamp>,
    /// Whether an approval can be used now.
    pub in_force: bool,
    /// How much an approval covers.
    pub scope: Scope,
    /// How often it was used.
    pub used: i64,
    /// Its latest use.
    pub last_use: Option<Use>,
    /// Who revoked it.
    pub revoked_by: Option<String>,
}

/// One request with everything that its reader needs to decide.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ApprovalDetail {
    /// The request as lists show it.
    pub row: ApprovalRow,
    /// The session of the agent, if it named one.
    pub session: Option<String>,
    /// The arguments.
    pub context: Map<String, Value>,
    /// Arguments with letters that look like others, in sentences.
    pub lookalikes: Vec<String>,
    /// The arguments that may change without a new request.
    pub unbound: Vec<String>,
    /// The rule that holds the call.
    pub rule: String,
    /// The conditions of the rule, as written.
    pub conditions: Map<String, Value>,
    /// The reason that the rule gives.
    pub reason: String,
    /// The budget of the rule.
    pub budget: Option<Budget>,
    /// The bundle that held the call.
    pub bundle: Option<BundleRef>,
    /// Who may decide, in words.
    pub approvers: String,
    /// Seconds for which an approval can be used.
    pub usable_for: u32,
    /// How often it was asked for while it waited.
    pub times_asked: i64,
    /// What people decided, the first decision first.
    pub decisions: Vec<SignedDecision>,
    /// What became of requests like it.
    pub similar: SimilarRequests,
    /// The decision that was answered `needs_approval`.
    pub decision_id: String,
    /// Why every call is approved by itself; `None` if an approval may cover more.
    pub once_only: Option<String>,
    /// Why the reader may not decide; `None` if the reader may.
    pub not_yours: Option<String>,
    /// Whether the reader has approved it.
    pub approved_by_you: bool,
    /// Whether the reader may make a rule of the call.
    pub may_make_rule: bool,
    /// The server's time.
    pub as_of: Timestamp,
}

/// A person's decision about a request. Its signature was verified when it was read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SignedDecision {
    /// Who decided.
    pub by: String,
    /// The decision.
    pub verdict: Verdict,
    /// The reason.
    pub reason: Option<String>,
    /// How much an approval covers.
    pub scope: Scope,
    /// When.
    pub at: Timestamp,
    /// The signature in hex.
    pub signature: String,
}

/// What became of requests that the same rule held for the same agent, in the last 30 days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SimilarRequests {
    /// Requests that were approved.
    pub approved: i64,
    /// Requests that were denied.
    pub denied: i64,
    /// Requests that nobody answered.
    pub expired: i64,
    /// Requests that the agent took back.
    pub cancelled: i64,
    /// Seconds to an answer: half of them took less.
    pub median_seconds: Option<u64>,
}

#[cfg(feature = "ssr")]
impl ApprovalRow {
    /// A request as `me` sees it.
    pub(super) fn new(request: &Request, me: &Actor, as_of: Timestamp) -> Self {
        let terms = &request.terms;
        let by = |verdict: Verdict| {
            request.actions.iter().filter(move |action| action.decision == verdict).map(|action| action.actor.clone())
        };
        Self {
            id: terms.id.clone(),
            agent: terms.agent.clone(),
            action: terms.action.clone(),
            gist: gist(&request.context),
            subject: terms.subject.clone(),
            on_behalf_of: terms.on_behalf_of.clone(),
            requested_at: terms.requested_at,
            expires_at: terms.expires_at,
            status: request.status,
            yours: request.status == Status::Pending
                && me.may(Permission::DecideApprovals)
                && may_decide(terms, me).is_ok()
                && request.actions.iter().all(|action| !same_person(&action.actor, &me.name)),
            approved_by: by(Verdict::Approve).collect(),
            quorum: terms.quorum,
            denied_by: by(Verdict::Deny).next(),
            ended_at: request.ended_at,
            usable_until: request.usable_until,
            in_force: request.is_usable(as_of),
            scope: request.scope.clone(),
            used: request.used,
            last_use: request.last_use.clone(),
            revoked_by: request.revoked.as_ref().map(|revoked| revoked.by.clone()),
        }
    }
}

#[cfg(feature = "ssr")]
impl ApprovalDetail {
    /// A request as `me` sees it.
    pub(super) fn new(request: Request, similar: SimilarRequests, me: &Actor, as_of: Timestamp) -> Self {
        let row = ApprovalRow::new(&request, me, as_of);
        let approved_by_you = row.approved_by.iter().any(|by| same_person(by, &me.name));
        let Request { terms, context, reason, rule_written, budget, bundle, times_asked, actions, .. } = request;
        let not_yours = if me.may(Permission::DecideApprovals) {
            may_decide(&terms, me).err().map(|why| match why {
                MayNotDecide::ActedFor => labels::capital(&format!("{why}.")),
                MayNotDecide::NotNamed(_) => {
                    format!("Only {} may decide about this request.", approvers(&terms.approvers))
                }
            })
        } else {
            let may = Permission::DecideApprovals.roles().iter().map(|role| labels::role(*role));
            Some(format!("Your roles do not include deciding about calls. These do: {}.", labels::all_of(may)))
        };
        let decisions = actions.into_iter().map(|action| SignedDecision {
            by: action.actor,
            verdict: action.decision,
            reason: action.reason,
            scope: action.scope,
            at: action.at,
            signature: action.signature,
        });
        let once_only = if terms.guardrail {
            Some("The rule is a guardrail, so every call is approved by itself.")
        } else if terms.risk == Some(Risk::High) {
            Some("The rule says that the risk is high, so every call is approved by itself.")
        } else {
            None
        };
        Self {
            session: terms.session,
            lookalikes: lookalikes(&context),
            context,
            unbound: terms.unbound,
            conditions: rule_written.get("conditions").and_then(Value::as_object).cloned().unwrap_or_default(),
            rule: terms.rule,
            reason,
            budget,
            bundle,
            approvers: approvers(&terms.approvers),
            usable_for: terms.usable_for,
            times_asked,
            decisions: decisions.collect(),
            similar,
            decision_id: terms.decision_id,
            once_only: once_only.map(str::to_owned),
            not_yours,
            approved_by_you,
            may_make_rule: me.may(Permission::EditDrafts) && !terms.guardrail,
            row,
            as_of,
        }
    }
}

/// What looks like another text: a letter of another script among Latin ones, as in `p\u{430}ypal`. At most a few.
#[cfg(feature = "ssr")]
fn lookalikes(context: &Map<String, Value>) -> Vec<String> {
    const MOST: usize = 5;
    let mut found = Vec::new();
    let mut open: Vec<(String, &Value)> = context.iter().map(|(name, value)| (name.clone(), value)).collect();
    while let Some((path, value)) = open.pop() {
        match value {
            Value::String(text) => {
                let latin = text.chars().any(|letter| letter.is_ascii_alphabetic());
                let odd = text.chars().filter(|letter| latin && letter.is_alphabetic() && !letter.is_ascii());
                let twin = |letter: char| Some((letter, skeleton(letter.encode_utf8(&mut [0; 4])).chars().next()?));
                if let Some((letter, like)) = odd.filter_map(twin).find(|(_, like)| like.is_ascii_alphabetic()) {
                    let code = u32::from(letter);
                    let name = labels::outside(&path);
                    found.push(format!("In {name}, “{letter}” is U+{code:04X}, which only looks like “{like}”."));
                }
            }
            Value::Array(items) => open.extend(items.iter().map(|item| (path.clone(), item))),
            Value::Object(members) => {
                open.extend(members.iter().map(|(name, value)| (format!("{path}.{name}"), value)));
            }
            _ => {}
        }
    }
    found.sort_unstable();
    found.truncate(MOST);
    found
}

/// Roles and people in words.
#[cfg(feature = "ssr")]
fn approvers(names: &[String]) -> String {
    labels::any_of(names.iter().map(|name| match Role::ALL.iter().find(|role| role.name() == name) {
        Some(role) => labels::role(*role).to_owned(),
        None => labels::outside(name),
    }))
}

/// The first arguments in one line.
#[cfg(feature = "ssr")]
fn gist(context: &Map<String, Value>) -> String {
    const SHOWN: usize = 3;
    const LONGEST: usize = 40;
    let mut parts: Vec<String> = Vec::new();
    for (key, value) in context.iter().take(SHOWN) {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let short: String = text.chars().take(LONGEST).collect();
        let rest = if short.len() < text.len() { "…" } else { "" };
        parts.push(labels::outside(&format!("{key} {short}{rest}")));
    }
    parts.join(" · ")
}

#[cfg(feature = "ssr")]
impl From<store::approvals::Group> for ApprovalGroup {
    fn from(group: store::approvals::Group) -> Self {
        let store::approvals::Group { rule, agent, waiting, last_minute, .. } = group;
        Self { rule, agent, waiting, last_minute }
    }
}

#[cfg(feature = "ssr")]
impl From<store::approvals::Similar> for SimilarRequests {
    fn from(similar: store::approvals::Similar) -> Self {
        let store::approvals::Similar { approved, denied, expired, cancelled, median_seconds } = similar;
        let median_seconds = median_seconds.map(|seconds| seconds.max(0.0).round() as u64);
        Self { approved, denied, expired, cancelled, median_seconds }
    }
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn letters_that_look_like_latin_ones_are_named_among_them_only() {
        let notes = |context: Value| lookalikes(context.as_object().unwrap());
        assert_eq!(
            notes(json!({"mail": {"to": ["bob@x.example", "p\u{430}ypal.example"]}})),
            ["In mail.to, “\u{430}” is U+0430, which only looks like “a”."]
        );
        let plain = json!({"a": "café Ærø naïve Straße", "b": "привет", "c": 1, "d": "łódź"});
        assert_eq!(notes(plain), Vec::<String>::new());
    }
}
