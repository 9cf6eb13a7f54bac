//! What stands around every page but the sign-in: rail, head, banners, command palette, keys.

pub mod emergency;
pub mod keyboard;
pub mod live;
pub mod palette;
pub mod places;
pub mod rail;
pub mod theme;
pub mod topbar;

use leptos::{prelude::*, task::spawn_local};
use leptos_router::{
    NavigateOptions,
    components::{Outlet, Redirect},
    hooks::{use_location, use_navigate},
};
use lifecycle::{
    authority::{Actor, Permission},
    problem::Code,
};

use crate::{
    api::live::{FrameState, read_frame},
    code_split::PendingNavigation,
    components::ErrorPanel,
};

/// What the frame knows, for the pages inside: who is looking and what is live. It stays up to date by itself.
#[derive(Debug, Clone, Copy)]
pub struct InFrame(RwSignal<FrameState>);

impl InFrame {
    /// The state; tracked.
    pub fn get(self) -> FrameState {
        self.0.get()
    }

    /// Who is looking; tracked.
    pub fn me(self) -> Actor {
        self.0.read().me.clone()
    }

    /// Whether who is looking may do this; tracked. It only decides what is offered: the server decides again.
    pub fn may(self, permission: Permission) -> bool {
        self.0.read().me.may(permission)
    }
}

/// What the frame knows. Only for pages inside it.
pub fn use_frame() -> InFrame {
    expect_context()
}

/// The frame. Strangers are led to the sign-in and back.
#[component]
pub fn Frame() -> impl IntoView {
    let first = OnceResource::new(read_frame());
    view! {
        <Suspense>
            {move || Suspend::new(async move {
                match first.await {
                    Ok(state) => view! { <ReviewStatus state=RwSignal::new(state) /> }.into_any(),
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

/// The sign-in, with the way back to `path`.
fn sign_in_path(path: &str) -> String {
    if path == "/" { "/sign-in".to_owned() } else { format!("/sign-in?next={path}") }
}

#[component]
fn ReviewStatus(state: RwSignal<FrameState>) -> impl IntoView {
    provide_context(InFrame(state));
    let palette = RwSignal::new(false);
    let help = RwSignal::new(false);
    live::listen();
    keyboard::listen(palette, help);
    keep_fresh(state);
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
                <Arriving />
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

/// A bar over the page while the code of the next one is fetched.
#[component]
fn Arriving() -> impl IntoView {
    let on_the_way = expect_context::<PendingNavigation>();
    view! {
        <div class="arriving" class:arriving-now=move || on_the_way.any() role="status">
            <span class="visually-hidden">{move || on_the_way.any().then_some("The page is on its way")}</span>
        </div>
    }
}

/// Fetches the state again when something changed; leads to the sign-in when the session has ended.
fn keep_fresh(state: RwSignal<FrameState>) {
    let live = live::use_live();
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
                    // A lost connection: what is shown stays, and the next pulse tries again.
                    Err(_) => {}
                }
            });
        }
        now
    });
}
