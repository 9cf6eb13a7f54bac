//! Times and digests: short to read, exact on hover.

use leptos::prelude::*;
use policy::Timestamp;

use super::format;

/// `2 h ago`, with the exact UTC time on hover. `as_of` is the time of the server's answer, never the browser's clock.
#[component]
pub fn RelativeTime(
    /// The time.
    at: Timestamp,
    /// The server's time.
    as_of: Timestamp,
) -> impl IntoView {
    view! {
        <time class="time" datetime=at.to_string() title=format::exact(at)>
            {format::relative(at, as_of)}
        </time>
    }
}

/// `sha256:9f2c…71be`: the scheme, and the first and last four digits.
pub fn short_digest(digest: &str) -> String {
    let (scheme, hex) = digest.split_once(':').map_or(("", digest), |(scheme, hex)| (scheme, hex));
    let short = match (hex.get(..4), hex.len().checked_sub(4).and_then(|from| hex.get(from..))) {
        (Some(start), Some(end)) if hex.len() > 12 => format!("{start}…{end}"),
        _ => hex.to_owned(),
    };
    if scheme.is_empty() { short } else { format!("{scheme}:{short}") }
}

/// A shortened digest or id, with the whole value on hover and a button that copies it.
#[component]
pub fn Digest(
    /// The whole value.
    #[prop(into)]
    value: String,
    /// The kind of value, for the name of the copy button: `digest`, `packet id`.
    #[prop(default = "digest")]
    what: &'static str,
) -> impl IntoView {
    let copied = RwSignal::new(false);
    let short = short_digest(&value);
    let whole = value.clone();
    let copy = move |_| {
        // The promise is ignored: without permission nothing is copied, and nothing else fails.
        let _ = window().navigator().clipboard().write_text(&whole);
        copied.set(true);
        set_timeout(
            move || {
                let _ = copied.try_set(false);
            },
            std::time::Duration::from_secs(2),
        );
    };
    view! {
        <span class="digest">
            <code title=value>{short}</code>
            <button type="button" class="copy" aria-label=format!("Copy {what}") on:click=copy>
                <svg viewBox="0 0 16 16" width="13" height="13" aria-hidden="true">
                    {move || {
                        if copied.get() {
                            view! { <path d="M3 8.5l3.5 3.5L13 5" /> }.into_any()
                        } else {
                            view! { <path d="M5.5 5.5h7v8h-7zM10 5.5v-3H3.5v8h2" /> }.into_any()
                        }
                    }}
                </svg>
            </button>
        </span>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_shortened_and_short_ids_left_alone() {
        assert_eq!(short_digest("sha256:9f2c000000000071be"), "sha256:9f2c…71be");
        assert_eq!(short_digest("pktv1:abcd"), "pktv1:abcd");
        assert_eq!(short_digest("0198a1b2c3d4e5f6"), "0198…e5f6");
        assert_eq!(short_digest(""), "");
    }
}
