//! Random bundles and inputs over small vocabularies, so that rules really match inputs. For tests only.

use std::collections::{BTreeMap, BTreeSet};

use proptest::{collection::vec, option, prelude::*, sample::select};
use serde_json::{Map, Value, json};

use super::Input;
use crate::{
    bundle::{
        ApprovalTerms, Budget, Bundle, Condition, Effect, NamePattern, Rule, Scalar, Schema, Test,
        schema::{AgentSchema, Field, FieldType},
    },
    random::Random,
};

/// Agents: the last two are no names.
pub const AGENTS: [&str; 8] =
    ["inbox.triage", "inbox.sort", "inbox.deep.scan", "planner", "inbox.", "inbox.deep/Scan-1", "inbox.triage ", ""];
/// Actions: the last is no name.
pub const ACTIONS: [&str; 7] =
    ["quarantine", "archive", "delete", "mcp__mail__send", "mcp__mail__", "mcp__files:read", "delete\u{200b}"];
/// The names among [`AGENTS`] and [`ACTIONS`].
const NAMES: (usize, usize) = (6, 6);
const AGENT_PREFIXES: [&str; 6] =
    ["inbox.", "inbox.deep.", "plan.", "inbox.deep/", "inbox.deep/Scan-", "inbox.triage."];
const ACTION_PREFIXES: [&str; 4] = ["mcp__", "mcp__mail__", "mcp_", "delete-"];
pub const FIELDS: [&str; 5] = ["score", "category", "flag", "sender.domain", "sender"];

pub fn scalar() -> impl Strategy<Value = Scalar> {
    prop_oneof![
        (-2_i32..=4).prop_map(|n| Scalar::Number(f64::from(n) / 2.0)),
        select(vec!["a", "ab", "abc", "b", ""]).prop_map(|text| Scalar::String(text.into())),
        any::<bool>().prop_map(Scalar::Bool),
    ]
}

pub fn test() -> impl Strategy<Value = Test> {
    let number = || (-2_i32..=4).prop_map(|n| f64::from(n) / 2.0);
    prop_oneof![
        number().prop_map(Test::AtLeast),
        number().prop_map(Test::AtMost),
        number().prop_map(Test::Above),
        number().prop_map(Test::Below),
        vec(scalar(), 0..4).prop_map(Test::In),
        vec(scalar(), 1..2).prop_map(Test::In),
        vec(scalar(), 0..3).prop_map(Test::NotIn),
        select(vec!["", "a", "ab", "b"]).prop_map(|prefix| Test::StartsWith(prefix.into())),
        any::<bool>().prop_map(Test::Present),
    ]
}

pub fn rule() -> impl Strategy<Value = Rule> {
    let prefix = |prefixes: &[&'static str]| {
        select(prefixes.to_vec()).prop_map(|prefix: &str| NamePattern::Prefix(prefix.to_owned()))
    };
    let exact =
        |names: &[&'static str]| select(names.to_vec()).prop_map(|name: &str| NamePattern::Exact(name.to_owned()));
    let agent = prop_oneof![Just(NamePattern::Any), prefix(&AGENT_PREFIXES), exact(&AGENTS[..NAMES.0])];
    let action = prop_oneof![
        2 => Just(NamePattern::Any), 1 => prefix(&ACTION_PREFIXES), 2 => exact(&ACTIONS[..NAMES.1]),
    ];
    let conditions = vec((select(FIELDS.to_vec()), test()), 0..4);
    (agent, action, conditions, select(Effect::ALL.to_vec()), 0_u16..4, option::of(0_u8..5), prop::bool::weighted(0.9))
        .prop_map(|(agent, action, conditions, effect, priority, cost, enabled)| Rule {
            id: String::new(),
            agent,
            action,
            conditions: conditions
                .into_iter()
                .map(|(field, test)| Condition { key: field.to_owned(), field: field.to_owned(), test })
                .collect(),
            effect,
            reason: "because it is a test".into(),
            priority,
            budget: cost.map(|cost| Budget { cost: Some(f64::from(cost)), compute: Some(1.0), risk: None }),
            approval: ApprovalTerms::default(),
            enabled,
            tags: BTreeSet::new(),
            position: 0,
        })
}

pub fn schema() -> impl Strategy<Value = Schema> {
    let kind = select(vec![FieldType::Integer, FieldType::Number, FieldType::Boolean, FieldType::String]);
    let field = (kind, option::of(-1_i32..1), option::of(1_i32..3), option::of(vec(scalar(), 1..4)), any::<bool>())
        .prop_map(|(kind, min, max, allowed, required)| Field {
            kind,
            min: min.map(f64::from),
            max: max.map(f64::from),
            allowed,
            required,
        });
    let fields = prop::collection::btree_map(select(FIELDS.to_vec()).prop_map(str::to_owned), field, 0..3);
    (any::<bool>(), fields).prop_map(|(enforce, fields)| Schema {
        enforce,
        agents: BTreeMap::from([(AGENTS[0].to_owned(), AgentSchema { actions: Vec::new(), fields })]),
    })
}

pub fn bundle(rules: impl Into<prop::collection::SizeRange>) -> impl Strategy<Value = Bundle> {
    let effect = || select(Effect::ALL.to_vec());
    (vec(rule(), rules), effect(), effect(), option::weighted(0.2, schema())).prop_map(
        |(mut rules, default_effect, on_error, schema)| {
            let count = rules.len();
            for (position, rule) in rules.iter_mut().enumerate() {
                rule.position = position;
                // Ids do not follow the positions, so that neither order equals the other by accident.
                rule.id = format!("rule-{:04}", (position * 7 + 3) % count.max(1) * 100 + position);
            }
            Bundle { rules, default_effect, on_error, schema }
        },
    )
}

pub fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => (-4_i32..=8).prop_map(|n| json!(f64::from(n) / 4.0)),
        2 => (-1_i32..=2).prop_map(|n| json!(n)),
        4 => select(vec!["a", "ab", "abc", "b", "", "zz"]).prop_map(Value::from),
        2 => any::<bool>().prop_map(Value::from),
        1 => Just(Value::Null),
        1 => Just(json!([1, "a"])),
        1 => Just(json!({"domain": "ab"})),
        1 => Just(json!({"domain": 1})),
        1 => Just(json!({"domain": null})),
    ]
}

/// An input drawn faster than by [`input`], for tests with hundreds of thousands of questions.
pub fn quick_input(random: &mut Random) -> Input {
    let mut context = Map::new();
    for field in FIELDS {
        let value = match random.below(12) {
            0..4 => json!(f64::from(i32::try_from(random.below(13)).unwrap() - 4) / 4.0),
            4..8 => Value::from(["a", "ab", "abc", "b", "", "zz"][random.below(6)]),
            8 => Value::from(random.chance(50)),
            9 => [json!([1]), json!({"domain": "ab"}), json!({"domain": 1}), json!({"domain": null})][random.below(4)]
                .clone(),
            10 => Value::Null,
            _ => continue,
        };
        context.insert(field.to_owned(), value);
    }
    Input { agent: quick_name(&AGENTS, NAMES.0, random), action: quick_name(&ACTIONS, NAMES.1, random), context }
}

/// One of `texts`, of which the first `names` are names and much more likely.
fn quick_name(texts: &[&str], names: usize, random: &mut Random) -> String {
    let among = if random.chance(5) { texts.len() } else { names };
    texts[random.below(among)].to_owned()
}

pub fn input() -> impl Strategy<Value = Input> {
    let context = prop::collection::btree_map(select(FIELDS.to_vec()), value(), 0..5);
    (select(AGENTS.to_vec()), select(ACTIONS.to_vec()), context).prop_map(|(agent, action, context)| Input {
        agent: agent.into(),
        action: action.into(),
        context: context.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>(),
    })
}
