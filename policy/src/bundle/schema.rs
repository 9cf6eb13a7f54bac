//! The declared input domain of a bundle: the actions of each agent, and the typed fields that come with them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use strum::{EnumString, IntoStaticStr};

use super::{
    Scalar,
    name::{NamePattern, recorded},
};
use crate::{Fault, json::escape};

/// The type of a declared field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, EnumString, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum FieldType {
    /// A number without a fractional part.
    Integer,
    /// Any finite number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// Text.
    String,
}

impl FieldType {
    /// The name used in JSON.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Whether `value` is of this type.
    pub fn holds(self, value: &Scalar) -> bool {
        match (self, value) {
            (Self::Integer, Scalar::Number(number)) => number.fract() == 0.0,
            (Self::Number, Scalar::Number(_))
            | (Self::Boolean, Scalar::Bool(_))
            | (Self::String, Scalar::String(_)) => true,
            _ => false,
        }
    }
}

/// One declared field.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// The type of the field.
    pub kind: FieldType,
    /// Smallest allowed number, inclusive.
    pub min: Option<f64>,
    /// Largest allowed number, inclusive.
    pub max: Option<f64>,
    /// The only allowed values, when they are listed.
    pub allowed: Option<Vec<Scalar>>,
    /// Whether the field must be present.
    pub required: bool,
}

/// The declaration for one agent.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AgentSchema {
    /// The actions of the agent.
    pub actions: Vec<String>,
    /// The fields of the agent, by dotted path.
    pub fields: BTreeMap<String, Field>,
}

/// A valid schema, written as `{"enforce": bool, "agents": {"inbox.triage": {"actions": […], "fields": {…}}}}`.
#[derive(Debug, Clone, PartialEq)]
pub struct Schema {
    /// Whether evaluation refuses inputs outside the schema; true by default.
    pub enforce: bool,
    /// The declarations, by agent name.
    pub agents: BTreeMap<String, AgentSchema>,
}

impl Schema {
    /// Reads a schema as written.
    ///
    /// # Errors
    /// Every fault of the schema, with pointers that start at the schema itself (`/agents/inbox.triage/…`).
    pub fn parse(value: &Value) -> Result<Self, Vec<Fault>> {
        let mut reader = Reader::default();
        let schema = reader.schema(value);
        if reader.faults.is_empty() { Ok(schema) } else { Err(reader.faults) }
    }
}

/// The reason why `text` is not the name of an agent or an action.
fn exact_name(text: &str) -> Result<(), String> {
    match NamePattern::read(text) {
        Ok(NamePattern::Exact(_)) => Ok(()),
        Ok(NamePattern::Any | NamePattern::Prefix(_)) => {
            Err("a schema declares each agent and action by its whole name, without `*`".to_owned())
        }
        Err(reason) => Err(reason.to_string()),
    }
}

#[derive(Default)]
struct Reader {
    faults: Vec<Fault>,
}

impl Reader {
    fn fault(&mut self, pointer: &str, detail: impl Into<String>) {
        self.faults.push(Fault::new(pointer, detail));
    }

    fn object<'a>(&mut self, pointer: &str, value: &'a Value) -> Option<&'a Map<String, Value>> {
        let object = value.as_object();
        if object.is_none() {
            self.fault(pointer, "must be an object");
        }
        object
    }

    fn boolean(&mut self, pointer: &str, value: Option<&Value>, default: bool) -> bool {
        match value {
            None | Some(Value::Null) => default,
            Some(Value::Bool(flag)) => *flag,
            Some(_) => {
                self.fault(pointer, "must be true or false");
                default
            }
        }
    }

    fn schema(&mut self, value: &Value) -> Schema {
        let mut schema = Schema { enforce: true, agents: BTreeMap::new() };
        let Some(object) = self.object("", value) else { return schema };
        schema.enforce = self.boolean("/enforce", object.get("enforce"), true);
        match object.get("agents") {
            Some(Value::Object(agents)) => {
                for (name, value) in agents {
                    let pointer = format!("/agents/{}", escape(name));
                    if let Err(reason) = exact_name(name) {
                        self.fault(&pointer, format!("is declared for `{}`, but {reason}", recorded(name)));
                    }
                    let agent = self.agent(&pointer, value);
                    schema.agents.insert(name.clone(), agent);
                }
            }
            Some(_) => self.fault("/agents", "must be an object of agents by name"),
            None => self
                .fault("/agents", "is missing: declare each agent as `\"name\": {\"actions\": […], \"fields\": {…}}`"),
        }
        schema
    }

    fn agent(&mut self, pointer: &str, value: &Value) -> AgentSchema {
        let mut agent = AgentSchema::default();
        let Some(object) = self.object(pointer, value) else { return agent };
        match object.get("actions") {
            None | Some(Value::Null) => {}
            Some(Value::Array(actions)) => {
                for (index, action) in actions.iter().enumerate() {
                    let pointer = format!("{pointer}/actions/{index}");
                    match action.as_str().map(|name| (name, exact_name(name))) {
                        Some((name, Ok(()))) => agent.actions.push(name.to_owned()),
                        Some((name, Err(reason))) => {
                            self.fault(&pointer, format!("says `{}`, but {reason}", recorded(name)));
                        }
                        None => self.fault(&pointer, "must be an action's name, such as `quarantine` or `tools/call`"),
                    }
                }
            }
            Some(_) => self.fault(&format!("{pointer}/actions"), "must be a list of action names"),
        }
        match object.get("fields") {
            None | Some(Value::Null) => {}
            Some(Value::Object(fields)) => {
                for (path, value) in fields {
                    let pointer = format!("{pointer}/fields/{}", escape(path));
                    if let Some(field) = self.field(&pointer, path, value) {
                        agent.fields.insert(path.clone(), field);
                    }
                }
            }
            Some(_) => self.fault(&format!("{pointer}/fields"), "must be an object of fields by dotted path"),
        }
        agent
    }

    fn field(&mut self, pointer: &str, path: &str, value: &Value) -> Option<Field> {
        if let Err(reason) = super::condition::check_field(path) {
            self.fault(pointer, reason);
        }
        // `"risk_score": "integer"` is the short form of `{"type": "integer"}`.
        let short = json!({"type": value});
        let value = if value.is_string() { &short } else { value };
        let object = self.object(pointer, value)?;
        let name = object.get("type").and_then(Value::as_str).unwrap_or_default();
        let Ok(kind) = name.parse::<FieldType>() else {
            self.fault(&format!("{pointer}/type"), "must be `integer`, `number`, `boolean` or `string`");
            return None;
        };
        let numeric = matches!(kind, FieldType::Integer | FieldType::Number);
        let mut bound = |key: &str| match object.get(key) {
            None | Some(Value::Null) => None,
            Some(value) if numeric && value.is_number() => value.as_f64(),
            Some(_) => {
                let detail = if numeric { "must be a number" } else { "only numbers have bounds" };
                self.fault(&format!("{pointer}/{key}"), detail);
                None
            }
        };
        let (min, max) = (bound("min"), bound("max"));
        if let (Some(low), Some(high)) = (min, max)
            && low > high
        {
            self.fault(&format!("{pointer}/max"), format!("is below `min`: no number is from {low} to {high}"));
        }
        let allowed = match object.get("enum") {
            None | Some(Value::Null) => None,
            Some(Value::Array(values)) => {
                let mut allowed = Vec::with_capacity(values.len());
                for (index, value) in values.iter().enumerate() {
                    match Scalar::read(value).filter(|scalar| kind.holds(scalar)) {
                        Some(scalar) => allowed.push(scalar),
                        None => {
                            self.fault(&format!("{pointer}/enum/{index}"), format!("must be of type {}", kind.name()))
                        }
                    }
                }
                if values.is_empty() {
                    self.fault(&format!("{pointer}/enum"), "lists no value, so no input could ever be valid");
                }
                Some(allowed)
            }
            Some(_) => {
                self.fault(&format!("{pointer}/enum"), "must be a list of values");
                None
            }
        };
        let required = self.boolean(&format!("{pointer}/required"), object.get("required"), false);
        Some(Field { kind, min, max, allowed, required })
    }
}

/// `schema` as written, with its defaults spelled out; a value that is not a schema is returned unchanged.
pub fn with_defaults(schema: &Value) -> Value {
    let mut schema = schema.clone();
    let Some(object) = schema.as_object_mut() else { return schema };
    set_default(object, "enforce", json!(true));
    let agents = object.get_mut("agents").and_then(Value::as_object_mut);
    for agent in agents.into_iter().flat_map(|agents| agents.values_mut()) {
        let Some(agent) = agent.as_object_mut() else { continue };
        set_default(agent, "actions", json!([]));
        set_default(agent, "fields", json!({}));
        let fields = agent.get_mut("fields").and_then(Value::as_object_mut);
        for field in fields.into_iter().flat_map(|fields| fields.values_mut()) {
            if field.is_string() {
                *field = json!({"type": field.take()});
            }
            if let Some(field) = field.as_object_mut() {
                field.retain(|_, value| !value.is_null());
                set_default(field, "required", json!(false));
            }
        }
    }
    schema
}

fn set_default(object: &mut Map<String, Value>, key: &str, default: Value) {
    let slot = object.entry(key).or_insert(Value::Null);
    if slot.is_null() {
        *slot = default;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_is_read_whole() {
        let schema = Schema::parse(&json!({"agents": {"inbox.triage": {
            "actions": ["quarantine"],
            "fields": {
                "risk_score": {"type": "integer", "min": 0, "max": 100, "required": true},
                "category": {"type": "string", "enum": ["spam", "phishing"]},
                "sender.vip": "boolean",
            },
        }}}))
        .unwrap();
        assert!(schema.enforce);
        let agent = &schema.agents["inbox.triage"];
        assert_eq!(agent.actions, ["quarantine"]);
        assert_eq!(agent.fields["risk_score"].max, Some(100.0));
        assert!(agent.fields["risk_score"].required);
        assert_eq!(agent.fields["sender.vip"].kind, FieldType::Boolean);
    }

    #[test]
    fn every_fault_has_its_pointer() {
        let faults = Schema::parse(&json!({"enforce": 1, "agents": {"a": {"actions": [1], "fields": {
            "b": {"type": "float"}, "c": {"type": "string", "min": 1}, "d": {"type": "integer", "enum": [1, "x"]},
            "e": {"type": "number", "min": 2, "max": 1},
        }}, "b": []}}))
        .unwrap_err();
        let pointers: Vec<_> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
        assert_eq!(
            pointers,
            [
                "/enforce",
                "/agents/a/actions/0",
                "/agents/a/fields/b/type",
                "/agents/a/fields/c/min",
                "/agents/a/fields/d/enum/1",
                "/agents/a/fields/e/max",
                "/agents/b",
            ]
        );
    }
}
