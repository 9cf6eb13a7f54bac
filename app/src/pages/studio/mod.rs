//! The *Studio* page: the bundles by state, and the buttons that start a new draft.

mod debounce;
pub mod editor;
mod import;
mod routes;

use leptos::prelude::*;
use lifecycle::bundle::{State, record::Summary};
use policy::Timestamp;

use self::{
    import::{Import, ImportDialog},
    routes::export_path,
};
use crate::{
    api::bundles::{self, Shelf},
    components::{
        Button, ButtonKind, Chip, EmptyState, ErrorPanel, ExternalText, LinkButton, PageHead, Panel, RelativeTime,
        Skeleton, StateChip, Table, Tone, format, open_new_draft,
    },
    frame::live_updates::use_live,
};

/// A group of the list: bundles in some states belong together.
struct Group {
    title: &'static str,
    note: &'static str,
    states: &'static [State],
}

/// The groups, from current work to history.
const GROUPS: [Group; 4] = [
    Group { title: "Drafts", note: "", states: &[State::Draft, State::ChangesRequested] },
    Group {
        title: "In review",
        note: "waiting for sign-off or for being applied",
        states: &[State::InReview, State::Approved],
    },
    Group { title: "In service", note: "deciding now", states: &[State::Active, State::Canary, State::Shadow] },
    Group { title: "History", note: "", states: &[State::Superseded, State::RolledBack, State::Rejected] },
];

/// The page.
#[component]
pub fn Studio() -> impl IntoView {
    let live = use_live();
    let shelf = Resource::new(move || live.changed(), |_| bundles::list_bundles());
    let import = Import::new();
    view! {
        <div on:dragover=|event| event.prevent_default() on:drop=move |event| import.take_drop(&event)>
        <Transition fallback=|| view! { <Skeleton lines=6 /> }>
            {move || Suspend::new(async move {
                match shelf.await {
                    Ok(shelf) => view! { <Shelves shelf=shelf importing=import.open /> }.into_any(),
                    Err(error) => view! { <PageHead title="Studio" /> <ErrorPanel error=error /> }.into_any(),
                }
            })}
        </Transition>
        </div>
        <ImportDialog import=import />
    }
}

#[component]
fn Shelves(shelf: Shelf, importing: RwSignal<bool>) -> impl IntoView {
    let Shelf { bundles, may_edit, as_of } = shelf;
    let pending = RwSignal::new(false);
    let none = bundles.is_empty();
    let groups = GROUPS
        .into_iter()
        .filter_map(|group| {
            let mut members: Vec<Summary> =
                bundles.iter().filter(|bundle| group.states.contains(&bundle.state)).cloned().collect();
            // In the order of the group's states: the active bundle before a canary or shadow.
            members.sort_by_key(|bundle| group.states.iter().position(|state| *state == bundle.state));
            (!members.is_empty())
                .then(|| view! { <Shelved group=group members=members may_edit=may_edit as_of=as_of /> })
        })
        .collect_view();
    let from_stable = open_new_draft(pending, || bundles::new_draft(false));
    let from_nothing = open_new_draft(pending, || bundles::new_draft(true));
    let actions = move || {
        may_edit.then(|| {
            view! {
                <Button on_click=move |_| importing.set(true)>"Import"</Button>
                <Button pending=pending attr:title="A draft without rules" on_click=move |_| from_nothing()>"Empty draft"</Button>
                <Button kind=ButtonKind::Primary pending=pending attr:title="A copy of what is live" on_click=move |_| from_stable()>
                    "New draft"
                </Button>
            }
        })
    };
    view! {
        <PageHead title="Studio" actions=actions />
        <div class="stack">
            {groups}
            {none
                .then(|| {
                    view! {
                        <EmptyState title="No bundles yet">
                            <p>
                                "A bundle is a version of all rules that say what agents may do. Start a draft, have it checked as you type, and submit it for review."
                            </p>
                        </EmptyState>
                    }
                })}
        </div>
    }
}

/// One group as a table.
#[component]
fn Shelved(group: Group, members: Vec<Summary>, may_edit: bool, as_of: Timestamp) -> impl IntoView {
    let rows = members
        .into_iter()
        .map(|bundle| view! { <BundleRow bundle=bundle may_edit=may_edit as_of=as_of /> })
        .collect_view();
    view! {
        <Panel title=group.title note=group.note flush=true>
            <Table label=group.title interactive=true cards=true>
                <thead>
                    <tr>
                        <th scope="col" class="shelf-version">"Version"</th>
                        <th scope="col" class="shelf-state">"State"</th>
                        <th scope="col" class="num shelf-rules">"Rules"</th>
                        <th scope="col" class="shelf-notes">"Notes"</th>
                        <th scope="col" class="shelf-when">"Changed"</th>
                        <th scope="col" class="shelf-actions"><span class="visually-hidden">"Actions"</span></th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </Table>
        </Panel>
    }
}

#[component]
fn BundleRow(bundle: Summary, may_edit: bool, as_of: Timestamp) -> impl IntoView {
    let pending = RwSignal::new(false);
    let id = bundle.id;
    let clone = open_new_draft(pending, move || bundles::clone_bundle(id));
    let version = bundle.version.clone();
    let notes = if bundle.notes.is_empty() { "–".to_owned() } else { bundle.notes.clone() };
    let share = (bundle.active && bundle.canary_pct > 0).then(|| format!("{}\u{a0}% of traffic", bundle.canary_pct));
    view! {
        <tr>
            <th scope="row" class="shelf-version">
                <a class="mono" href=format!("/studio/{id}")>{bundle.version.clone()}</a>
                {bundle.base_version.map(|base| view! { <span class="muted">{format!("from {base}")}</span> })}
            </th>
            <td class="shelf-state">
                <StateChip state=bundle.state />
                {share.map(|share| view! { " " <Chip tone=Tone::Neutral>{share}</Chip> })}
            </td>
            <td class="num shelf-rules">{format::count(u64::from(bundle.rule_count))}<span class="on-cards">" rules"</span></td>
            <td class="shelf-notes muted"><ExternalText text=notes lines=true /></td>
            <td class="shelf-when">
                <RelativeTime at=bundle.updated_at as_of=as_of />
                <span class="muted">{crate::labels::outside(&bundle.created_by)}</span>
            </td>
            <td class="shelf-actions">
                {may_edit
                    .then(|| {
                        view! {
                            <LinkButton
                                small=true
                                kind=ButtonKind::Ghost
                                download=true
                                href=export_path(id)
                                attr:aria-label=format!("Export {version}")
                                attr:title="Download as a signed file"
                            >
                                "Export"
                            </LinkButton>
                            <Button
                                small=true
                                kind=ButtonKind::Ghost
                                pending=pending
                                attr:aria-label=format!("Clone {version}")
                                attr:title="Copy into a new draft"
                                on_click=move |_| clone()
                            >
                                "Clone"
                            </Button>
                        }
                    })}
            </td>
        </tr>
    }
}
