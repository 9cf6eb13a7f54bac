//! The status of the audit chain, and the button that verifies the chain.

use leptos::prelude::*;
use leptos_router::{components::Form, hooks::use_query_map};
use lifecycle::audit::{ChainStatus, Verdict};
use policy::Timestamp;

use crate::{
    api::audit::verify_chain,
    components::{
        Button, ButtonKind, Chip, ErrorPanel, LinkButton, Notice, Panel, RelativeTime, Spinner, Tone, format,
    },
    error::AppError,
};

/// The verification requested with *Verify chain*: how often the button was pressed, and the last verdict.
#[derive(Clone, Copy)]
pub(super) struct Verification {
    times: Memo<u32>,
    verdict: Resource<Option<Result<Verdict, AppError>>>,
}

/// The number of presses is in the address, so that the button works without scripts. It increases with every press, so
/// that each press verifies the chain again.
pub(super) fn use_verification() -> Verification {
    let params = use_query_map();
    let times = Memo::new(move |_| params.read().get("verify").and_then(|times| times.parse().ok()).unwrap_or(0));
    let verdict = Resource::new(
        move || times.get(),
        |times| async move { if times == 0 { None } else { Some(verify_chain().await) } },
    );
    Verification { times, verdict }
}

/// The panel above the entries.
#[component]
pub(super) fn Chain(status: ChainStatus, verification: Verification, as_of: Timestamp) -> impl IntoView {
    let Verification { times, verdict } = verification;
    let next = move || (times.get().saturating_add(1) % 1_000_000).to_string();
    let buttons = move || {
        view! {
            <Form method="GET" action="/audit">
                <input type="hidden" name="verify" value=next />
                <Button kind=ButtonKind::Primary submit=true>
                    "Verify chain"
                </Button>
            </Form>
            <LinkButton href="/policy/audit/export" download=true>
                "Export"
            </LinkButton>
        }
    };
    let sealed = status.head_seq;
    view! {
        <Panel title="Chain" note="each entry is sealed with the hash of the one before" actions=buttons>
            <div class="stack">
                <dl class="facts chain-facts">
                    <dt>"Entries"</dt>
                    <dd>
                        {format::count(status.entries)}
                        {(status.pending > 0)
                            .then(|| {
                                view! {
                                    " "
                                    <Chip tone=Tone::Warn sign="◔">
                                        {format::plural(status.pending, "entry", "entries")}
                                        " made by SQL waits to be sealed"
                                    </Chip>
                                }
                            })}
                    </dd>
                    <dt>"Last sealed"</dt>
                    <dd>
                        {if sealed > 0 {
                            view! {
                                "entry "
                                {format::count(sealed.unsigned_abs())}
                                ", hash "
                                <span class="mono" title=status.head_hash.to_string()>
                                    {status.head_hash.short()}
                                </span>
                            }
                                .into_any()
                        } else {
                            view! { "nothing yet" }.into_any()
                        }}
                    </dd>
                    <dt>"Signed checkpoint"</dt>
                    <dd>
                        {match status.checkpoint {
                            Some(checkpoint) => {
                                view! {
                                    "over "
                                    {format::plural(checkpoint.count, "entry", "entries")}
                                    ", "
                                    <RelativeTime at=checkpoint.at as_of=as_of />
                                    ", with the key "
                                    <span class="mono">{checkpoint.key_id}</span>
                                }
                                    .into_any()
                            }
                            None => view! { "none yet" }.into_any(),
                        }}
                    </dd>
                </dl>
                <div role="status">
                    <Transition fallback=|| {
                        view! {
                            <p class="muted">
                                <Spinner />
                                " Computing every hash again…"
                            </p>
                        }
                    }>
                        {move || Suspend::new(async move {
                            match verdict.await {
                                None => ().into_any(),
                                Some(Ok(verdict)) => view! { <VerdictNotice verdict=verdict /> }.into_any(),
                                Some(Err(error)) => view! { <ErrorPanel error=error /> }.into_any(),
                            }
                        })}
                    </Transition>
                </div>
            </div>
        </Panel>
    }
}

/// The verdict of the verification.
#[component]
fn VerdictNotice(verdict: Verdict) -> impl IntoView {
    let Verdict { valid, message, first_bad, checkpoints, checkpoint_problems, head_seq, .. } = verdict;
    let tone = if valid { Tone::Good } else { Tone::Bad };
    let compared = format::plural(checkpoints, "checkpoint", "checkpoints");
    view! {
        <Notice tone=tone>
            <strong>{if valid { "✓ Verified" } else { "✕ The record was changed" }}</strong>
            <p>{crate::labels::outside(&message)}</p>
            {first_bad
                .map(|bad| {
                    view! {
                        <p>
                            "First bad entry: "
                            <strong>{bad.seq}</strong>
                            ". Everything up to entry "
                            {head_seq}
                            " is as it was written. Export the record before anything else is done, and compare it with a backup."
                        </p>
                    }
                })}
            {checkpoint_problems.into_iter().map(|problem| view! { <p>{problem}</p> }).collect_view()}
            <p class="faint">{compared} " compared, the one outside of the database among them when there is one."</p>
        </Notice>
    }
}
