//! One's own sessions.

use leptos::prelude::*;
use lifecycle::authority::Session;
use policy::Timestamp;

use crate::{
    api::me::{EndAllSessions, EndSession},
    components::{Button, ButtonKind, Chip, FormError, RelativeTime, Table, Tone},
};

/// The sessions, and the forms that end them.
#[component]
pub(super) fn Sessions(
    sessions: Vec<Session>,
    as_of: Timestamp,
    end: ServerAction<EndSession>,
    end_all: ServerAction<EndAllSessions>,
) -> impl IntoView {
    view! {
        <div class="stack">
            <FormError action=end />
            <FormError action=end_all />
            <Table label="Sessions" cards=true>
                <thead>
                    <tr>
                        <th scope="col">"Browser"</th>
                        <th scope="col">"Signed in"</th>
                        <th scope="col">"Last used"</th>
                        <th scope="col">"Ends at the latest"</th>
                        <th scope="col">
                            <span class="visually-hidden">"End"</span>
                        </th>
                    </tr>
                </thead>
                <tbody>
                    {sessions
                        .into_iter()
                        .map(|session| view! { <SessionRow session=session as_of=as_of end=end /> })
                        .collect_view()}
                </tbody>
            </Table>
            <ActionForm action=end_all>
                <Button kind=ButtonKind::Danger submit=true attr:title="Every session ends, this one too">
                    "Sign out everywhere"
                </Button>
            </ActionForm>
        </div>
    }
}

#[component]
fn SessionRow(session: Session, as_of: Timestamp, end: ServerAction<EndSession>) -> impl IntoView {
    let Session { id, created_at, last_seen_at, expires_at, user_agent, current } = session;
    let browser = if user_agent.is_empty() { "Unknown browser".to_owned() } else { user_agent };
    view! {
        <tr>
            <th scope="row">
                {browser}
                " "
                {current.then(|| view! { <Chip tone=Tone::Good sign="●">"this one"</Chip> })}
            </th>
            <td>
                <span class="on-cards faint">"signed in "</span>
                <RelativeTime at=created_at as_of=as_of />
            </td>
            <td>
                <span class="on-cards faint">"used "</span>
                <RelativeTime at=last_seen_at as_of=as_of />
            </td>
            <td>
                <span class="on-cards faint">"ends "</span>
                <RelativeTime at=expires_at as_of=as_of />
            </td>
            <td class="num">
                {(!current)
                    .then(|| {
                        view! {
                            <ActionForm action=end>
                                <input type="hidden" name="id" value=id />
                                <Button small=true submit=true attr:aria-label=format!("End session {id}")>
                                    "End"
                                </Button>
                            </ActionForm>
                        }
                    })}
            </td>
        </tr>
    }
}
