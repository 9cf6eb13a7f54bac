//! A rule made of a call that people approved: what they need not be asked again.

use policy::bundle::{approval::bound_context, notation, rule::is_id};
use serde_json::{Map, Value, json};

use super::{Request, ScopeKind};

/// The longest id of a rule.
const MAX_ID: usize = 64;
/// The highest priority.
const MAX_PRIORITY: u64 = 1000;

/// Why no rule can be made of a call.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoRule {
    /// A condition cannot hold a list, and a rule without it would allow more than was asked.
    #[error("the argument `{0}` is a list, which no condition can hold to: write the rule yourself")]
    List(String),
    /// No condition can name this argument.
    #[error("the argument `{0}` has a name that no condition can have: write the rule yourself")]
    Name(String),
    /// What a guardrail holds is looked at every time.
    #[error("a guardrail holds this call: it is looked at every time")]
    Guardrail,
}

/// A rule that allows the calls that `request` is about: exactly its arguments, or the box that its approval covers. It stands
/// just before the rule that holds them, and keeps that rule's conditions. `taken` are the ids of the other rules.
///
/// # Errors
/// [`NoRule`].
pub fn as_rule(request: &Request, taken: &[&str]) -> Result<Map<String, Value>, NoRule> {
    let terms = &request.terms;
    if terms.guardrail {
        return Err(NoRule::Guardrail);
    }
    let held_by = &request.rule_written;
    let mut conditions = held_by.get("conditions").and_then(Value::as_object).cloned().unwrap_or_default();
    match (&request.scope.kind, &request.scope.conditions) {
        (ScopeKind::Box, Some(within)) => conditions.extend(within.clone()),
        _ => add_values("", &bound_context(&request.context, &terms.unbound), &mut conditions)?,
    }
    let priority = held_by.get("priority").and_then(Value::as_u64).unwrap_or(policy::limits::DEFAULT_PRIORITY.into());
    let id = free_id(&terms.rule, taken);
    let reason = format!("People approved this call: {}", terms.id);
    let members = [
        ("id", json!(id)),
        ("agent", json!(terms.agent)),
        ("action", json!(terms.action)),
        ("conditions", Value::Object(conditions)),
        ("effect", json!("allow")),
        ("reason", json!(reason)),
        ("priority", json!((priority + 1).min(MAX_PRIORITY))),
    ];
    let budget = held_by.get("budget").map(|budget| ("budget", budget.clone()));
    Ok(members.into_iter().chain(budget).map(|(name, value)| (name.to_owned(), value)).collect())
}

/// Adds a condition for each value, nested ones by their dotted paths.
fn add_values(path: &str, members: &Map<String, Value>, conditions: &mut Map<String, Value>) -> Result<(), NoRule> {
    for (name, value) in members {
        let field = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        match value {
            Value::Object(below) => add_values(&field, below, conditions)?,
            Value::Array(_) => return Err(NoRule::List(field)),
            Value::Null => add(format!("?{field}"), Value::Bool(false), conditions)?,
            value => add(format!("=={field}"), value.clone(), conditions)?,
        }
    }
    Ok(())
}

/// Adds a condition, unless its field cannot be written in one.
fn add(key: String, value: Value, conditions: &mut Map<String, Value>) -> Result<(), NoRule> {
    if notation::parse(&key, &value).is_err() {
        return Err(NoRule::Name(key.trim_start_matches(['=', '?']).to_owned()));
    }
    conditions.insert(key, value);
    Ok(())
}

/// An id like `refund-ask-approved` that no other rule has.
fn free_id(rule: &str, taken: &[&str]) -> String {
    let base: String = rule.chars().take(MAX_ID - "-approved-999".len()).collect();
    let first = format!("{base}-approved");
    let mut numbered = (2..1000).map(|number| format!("{first}-{number}"));
    let free = |id: &String| is_id(id) && !taken.contains(&id.as_str());
    Some(first.clone()).filter(free).or_else(|| numbered.find(free)).unwrap_or(first)
}

#[cfg(test)]
mod tests {
    use policy::{
        bundle::{Effect, Source},
        engine::{Input, Prepared},
    };
    use proptest::prelude::*;

    use super::*;

    fn request(context: Value) -> Request {
        let held = json!({"id": "refund-ask", "agent": "billing.*", "action": "refund", "effect": "needs_approval",
            "reason": "A person looks at every refund", "priority": 70, "budget": {"cost": 1}, "conditions": {">amount": 50}});
        serde_json::from_value(json!({
            "id": "apr_0", "asked_by": 7, "agent": "billing.refund", "action": "refund", "subject": null,
            "on_behalf_of": null, "session": null, "context_digest": "", "context_key": "k", "unbound": ["at"],
            "rule": "refund-ask", "rule_digest": "sha256:0", "guardrail": false, "risk": null, "decision_id": "d",
            "requested_at": "2026-01-01T00:00:00Z", "expires_at": "2026-01-01T01:00:00Z", "usable_for": 60,
            "approvers": ["approver"], "quorum": 1, "key_id": "k", "signature": "", "status": "approved",
            "context": context, "reason": "x", "rule_written": held, "budget": null, "bundle": null, "times_asked": 1,
            "actions": [], "ended_at": null, "usable_until": null, "scope": {"kind": "once"}, "used": 0,
            "last_use": null, "revoked": null,
        }))
        .unwrap()
    }

    /// What a bundle with the rule that holds and the one made of the request answers.
    fn answer(request: &Request, context: &Value) -> Effect {
        let rules = json!([request.rule_written, as_rule(request, &["refund-ask"]).unwrap()]);
        let parsed = Source::read(rules).unwrap().parse_rules();
        assert!(parsed.faults.is_empty(), "{:?}", parsed.faults);
        let input = Input {
            agent: "billing.refund".into(),
            action: "refund".into(),
            context: context.as_object().unwrap().clone(),
        };
        Prepared::from(parsed.bundle).decide(&input).effect
    }

    #[test]
    fn the_rule_allows_that_call_and_no_other() {
        let asked = json!({"amount": 420, "order": {"id": "88", "gift": false}, "at": 1, "note": null});
        let request = request(asked.clone());
        assert_eq!(answer(&request, &asked), Effect::Allow);
        for (pointer, value) in
            [("/amount", json!(421)), ("/order/id", json!("89")), ("/order/gift", json!(true)), ("/note", json!("z"))]
        {
            let mut other = asked.clone();
            *other.pointer_mut(pointer).unwrap() = value;
            assert_eq!(answer(&request, &other), Effect::NeedsApproval, "{pointer}");
        }
        let mut later = asked;
        later["at"] = json!(2);
        assert_eq!(answer(&request, &later), Effect::Allow, "what an approval is not bound to");
    }

    #[test]
    fn lists_and_guardrails_make_no_rule_and_ids_stay_unique() {
        assert_eq!(as_rule(&request(json!({"to": ["a"]})), &[]), Err(NoRule::List("to".into())));
        assert_eq!(as_rule(&request(json!({">odd": 1})), &[]), Err(NoRule::Name(">odd".into())));
        let mut guarded = request(json!({"amount": 60}));
        guarded.terms.guardrail = true;
        assert_eq!(as_rule(&guarded, &[]), Err(NoRule::Guardrail));
        let rule = as_rule(&request(json!({"amount": 60})), &["refund-ask-approved", "refund-ask-approved-2"]).unwrap();
        assert_eq!((&rule["id"], &rule["priority"]), (&json!("refund-ask-approved-3"), &json!(71)));
    }

    proptest! {
        #[test]
        fn what_the_rule_allows_has_the_values_that_were_approved(amount in 51_i64..60, other in 51_i64..60, text in "[a-c.]{0,3}", changed in "[a-c.]{0,3}") {
            let request = request(json!({"amount": amount, "text": text}));
            let same = amount == other && text == changed;
            let effect = answer(&request, &json!({"amount": other, "text": changed}));
            prop_assert_eq!(effect == Effect::Allow, same);
        }
    }
}
