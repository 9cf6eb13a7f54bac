//! The rules as a Cerbos policy: every rule allows and gives out its rank; the host takes the smallest.

use serde_json::{Value, json};

use crate::workload::{FIELDS, Request, Rule, Test, Workload, model};

/// The resource policy.
pub fn policy(workload: &Workload) -> String {
    let rules: Vec<Value> = workload.rules.iter().enumerate().map(|(rank, rule)| allow(rank, rule)).collect();
    json!({
        "apiVersion": "api.cerbos.dev/v1",
        "resourcePolicy": {"version": "default", "resource": "request", "rules": rules},
    })
    .to_string()
}

fn allow(rank: usize, rule: &Rule) -> Value {
    let mut tests: Vec<String> = Vec::new();
    tests.extend(rule.agent.map(|agent| format!("P.id == \"{}\"", model::agent(agent))));
    tests.extend(rule.tests.iter().map(|(field, test)| expression(*field, test)));
    let of: Vec<Value> = tests.into_iter().map(|test| json!({"expr": test})).collect();
    let mut written = json!({
        "name": format!("rule-{rank}"),
        "actions": [rule.action.map_or("*".to_owned(), model::action)],
        "roles": ["*"],
        "effect": "EFFECT_ALLOW",
        "output": {"when": {"ruleActivated": rank.to_string()}},
    });
    if !of.is_empty() {
        written["condition"] = json!({"match": {"all": {"of": of}}});
    }
    written
}

fn expression(field: usize, test: &Test) -> String {
    let name = format!("R.attr.{}", FIELDS[field].0);
    let quoted = |number: u16| format!("\"{}\"", model::text(field, number));
    match test {
        Test::OneOf(wanted) => {
            let texts: Vec<String> = wanted.iter().map(|number| quoted(*number)).collect();
            format!("{name} in [{}]", texts.join(", "))
        }
        Test::Not(unwanted) => format!("{name} != {}", quoted(*unwanted)),
        Test::Is(flag) => format!("{name} == {flag}"),
        Test::Between(Some(low), Some(high)) => format!("{name} >= {low} && {name} <= {high}"),
        Test::Between(Some(low), None) => format!("{name} >= {low}"),
        Test::Between(None, Some(high)) => format!("{name} <= {high}"),
        Test::Between(None, None) => "true".to_owned(),
    }
}

/// The body of a check.
///
/// # Errors
/// When the request is not JSON.
pub fn check(request: &Request) -> Result<String, String> {
    let asked: Value = serde_json::from_str(&request.json).map_err(|error| error.to_string())?;
    Ok(json!({
        "requestId": "bench",
        "principal": {"id": asked["agent"], "roles": ["agent"]},
        "resources": [{
            "resource": {"kind": "request", "id": "one", "attr": asked["context"]},
            "actions": [asked["action"]],
        }],
    })
    .to_string())
}

/// The smallest rank that a check gave out.
pub fn rank(answer: &Value) -> Option<u32> {
    let outputs = answer["results"][0]["outputs"].as_array().into_iter().flatten();
    outputs.filter_map(|output| output["val"].as_f64()).map(|rank| rank as u32).min()
}
