//! One's own sessions.

use leptos::prelude::*;
use lifecycle::authority::Session;
use policy::Timestamp;

use crate::{
    api::me::{EndAllSessions, EndSession},
    components::{ActionButton, Button, ButtonKind, Chip, FormError, RelativeTime, Table, Tone},
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
                <Button kind=ButtonKind::Danger submit=true attr:title="Every session ends, this one too, and your tokens are revoked for good">
                    "Sign out everywhere and revoke tokens"
                </Button>
            </ActionForm>
        </div>
    }
}

/// Products and systems by how browsers name them, the more particular ones first: most also name others.
const PRODUCTS: [(&str, &str); 5] =
    [("Edg", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari")];
const SYSTEMS: [(&str, &str); 6] = [
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
];

/// A browser as people know it: `Firefox on Windows`.
fn browser_name(user_agent: &str) -> String {
    let named = |names: &[(&str, &'static str)]| {
        names.iter().find(|(mark, _)| user_agent.contains(mark)).map(|(_, name)| *name)
    };
    match (named(&PRODUCTS), named(&SYSTEMS)) {
        (Some(product), Some(system)) => format!("{product} on {system}"),
        (Some(name), None) => name.to_owned(),
        _ if user_agent.is_empty() => "Unknown browser".to_owned(),
        _ => user_agent.to_owned(),
    }
}

#[component]
fn SessionRow(session: Session, as_of: Timestamp, end: ServerAction<EndSession>) -> impl IntoView {
    let Session { id, created_at, last_seen_at, expires_at, user_agent, current } = session;
    let browser = browser_name(&user_agent);
    view! {
        <tr>
            <th scope="row" title=user_agent>
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
                            <ActionButton action=end id=id text="End" label=format!("End session {id}") />
                        }
                    })}
            </td>
        </tr>
    }
}

#[cfg(test)]
mod tests {
    use super::browser_name;

    #[test]
    fn browsers_have_the_names_that_people_know() {
        let chrome =
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/148.0.0.0 Safari/537.36";
        assert_eq!(browser_name(chrome), "Chrome on Linux");
        assert_eq!(browser_name(&format!("{chrome} Edg/148.0")), "Edge on Linux");
        let phone =
            "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1 Version/19.0 Mobile Safari/604.1";
        assert_eq!(browser_name(phone), "Safari on iPhone");
        assert_eq!(browser_name("curl/8.5.0"), "curl/8.5.0");
        assert_eq!(browser_name(""), "Unknown browser");
    }
}
