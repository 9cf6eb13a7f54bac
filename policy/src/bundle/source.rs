//! A bundle as *written*: the document that an author edits. The document may still break rules of the language;
//! findings report the faults, so that work in progress can be saved. Only the shape is fixed: a member of the bundle that
//! has a wrong JSON type is refused, with a pointer to the value ([`Source::read`]); inside a rule that is a finding.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    Digest, Effect, Format,
    digest::{self, Covered},
    format,
};
use crate::{
    Fault,
    json::{self, Literals, clip, escape, nesting, type_name},
    limits::{self, MAX_NESTING},
};

/// The editable content of a bundle. Unknown keys, of the bundle and of every rule, are kept.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Source {
    /// The version as text; without a version, the next one is proposed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The format as written; without it, the bundle is of format 1.0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<Format>,
    /// Rules as JSON objects, whose members may have any value.
    #[serde(default)]
    pub rules: Vec<Map<String, Value>>,
    /// The effect when no rule matches.
    #[serde(default)]
    pub default_effect: Effect,
    /// The effect on an evaluation error.
    #[serde(default)]
    pub on_error: Effect,
    /// The declared input domain as written, or null.
    #[serde(default)]
    pub schema: Option<Value>,
    /// Free text, at most 512 characters.
    #[serde(default)]
    pub notes: String,
    /// Free object.
    #[serde(default)]
    pub metadata: Map<String, Value>,
    /// The version this draft was made from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_version: Option<String>,
    /// The numbers that the text from which this was read writes otherwise than the doubles they became.
    #[serde(skip)]
    pub literals: Literals,
    /// Keys this program does not know, preserved as read.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

/// Why a text is not a bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadError {
    /// More bytes than [`limits::MAX_BUNDLE_BYTES`].
    TooLarge {
        /// The size of the text.
        bytes: usize,
    },
    /// Not JSON.
    Malformed(json::Malformed),
    /// JSON of the wrong shape.
    Faults(Vec<Fault>),
}

impl From<json::Malformed> for ReadError {
    fn from(malformed: json::Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

/// Members of a stored bundle that clients may send back but that authors cannot set.
const STORE_MEMBERS: [&str; 12] = [
    "id",
    "state",
    "active",
    "canary_pct",
    "digest",
    "created_by",
    "created_at",
    "updated_at",
    "activated_at",
    "activated_by",
    "revision",
    "provenance",
];

/// Maximum number of faults that one answer lists.
const MAX_FAULTS: usize = 100;

impl Source {
    /// Reads a bundle in any accepted form: an object with `rules`, or the bare array of rules. Members that
    /// the store maintains (`id`, `state`, …) are ignored, so that clients can send back an API response.
    ///
    /// # Errors
    /// Every wrong JSON type outside of rules and every exceeded size limit, with pointers into `value`. What is wrong
    /// inside a rule is a finding of the linter instead, so that one slip does not hide all other findings.
    pub fn read(value: Value) -> Result<Self, Vec<Fault>> {
        let deep = nesting(&value);
        if deep > MAX_NESTING {
            let detail = format!("has {deep} objects and arrays inside each other; the limit is {MAX_NESTING}");
            return Err(vec![Fault::new("", detail)]);
        }
        let mut reader = Reader::default();
        let source = match value {
            Value::Array(rules) => Self { rules: reader.rules("", rules), ..Self::default() },
            Value::Object(object) => reader.bundle(object),
            other => {
                let found = type_name(&other);
                reader.fault("", format!("must be a bundle (an object with `rules`) or a list of rules, not {found}"));
                Self::default()
            }
        };
        if reader.faults.is_empty() { Ok(source) } else { Err(reader.faults) }
    }

    /// Reads a bundle from text.
    ///
    /// # Errors
    /// Too many bytes, malformed JSON with its place, or the faults for which [`Self::read`] refuses the document.
    pub fn parse(bytes: &[u8]) -> Result<Self, ReadError> {
        if bytes.len() > limits::MAX_BUNDLE_BYTES {
            return Err(ReadError::TooLarge { bytes: bytes.len() });
        }
        let value = json::parse(bytes)?;
        Self::read_with(value, Literals::of(bytes)).map_err(ReadError::Faults)
    }

    /// [`Self::read`], with the literals of the text that `value` was read from.
    ///
    /// # Errors
    /// As for [`Self::read`].
    pub fn read_with(value: Value, literals: Literals) -> Result<Self, Vec<Fault>> {
        let literals = if value.is_array() { literals.under("/rules") } else { literals };
        Self::read(value).map(|source| Self { literals, ..source })
    }

    /// The content address of the bundle.
    pub fn digest(&self) -> Digest {
        digest::of_content(Covered {
            rules: &self.rules,
            default_effect: self.default_effect,
            on_error: self.on_error,
            schema: self.schema.as_ref(),
            format: self.format.unwrap_or_default(),
            timezone: self.timezone(),
        })
    }

    /// The time zone as written, in a format that has it. It is kept and covered, though no version reads it yet.
    pub(super) fn timezone(&self) -> Option<&Value> {
        let written = self.unknown.get("timezone").filter(|written| !written.is_null());
        written.filter(|_| self.format.unwrap_or_default() >= Format::V1_1)
    }

    /// The bundle document that findings point into and fixes apply to.
    pub fn to_value(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    /// The document as an author reads it, indented.
    pub fn to_text(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }
}

#[derive(Default)]
struct Reader {
    faults: Vec<Fault>,
}

impl Reader {
    fn fault(&mut self, pointer: &str, detail: impl Into<String>) {
        if self.faults.len() < MAX_FAULTS {
            self.faults.push(Fault::new(pointer, detail));
        }
    }

    fn bundle(&mut self, mut object: Map<String, Value>) -> Source {
        for key in STORE_MEMBERS {
            object.remove(key);
        }
        let mut source = Source {
            version: self.text(&mut object, "version"),
            base_version: self.text(&mut object, "base_version"),
            notes: self.text(&mut object, "notes").unwrap_or_default(),
            default_effect: self.effect(&mut object, "default_effect"),
            on_error: self.effect(&mut object, "on_error"),
            metadata: self.object(&mut object, "metadata").unwrap_or_default(),
            schema: self.object(&mut object, "schema").map(Value::Object),
            ..Source::default()
        };
        match object.remove("rules") {
            Some(Value::Array(rules)) => source.rules = self.rules("/rules", rules),
            Some(other) => self.fault("/rules", format!("must be a list of rules, not {}", type_name(&other))),
            None => self.fault("/rules", "is missing: a bundle has a list of rules, which may be empty"),
        }
        match object.remove("format").map(|written| format::read(&written)) {
            Some(Ok(format)) => source.format = format,
            Some(Err(detail)) => self.fault("/format", detail),
            None => {}
        }
        source.unknown = object;
        source
    }

    fn text(&mut self, object: &mut Map<String, Value>, key: &str) -> Option<String> {
        match object.remove(key) {
            Some(Value::String(text)) => Some(text),
            None | Some(Value::Null) => None,
            Some(other) => {
                self.fault(&format!("/{key}"), format!("must be a string, not {}", type_name(&other)));
                None
            }
        }
    }

    fn object(&mut self, object: &mut Map<String, Value>, key: &str) -> Option<Map<String, Value>> {
        match object.remove(key) {
            Some(Value::Object(inner)) => Some(inner),
            None | Some(Value::Null) => None,
            Some(other) => {
                self.fault(&format!("/{key}"), format!("must be an object, not {}", type_name(&other)));
                None
            }
        }
    }

    fn effect(&mut self, object: &mut Map<String, Value>, key: &str) -> Effect {
        let text = self.text(object, key);
        text.map_or_else(Effect::default, |text| {
            text.parse().unwrap_or_else(|_| {
                self.fault(
                    &format!("/{key}"),
                    format!("must be `allow`, `deny` or `needs_approval`, not `{}`", clip(&text)),
                );
                Effect::default()
            })
        })
    }

    fn rules(&mut self, base: &str, rules: Vec<Value>) -> Vec<Map<String, Value>> {
        if rules.len() > limits::MAX_RULES {
            let (most, found) = (limits::MAX_RULES, rules.len());
            self.fault(base, format!("has {found} rules; a bundle may have at most {most}"));
            return Vec::new();
        }
        let mut read = Vec::with_capacity(rules.len());
        for (index, rule) in rules.into_iter().enumerate() {
            match rule {
                Value::Object(rule) => {
                    self.rule(&format!("{base}/{index}"), &rule);
                    read.push(rule);
                }
                other => self.fault(&format!("{base}/{index}"), format!("must be a rule, not {}", type_name(&other))),
            }
        }
        read
    }

    fn rule(&mut self, pointer: &str, rule: &Map<String, Value>) {
        for (key, value) in rule {
            if !short(key, value) {
                let limit = limits::MAX_STRING_BYTES;
                let detail = format!("holds a string of more than {limit} bytes, the limit inside a rule");
                self.fault(&format!("{pointer}/{}", escape(key)), detail);
            }
        }
        let conditions = rule.get("conditions").and_then(Value::as_object).map_or(0, Map::len);
        if conditions > limits::MAX_CONDITIONS {
            let most = limits::MAX_CONDITIONS;
            self.fault(
                &format!("{pointer}/conditions"),
                format!("has {conditions} conditions; a rule may have at most {most}"),
            );
        }
    }
}

/// The fault of a rule's member that has the wrong JSON type: the place below the member, and the wanted type. A member
/// that is null counts as absent; unknown members may have any type.
pub(crate) fn type_fault(member: &str, value: &Value) -> Option<(String, String)> {
    let must = |wanted: &str, value: &Value| format!("must be {wanted}, not {}", type_name(value));
    let whole = |wanted: &str| Some((String::new(), must(wanted, value)));
    match (member, value) {
        (_, Value::Null) => None,
        ("id" | "agent" | "action" | "effect" | "reason", other) if !other.is_string() => whole("a string"),
        ("priority", other) if !other.is_number() => whole("a number"),
        ("enabled", other) if !other.is_boolean() => whole("true or false"),
        ("conditions" | "metadata" | "budget", other) if !other.is_object() => whole("an object"),
        ("tags", Value::Array(tags)) => {
            let (index, odd) = tags.iter().enumerate().find(|(_, tag)| !tag.is_string())?;
            Some((format!("/{index}"), must("a string", odd)))
        }
        ("tags", _) => whole("a list of strings"),
        ("budget", Value::Object(budget)) => budget.iter().find_map(|(key, value)| {
            let wanted = match (key.as_str(), value) {
                (_, Value::Null) => return None,
                ("cost" | "compute", other) if !other.is_number() => "a number",
                ("risk", other) if !other.is_string() => "a string",
                _ => return None,
            };
            Some((format!("/{key}"), must(wanted, value)))
        }),
        _ => None,
    }
}

/// Whether no string in `value`, keys included, is longer than the limit.
fn short(key: &str, value: &Value) -> bool {
    let fits = |text: &str| text.len() <= limits::MAX_STRING_BYTES;
    fits(key)
        && match value {
            Value::String(text) => fits(text),
            Value::Array(items) => items.iter().all(|item| short("", item)),
            Value::Object(object) => object.iter().all(|(key, value)| short(key, value)),
            Value::Null | Value::Bool(_) | Value::Number(_) => true,
        }
}
