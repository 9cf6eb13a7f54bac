//! The frame around every page but the sign-in: rail, top bar, banners, command palette, keyboard shortcuts.

pub mod emergency;
pub mod keyboard;
pub mod live_updates;
pub mod palette;
pub mod places;
pub mod presence;
pub mod rail;
pub mod state;
pub mod theme;
pub mod topbar;

use leptos::{prelude::*, task::spawn_local};
use leptos_router::{
    NavigateOptions,
    components::{Outlet, Redirect},
    hooks::{use_location, use_navigate},
};
use lifecycle::problem::Code;

use self::state::FrameContext;
use crate::{
    api::frame::{FrameState, read_frame},
    components::ErrorPanel,
    navigation::PendingNavigation,
};

/// The frame. Redirects anonymous visitors to the sign-in, which leads back to the page.
#[component]
pub fn Frame() -> impl IntoView {
    let first = OnceResource::new(read_frame());
    view! {
        <Suspense>
            {move || Suspend::new(async move {
                match first.await {
                    Ok(state) => view! { <SignedIn state=RwSignal::new(state) /> }.into_any(),
                    Err(error) if error.code() == Code::Unauthenticated => {
                        view! { <Redirect path=sign_in_path(&use_location().pathname.get_untracked()) /> }.into_any()
                    }
                    Err(error) => {
                        view! {
                            <main class="alone">
                                <h1>"Countersign cannot be shown"</h1>
                                <ErrorPanel error=error />
                                <a class="button" href="/" rel="external">
                                    "Try again"
                                </a>
                            </main>
                        }
                            .into_any()
                    }
                }
            })}
        </Suspense>
    }
}

/// The address of the sign-in, which leads back to `path` afterwards.
fn sign_in_path(path: &str) -> String {
    if path == "/" { "/sign-in".to_owned() } else { format!("/sign-in?next={path}") }
}

/// The frame and the page in it, for the signed-in person.
#[component]
fn SignedIn(state: RwSignal<FrameState>) -> impl IntoView {
    provide_context(FrameContext(state));
    let palette = RwSignal::new(false);
    let help = RwSignal::new(false);
    live_updates::listen();
    presence::listen();
    keyboard::listen(palette, help);
    refresh_on_change(state);
    emergency::provide_emergency();
    view! {
        <a class="button skip" href="#main">
            "Skip to the page"
        </a>
        <div class="frame">
            <rail::Rail state=state />
            <div class="frame-main">
                <topbar::Topbar state=state palette=palette />
                <emergency::Banners state=state />
                <NavigationProgress />
                <main class="page" id="main" tabindex="-1">
                    <Outlet />
                </main>
            </div>
        </div>
        <emergency::PauseDialog state=state />
        <palette::Palette open=palette help=help me=Signal::derive(move || state.read().me.clone()) />
        <keyboard::KeysDialog open=help />
    }
}

/// A bar over the page while the code of the next page is fetched.
#[component]
fn NavigationProgress() -> impl IntoView {
    let navigation = expect_context::<PendingNavigation>();
    view! {
        <div class="navigation-progress" class:navigation-pending=move || navigation.is_pending() role="status">
            <span class="visually-hidden">{move || navigation.is_pending().then_some("The page is on its way")}</span>
        </div>
    }
}

/// Fetches the state again after each change; navigates to the sign-in when the session has ended.
fn refresh_on_change(state: RwSignal<FrameState>) {
    let live = live_updates::use_live();
    let navigate = use_navigate();
    let path = use_location().pathname;
    Effect::new(move |before: Option<u64>| {
        let now = live.pulse();
        if before.is_some_and(|before| before != now) {
            let navigate = navigate.clone();
            spawn_local(async move {
                match read_frame().await {
                    Ok(fresh) => {
                        let _ = state.try_set(fresh);
                    }
                    Err(error) if error.code() == Code::Unauthenticated => {
                        navigate(&sign_in_path(&path.get_untracked()), NavigateOptions::default());
                    }
                    // The connection is lost: the page keeps its content, and the next pulse tries again.
                    Err(_) => {}
                }
            });
        }
        now
    });
}
