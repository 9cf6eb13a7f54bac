//! The map as a picture, and as a table.

use std::{collections::HashMap, fmt::Write as _, sync::Arc};

use leptos::{html, prelude::*};
use policy::{
    analysis::map::{Area, PolicyMap},
    bundle::Effect,
    engine::Input,
};

use super::{
    drawn_map::DrawnMap,
    layout::{Block, FOOT, LEFT, Layout, blocks, changed},
};
use crate::{
    components::{Chip, Table, Tone, effect_words},
    pages::studio::editor::{rule_link::RuleLink, state::EditorState},
};

/// Letters of a name that fit under a column or next to a row.
const LETTERS: usize = 20;

/// The map with its caption, legend and table.
#[component]
pub fn Picture(editor: EditorState, drawn: Arc<DrawnMap>) -> impl IntoView {
    let layout = Layout::of(&drawn.map);
    let (width, height) = layout.size();
    let at = RwSignal::new(None::<(usize, usize)>);
    let picture = NodeRef::<html::Div>::new();
    let input_cell = {
        let drawn = Arc::clone(&drawn);
        Memo::new(move |_| {
            editor.panes.input().with(|input| {
                (input.agent == drawn.agent && input.action == drawn.action)
                    .then(|| drawn.map.locate(&input.context))
                    .flatten()
            })
        })
    };
    let drawn_value = StoredValue::new(Arc::clone(&drawn));
    let try_it = move || {
        let Some((column, row)) = at.get_untracked() else { return };
        drawn_value.with_value(|drawn| editor.try_input(input(drawn, column, row)));
    };
    let key = move |event: leptos::ev::KeyboardEvent| {
        let (column, row) = at.get_untracked().unwrap_or((0, 0));
        let last = (layout.columns.saturating_sub(1), layout.rows.saturating_sub(1));
        let to = match event.key().as_str() {
            _ if event.ctrl_key() || event.alt_key() || event.meta_key() => return,
            "ArrowLeft" => (column.saturating_sub(1), row),
            "ArrowRight" => ((column + 1).min(last.0), row),
            "ArrowDown" => (column, row.saturating_sub(1)),
            "ArrowUp" => (column, (row + 1).min(last.1)),
            "Home" => (0, row),
            "End" => (last.0, row),
            "Enter" => {
                event.prevent_default();
                event.stop_propagation();
                try_it();
                return;
            }
            _ => return,
        };
        event.prevent_default();
        at.set(Some(to));
    };
    let hover = move |event: &leptos::ev::MouseEvent| {
        let Some(picture) = picture.get_untracked() else { return };
        let area = picture.get_bounding_client_rect();
        let (x, y) = (
            (f64::from(event.client_x()) - area.left()).max(0.0) as usize,
            (f64::from(event.client_y()) - area.top()).max(0.0) as usize,
        );
        let (column, line) = (x.checked_sub(LEFT).map(|x| x / layout.wide), y / layout.high);
        at.set(
            column.filter(|column| *column < layout.columns && line < layout.rows).map(|c| (c, layout.rows - 1 - line)),
        );
    };
    let outline = move |cell: Option<(usize, usize)>| cell.map(|(column, row)| (layout.x(column), layout.y(row)));
    view! {
        <div class="map-caption" aria-live="polite">
            {move || caption(editor, drawn_value, at.get())}
        </div>
        <div class="map-scroll">
            <div
                class="map-picture"
                node_ref=picture
                tabindex="0"
                role="group"
                aria-label=format!("Policy map of {} and {}. Arrow keys move, Enter tries the input.", drawn.x, drawn.y)
                on:keydown=key
                on:mousemove=move |event| hover(&event)
                on:click=move |event| {
                    hover(&event);
                    try_it();
                }
                on:focus=move |_| {
                    if at.get_untracked().is_none() {
                        at.set(Some((0, 0)));
                    }
                }
            >
                <svg width=width height=height viewBox=format!("0 0 {width} {height}") aria-hidden="true">
                    <Patterns />
                    {blocks(&drawn.map).into_iter().map(|block| tile(&drawn.map, layout, block)).collect_view()}
                    <path class="map-changed" d=changed(&drawn.map, layout) />
                    {names(&drawn, layout)}
                    {move || {
                        outline(input_cell.get())
                            .map(|(x, y)| view! { <circle class="map-asked" cx=x + layout.wide / 2 cy=y + layout.high / 2 r="5" /> })
                    }}
                    {move || {
                        outline(at.get())
                            .map(|(x, y)| view! { <rect class="map-cursor" x=x y=y width=layout.wide height=layout.high /> })
                    }}
                </svg>
            </div>
        </div>
        <Legend drawn=Arc::clone(&drawn) />
        <details class="map-table">
            <summary>"As a table"</summary>
            <AsTable drawn=drawn />
        </details>
    }
}

fn input(drawn: &DrawnMap, column: usize, row: usize) -> Input {
    let mut context = drawn.fixed.clone();
    let bands = [(&drawn.x, drawn.map.columns.get(column)), (&drawn.y, drawn.map.rows.get(row))];
    for (field, band) in bands {
        context.remove(field);
        if let Some(value) = band.and_then(|band| band.sample.clone()) {
            context.insert(field.clone(), value);
        }
    }
    Input { agent: drawn.agent.clone(), action: drawn.action.clone(), context }
}

/// The answer at the pointer or the cursor.
fn caption(editor: EditorState, drawn: StoredValue<Arc<DrawnMap>>, at: Option<(usize, usize)>) -> AnyView {
    let pointed = at.and_then(|(column, row)| {
        drawn.with_value(|drawn| {
            let area = drawn.map.area(column, row)?.clone();
            let (x, y) = (drawn.map.columns.get(column)?.words.clone(), drawn.map.rows.get(row)?.words.clone());
            Some((area, format!("{} {x}, {} {y}", drawn.x, drawn.y)))
        })
    });
    match pointed {
        None => view! { <span class="muted">"Point at the map, or move with the arrow keys. A click tries the input."</span> }.into_any(),
        Some((area, place)) => {
            let changed = area.changed();
            view! {
                {badge(&area)}
                " "
                {match area.rule.clone() {
                    Some(id) => view! { <RuleLink editor=editor id=id /> }.into_any(),
                    None if area.outcome.error => "outside the schema".into_any(),
                    None => "no rule: the default".into_any(),
                }}
                <span class="muted">{format!(" when {place}")}</span>
                {changed
                    .then_some(area.before)
                    .flatten()
                    .map(|before| view! { " " <Chip tone=Tone::Accent sign="▣">{format!("stable: {}", effect_words(before.effect))}</Chip> })}
            }
            .into_any()
        }
    }
}

/// The answer as a chip.
fn badge(area: &Area) -> impl IntoView + use<> {
    let (tone, sign, words) = look(area);
    view! { <Chip tone=tone sign=sign>{words}</Chip> }
}

/// Colour, sign and words of an answer. The default is grey whatever its effect.
fn look(area: &Area) -> (Tone, &'static str, String) {
    let words = effect_words(area.outcome.effect);
    match (area.outcome.error, &area.rule, area.outcome.effect) {
        (true, ..) => (Tone::Bad, "!", format!("error: {words}")),
        (false, None, _) => (Tone::Neutral, "○", format!("default: {words}")),
        (false, _, Effect::Allow) => (Tone::Good, "✓", words.to_owned()),
        (false, _, Effect::NeedsApproval) => (Tone::Warn, "❚❚", words.to_owned()),
        (false, _, Effect::Deny) => (Tone::Bad, "✕", words.to_owned()),
    }
}

/// One block: its colour, its pattern, its sign, and the rule where there is room.
fn tile(map: &PolicyMap, layout: Layout, block: Block) -> Option<impl IntoView + use<>> {
    let area = map.area(block.column, block.row)?;
    let (tone, sign, _) = look(area);
    let pattern = match (area.outcome.error, &area.rule, area.outcome.effect) {
        (true, ..) => "url(#map-cross)",
        (false, None, _) => "none",
        (_, _, Effect::Allow) => "none",
        (_, _, Effect::NeedsApproval) => "url(#map-stripes)",
        (_, _, Effect::Deny) => "url(#map-dots)",
    };
    let (x, y) = (layout.x(block.column), layout.y(block.row + block.rows - 1));
    let (width, height) = (block.columns * layout.wide, block.rows * layout.high);
    let letters = width.saturating_sub(34) / 7;
    let rule = area.rule.as_ref().filter(|_| letters >= 4).map(|rule| short(rule, letters));
    let says = format!("{sign} {}", rule.unwrap_or_default());
    Some(view! {
        <g class=format!("map-tile {}", tone.class())>
            <rect class="map-ground" x=x y=y width=width height=height />
            <rect x=x y=y width=width height=height fill=pattern />
            <text x=x + 8 y=y + height / 2 + 4>{says}</text>
        </g>
    })
}

/// The names of the bands along both edges.
fn names(drawn: &DrawnMap, layout: Layout) -> impl IntoView + use<> {
    let bottom = layout.rows * layout.high;
    let columns = drawn
        .map
        .columns
        .iter()
        .enumerate()
        .map(|(at, band)| {
            let letters = (layout.wide / 7).max(3);
            // Every second name is drawn lower, so that neighbours have twice the room.
            let drop = if at % 2 == 1 && layout.wide < 120 { 15 } else { 0 };
            let room = if layout.wide < 120 { letters * 2 - 1 } else { letters };
            let (x, y) = (layout.x(at) + layout.wide / 2, bottom + 15 + drop);
            view! { <text class="map-name" x=x y=y text-anchor="middle">{short(&band.words, room)}</text> }
        })
        .collect_view();
    let rows = drawn
        .map
        .rows
        .iter()
        .enumerate()
        .map(|(at, band)| {
            let y = layout.y(at) + layout.high / 2 + 4;
            view! { <text class="map-name" x=LEFT - 8 y=y text-anchor="end">{short(&band.words, LETTERS)}</text> }
        })
        .collect_view();
    let (middle, foot) = (LEFT + layout.columns * layout.wide / 2, bottom + FOOT - 3);
    let fields = view! {
        <text class="map-field" x=middle y=foot text-anchor="middle">{format!("{} →", drawn.x)}</text>
        <text class="map-field" x="2" y=foot>{format!("↑ {}", drawn.y)}</text>
    };
    (columns, rows, fields)
}

fn short(words: &str, letters: usize) -> String {
    if words.chars().count() <= letters {
        return words.to_owned();
    }
    words.chars().take(letters.saturating_sub(1)).chain(['…']).collect()
}

/// Patterns, so that effects differ by more than colour.
#[component]
fn Patterns() -> impl IntoView {
    view! {
        <defs>
            <pattern id="map-stripes" width="8" height="8" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
                <line class="map-ink" x1="0" y1="0" x2="0" y2="8" />
            </pattern>
            <pattern id="map-dots" width="9" height="9" patternUnits="userSpaceOnUse">
                <circle class="map-dot" cx="4" cy="4" r="1" />
            </pattern>
            <pattern id="map-cross" width="9" height="9" patternUnits="userSpaceOnUse">
                <path class="map-ink" d="M0,0L9,9M9,0L0,9" />
            </pattern>
        </defs>
    }
}

/// The meaning of colours and outlines.
#[component]
fn Legend(drawn: Arc<DrawnMap>) -> impl IntoView {
    let mut counts: HashMap<String, (Tone, &'static str, usize)> = HashMap::new();
    for area in &drawn.map.areas {
        let (tone, sign, words) = look(area);
        counts.entry(words).or_insert((tone, sign, 0)).2 += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by(|a, b| a.0.cmp(&b.0));
    let changed = drawn.map.areas.iter().filter(|area| area.changed()).count();
    view! {
        <p class="map-key">
            {counts.into_iter().map(|(words, (tone, sign, _))| view! { <Chip tone=tone sign=sign>{words}</Chip> " " }).collect_view()}
            {(changed > 0)
                .then(|| view! { <span class="map-key-changed">"outlined: answered otherwise than by stable"</span> })}
            <span class="muted">"● the question under One input"</span>
        </p>
    }
}

/// The map as a table of words.
#[component]
fn AsTable(drawn: Arc<DrawnMap>) -> impl IntoView {
    let label = format!("Answers by {} and {}", drawn.x, drawn.y);
    let heads = drawn
        .map
        .columns
        .iter()
        .map(|band| view! { <th scope="col">{crate::labels::outside(&band.words)}</th> })
        .collect_view();
    let rows = drawn
        .map
        .rows
        .iter()
        .enumerate()
        .rev()
        .map(|(row, band)| {
            let cells = (0..drawn.map.columns.len())
                .filter_map(|column| drawn.map.area(column, row))
                .map(|area| {
                    let mut words = look(area).2;
                    if let Some(rule) = &area.rule {
                        let _ = write!(words, " · {rule}");
                    }
                    if let Some(before) = area.before.filter(|_| area.changed()) {
                        let _ = write!(words, " (stable: {})", effect_words(before.effect));
                    }
                    view! { <td>{words}</td> }
                })
                .collect_view();
            view! {
                <tr>
                    <th scope="row">{crate::labels::outside(&band.words)}</th>
                    {cells}
                </tr>
            }
        })
        .collect_view();
    view! {
        <Table label=label>
            <thead>
                <tr>
                    <th scope="col">{format!("{} ↓ · {} →", drawn.y, drawn.x)}</th>
                    {heads}
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </Table>
    }
}
