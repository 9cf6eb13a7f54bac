//! Looking for inputs with a given answer, within a budget.

use std::{cell::OnceCell, collections::BTreeSet};

use serde_json::Value;

use crate::{
    analysis::{
        Meter,
        findings::input_to_json,
        geometry::scopes_overlap,
        invariants::{InvariantProof, Question, refute},
        space::{Domain, Space},
    },
    bundle::{Bundle, Condition, NamePattern, Rule},
    engine::{Evaluation, Input, Prepared, order},
    json::escape,
    lint::{Code, Finding, example, twin::twin},
};

/// Maximum number of inputs that the evaluator is asked about. Bundles that people write need a few hundred.
const MAX_QUESTIONS: usize = 200_000;

/// Maximum work of all proofs, in units of a [`Meter`].
const MAX_WORK: u64 = 8_000_000;

/// Maximum work of one proof.
const MAX_PROOF: u64 = 1_000_000;

pub(super) struct Search<'a> {
    pub(super) bundle: &'a Bundle,
    /// Prepared once something has to be confirmed; most bundles have nothing of the kind.
    prepared: OnceCell<Prepared>,
    ids: Option<BTreeSet<&'a str>>,
    /// The enabled rules in the order of evaluation, once there is something to prove.
    ranked: Option<Vec<&'a Rule>>,
    /// How many more inputs the evaluator may be asked about.
    pub(super) questions: usize,
    /// How much work the proofs may still take.
    work: u64,
    /// Whether some proof was left undecided.
    pub(super) is_unfinished: bool,
}

impl<'a> Search<'a> {
    pub(super) const fn new(bundle: &'a Bundle) -> Self {
        Self {
            bundle,
            prepared: OnceCell::new(),
            ids: None,
            ranked: None,
            questions: MAX_QUESTIONS,
            work: MAX_WORK,
            is_unfinished: false,
        }
    }

    /// An input with the answer that is looked for, when the proof that there is none fails.
    pub(super) fn refute(&mut self, question: Question<'_>) -> Option<(Input, Evaluation)> {
        let bundle = self.bundle;
        let ranked = self.ranked.get_or_insert_with(|| {
            let mut rules: Vec<&Rule> = bundle.rules.iter().filter(|rule| rule.enabled).collect();
            rules.sort_by(|a, b| order::compare(a, b));
            rules
        });
        let given = self.work.min(MAX_PROOF);
        let mut meter = Meter::new(given, given);
        let proof = if meter.spend(ranked.len() as u64 / 8 + 1) {
            let rules: Vec<&Rule> =
                ranked.iter().copied().filter(|rule| scopes_overlap(rule, question.asked)).collect();
            // Each question cuts a space of its own, so that many questions about many rules are soon too many.
            let cost = Space::cost(rules.iter().copied().chain([question.asked]), Domain::Open);
            if meter.spend(cost.saturating_mul(2)) {
                refute((bundle, &rules), question, &self.prepared, &mut meter)
            } else {
                InvariantProof::Undecided
            }
        } else {
            InvariantProof::Undecided
        };
        self.work -= given - meter.left();
        match proof {
            InvariantProof::Holds => None,
            InvariantProof::Undecided => {
                self.is_unfinished = true;
                None
            }
            InvariantProof::Violated(input) => {
                let answer = self.decide(&input);
                Some((input, answer))
            }
        }
    }

    pub(super) fn decide(&mut self, input: &Input) -> Evaluation {
        self.questions = self.questions.saturating_sub(1);
        self.prepared.get_or_init(|| Prepared::new(self.bundle)).decide(input)
    }

    pub(super) fn finding(rule: &Rule, code: Code, condition: &Condition, message: String, witness: &Input) -> Finding {
        let path = format!("/rules/{}/conditions/{}", rule.position, escape(&condition.key));
        let finding = Finding::new(code, path, message).about(Some(&rule.id));
        Finding { witness: Some(input_to_json(witness)), ..finding }
    }

    /// The answer to an example of a rule in which one field has another value.
    pub(super) fn answer_with(&mut self, rule: &Rule, field: &str, value: Value) -> Option<(Input, Evaluation)> {
        let mut facts = example::facts(&rule.conditions)?;
        *facts.get_mut(field)? = Some(value);
        let input = example::input(rule, facts, self.bundle);
        let answer = self.decide(&input);
        Some((input, answer))
    }

    /// Whether every input for these agents that reaches a rule has the field.
    pub(super) fn requires(&self, agent: &NamePattern, field: &str) -> bool {
        let (NamePattern::Exact(agent), Some(schema)) = (agent, &self.bundle.schema) else { return false };
        let declared = schema.agents.get(agent).and_then(|declared| declared.fields.get(field));
        schema.enforce && declared.is_some_and(|field| field.required)
    }

    /// The same rule once more, with another condition in place of `condition`.
    pub(super) fn twin(
        &mut self,
        rule: &Rule,
        condition: &Condition,
        key: &str,
        value: Value,
        suffix: &str,
    ) -> Option<json_patch::Patch> {
        let bundle = self.bundle;
        let ids = self.ids.get_or_insert_with(|| bundle.rules.iter().map(|rule| rule.id.as_str()).collect());
        // What else is asked of a field would contradict its absence.
        let is_replaced = |other: &Condition| {
            if value == Value::Bool(false) { other.field == condition.field } else { other == condition }
        };
        twin(rule, is_replaced, (key, value.clone()), suffix, |id| ids.contains(id))
    }
}
