//! The terms on which a rule asks people: their group in the form, and their words in the row.

use std::time::Duration;

use leptos::prelude::*;
use lifecycle::authority::Role;
use policy::bundle::{Effect, Format, approval_terms::ROLES};
use serde_json::Value;

use super::{
    controls::{NumberField, TokensField},
    state::EditorState,
};
use crate::{
    components::{Field, format},
    labels,
    model::{
        Edit, RawRule, RuleKey, TypingTarget,
        approval_terms::{any_stated, is_role, items, with_people, with_role},
        condition::plain_text,
        rule,
    },
};

/// The times until a request expires that the form offers: seconds, and words.
const TIMES: [(&str, &str); 5] =
    [("900", "15 min"), ("3600", "1 h"), ("14400", "4 h"), ("86400", "24 h"), ("604800", "7 days")];

/// The group *Who approves*, for a rule that asks people, and for one that states terms though it asks nobody.
#[component]
pub fn WhoApproves(editor: EditorState, rule_key: RuleKey) -> impl IntoView {
    let shown = Memo::new(move |_| {
        let asks = |rule: &RawRule| rule::effect(rule) == Some(Effect::NeedsApproval) || any_stated(rule);
        editor.document.rule(rule_key).is_some_and(|rule| asks(&rule.0))
    });
    view! {
        <Show when=move || shown.get()>
            <Terms editor=editor rule_key=rule_key />
        </Show>
    }
}

#[component]
fn Terms(editor: EditorState, rule_key: RuleKey) -> impl IntoView {
    let key = rule_key;
    let list = move |member: &'static str| {
        Memo::new(move |_| editor.document.rule(key).map_or_else(Vec::new, |rule| items(&rule.0, member)))
    };
    let set = move |member, items| {
        editor.document.edit(&Edit::Terms { key, member, value: Some(Value::Array(items)) });
    };
    let approvers = list("approvers");
    let people =
        Memo::new(move |_| approvers.get().into_iter().filter(|approver| !is_role(approver)).collect::<Vec<_>>());
    let quorum = Memo::new(move |_| editor.document.rule(key).and_then(|rule| rule.0.get("quorum").cloned()));
    let set_quorum = move |value| {
        let edit = Edit::Terms { key, member: "quorum", value };
        let _ = editor.document.type_into(TypingTarget::Field(key, "quorum".into()), &edit);
    };
    let note = move || match editor.document.format().get() {
        Format::V1_0 => "Any of these makes it a bundle of format 1.1, which programs that know only 1.0 refuse.",
        Format::V1_1 => "The bundle is of format 1.1: programs that know only 1.0 refuse it.",
    };
    view! {
        <fieldset class="group who-approves">
            <legend>"Who approves"</legend>
            <p class="field-hint">"What is left empty is the workspace's default."</p>
            <div class="role-boxes" role="group" aria-label="Roles">
                {ROLES
                    .into_iter()
                    .map(|role| {
                        view! {
                            <label class="checkbox">
                                <input
                                    type="checkbox"
                                    prop:checked=move || approvers.with(|approvers| approvers.iter().any(|one| one == role))
                                    on:change=move |event| {
                                        set("approvers", with_role(approvers.get_untracked(), role, event_target_checked(&event)));
                                    }
                                />
                                <span>{role_words(role)}</span>
                            </label>
                        }
                    })
                    .collect_view()}
            </div>
            <TokensField
                label="People"
                id="rule-approvers"
                hint="Email addresses, with commas between them"
                items=people
                on_items=move |people| set("approvers", with_people(approvers.get_untracked(), people))
            />
            <div class="field-pair">
                <NumberField label="Approvals needed" id="rule-quorum" unit="1–9" value=quorum on_value=set_quorum />
                <ExpiresField editor=editor rule_key=key />
            </div>
            <TokensField
                label="Not bound to"
                id="rule-unbound"
                hint="Fields that may differ when the approved call is made, such as a time"
                items=list("unbound")
                on_items=move |fields| set("unbound", fields)
                list="condition-fields"
            />
            <p class="field-hint" aria-live="polite">{note}</p>
        </fieldset>
    }
}

/// The time until a request expires.
#[component]
fn ExpiresField(editor: EditorState, rule_key: RuleKey) -> impl IntoView {
    let key = rule_key;
    let written = Memo::new(move |_| {
        editor.document.rule(key).and_then(|rule| rule.0.get("expires_in").map(seconds)).unwrap_or_default()
    });
    let choose = move |event: leptos::ev::Event| {
        if let Ok(value) = rule::read_number(&event_target_value(&event)) {
            editor.document.edit(&Edit::Terms { key, member: "expires_in", value });
        }
    };
    let other = move || Some(written.get()).filter(|other| !other.is_empty() && TIMES.iter().all(|(s, _)| s != other));
    view! {
        <Field label="Expires after" id="rule-expires_in">
            <select class="input" id="rule-expires_in" on:change=choose prop:value=written>
                <option value="" selected=move || written.read().is_empty()>"default"</option>
                {move || other().map(|other| view! { <option value=other.clone() selected=true>{time_words(&other)}</option> })}
                {TIMES
                    .into_iter()
                    .map(|(seconds, words)| {
                        view! { <option value=seconds selected=move || written.read().as_str() == seconds>{words}</option> }
                    })
                    .collect_view()}
            </select>
        </Field>
    }
}

/// A number of seconds as text; anything else is doubted.
fn seconds(value: &Value) -> String {
    let text = plain_text(value);
    if value.is_number() || text.is_empty() { text } else { format!("{text}?") }
}

/// A time as people say it, where `seconds` is one.
fn time_words(seconds: &str) -> String {
    if let Some((_, words)) = TIMES.iter().find(|(offered, _)| *offered == seconds) {
        return (*words).to_owned();
    }
    match seconds.parse::<u64>() {
        Ok(count) if count > 60 && count.is_multiple_of(60) => format::duration(Duration::from_secs(count)),
        Ok(count) => format!("{count} s"),
        Err(_) => labels::outside(seconds),
    }
}

fn role_words(role: &str) -> &'static str {
    Role::ALL.iter().find(|known| known.name() == role).map_or("", |known| labels::role(*known))
}

/// The terms that a rule states, briefly: `2 of safety owners, 1 h`. Empty if it states none.
pub fn in_words(rule: &RawRule) -> String {
    let approvers = items(rule, "approvers");
    let people = approvers.iter().filter(|approver| !is_role(approver)).count();
    let roles = approvers.iter().filter(|approver| is_role(approver)).filter_map(Value::as_str).map(|role| {
        let words = role_words(role);
        // "Revenue ops" is a plural already.
        if words.ends_with('s') { words.to_owned() } else { format!("{words}s") }
    });
    let named = (people > 0).then(|| format::plural(people as u64, "named person", "named people"));
    let who = labels::any_of(roles.chain(named));
    let quorum = rule.get("quorum").map(plain_text).filter(|quorum| !quorum.is_empty());
    let who = match quorum {
        None => who,
        Some(one) if who.is_empty() && one == "1" => "1 person".to_owned(),
        Some(quorum) if who.is_empty() => format!("{quorum} people"),
        Some(quorum) => format!("{quorum} of {who}"),
    };
    let time = rule.get("expires_in").map(seconds).filter(|time| !time.is_empty()).map(|time| time_words(&time));
    let unbound = match items(rule, "unbound").as_slice() {
        [] => None,
        [field] => Some(format!("not bound to {}", plain_text(field))),
        fields => Some(format!("not bound to {} fields", fields.len())),
    };
    let parts = [Some(who).filter(|who| !who.is_empty()), time, unbound];
    labels::outside(&parts.into_iter().flatten().collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn words(terms: Value) -> String {
        in_words(terms.as_object().unwrap())
    }

    #[test]
    fn terms_are_brief_in_a_row() {
        assert_eq!(words(json!({"id": "aaa", "approvers": [], "quorum": null})), "");
        assert_eq!(
            words(json!({"approvers": ["safety_owner"], "quorum": 2, "expires_in": 3600})),
            "2 of safety owners, 1 h"
        );
        let mixed = json!({"approvers": ["revenue_ops", "approver", "ann@x.test"]});
        assert_eq!(words(mixed), "revenue ops, approvers or 1 named person");
        assert_eq!(words(json!({"quorum": 1})), "1 person");
        assert_eq!(words(json!({"quorum": 3, "expires_in": 86400.0})), "3 people, 24 h");
        assert_eq!(words(json!({"unbound": ["sent_at"]})), "not bound to sent_at");
        assert_eq!(words(json!({"unbound": ["sent_at", "request.id"]})), "not bound to 2 fields");
    }

    #[test]
    fn a_time_that_is_not_offered_is_in_words_too() {
        let plain = |text: &str| time_words(text).replace('\u{a0}', " ");
        assert_eq!(plain("604800"), "7 days");
        assert_eq!(plain("5400"), "1 h 30 min");
        assert_eq!(plain("61"), "61 s");
        assert_eq!(plain(&seconds(&json!("3600"))), "3600?");
        for (seconds, _) in TIMES {
            assert!(policy::limits::EXPIRES_IN.contains(&seconds.parse().unwrap()));
        }
    }
}
