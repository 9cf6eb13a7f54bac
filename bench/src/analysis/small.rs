//! Small random bundles that use every operator but `^=`, over few names and values, so that rules overlap, meet values
//! of wrong types, and miss fields. Names are written in full or as patterns, some of which lie inside others.

use policy::random::Random;
use serde_json::{Map, Value, json};

/// A bundle and a copy with one or two rules changed.
pub fn pair(random: &mut Random) -> (Value, Value) {
    let rules: Vec<Value> = (0..2 + random.below(7)).map(|number| rule(number, random)).collect();
    let mut after = rules.clone();
    for _ in 0..1 + random.below(2) {
        let at = random.below(after.len());
        edit(&mut after[at], random);
    }
    (json!({"rules": rules}), json!({"rules": after}))
}

fn rule(number: usize, random: &mut Random) -> Value {
    let conditions: Map<String, Value> = (0..random.below(4)).map(|_| condition(random)).collect();
    json!({
        "id": format!("rule-{number}"),
        "agent": one(&["*", "one", "two.a", "two.*", "two.b.*", "two.b.c"], random),
        "action": one(&["*", "read", "git__push", "git__*", "git__issue_*", "git__issue_close"], random),
        "conditions": conditions,
        "effect": one(&["allow", "deny", "needs_approval"], random),
        "reason": "A random rule of the benchmark",
        "priority": 10 * (1 + random.below(3)),
        "enabled": random.chance(95),
    })
}

fn condition(random: &mut Random) -> (String, Value) {
    let number = |random: &mut Random| json!(random.below(5));
    let field = one(&["x", "y"], random);
    match random.below(9) {
        0 => (format!(">={field}"), number(random)),
        1 => (format!("<={field}"), number(random)),
        2 => (format!(">{field}"), number(random)),
        3 => (format!("<{field}"), number(random)),
        4 => (format!("!={field}"), number(random)),
        5 => ("word".to_owned(), [0, 1].map(|_| one(&["a", "b", "c"], random)).into_iter().collect()),
        6 => ("!=word".to_owned(), one(&["a", "b", "c"], random).into()),
        7 => ("flag".to_owned(), random.chance(50).into()),
        _ => (format!("?{}", one(&["x", "word", "flag"], random)), random.chance(50).into()),
    }
}

fn one<'a>(of: &[&'a str], random: &mut Random) -> &'a str {
    random.pick(of).copied().unwrap_or_default()
}

/// Changes the rule's effect or one of its thresholds.
pub fn edit(rule: &mut Value, random: &mut Random) {
    let thresholds = rule["conditions"].as_object_mut().into_iter().flatten();
    let threshold = thresholds.map(|(_, value)| value).find(|value| value.is_i64() || value.is_u64());
    match threshold {
        Some(value) if random.chance(60) => {
            let changed = value.as_i64().unwrap_or(0) + if random.chance(50) { 1 } else { -1 };
            *value = changed.into();
        }
        _ => rule["effect"] = one(&["allow", "deny", "needs_approval"], random).into(),
    }
}
