//! The rules in the order the evaluator looks at them. With many rules only those in sight are drawn.

use leptos::{html, prelude::*};

use super::{
    row::RuleRow,
    state::{EditorState, VIRTUAL_FROM},
};
use crate::{
    components::{Button, ButtonKind, EffectBadge, EmptyState, Kbd, format},
    model::{Edit, Key, order::Direction},
};

/// Height of a row of a long table in pixels; the style sheet says the same.
const ROW: f64 = 44.0;

/// Rows drawn beyond either edge.
const BEYOND: usize = 12;

/// Rows drawn before the height of the box is known.
const FIRST: usize = 40;

/// The table with its head, its foot and the bar for marked rules.
#[component]
pub fn RulesTable(desk: EditorState) -> impl IntoView {
    let scroller = NodeRef::<html::Div>::new();
    let (before, after) = (NodeRef::<html::Tr>::new(), NodeRef::<html::Tr>::new());
    let total = Memo::new(move |_| desk.content.with(|content| content.rules().len()));
    let long = Memo::new(move |_| total.get() >= VIRTUAL_FROM);
    let window = RwSignal::new((0_usize, FIRST));

    let measure = move || {
        let Some(scroller) = scroller.get_untracked() else { return };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "pixels on a screen, never negative"
        )]
        let rows = |pixels: i32| (f64::from(pixels.max(0)) / ROW).ceil() as usize;
        let first = rows(scroller.scroll_top()).saturating_sub(BEYOND + 1);
        let seen = (first, rows(scroller.client_height()) + 2 * BEYOND + 1);
        if window.get_untracked() != seen {
            window.set(seen);
        }
    };
    let visible = Memo::new(move |_| {
        let shown = desk.shown.get();
        if !long.get() {
            return shown.to_vec();
        }
        let (first, count) = window.get();
        let first = first.min(shown.len().saturating_sub(count));
        shown.iter().skip(first).take(count).copied().collect()
    });
    // Heights are set through the object model: the page's policy forbids style attributes.
    Effect::new(move |_| {
        let shown = desk.shown.with(|shown| shown.len());
        let drawn = visible.with(Vec::len);
        let first = if long.get() { window.get().0.min(shown.saturating_sub(window.get().1)) } else { 0 };
        for (spacer, rows) in [(before, first), (after, shown.saturating_sub(first + drawn))] {
            if let Some(spacer) = spacer.get() {
                #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52 rows")]
                let height = format!("{}px", rows as f64 * ROW);
                let _ = web_sys::HtmlElement::style(&spacer).set_property("height", &height);
            }
        }
    });
    Effect::new(move |_| {
        desk.shown.track();
        request_animation_frame(measure);
    });
    Effect::new(move |_| {
        if let Some(key) = desk.reveal.get() {
            // After the row has been drawn, where it is about to be.
            request_animation_frame(move || bring_into_sight(desk, scroller, long.get_untracked(), key));
        }
    });
    let resized = window_event_listener(leptos::ev::resize, move |_| measure());
    on_cleanup(move || resized.remove());

    let daily = Memo::new(move |_| desk.replayed.with(|replayed| replayed.as_ref().is_some_and(|r| r.days.is_some())));
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
                            <MarkAll desk=desk />
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
                        <RuleRow desk=desk rule_key=key />
                    </For>
                    <tr class="rules-spacer" aria-hidden="true" node_ref=after>
                        <td colspan="8"></td>
                    </tr>
                </tbody>
            </table>
            <Show when=move || desk.shown.with(|shown| shown.is_empty())>
                <Nothing desk=desk total=total />
            </Show>
        </div>
        <MarkedBar desk=desk />
        <div class="rules-foot">
            {desk
                .editable
                .then(|| {
                    view! {
                        <Button kind=ButtonKind::Ghost small=true on_click=move |_| desk.add_rule()>
                            "Add rule"
                        </Button>
                        <Kbd key="A" />
                        <span class="faint" aria-hidden="true">"·"</span>
                    }
                })}
            <span class="muted">"everything else →"</span>
            {move || {
                let effect = desk.content.with(|content| content.head().default_effect);
                view! { <EffectBadge effect=effect /> }
            }}
            <span class="muted">"(default)"</span>
            <span class="rules-count muted">
                {move || {
                    let (shown, all) = (desk.shown.with(|shown| shown.len()), total.get());
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

/// What stands in place of rows when there are none to show.
#[component]
fn Nothing(desk: EditorState, total: Memo<usize>) -> impl IntoView {
    move || {
        if total.get() > 0 {
            view! {
                <EmptyState title="No rule matches the filter">
                    <p>"Words are looked for in ids, agents, actions, reasons, conditions and tags."</p>
                    <Button on_click=move |_| desk.filter.set(String::new())>"Clear filter"</Button>
                </EmptyState>
            }
            .into_any()
        } else {
            view! {
                <EmptyState title="No rules yet">
                    <p>"Rules are looked at from the highest priority down; the first that matches decides."</p>
                    <p>
                        "Add one, or paste rules here: JSON, or rows of a spreadsheet."
                    </p>
                </EmptyState>
            }
            .into_any()
        }
    }
}

/// Marks every rule that is shown.
#[component]
fn MarkAll(desk: EditorState) -> impl IntoView {
    let all = Memo::new(move |_| {
        let shown = desk.shown.get();
        !shown.is_empty() && desk.marked.with(|marked| shown.iter().all(|(_, key)| marked.contains(key)))
    });
    view! {
        <input
            type="checkbox"
            aria-label="Mark all rules shown"
            disabled=!desk.editable
            prop:checked=all
            on:change=move |_| {
                let shown = desk.shown.get_untracked();
                let every = all.get_untracked();
                desk.marked
                    .update(|marked| {
                        marked.clear();
                        if !every {
                            marked.extend(shown.iter().map(|(_, key)| *key));
                        }
                    });
            }
        />
    }
}

/// What can be done with all marked rules at once.
#[component]
fn MarkedBar(desk: EditorState) -> impl IntoView {
    let count = Memo::new(move |_| desk.marked.with(std::collections::BTreeSet::len));
    let keys = move || desk.targets();
    let button = move |words: &'static str, act: Callback<Vec<Key>>| {
        view! {
            <Button small=true on_click=move |_| act.run(keys())>
                {words}
            </Button>
        }
    };
    let set_effect = move |event: leptos::ev::Event| {
        let effect = event_target_value(&event);
        if !effect.is_empty() {
            desk.act(&Edit::SetAll { keys: keys(), field: "effect", value: Some(effect.into()) });
        }
    };
    view! {
        <Show when=move || { count.get() > 0 }>
            <div class="marked-bar" role="toolbar" aria-label="Marked rules">
                <strong>{move || format::plural(count.get() as u64, "rule marked", "rules marked")}</strong>
                {button("Enable", Callback::new(move |keys| desk.act(&Edit::Enable { keys, on: true })))}
                {button("Disable", Callback::new(move |keys| desk.act(&Edit::Enable { keys, on: false })))}
                {button("Duplicate", Callback::new(move |keys| desk.act(&Edit::Duplicate { keys })))}
                {button(
                    "Move up",
                    Callback::new(move |keys| desk.act(&Edit::Move { keys, direction: Direction::Up })),
                )}
                {button(
                    "Move down",
                    Callback::new(move |keys| desk.act(&Edit::Move { keys, direction: Direction::Down })),
                )}
                <select class="input input-small" aria-label="Set effect of marked rules" on:change=set_effect prop:value="">
                    <option value="">"Set effect…"</option>
                    <option value="allow">"allow"</option>
                    <option value="needs_approval">"needs approval"</option>
                    <option value="deny">"deny"</option>
                </select>
                {button("Delete", Callback::new(move |keys| desk.delete(keys)))}
                <Button kind=ButtonKind::Ghost small=true on_click=move |_| desk.marked.update(std::collections::BTreeSet::clear)>
                    "Clear"
                </Button>
            </div>
        </Show>
    }
}

/// Scrolls so that the row of `key` is in sight.
fn bring_into_sight(desk: EditorState, scroller: NodeRef<html::Div>, long: bool, key: Key) {
    let Some(scroller) = scroller.get_untracked() else { return };
    if long {
        let shown = desk.shown.get_untracked();
        let Some(at) = shown.iter().position(|(_, shown)| *shown == key) else { return };
        #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "pixels of a scrolled table")]
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
