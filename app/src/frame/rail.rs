//! The navigation: a rail on the left; on phones a bar at the bottom that opens upwards.

use leptos::prelude::*;
use leptos_router::hooks::use_location;

use super::places::{PLACES, Place, place_of};
use crate::{
    api::{frame::FrameState, session::SignOut},
    components::Brand,
    labels,
    navigation::Prefetch,
};

/// The rail.
#[component]
pub fn Rail(state: RwSignal<FrameState>) -> impl IntoView {
    let path = use_location().pathname;
    let here = Memo::new(move |_| place_of(&path.read()).map(|place| place.path));
    let sign_out = ServerAction::<SignOut>::new();
    view! {
        <aside class="rail" aria-label="Workspace">
            <Brand />
            // On phones this checkbox opens the bar without a script.
            <input type="checkbox" id="rail-more" class="rail-more-box" aria-label="All pages" />
            <nav aria-label="Main">
                <ul class="rail-list">
                    {PLACES
                        .iter()
                        .map(|place| view! { <Entry place=place here=here state=state /> })
                        .collect_view()}
                </ul>
            </nav>
            <label class="rail-link rail-more" for="rail-more">
                <svg viewBox="0 0 16 16" aria-hidden="true">
                    <path d="M3 4.5h10M3 8h10M3 11.5h10" />
                </svg>
                "More"
            </label>
            <div class="person">
                <a class="person-name" href="/me" title="You: password, tokens, sessions" on:click=|_| close_more()>
                    {move || labels::outside(&state.read().name)}
                </a>
                <span class="person-roles">{move || labels::roles(&state.read().me.roles)}</span>
                <ActionForm action=sign_out>
                    <button type="submit" class="button button-ghost button-small">
                        "Sign out"
                    </button>
                </ActionForm>
            </div>
        </aside>
    }
}

#[component]
fn Entry(place: &'static Place, here: Memo<Option<&'static str>>, state: RwSignal<FrameState>) -> impl IntoView {
    let prefetch = expect_context::<Prefetch>();
    let waiting = move || {
        let badges = state.read().badges;
        match place.name {
            "Approvals" => Some(badges.approvals),
            "Reviews" => Some(badges.reviews),
            "Incidents" => Some(badges.incidents),
            _ => None,
        }
    };
    let badge = move || {
        waiting().map(|count| {
            view! {
                <span class="badge" class:badge-waiting={count > 0} class:badge-idle={count == 0}>
                    {count}
                    <span class="visually-hidden">" waiting for you"</span>
                </span>
            }
        })
    };
    view! {
        <li class:rail-rest=!place.at_hand class:rail-last={place.path == "/settings"}>
            <a
                class="rail-link"
                href=place.path
                aria-current=move || (here.get() == Some(place.path)).then_some("page")
                on:click=|_| close_more()
                on:pointerenter=move |_| prefetch.start(place.path)
                on:focus=move |_| prefetch.start(place.path)
            >
                <svg viewBox="0 0 16 16" aria-hidden="true">
                    <path d=place.icon />
                </svg>
                {place.name}
                {badge}
            </a>
        </li>
    }
}

/// Closes the bar of phones after one of its links was followed.
fn close_more() {
    use wasm_bindgen::JsCast;
    let more = document().get_element_by_id("rail-more");
    if let Some(more) = more.and_then(|more| more.dyn_into::<web_sys::HtmlInputElement>().ok()) {
        more.set_checked(false);
    }
}
