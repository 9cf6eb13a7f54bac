//! The *Problems* tab: the findings of the linter, worst first.

use leptos::prelude::*;
use policy::{
    characters::write_out_lines,
    engine::Input,
    lint::{Code, Finding, Severity},
};
use worker::{Question, Response};

use super::{
    state::{
        EditorState,
        checked::{MAX_ANALYSED_RULES, code_label, of_severity},
    },
    worker_client,
};
use crate::{
    components::{
        Button, ButtonKind, EmptyState, FindingChip, condition_words, effect_words, facts::gist, format, prose::prose,
    },
    labels::outside,
    model::RuleKey,
};

/// Maximum number of findings of each severity that are drawn; the others are counted.
const SHOWN: usize = 200;

/// The *Problems* tab.
#[component]
pub fn Problems(editor: EditorState) -> impl IntoView {
    let fixable = Memo::new(move |_| editor.results.checked().with(|checked| checked.fixable()));
    let none = Memo::new(move |_| editor.results.checked().with(|checked| checked.report.summary.total_issues == 0));
    view! {
        <div class="problems">
            <div class="problems-head">
                <span class="problem-counts">
                    {[Severity::Error, Severity::Warning, Severity::Info]
                        .into_iter()
                        .map(|severity| view! { <SeverityCount editor=editor severity=severity /> })
                        .collect_view()}
                </span>
                {editor
                    .document
                    .is_editable()
                    .then(|| {
                        view! {
                            <Show when=move || { fixable.get() > 0 }>
                                <Button
                                    small=true
                                    attr:title="Makes every repair that has one right answer; undo takes them all back"
                                    on_click=move |_| fix_all(editor)
                                >
                                    "Fix all"
                                </Button>
                                <span class="muted">{move || format::plural(fixable.get() as u64, "repair", "repairs")}</span>
                            </Show>
                        }
                    })}
            </div>
            <Show when=move || editor.document.content().with(|content| content.rules().len() > MAX_ANALYSED_RULES)>
                <p class="problems-head muted">
                    "So many rules are analysed for reachability, conflicts and gaps when the packet is built, not as you type."
                </p>
            </Show>
            <Show when=move || none.get()>
                <EmptyState title="No problems">
                    <p>"Checked as you type."</p>
                </EmptyState>
            </Show>
            {[Severity::Error, Severity::Warning, Severity::Info]
                .into_iter()
                .map(|severity| view! { <Findings editor=editor severity=severity /> })
                .collect_view()}
            <Gaps editor=editor />
        </div>
    }
}

#[component]
fn SeverityCount(editor: EditorState, severity: Severity) -> impl IntoView {
    let count =
        Memo::new(move |_| editor.results.checked().with(|checked| of_severity(&checked.report, severity).len()));
    let (one, many) = match severity {
        Severity::Error => ("error", "errors"),
        Severity::Warning => ("warning", "warnings"),
        Severity::Info => ("note", "notes"),
    };
    view! {
        <span class="problem-count" class:is-none=move || count.get() == 0>
            {move || format::plural(count.get() as u64, one, many)}
        </span>
    }
}

#[component]
fn Findings(editor: EditorState, severity: Severity) -> impl IntoView {
    let findings = Memo::new(move |_| {
        editor.results.checked().with(|checked| {
            let single = of_severity(&checked.report, severity).iter().filter(|finding| !is_gap(finding));
            single.take(SHOWN).cloned().collect::<Vec<_>>()
        })
    });
    let more = Memo::new(move |_| {
        editor.results.checked().with(|checked| {
            let single = of_severity(&checked.report, severity).iter().filter(|finding| !is_gap(finding));
            single.count().saturating_sub(SHOWN)
        })
    });
    view! {
        <Show when=move || findings.with(|findings| !findings.is_empty())>
            <ul class="findings">
                <For
                    each=move || findings.get()
                    key=|finding| (finding.code, finding.rule_id.clone(), finding.path.clone(), finding.message.clone())
                    let:finding
                >
                    <FindingItem editor=editor finding=finding />
                </For>
                <Show when=move || { more.get() > 0 }>
                    <li class="muted">{move || format!("and {} more like these", format::count(more.get() as u64))}</li>
                </Show>
            </ul>
        </Show>
    }
}

/// One finding: its message and place, a suggestion, and its repair.
#[component]
pub fn FindingItem(
    editor: EditorState,
    finding: Finding,
    /// Whether the finding is shown in the form of its rule, where the rule need not be named.
    #[prop(optional)]
    within: bool,
) -> impl IntoView {
    let key = editor.results.checked().with_untracked(|checked| checked.key(&finding));
    let name = finding.rule_id.clone().unwrap_or_else(|| "rule without id".to_owned());
    let place = place(&finding.path);
    let field = field(&finding.path).filter(|_| editor.document.is_editable()).zip(key);
    let what = finding.clone();
    view! {
        <li class="finding">
            <div class="finding-head">
                <FindingChip severity=finding.severity />
                <span class="finding-code">{code_label(finding.code)}</span>
                {(!within)
                    .then_some(key)
                    .flatten()
                    .map(|key| {
                        view! {
                            <button type="button" class="finding-rule" on:click=move |_| editor.select_rule(key)>
                                {outside(&name)}
                            </button>
                        }
                    })}
                {place.map(|place| view! { <Place editor=editor words=outside(&place) field=field /> })}
            </div>
            <p class="finding-message">{prose(&finding.message)}</p>
            {finding.suggestion.map(|suggestion| view! { <p class="finding-suggestion muted">{prose(&suggestion)}</p> })}
            {finding.witness.and_then(|witness| serde_json::from_value::<Input>(witness).ok()).map(|input| example(editor, input))}
            {(editor.document.is_editable() && finding.fix.is_some())
                .then(|| {
                    view! {
                        <Button small=true kind=ButtonKind::Secondary on_click=move |_| fix(editor, &what)>
                            "Fix"
                        </Button>
                    }
                })}
        </li>
    }
}

/// The part of a rule that a finding is about; where the form has a field for it, a button that goes there.
#[component]
fn Place(editor: EditorState, words: String, field: Option<(Part, RuleKey)>) -> AnyView {
    let Some((part, key)) = field else { return view! { <code class="finding-place">{words}</code> }.into_any() };
    let go = move |_| match &part {
        Part::Field(field) => editor.select_field(key, field),
        Part::Condition(condition) => editor.select_condition(key, condition.clone()),
    };
    view! {
        <button type="button" class="link-button" title="Go to this field" on:click=go>
            <code class="finding-place">{words}</code>
        </button>
    }
    .into_any()
}

/// An input in a few words, which unfolds into the whole input.
fn example(editor: EditorState, input: Input) -> AnyView {
    let facts = gist(&input.context);
    let whole = serde_json::to_string_pretty(&input.context).unwrap_or_default();
    let short = if facts.is_empty() { "an empty input".to_owned() } else { facts };
    view! {
        <details class="finding-witness muted">
            <summary>"Example: " <span class="mono">{short}</span></summary>
            <p>{outside(&format!("{} · {}", input.agent, input.action))}</p>
            <pre class="mono">{write_out_lines(&whole).into_owned()}</pre>
            <button type="button" class="link-button" on:click=move |_| editor.try_input(input.clone())>"Try it"</button>
        </details>
    }
    .into_any()
}

/// Inputs that no rule decides, in one item for all agents and actions.
#[component]
fn Gaps(editor: EditorState) -> impl IntoView {
    let gaps = Memo::new(move |_| {
        editor.results.checked().with(|checked| {
            let gaps = checked.report.info.iter().filter(|finding| is_gap(finding));
            let inputs = gaps.filter_map(|finding| serde_json::from_value::<Input>(finding.witness.clone()?).ok());
            inputs.collect::<Vec<_>>()
        })
    });
    view! {
        <Show when=move || gaps.with(|gaps| !gaps.is_empty())>
            <div class="finding gaps">
                <div class="finding-head">
                    <FindingChip severity=Severity::Info />
                    <span class="finding-code">{code_label(Code::Gap)}</span>
                </div>
                <p class="finding-message">
                    {move || {
                        let effect = editor.document.content().with(|content| content.head().default_effect);
                        let pairs = format::plural(gaps.with(Vec::len) as u64, "agent and action", "pairs of agent and action");
                        format!("For {pairs}, some inputs reach no rule and get the default ({}).", effect_words(effect))
                    }}
                </p>
                <p class="finding-suggestion muted">"Add a rule where the default is not what you want."</p>
                <details>
                    <summary>"Which"</summary>
                    <ul class="gap-list">
                        {move || {
                            gaps.get()
                                .into_iter()
                                .take(SHOWN)
                                .map(|input| {
                                    let name = outside(&format!("{} · {}", input.agent, input.action));
                                    let facts = gist(&input.context);
                                    let facts = if facts.is_empty() { "an empty input".to_owned() } else { facts };
                                    view! {
                                        <li>
                                            <button type="button" class="link-button" on:click=move |_| editor.try_input(input.clone())>
                                                {outside(&name)}
                                            </button>
                                            <span class="muted mono">{facts}</span>
                                        </li>
                                    }
                                })
                                .collect_view()
                        }}
                    </ul>
                </details>
            </div>
        </Show>
    }
}

/// Whether [`Gaps`] shows the finding.
fn is_gap(finding: &Finding) -> bool {
    finding.code == Code::Gap && finding.witness.is_some()
}

/// The part of a rule that a path points to, in words.
fn place(path: &str) -> Option<String> {
    let mut parts = path.strip_prefix("/rules/")?.splitn(3, '/').skip(1);
    let (field, inner) = (parts.next()?, parts.next());
    match (field, inner) {
        ("conditions", Some(key)) => Some(condition_words(&unescape(key), &serde_json::Value::Null).field),
        (field, Some(inner)) => Some(format!("{field}.{}", inner.replace('/', "."))),
        (field, None) => Some(field.to_owned()),
    }
}

/// A part of the form of a rule.
#[derive(Debug, PartialEq)]
enum Part {
    /// The field with this id, after `rule-`.
    Field(&'static str),
    /// The condition that is written under this key.
    Condition(String),
}

/// The members of a rule, and of its budget, that the form has a field for.
const FIELDS: [&str; 14] = [
    "id",
    "agent",
    "action",
    "effect",
    "reason",
    "priority",
    "cost",
    "compute",
    "risk",
    "tags",
    "approvers",
    "quorum",
    "expires_in",
    "unbound",
];

/// The part of the form that a path leads to.
fn field(path: &str) -> Option<Part> {
    let mut members = path.strip_prefix("/rules/")?.split('/').skip(1);
    match (members.next()?, members.next()) {
        ("conditions", key) => Some(Part::Condition(unescape(key?))),
        ("budget", Some(name)) | (name, _) => FIELDS.into_iter().find(|field| *field == name).map(Part::Field),
    }
}

fn unescape(token: &str) -> String {
    token.replace("~1", "/").replace("~0", "~")
}

/// Makes one repair.
fn fix(editor: EditorState, finding: &Finding) {
    repair(editor, Question::Repair(Box::new(finding.clone())), "repair", |_| {});
}

/// Makes all repairs.
pub fn fix_all(editor: EditorState) {
    repair(editor, Question::RepairAll, "fix all", move |repairs| {
        let made = format::plural(repairs as u64, "repair", "repairs");
        editor.toasts().good(format!("{made} made · Undo takes them back"));
    });
}

/// Asks the worker for the repaired draft, and takes it unless the draft has changed meanwhile.
fn repair(
    editor: EditorState,
    question: Question,
    label: &'static str,
    report: impl Fn(usize) + Send + Sync + 'static,
) {
    let content = editor.document.content().get_untracked();
    let on_answer = move |answer| {
        let Response::Repaired(fixed, repairs) = answer else { return };
        let unchanged = editor.document.content().with_untracked(|now| *now == content);
        match fixed.filter(|_| unchanged) {
            Some(source) => {
                let mut next = content.clone();
                next.replace(*source);
                editor.replace_document(next, label);
                report(repairs);
            }
            None => editor.toasts().note("The draft has changed since this was found; the repair no longer fits."),
        }
    };
    worker_client::ask(question, Callback::new(on_answer));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_to_a_field_of_the_form() {
        assert_eq!(field("/rules/3/quorum"), Some(Part::Field("quorum")));
        assert_eq!(field("/rules/3/approvers/1"), Some(Part::Field("approvers")));
        assert_eq!(field("/rules/3/budget/risk"), Some(Part::Field("risk")));
        assert_eq!(field("/rules/3/conditions/a~1b"), Some(Part::Condition("a/b".to_owned())));
        for elsewhere in ["/rules/3", "/rules/3/quorumm", "/rules/3/conditions", "/rules/3/budget", "/schema", ""] {
            assert_eq!(field(elsewhere), None, "{elsewhere}");
        }
    }
}
