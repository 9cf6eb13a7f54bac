//! The command palette: pages, actions, and anything by its id.

use leptos::{ev::KeyboardEvent, html, prelude::*};
use leptos_router::{NavigateOptions, hooks::use_navigate};
use lifecycle::authority::{Actor, Permission};

use super::{places::PLACES, theme};
use crate::components::Kbd;

/// The command of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Goes to a path.
    Go(String),
    /// Switches the theme.
    Theme,
    /// Shows the list of keyboard shortcuts.
    Help,
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The label.
    pub name: String,
    /// `Page`, `Action`, `Open`.
    pub kind: &'static str,
    /// The keyboard shortcut of the entry.
    pub keys: Vec<&'static str>,
    /// The command of the entry.
    pub command: Command,
}

fn entry(name: &str, kind: &'static str, keys: &[&'static str], command: Command) -> Entry {
    Entry { name: name.to_owned(), kind, keys: keys.to_vec(), command }
}

/// The entries for a search text: things with that id, then the pages and actions whose names contain all words of the
/// text. `me` sees only permitted actions.
pub fn search(typed: &str, me: &Actor) -> Vec<Entry> {
    let typed = typed.trim();
    let mut entries: Vec<Entry> = Vec::new();
    if typed.starts_with("pktv1:") {
        entries.push(entry("Open this packet", "Open", &[], Command::Go(format!("/reviews/{typed}"))));
    } else if typed.starts_with("apr_") {
        entries.push(entry("Open this approval request", "Open", &[], Command::Go(format!("/approvals/{typed}"))));
    } else if typed.to_ascii_uppercase().starts_with("INC-") && typed.len() > 8 {
        let id = typed.to_ascii_uppercase();
        entries.push(entry(&format!("Open incident {id}"), "Open", &[], Command::Go(format!("/incidents/{id}"))));
    } else if typed.len() >= 32 && typed.chars().all(|c| c.is_ascii_hexdigit() || c == '-') {
        entries.push(entry("Open this decision", "Open", &[], Command::Go(format!("/decisions/{typed}"))));
    }
    let mut all: Vec<Entry> = PLACES
        .iter()
        .map(|place| entry(place.name, "Page", &["g", place.key], Command::Go(place.path.to_owned())))
        .collect();
    all.push(entry("KPIs", "Page", &[], Command::Go("/kpis".to_owned())));
    all.push(entry("Drills", "Page", &[], Command::Go("/drills".to_owned())));
    if me.may(Permission::EditDrafts) {
        all.push(entry("New draft", "Action", &[], Command::Go("/studio?new=1".to_owned())));
    }
    if me.may(Permission::RollBack) {
        all.push(entry("Roll back", "Action", &[], Command::Go("/rollouts".to_owned())));
    }
    all.push(entry("Switch between light and dark", "Action", &[], Command::Theme));
    all.push(entry("Show the keys", "Action", &["?"], Command::Help));
    let words: Vec<String> = typed.split_whitespace().map(str::to_lowercase).collect();
    all.retain(|entry| words.iter().all(|word| entry.name.to_lowercase().contains(word.as_str())));
    entries.extend(all);
    entries
}

/// The palette.
#[component]
pub fn Palette(
    /// Whether the palette is open.
    open: RwSignal<bool>,
    /// Whether the list of shortcuts is open.
    help: RwSignal<bool>,
    /// The signed-in person.
    #[prop(into)]
    me: Signal<Actor>,
) -> impl IntoView {
    let dialog = NodeRef::<html::Dialog>::new();
    let input = NodeRef::<html::Input>::new();
    let typed = RwSignal::new(String::new());
    let at = RwSignal::new(0_usize);
    let found = Memo::new(move |_| search(&typed.read(), &me.read()));
    Effect::new(move |_| {
        let open = open.get();
        let Some(dialog) = dialog.get() else { return };
        if open && !dialog.open() {
            typed.set(String::new());
            at.set(0);
            let _ = dialog.show_modal();
            if let Some(input) = input.get_untracked() {
                let _ = input.focus();
            }
        } else if !open && dialog.open() {
            dialog.close();
        }
    });
    let navigate = use_navigate();
    let run = Callback::new(move |command: Command| {
        open.set(false);
        match command {
            Command::Go(path) => navigate(&path, NavigateOptions::default()),
            Command::Theme => theme::toggle(),
            Command::Help => help.set(true),
        }
    });
    let on_key = move |event: KeyboardEvent| {
        let count = found.read_untracked().len();
        match event.key().as_str() {
            "ArrowDown" if count > 0 => at.update(|at| *at = (*at + 1) % count),
            "ArrowUp" if count > 0 => at.update(|at| *at = (*at + count - 1) % count),
            "Enter" => {
                if let Some(entry) = found.read_untracked().get(at.get_untracked()) {
                    run.run(entry.command.clone());
                }
            }
            _ => return,
        }
        event.prevent_default();
    };
    let on_backdrop = move |event: leptos::ev::MouseEvent| {
        let hit = event.target().zip(dialog.get_untracked()).is_some_and(|(target, dialog)| {
            let dialog: &web_sys::EventTarget = dialog.as_ref();
            target == *dialog
        });
        if hit {
            open.set(false);
        }
    };
    view! {
        <dialog
            class="dialog palette"
            aria-label="Search or run"
            node_ref=dialog
            on:close=move |_| open.set(false)
            on:click=on_backdrop
        >
            <input
                class="palette-input"
                type="text"
                role="combobox"
                aria-label="Search or run"
                aria-expanded="true"
                aria-controls="palette-list"
                aria-activedescendant=move || format!("palette-{}", at.get())
                autocomplete="off"
                spellcheck="false"
                placeholder="Page, action, or the id of a packet, incident or decision"
                node_ref=input
                prop:value=typed
                on:input=move |event| {
                    typed.set(event_target_value(&event));
                    at.set(0);
                }
                on:keydown=on_key
            />
            <div class="palette-list" id="palette-list" role="listbox" aria-label="Results">
                {move || {
                    found
                        .get()
                        .into_iter()
                        .enumerate()
                        .map(|(i, entry)| {
                            let Entry { name, kind, keys, command } = entry;
                            view! {
                                <div
                                    class="palette-option"
                                    role="option"
                                    id=format!("palette-{i}")
                                    aria-selected=move || if at.get() == i { "true" } else { "false" }
                                    on:mouseenter=move |_| at.set(i)
                                    on:click=move |_| run.run(command.clone())
                                >
                                    <span>{crate::labels::outside(&name)}</span>
                                    <span class="row">
                                        {keys.into_iter().map(|key| view! { <Kbd key=key /> }).collect_view()}
                                        <span class="palette-kind">{kind}</span>
                                    </span>
                                </div>
                            }
                        })
                        .collect_view()
                }}
            </div>
            <Show when=move || found.read().is_empty()>
                <p class="palette-empty">"No results. You can paste a full ID."</p>
            </Show>
        </dialog>
    }
}

#[cfg(test)]
mod tests {
    use lifecycle::authority::{Role, Via};

    use super::*;

    fn names(typed: &str, role: Role) -> Vec<String> {
        let me = Actor::new("ada@example.com", [role].into(), Via::Session);
        search(typed, &me).into_iter().map(|entry| entry.name).collect()
    }

    #[test]
    fn words_narrow_the_results_down() {
        assert_eq!(names("sett", Role::Viewer), ["Settings"]);
        assert_eq!(names("light", Role::Viewer), ["Switch between light and dark"]);
        assert!(names("zzz", Role::Viewer).is_empty());
    }

    #[test]
    fn only_permitted_actions_are_offered() {
        assert_eq!(names("new", Role::Author), ["New draft"]);
        assert!(names("new", Role::Viewer).is_empty());
    }

    #[test]
    fn ids_open_what_they_name() {
        assert_eq!(names("inc-2026-0001", Role::Viewer), ["Open incident INC-2026-0001"]);
        assert_eq!(names("0198a1b2-c3d4-7e5f-8a9b-0123456789ab", Role::Viewer), ["Open this decision"]);
    }
}
