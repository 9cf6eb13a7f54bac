//! Inputs whose agent or action is no name: blank, invisible, look-alike or control characters, or too long.
//!
//! Nothing decides such an input, no rule, schema or default: a person who reads the log, or writes a rule, could not
//! tell its name from another one. The answer is an error with the effect deny, whatever `on_error` says.

use super::{Evaluation, EvaluationError, Status, ValueType, evaluation::ErrorCode};
use crate::bundle::{
    Effect,
    name::{MAX_LENGTH, is_name, recorded},
};

/// Whether the agent and the action of a question are names.
#[inline]
pub fn are_names(agent: &str, action: &str) -> bool {
    is_name(agent) && is_name(action)
}

/// The effect of the answer when the agent or the action is no name.
pub const EFFECT: Effect = Effect::Deny;

/// The answer to a question whose agent or action is no name; `None` when both are names.
pub fn refusal(agent: &str, action: &str) -> Option<Evaluation> {
    let wrong: Vec<(&str, &str)> =
        [("agent", agent), ("action", action)].into_iter().filter(|(_, text)| !is_name(text)).collect();
    let (member, text) = *wrong.first()?;
    let errors = wrong.iter().map(|(member, _)| EvaluationError {
        code: ErrorCode::InvalidName,
        rule: None,
        field: (*member).to_owned(),
        wanted: format!("a name of 1 to {MAX_LENGTH} characters: letters, digits and . _ : / @ + # ~ -"),
        found: ValueType::String,
    });
    let what = if text.trim().is_empty() {
        format!("the {member} is blank")
    } else {
        format!("the {member} `{}` is no name", clip(&recorded(text)))
    };
    Some(Evaluation {
        effect: EFFECT,
        status: Status::Error,
        matched_rule: None,
        reason: format!("Error: {what}, so no rule decides, and the answer is deny."),
        budget: None,
        errors: errors.collect(),
    })
}

/// Shortens a name, so that sentences stay readable whatever a caller sends.
pub(super) fn clip(name: &str) -> String {
    const SHOWN: usize = 80;
    if name.chars().count() <= SHOWN {
        return name.to_owned();
    }
    name.chars().take(SHOWN).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::{
        bundle::{Effect, Source},
        engine::{Input, Prepared, Status, evaluation::ErrorCode},
    };

    #[test]
    fn no_rule_and_no_default_decides_for_what_is_no_name() {
        let source = Source::read(json!({
            "rules": [{"id": "all-of-it", "agent": "*", "action": "*", "effect": "allow", "reason": "Everything goes"}],
            "default_effect": "allow", "on_error": "allow",
        }));
        let prepared = Prepared::from(source.unwrap().parse_rules().bundle);
        let long = "a".repeat(257);
        for (text, shown) in [
            ("", "is blank"),
            ("\u{a0}", "is blank"),
            ("inbox.triage ", "`inbox.triage<U+0020>`"),
            ("inbox.tri\u{430}ge", "`inbox.tri<U+0430>ge`"),
            ("delete\u{200b}", "`delete<U+200B>`"),
            ("\u{202e}delete", "`<U+202E>delete`"),
            ("delete\n", "`delete<U+000A>`"),
            ("delete\u{301}", "`delete<U+0301>`"),
            ("-delete", "`-delete`"),
            (&long, "aaa…`"),
        ] {
            for (agent, action, member) in [(text, "delete", "agent"), ("inbox.triage", text, "action")] {
                let input = Input { agent: agent.into(), action: action.into(), context: Default::default() };
                let answer = prepared.decide(&input);
                assert_eq!((answer.effect, answer.status, answer.matched_rule), (Effect::Deny, Status::Error, None));
                let [error] = answer.errors.as_slice() else { panic!("{:?}", answer.errors) };
                assert_eq!((error.code, error.field.as_str()), (ErrorCode::InvalidName, member));
                assert!(answer.reason.contains(shown) && answer.reason.contains(member), "{}", answer.reason);
                assert!(prepared.trace(&input).is_empty());
            }
        }
        let case = Input { agent: "Inbox.Triage".into(), action: "DELETE".into(), context: Default::default() };
        assert_eq!(prepared.decide(&case).status, Status::Matched, "names are case-sensitive, and these are names");
    }
}
