//! The rules table, in evaluation order. If there are many rules, only the visible rows are drawn.

use leptos::{html, prelude::*};

use super::{row::RuleRow, state::EditorState};
use crate::{
    components::{Button, ButtonKind, EffectBadge, EmptyState, Kbd, format},
    model::{Edit, RuleKey, order::Direction},
};

/// Number of rules from which on only the visible rows are drawn.
const VIRTUAL_FROM: usize = 150;

/// Height of a row of a long table in pixels, as in the style sheet.
const ROW: f64 = 44.0;

/// Number of rows drawn beyond either edge of the visible area.
const BEYOND: usize = 12;

/// Number of rows drawn before the height of the box is known.
const FIRST: usize = 40;

/// The table with its head and foot, and the bar for marked rules.
#[component]
pub fn RulesTable(editor: EditorState) -> impl IntoView {
    let scroller = NodeRef::<html::Div>::new();
    let (before, after) = (NodeRef::<html::Tr>::new(), NodeRef::<html::Tr>::new());
    let total = Memo::new(move |_| editor.document.content().with(|content| content.rules().len()));
    let long = Memo::new(move |_| total.get() >= VIRTUAL_FROM);
    let window = RwSignal::new((0_usize, FIRST));

    let measure = move || {
        let Some(scroller) = scroller.get_untracked() else { return };
        let rows = |pixels: i32| (f64::from(pixels.max(0)) / ROW).ceil() as usize;
        let first = rows(scroller.scroll_top()).saturating_sub(BEYOND + 1);
        let seen = (first, rows(scroller.client_height()) + 2 * BEYOND + 1);
        if window.get_untracked() != seen {
            window.set(seen);
        }
    };
    let visible = Memo::new(move |_| {
        let shown = editor.selection.shown().get();
        if !long.get() {
            return shown.to_vec();
        }
        let (first, count) = window.get();
        let first = first.min(shown.len().saturating_sub(count));
        shown.iter().skip(first).take(count).copied().collect()
    });
    // Set through the object model, because the content security policy forbids style attributes.
    Effect::new(move |_| {
        let shown = editor.selection.shown().with(|shown| shown.len());
        let drawn = visible.with(Vec::len);
        let first = if long.get() { window.get().0.min(shown.saturating_sub(window.get().1)) } else { 0 };
        for (spacer, rows) in [(before, first), (after, shown.saturating_sub(first + drawn))] {
            if let Some(spacer) = spacer.get() {
                let height = format!("{}px", rows as f64 * ROW);
                let _ = web_sys::HtmlElement::style(&spacer).set_property("height", &height);
            }
        }
    });
    Effect::new(move |_| {
        editor.selection.shown().track();
        request_animation_frame(measure);
    });
    Effect::new(move |_| {
        if let Some(key) = editor.selection.revealed().get() {
            // In the next frame, when a row that is about to be drawn is in place.
            request_animation_frame(move || bring_into_sight(editor, scroller, long.get_untracked(), key));
        }
    });
    let resized = window_event_listener(leptos::ev::resize, move |_| measure());
    on_cleanup(move || resized.remove());

    let daily = Memo::new(move |_| {
        editor.results.replay().with(|replayed| replayed.as_ref().is_some_and(|r| r.days.is_some()))
    });
    let hits_head = move || if daily.get() { "Hits / day" } else { "Hits" };
    view! {
        <div
            class="rules-scroll"
            class:is-long=move || long.get()
            node_ref=scroller
            on:scroll=move |_| measure()
            tabindex="0"
            role="region"
            aria-label="Rules in evaluation order"
        >
            <table class="table rules" aria-label="Rules">
                <thead>
                    <tr>
                        <th scope="col" class="rule-mark">
                            <MarkAll editor=editor />
                        </th>
                        <th scope="col" class="rule-on">
                            <span class="visually-hidden">"On"</span>
                        </th>
                        <th scope="col" class="rule-priority num">"Prio"</th>
                        <th scope="col" class="rule-name">"Rule"</th>
                        <th scope="col" class="rule-scope">"Agent · action"</th>
                        <th scope="col" class="rule-when">"When all hold"</th>
                        <th scope="col" class="rule-effect">"Then"</th>
                        <th scope="col" class="rule-hits num">{hits_head}</th>
                    </tr>
                </thead>
                <tbody>
                    <tr class="rules-spacer" aria-hidden="true" node_ref=before>
                        <td colspan="8"></td>
                    </tr>
                    <For each=move || visible.get() key=|(_, key)| *key let((_, key))>
                        <RuleRow editor=editor rule_key=key />
                    </For>
                    <tr class="rules-spacer" aria-hidden="true" node_ref=after>
                        <td colspan="8"></td>
                    </tr>
                </tbody>
            </table>
            <Show when=move || editor.selection.shown().with(|shown| shown.is_empty())>
                <Nothing editor=editor total=total />
            </Show>
        </div>
        <MarkedBar editor=editor />
        <div class="rules-foot">
            {editor
                .document
                .is_editable()
                .then(|| {
                    view! {
                        <Button kind=ButtonKind::Ghost small=true on_click=move |_| editor.add_rule()>
                            "Add rule"
                        </Button>
                        <Kbd key="A" />
                        <span class="faint" aria-hidden="true">"·"</span>
                    }
                })}
            <span class="muted">"everything else →"</span>
            {move || {
                let effect = editor.document.content().with(|content| content.head().default_effect);
                view! { <EffectBadge effect=effect /> }
            }}
            <span class="muted">"(default)"</span>
            <span class="rules-count muted">
                {move || {
                    let (shown, all) = (editor.selection.shown().with(|shown| shown.len()), total.get());
                    if shown == all {
                        format::plural(all as u64, "rule", "rules")
                    } else {
                        format!("{} of {}", format::count(shown as u64), format::plural(all as u64, "rule", "rules"))
                    }
                }}
            </span>
        </div>
    }
}

/// Shown in place of rows when there are none.
#[component]
fn Nothing(editor: EditorState, total: Memo<usize>) -> impl IntoView {
    move || {
        if total.get() > 0 {
            view! {
                <EmptyState title="No rule matches the filter">
                    <p>"Words are looked for in ids, agents, actions, reasons, conditions and tags."</p>
                    <Button on_click=move |_| editor.selection.set_filter(String::new())>"Clear filter"</Button>
                </EmptyState>
            }
            .into_any()
        } else {
            view! {
                <EmptyState title="No rules yet">
                    <p>"Rules run from highest priority to lowest; the first match decides."</p>
                    <p>
                        "Add one, or paste rules here: JSON, or rows of a spreadsheet."
                    </p>
                </EmptyState>
            }
            .into_any()
        }
    }
}

/// The checkbox that marks every rule shown.
#[component]
fn MarkAll(editor: EditorState) -> impl IntoView {
    let all = Memo::new(move |_| {
        let shown = editor.selection.shown().get();
        !shown.is_empty() && editor.selection.marked().with(|marked| shown.iter().all(|(_, key)| marked.contains(key)))
    });
    view! {
        <input
            type="checkbox"
            aria-label="Mark all rules shown"
            disabled=!editor.document.is_editable()
            prop:checked=all
            on:change=move |_| {
                if all.get_untracked() {
                    editor.selection.clear_marks();
                } else {
                    editor.selection.mark_shown();
                }
            }
        />
    }
}

/// The commands for all marked rules.
#[component]
fn MarkedBar(editor: EditorState) -> impl IntoView {
    let count = Memo::new(move |_| editor.selection.marked().with(std::collections::BTreeSet::len));
    let keys = move || editor.selection.targets();
    let button = move |words: &'static str, act: Callback<Vec<RuleKey>>| {
        view! {
            <Button small=true on_click=move |_| act.run(keys())>
                {words}
            </Button>
        }
    };
    let set_effect = move |event: leptos::ev::Event| {
        let effect = event_target_value(&event);
        if !effect.is_empty() {
            editor.document.edit(&Edit::SetAll { keys: keys(), field: "effect", value: Some(effect.into()) });
        }
    };
    view! {
        <Show when=move || { count.get() > 0 }>
            <div class="marked-bar" role="toolbar" aria-label="Marked rules">
                <strong>{move || format::plural(count.get() as u64, "rule marked", "rules marked")}</strong>
                {button("Enable", Callback::new(move |keys| editor.document.edit(&Edit::Enable { keys, on: true })))}
                {button("Disable", Callback::new(move |keys| editor.document.edit(&Edit::Enable { keys, on: false })))}
                {button("Duplicate", Callback::new(move |keys| editor.document.edit(&Edit::Duplicate { keys })))}
                {button(
                    "Move up",
                    Callback::new(move |keys| editor.document.edit(&Edit::Move { keys, direction: Direction::Up })),
                )}
                {button(
                    "Move down",
                    Callback::new(move |keys| editor.document.edit(&Edit::Move { keys, direction: Direction::Down })),
                )}
                <select class="input input-small" aria-label="Set effect of marked rules" on:change=set_effect prop:value="">
                    <option value="">"Set effect…"</option>
                    <option value="allow">"allow"</option>
                    <option value="needs_approval">"needs approval"</option>
                    <option value="deny">"deny"</option>
                </select>
                {button("Delete", Callback::new(move |keys| editor.delete_rules(keys)))}
                <Button kind=ButtonKind::Ghost small=true on_click=move |_| editor.selection.clear_marks()>
                    "Clear"
                </Button>
            </div>
        </Show>
    }
}

/// Scrolls so that the row of `key` is visible.
fn bring_into_sight(editor: EditorState, scroller: NodeRef<html::Div>, long: bool, key: RuleKey) {
    let Some(scroller) = scroller.get_untracked() else { return };
    if long {
        let shown = editor.selection.shown().get_untracked();
        let Some(at) = shown.iter().position(|(_, shown)| *shown == key) else { return };
        let (top, row) = ((at as f64 * ROW) as i32, ROW as i32);
        let (scrolled, height) = (scroller.scroll_top(), scroller.client_height());
        // The sticky head covers one row.
        if top < scrolled {
            scroller.set_scroll_top(top);
        } else if top + 2 * row > scrolled + height {
            scroller.set_scroll_top(top + 3 * row - height);
        }
    } else if let Ok(Some(row)) = scroller.query_selector(&format!("[data-rule=\"{}\"]", key.0)) {
        let options = web_sys::ScrollIntoViewOptions::new();
        options.set_block(web_sys::ScrollLogicalPosition::Nearest);
        row.scroll_into_view_with_scroll_into_view_options(&options);
    }
}
