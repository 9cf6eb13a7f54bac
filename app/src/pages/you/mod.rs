//! The page *You*: one's own password, sign-in provider, tokens and sessions.

mod identity;
mod password;
mod sessions;
mod tokens;

use leptos::{prelude::*, server_fn::ServerFn};

use self::{identity::SignInProvider, password::Password, sessions::Sessions, tokens::OwnTokens};
use crate::{
    api::me::{
        ChangePassword, ConfirmSession, CreateOwnToken, EndAllSessions, EndSession, Me, RevokeOwnToken, UnlinkIdentity,
        read_me,
    },
    components::{ErrorPanel, Notice, PageHead, Panel, RelativeTime, Skeleton, Tone, use_toasts},
    error::AppError,
    labels,
};

/// The forms of the page.
#[derive(Clone, Copy)]
struct PageState {
    password: ServerAction<ChangePassword>,
    confirm: ServerAction<ConfirmSession>,
    unlink: ServerAction<UnlinkIdentity>,
    create_token: ServerAction<CreateOwnToken>,
    revoke_token: ServerAction<RevokeOwnToken>,
    end_session: ServerAction<EndSession>,
    end_all: ServerAction<EndAllSessions>,
}

impl PageState {
    /// Forms that announce their success.
    fn new() -> Self {
        let state = Self {
            password: ServerAction::new(),
            confirm: ServerAction::new(),
            unlink: ServerAction::new(),
            create_token: ServerAction::new(),
            revoke_token: ServerAction::new(),
            end_session: ServerAction::new(),
            end_all: ServerAction::new(),
        };
        announce(state.password, "Password changed");
        announce(state.unlink, "Account unlinked");
        announce(state.revoke_token, "Token revoked");
        announce(state.end_session, "Session ended");
        state
    }

    /// Changes whenever a form changes the content of the page; tracked.
    fn version(self) -> [usize; 6] {
        [
            self.password.version().get(),
            self.confirm.version().get(),
            self.unlink.version().get(),
            self.create_token.version().get(),
            self.revoke_token.version().get(),
            self.end_session.version().get(),
        ]
    }
}

/// Everyone who is signed in has this page.
#[component]
pub fn You() -> impl IntoView {
    let state = PageState::new();
    let me = Resource::new(move || state.version(), |_| read_me());
    view! {
        <PageHead title="You" />
        <Transition fallback=|| view! { <Skeleton lines=8 /> }>
            {move || Suspend::new(async move {
                match me.await {
                    Ok(me) => view! { <Page me=me state=state /> }.into_any(),
                    Err(error) => view! { <ErrorPanel error=error /> }.into_any(),
                }
            })}
        </Transition>
    }
}

#[component]
fn Page(me: Me, state: PageState) -> impl IntoView {
    let Me { email, name, roles, identity, provider, confirmed, signs_from, tokens, sessions, as_of } = me;
    let role_names = labels::roles(&roles);
    let with_provider = provider.is_some();
    view! {
        <div class="stack">
            {signs_from
                .map(|at| {
                    view! {
                        <Notice tone=Tone::Warn>
                            <strong>"Your account signs nothing yet."</strong>
                            <p>
                                "An administrator handed a link to your account over, so your earlier signatures do not count, and you sign again "
                                <RelativeTime at=at as_of=as_of /> "."
                            </p>
                        </Notice>
                    }
                })}
            <Panel title="Account">
                <p>
                    <strong>{labels::outside(&name)}</strong>
                    " "
                    <span class="muted">{labels::outside(&email)}</span>
                </p>
                <p class="muted">{role_names}</p>
            </Panel>
            <Panel title="Password">
                <Password action=state.password />
            </Panel>
            <SignInProvider
                identity=identity
                provider=provider
                confirmed=confirmed
                as_of=as_of
                confirm=state.confirm
                unlink=state.unlink
            />
            <Panel title="Tokens">
                <OwnTokens
                    tokens=tokens
                    roles=roles
                    as_of=as_of
                    with_provider=with_provider
                    create=state.create_token
                    revoke=state.revoke_token
                />
            </Panel>
            <Panel title="Sessions">
                <Sessions sessions=sessions as_of=as_of end=state.end_session end_all=state.end_all />
            </Panel>
        </div>
    }
}

/// Reports success in a toast. The form itself shows errors.
fn announce<F>(action: ServerAction<F>, message: &'static str)
where
    F: ServerFn<Error = AppError> + Clone + Send + Sync + 'static,
    F::Output: Clone + Send + Sync + 'static,
{
    let toasts = use_toasts();
    Effect::new(move |_| {
        if matches!(&*action.value().read(), Some(Ok(_))) {
            toasts.good(message);
        }
    });
}
