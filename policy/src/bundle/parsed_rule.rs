//! One rule as written, read as far as possible, with a finding for everything that is wrong.

use std::collections::{BTreeSet, HashMap};

use json_patch::Patch;
use serde_json::{Map, Value, json};

use super::{
    ApprovalTerms, Budget, Code, Condition, Effect, Finding, Format, NamePattern, Risk, Rule, Severity, approval_terms,
    format,
    name::{self, recorded},
    notation::{self, NotationFault},
    rule::{self, is_id},
    source::type_fault,
};
use crate::{characters, json::escape, limits, spelling};

/// One rule, read as far as possible.
#[derive(Debug, Clone)]
pub struct ParsedRule<'a> {
    /// The rule as written.
    pub source: &'a Map<String, Value>,
    /// The position in the bundle's `rules`.
    pub position: usize,
    /// The format of the bundle.
    pub format: Format,
    /// The id, when it is a non-blank text.
    pub id: Option<&'a str>,
    /// The agents, when readable.
    pub agent: Option<NamePattern>,
    /// The actions, when readable.
    pub action: Option<NamePattern>,
    /// The effect, when readable.
    pub effect: Option<Effect>,
    /// The priority; the default when unreadable.
    pub priority: u16,
    /// The conditions as written, or as they will be once their notation is repaired.
    pub conditions: Vec<IntendedCondition<'a>>,
    /// The reason, blank when there is none.
    pub reason: &'a str,
    /// The budget, as far as it can be read.
    pub budget: Option<Budget>,
    /// The terms on which the rule asks people, as far as they can be read; the defaults in format 1.0.
    pub approval: ApprovalTerms,
    /// Whether the rule is switched on.
    pub enabled: bool,
    /// The faults of the rule.
    pub faults: Vec<Finding>,
    /// Whether the meaning is unambiguous, so that the rule can be evaluated.
    pub sound: bool,
}

/// A condition with the key it is written under, which differs from the condition's own key until the notation is
/// repaired.
#[derive(Debug, Clone, PartialEq)]
pub struct IntendedCondition<'a> {
    /// The key in the rule's `conditions`.
    pub written: &'a str,
    /// The condition.
    pub condition: Condition,
}

/// Reads one rule of a bundle in `format` on its own; whether ids are unique is checked by
/// [`parse_rules`](super::parsing::parse_rules).
pub fn read_rule(source: &Map<String, Value>, position: usize, format: Format) -> ParsedRule<'_> {
    let text = |key: &str| source.get(key).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
    let mut parsed = ParsedRule {
        source,
        position,
        format,
        id: text("id"),
        agent: text("agent").and_then(NamePattern::parse),
        action: text("action").and_then(NamePattern::parse),
        effect: text("effect").and_then(|name| name.parse().ok()),
        priority: limits::DEFAULT_PRIORITY,
        conditions: Vec::new(),
        reason: text("reason").unwrap_or_default(),
        budget: None,
        approval: ApprovalTerms::default(),
        enabled: source.get("enabled").and_then(Value::as_bool).unwrap_or(true),
        faults: Vec::new(),
        sound: true,
    };
    parsed.check_types();
    parsed.read_id();
    parsed.read_scope();
    parsed.read_effect();
    parsed.read_priority();
    parsed.read_conditions();
    parsed.read_reason();
    parsed.read_budget();
    parsed.read_approval();
    parsed.check_misspelt_members();
    parsed
}

impl ParsedRule<'_> {
    /// The rule's name in findings.
    pub fn name(&self) -> String {
        self.id.map_or_else(|| format!("#{}", self.position + 1), str::to_owned)
    }

    /// JSON Pointer to a member of the rule; `member` is `""` or starts with a slash.
    pub fn pointer(&self, member: &str) -> String {
        format!("/rules/{}{member}", self.position)
    }

    /// A finding about `member` of this rule.
    pub fn finding(&self, code: Code, member: &str, message: impl Into<String>) -> Finding {
        Finding::new(code, self.pointer(member), message).about(self.id)
    }

    /// Records a fault that makes the meaning of the rule ambiguous.
    fn mark_unsound(&mut self, finding: Finding) {
        self.sound = false;
        self.faults.push(finding);
    }

    /// Members of a wrong JSON type. Without the member the rule might mean something else, so it is not evaluated, except
    /// for members that have no part in decisions.
    fn check_types(&mut self) {
        for (key, value) in self.source {
            let Some((place, detail)) = type_fault(key, value) else { continue };
            let member = format!("/{}{place}", escape(key));
            let finding = self
                .finding(
                    Code::Schema,
                    &member,
                    format!("`{}` of rule {} {detail}.", member.trim_start_matches('/'), self.name()),
                )
                .suggest(match key.as_str() {
                    "conditions" => "Write an object, such as `{\">=risk_score\": 85}`.",
                    "tags" => "Write a list of texts, such as `[\"guardrail\"]`.",
                    _ => "Correct it, or leave it out.",
                });
            match key.as_str() {
                "reason" | "budget" | "metadata" => self.faults.push(finding),
                _ => self.mark_unsound(finding),
            }
        }
    }

    /// Whether the member is there, but with a wrong JSON type, which has been reported already.
    fn has_wrong_type(&self, member: &str) -> bool {
        self.source.get(member).is_some_and(|value| type_fault(member, value).is_some())
    }

    fn read_id(&mut self) {
        match self.id {
            None if self.has_wrong_type("id") => {}
            None => {
                let finding = self
                    .finding(Code::MissingId, "/id", format!("Rule {} has no id.", self.name()))
                    .suggest("Give it a short lowercase name that is unique in the bundle, like `block-high-risk`.");
                self.mark_unsound(finding);
            }
            Some(id) if !is_id(id) || self.source.get("id").and_then(Value::as_str) != Some(id) => {
                let finding = self
                    .finding(Code::Schema, "/id", format!("`{id}` is not a valid rule id."))
                    .suggest("Use 3 to 64 lowercase letters, digits, `-` and `_`, starting with a letter or digit.");
                self.mark_unsound(finding);
            }
            Some(_) => {}
        }
    }

    fn read_scope(&mut self) {
        for (key, readable) in [("agent", self.agent.is_some()), ("action", self.action.is_some())] {
            if readable || self.has_wrong_type(key) {
                continue;
            }
            let written = self.source.get(key).and_then(Value::as_str).map(str::trim).unwrap_or_default();
            let message = match NamePattern::read(written) {
                Err(reason) if !written.is_empty() => {
                    format!("`{}` is not a valid {key}: {reason}.", recorded(written))
                }
                _ => format!("Rule {} does not say for which {key} it is.", self.name()),
            };
            let finding = self.finding(Code::Schema, &format!("/{key}"), message).suggest(name::ADVICE);
            self.mark_unsound(finding);
        }
    }

    fn read_effect(&mut self) {
        if self.effect.is_some() || self.has_wrong_type("effect") {
            return;
        }
        let written = self.source.get("effect").and_then(Value::as_str).unwrap_or_default();
        let message = if written.trim().is_empty() {
            format!("Rule {} does not say what it decides.", self.name())
        } else {
            format!("`{written}` is not an effect.")
        };
        let respelt: Option<Effect> = respell(written).parse().ok();
        let finding = self.finding(Code::Schema, "/effect", message).suggest(match respelt {
            Some(effect) => format!("Write `{effect}`."),
            None => "Choose `allow`, `deny` or `needs_approval`.".to_owned(),
        });
        let finding =
            finding.fix_if(respelt.and_then(|effect| replace(&self.pointer("/effect"), &json!(effect.name()))));
        self.mark_unsound(finding);
    }

    fn read_priority(&mut self) {
        let Some(written) = self.source.get("priority").filter(|value| value.is_number()) else { return };
        let max = f64::from(limits::MAX_PRIORITY);
        match written.as_f64().filter(|number| number.fract() == 0.0 && (0.0..=max).contains(number)) {
            // Whole and from 0 to 1000, so the cast is exact.
            Some(number) => self.priority = number as u16,
            None => {
                let message = format!("The priority {written} is not a whole number from 0 to {max}.");
                let finding = self
                    .finding(Code::Schema, "/priority", message)
                    .suggest(format!("Use a whole number from 0 to {max}; the higher one is looked at first."));
                self.mark_unsound(finding);
            }
        }
    }

    fn read_conditions(&mut self) {
        let Some(Value::Object(conditions)) = self.source.get("conditions") else { return };
        let mut faults = Vec::new();
        for (key, value) in conditions {
            if let Some(what) = format::unread_notation(key).filter(|_| self.format >= Format::V1_1) {
                let message = format::unread(&format!("The condition `{key}` compares {what}, which"));
                let suggestion = Some(format::UNREAD_ADVICE.to_owned());
                faults.push((key, NotationFault { code: Code::Schema, message, suggestion, repair: None }));
                continue;
            }
            match notation::parse(key, value) {
                Ok(condition) => self.conditions.push(IntendedCondition { written: key, condition }),
                Err(fault) => {
                    let intended = notation::intended_conditions(key, value);
                    self.conditions
                        .extend(intended.into_iter().map(|condition| IntendedCondition { written: key, condition }));
                    faults.push((key, fault));
                }
            }
        }
        // A repair must not overwrite an existing member, and no two repairs may write the same member.
        let mut targets: HashMap<String, usize> = HashMap::new();
        for (key, fault) in &faults {
            for (target, _) in fault.repair.iter().flatten() {
                *targets.entry(target.clone()).or_default() += 1;
                if target != *key && conditions.contains_key(target) {
                    *targets.entry(target.clone()).or_default() += 1;
                }
            }
        }
        for (key, fault) in faults {
            let clash = fault.repair.iter().flatten().find(|(target, _)| targets.get(target).is_some_and(|n| *n > 1));
            let pointer = format!("/conditions/{}", escape(key));
            let finding = self.finding(fault.code, &pointer, fault.message);
            let finding = match (&clash, fault.suggestion) {
                (Some((target, _)), _) => {
                    finding.suggest(format!("Another condition is written `{target}` too: keep the one you mean."))
                }
                (None, Some(suggestion)) => finding.suggest(suggestion),
                (None, None) => finding,
            };
            let patch =
                fault.repair.as_ref().filter(|_| clash.is_none()).and_then(|repair| {
                    condition_patch(&self.pointer("/conditions/"), key, conditions.get(key), repair)
                });
            self.mark_unsound(finding.fix_if(patch));
        }
    }

    fn read_reason(&mut self) {
        if self.reason.is_empty() && !self.has_wrong_type("reason") {
            let finding = self
                .finding(Code::MissingReason, "/reason", format!("Rule {} gives no reason.", self.name()))
                .suggest("Say in a sentence why this rule exists: reviewers and the people it stops will read it.");
            self.faults.push(finding);
        } else if self.reason.chars().count() > limits::MAX_REASON_CHARS {
            let message = format!("The reason is longer than {} characters.", limits::MAX_REASON_CHARS);
            let finding = self.finding(Code::Schema, "/reason", message).suggest("Shorten it; details fit `metadata`.");
            self.faults.push(finding);
        }
    }

    fn read_budget(&mut self) {
        let Some(Value::Object(written)) = self.source.get("budget") else { return };
        let mut budget = Budget::default();
        for (key, unit, slot) in [("cost", "USD", &mut budget.cost), ("compute", "units", &mut budget.compute)] {
            *slot = written.get(key).and_then(Value::as_f64);
            if let Some(number) = slot.filter(|number| *number < 0.0) {
                *slot = None;
                let pointer = format!("/rules/{}/budget/{key}", self.position);
                let message = format!("The budget's {key} is {number} {unit}; it cannot be negative.");
                self.faults.push(
                    Finding::new(Code::Schema, pointer, message)
                        .about(self.id)
                        .suggest(format!("Give 0 or more {unit}, or leave it out.")),
                );
            }
        }
        if let Some(name) = written.get("risk").and_then(Value::as_str) {
            budget.risk = name.parse().ok();
            if budget.risk.is_none() {
                let respelt: Option<Risk> = respell(name).parse().ok();
                let finding = self
                    .finding(Code::Schema, "/budget/risk", format!("There is no risk level `{name}`."))
                    .suggest(match respelt {
                        Some(risk) => format!("Write `{risk}`."),
                        None => "Choose `low`, `medium` or `high`.".to_owned(),
                    })
                    .fix_if(respelt.and_then(|risk| replace(&self.pointer("/budget/risk"), &json!(risk))));
                self.faults.push(finding);
            }
        }
        self.budget = Some(budget);
    }

    /// What format 1.1 adds to rules. A rule with a fault here would ask other people, or on other terms, than its author
    /// means, so it is not evaluated.
    fn read_approval(&mut self) {
        if self.format < Format::V1_1 {
            return;
        }
        for member in format::UNREAD_IN_RULES {
            if self.source.get(member).is_some_and(|value| !value.is_null()) {
                let message = format::unread(&format!("`{member}` of rule {}", self.name()));
                let finding = self.finding(Code::Schema, &format!("/{member}"), message);
                self.mark_unsound(finding.suggest(format::UNREAD_ADVICE));
            }
        }
        for member in approval_terms::MEMBERS {
            let written = self.source.get(member).into_iter();
            for fault in written.flat_map(|value| approval_terms::faults(member, value)) {
                let place = format!("{member}{}", fault.place);
                let message = format!("`{place}` of rule {} {}.", self.name(), fault.detail);
                let fix = fault.instead.and_then(|text| replace(&self.pointer(&format!("/{place}")), &json!(text)));
                let finding = self.finding(Code::Schema, &format!("/{place}"), message).suggest(fault.suggestion);
                self.mark_unsound(finding.fix_if(fix));
            }
        }
        self.approval = ApprovalTerms::read(self.source);
    }

    /// A misspelt `conditions` would make a rule that always matches, so near misses of a member's name are errors.
    /// Other unknown members are kept.
    fn check_misspelt_members(&mut self) {
        let members = rule::members(self.format);
        for key in self.source.keys() {
            if members.contains(&key.as_str()) {
                continue;
            }
            let near =
                members.iter().filter(|member| !self.source.contains_key(**member) && spelling::is_near(key, member));
            if let Some(member) = near.min_by_key(|member| spelling::keystrokes(key, member)) {
                let from = self.pointer(&format!("/{}", escape(key)));
                let to = self.pointer(&format!("/{member}"));
                let fits = self.source.get(key).is_some_and(|value| {
                    type_fault(member, value).is_none() && approval_terms::faults(member, value).is_empty()
                });
                let rename = patch(json!([{"op": "move", "from": from, "path": to}]));
                let message = format!("A rule has no member `{}`.", characters::write_out(key));
                let finding = self
                    .finding(Code::UnknownMember, &format!("/{}", escape(key)), message)
                    .suggest(format!("Did you mean `{member}`?"))
                    .fix_if(rename.filter(|_| fits));
                self.mark_unsound(Finding { severity: Severity::Error, ..finding });
            }
        }
    }

    /// The rule, if it can be evaluated.
    pub(super) fn to_rule(&self) -> Option<Rule> {
        let tags = self.source.get("tags").and_then(Value::as_array);
        self.sound.then_some(Rule {
            id: self.id?.to_owned(),
            agent: self.agent.clone()?,
            action: self.action.clone()?,
            conditions: self.conditions.iter().map(|intended| intended.condition.clone()).collect(),
            effect: self.effect?,
            reason: self.reason.to_owned(),
            priority: self.priority,
            budget: self.budget,
            approval: self.approval.clone(),
            enabled: self.enabled,
            tags: tags.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect::<BTreeSet<_>>(),
            position: self.position,
        })
    }
}

/// `HIGH`, `needs-approval` and `Needs approval` as the language spells them.
fn respell(written: &str) -> String {
    written.trim().to_lowercase().replace(['-', ' '], "_")
}

fn replace(pointer: &str, value: &Value) -> Option<Patch> {
    patch(json!([{"op": "replace", "path": pointer, "value": value}]))
}

/// Replaces one member of `conditions` by others.
fn condition_patch(base: &str, key: &str, old: Option<&Value>, repair: &[(String, Value)]) -> Option<Patch> {
    let path = |key: &str| format!("{base}{}", escape(key));
    let operations: Vec<Value> = match repair {
        [(target, value)] if target == key => vec![json!({"op": "replace", "path": path(key), "value": value})],
        [(target, value)] if old == Some(value) => vec![json!({"op": "move", "from": path(key), "path": path(target)})],
        many => {
            let remove = json!({"op": "remove", "path": path(key)});
            let add = many.iter().map(|(target, value)| json!({"op": "add", "path": path(target), "value": value}));
            std::iter::once(remove).chain(add).collect()
        }
    };
    patch(Value::Array(operations))
}

/// JSON Patch operations as a patch.
pub(super) fn patch(operations: Value) -> Option<Patch> {
    serde_json::from_value(operations).ok()
}
