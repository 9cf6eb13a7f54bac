//! The *Bundle* tab: defaults, version, notes and schema.

use leptos::prelude::*;
use lifecycle::bundle::Provenance;
use policy::{
    bundle::{self, schema::Schema},
    limits::MAX_NOTES_CHARS,
    replay::Dataset,
};
use serde_json::{Value, json};
use worker::Request;

use super::{state::EditorState, worker_client};
use crate::{
    components::{Button, Digest, Field, Notice, Tone, effect_words},
    model::{Edit, TypingTarget, text},
};

/// The *Bundle* tab.
#[component]
pub fn BundleTab(editor: EditorState) -> impl IntoView {
    let default_effect = Memo::new(move |_| editor.document.content().with(|content| content.head().default_effect));
    let on_error = Memo::new(move |_| editor.document.content().with(|content| content.head().on_error));
    let version = Memo::new(move |_| {
        editor.document.content().with(|content| content.head().version.clone().unwrap_or_default())
    });
    let notes = Memo::new(move |_| editor.document.content().with(|content| content.head().notes.clone()));
    let refused = Memo::new(move |_| editor.results.checked().with(|checked| checked.version_refused.clone()));
    let type_version = move |event: leptos::ev::Event| {
        let typed = event_target_value(&event);
        let version = (!typed.trim().is_empty()).then(|| typed.trim().to_owned());
        let _ = editor.document.type_into(TypingTarget::Head("version"), &Edit::Version(version));
    };
    let type_notes = move |event: leptos::ev::Event| {
        let _ = editor.document.type_into(TypingTarget::Head("notes"), &Edit::Notes(event_target_value(&event)));
    };
    let notes_error = Signal::derive(move || {
        let count = notes.with(|notes| notes.chars().count());
        (count > MAX_NOTES_CHARS).then(|| format!("{count} of {MAX_NOTES_CHARS} characters"))
    });
    let provenance = editor.save.record().with_untracked(|record| record.provenance.clone());
    view! {
        {provenance.map(|provenance| view! { <Origin provenance=provenance /> })}
        <fieldset class="bundle-tab" disabled=!editor.document.is_editable()>
            <div class="field-pair">
                <EffectSelect
                    id="bundle-default"
                    label="Default effect"
                    hint="What happens when no rule matches"
                    value=default_effect
                    on_value=move |effect| editor.document.edit(&Edit::DefaultEffect(effect))
                />
                <EffectSelect
                    id="bundle-error"
                    label="On error"
                    hint="What happens when a value has the wrong type"
                    value=on_error
                    on_value=move |effect| editor.document.edit(&Edit::OnError(effect))
                />
            </div>
            <Field label="Version" id="bundle-version" error=refused>
                <input class="input mono" id="bundle-version" type="text" autocomplete="off" prop:value=version on:input=type_version />
            </Field>
            <Field label="Notes" id="bundle-notes" hint="What this version is about; reviewers read it first" error=notes_error>
                <textarea class="input" id="bundle-notes" rows="3" prop:value=notes on:input=type_notes></textarea>
            </Field>
            <SchemaField editor=editor />
        </fieldset>
    }
}

/// The source that the bundle was imported from.
#[component]
fn Origin(provenance: Provenance) -> impl IntoView {
    let tone = if provenance.signed { Tone::Neutral } else { Tone::Warn };
    let author = provenance.created_by.as_ref().map(|by| format!(" It was made by {by}.")).unwrap_or_default();
    view! {
        <Notice tone=tone>
            <p>
                {format!(
                    "Imported by {} at {}, {}.{author} ",
                    provenance.imported_by,
                    provenance.imported_at,
                    provenance.describe(),
                )} <Digest value=provenance.digest what="digest of the file" />
            </p>
        </Notice>
    }
}

#[component]
fn EffectSelect(
    id: &'static str,
    label: &'static str,
    hint: &'static str,
    value: Memo<bundle::Effect>,
    #[prop(into)] on_value: Callback<bundle::Effect>,
) -> impl IntoView {
    let choose = move |event: leptos::ev::Event| {
        if let Ok(effect) = event_target_value(&event).parse() {
            on_value.run(effect);
        }
    };
    view! {
        <Field label=label id=id hint=hint>
            <select class="input" id=id on:change=choose prop:value=move || value.get().name()>
                {bundle::Effect::ALL
                    .into_iter()
                    .map(|effect| {
                        view! {
                            <option value=effect.name() selected=move || value.get() == effect>
                                {effect_words(effect)}
                            </option>
                        }
                    })
                    .collect_view()}
            </select>
        </Field>
    }
}

/// The declared domain, as JSON.
#[component]
fn SchemaField(editor: EditorState) -> impl IntoView {
    let schema = Memo::new(move |_| editor.document.content().with(|content| content.head().schema.clone()));
    let typed = RwSignal::new(schema.with_untracked(|schema| schema.as_ref().map(pretty).unwrap_or_default()));
    let fault = RwSignal::new(None::<String>);
    let read = |text: &str| -> Result<Option<Value>, String> {
        if text.trim().is_empty() {
            return Ok(None);
        }
        let value = text::parse(text).map_err(|error| error.to_string())?;
        Ok((!value.is_null()).then_some(value))
    };
    Effect::new(move |_| {
        let now = schema.get();
        let same = typed.with_untracked(|typed| read(typed) == Ok(now.clone()));
        if !same && fault.read_untracked().is_none() {
            typed.set(now.as_ref().map(pretty).unwrap_or_default());
        }
    });
    let type_in = move |event: leptos::ev::Event| {
        let text = event_target_value(&event);
        match read(&text) {
            Ok(value) => {
                // The fault is shown here at once; the linter reports it as a finding too.
                fault.set(
                    value
                        .as_ref()
                        .and_then(|value| Schema::parse(value).err())
                        .and_then(|faults| faults.first().map(|fault| format!("{}: {}", fault.pointer, fault.detail))),
                );
                let _ = editor.document.type_into(TypingTarget::Head("schema"), &Edit::Schema(value));
            }
            Err(why) => fault.set(Some(why)),
        }
        typed.set(text);
    };
    let start = move |_| {
        let begun = json!({"enforce": true, "agents": {"inbox.triage": {"actions": ["quarantine"],
            "fields": {"risk_score": {"type": "integer", "min": 0, "max": 100}}}}});
        editor.document.edit(&Edit::Schema(Some(begun)));
    };
    let learning = editor.results.learning_schema();
    let learn = move |_| match untrack(|| editor.results.dataset(Dataset::Recorded)) {
        Some(Ok(0)) => editor.toasts().note("Nothing is recorded yet that a schema could be learned from."),
        Some(Ok(_)) => {
            editor.results.start_learning_schema();
            worker_client::request(Request::Learn, None);
        }
        _ => editor.toasts().note("The recorded decisions are not loaded; choose them under Simulate."),
    };
    view! {
        <Field
            label="Schema (JSON)"
            id="bundle-schema"
            hint="Declares each agent's actions and typed fields. Completion, checks and evaluation use it."
            error=fault
        >
            <textarea
                class="input mono"
                id="bundle-schema"
                rows="12"
                spellcheck="false"
                prop:value=typed
                on:input=type_in
            ></textarea>
        </Field>
        <Show when=move || schema.read().is_none() && editor.document.is_editable()>
            <Notice tone=Tone::Neutral>
                <p>"No schema: any field of any type is allowed."</p>
                <Button small=true on_click=start>"Start with an example"</Button>
            </Notice>
        </Show>
        {editor
            .document
            .is_editable()
            .then(|| {
                view! {
                    <div class="bundle-learn">
                        <Button
                            small=true
                            pending=learning
                            attr:title="Agents, actions, fields with their types and values, as the recorded decisions had them"
                            on_click=learn
                        >
                            "Learn from recorded decisions"
                        </Button>
                        <span class="muted">
                            "Not enforced until you set enforce to true: what was not seen yet is no error."
                        </span>
                    </div>
                }
            })}
    }
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}
