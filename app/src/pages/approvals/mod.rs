//! The calls that agents want approved: a list, and one of them beside it; on phones one after the other.

mod detail;
mod dialogs;
mod labels;
mod list;
mod state;

use leptos::prelude::*;
use leptos_router::hooks::{use_params_map, use_query_map};

use self::{detail::Detail, list::Lists, state::PageState};
use crate::{
    api::approvals::{get_approval, list_approvals},
    components::{EmptyState, ErrorPanel, Kbd, PageHead, Panel, Skeleton},
    frame::{live_updates::use_live, state::use_frame},
    keyboard::{press, use_keys, use_queue_keys},
};

/// The page. Without an id in the address, the request that expires first is shown beside the list.
#[component]
pub fn Approvals() -> impl IntoView {
    let (params, query, live) = (use_params_map(), use_query_map(), use_live());
    let opened = Memo::new(move |_| params.read().get("approval_id").unwrap_or_default());
    let group = Memo::new(move |_| {
        let parameter = |name| query.read().get(name).unwrap_or_default();
        (parameter("rule"), parameter("agent"))
    });
    // Stays until another is opened: a request never takes the place of one that is being read.
    let first = RwSignal::new(String::new());
    let shown = Memo::new(move |_| Some(opened.get()).filter(|id| !id.is_empty()).unwrap_or_else(|| first.get()));
    let list = Resource::new(move || (group.get(), live.approvals()), |((rule, agent), _)| list_approvals(rule, agent));
    let detail = Resource::new(move || (shown.get(), live.approvals()), |(id, _)| get_approval(id));
    Effect::new(move |_| {
        if let Some(Ok(Some(detail))) = &*detail.read()
            && opened.read_untracked().is_empty()
            && first.read_untracked().is_empty()
        {
            first.set(detail.row.id.clone());
        }
    });
    let state = PageState::new(shown);
    use_queue_keys();
    use_keys(|key| match key {
        "a" => press(".approval-buttons [data-key=a]:not(:disabled)"),
        "d" | "r" => press(".approval-buttons [data-key=d]:not(:disabled)"),
        _ => false,
    });
    let frame = use_frame();
    view! {
        <PageHead
            title="Approvals"
            meta=move || {
                view! {
                    <span>{move || waiting(frame.get().badges.approvals)}</span>
                    <span class="faint needs-keyboard">
                        <Kbd key="J" />
                        " "
                        <Kbd key="K" />
                        " move, "
                        <Kbd key="Enter" />
                        " opens"
                    </span>
                }
            }
        />
        <div class="approvals" class:approvals-open=move || !opened.read().is_empty()>
            <div class="approvals-list">
                <Transition fallback=|| {
                    view! { <Skeleton lines=6 /> }
                }>
                    {move || Suspend::new(async move {
                        match list.await {
                            Ok(list) => view! { <Lists list=list shown=shown group=group state=state /> }.into_any(),
                            Err(error) => view! { <ErrorPanel error=error /> }.into_any(),
                        }
                    })}
                </Transition>
            </div>
            <div class="approvals-detail">
                <a class="approvals-back" href="/approvals">
                    "‹ All requests"
                </a>
                <Transition fallback=|| {
                    view! { <Skeleton lines=8 /> }
                }>
                    {move || Suspend::new(async move {
                        match detail.await {
                            Ok(Some(detail)) => view! { <Detail detail=detail state=state /> }.into_any(),
                            Ok(None) => view! { <NothingWaits /> }.into_any(),
                            Err(error) => view! { <ErrorPanel error=error /> }.into_any(),
                        }
                    })}
                </Transition>
            </div>
        </div>
    }
}

/// How many requests wait for the reader.
fn waiting(count: u32) -> String {
    match count {
        0 => "nothing waits for you".to_owned(),
        1 => "1 waits for you".to_owned(),
        count => format!("{count} wait for you"),
    }
}

/// Takes the place of a request when none waits for the reader.
#[component]
fn NothingWaits() -> impl IntoView {
    view! {
        <Panel>
            <EmptyState title="Nothing waits for you">
                <p>"A rule with the effect “needs approval” asks people before an agent acts. Open a request to see what became of it."</p>
            </EmptyState>
        </Panel>
    }
}
