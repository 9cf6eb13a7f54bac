//! The dialog for a draft that another person saved first.

use leptos::{prelude::*, task::spawn_local};
use leptos_router::{NavigateOptions, hooks::use_navigate};
use policy::bundle::{Source, diff::text_diff};

use super::{local_copy, saving::save, state::EditorState};
use crate::{
    api::bundles,
    components::{Button, ButtonKind, Dialog},
    model::Content,
};

/// The choice between the draft and the version that another person saved first.
#[component]
pub fn ConflictDialog(editor: EditorState) -> impl IntoView {
    let open = RwSignal::new(false);
    let navigate = use_navigate();
    Effect::new(move |_| open.set(editor.save.conflict().read().is_some()));
    Effect::new(move |_| {
        if !open.get() && editor.save.conflict().read_untracked().is_some() {
            editor.save.dismiss_conflict();
        }
    });
    let summary = move || {
        let theirs = editor.save.conflict().get()?;
        let base = editor.document.saved().to_source();
        let mine = editor.document.content().with_untracked(Content::to_source);
        Some((text_diff(&base, &Source::from(&*theirs)).summary, text_diff(&base, &mine).summary))
    };
    let overwrite_theirs = move |_| {
        let Some(theirs) = editor.save.conflict().get_untracked() else { return };
        editor.document.mark_saved(Content::new(Source::from(&*theirs)));
        editor.save.set_record(theirs);
        open.set(false);
        spawn_local(async move {
            if save(editor).await {
                editor.toasts().good("Your version was saved over theirs.");
            }
        });
    };
    let take_theirs = move |_| {
        let Some(theirs) = editor.save.conflict().get_untracked() else { return };
        let mut next = editor.document.content().get_untracked();
        next.replace(Source::from(&*theirs));
        editor.replace_document(next.clone(), "take theirs");
        editor.document.mark_saved(next);
        editor.save.set_record(theirs);
        editor.save.finish();
        open.set(false);
        local_copy::store(editor);
        editor.toasts().note("This is their version now. Undo brings yours back.");
    };
    let open_mine = move |_| {
        let mut source = editor.document.content().with_untracked(Content::to_source);
        // Two drafts cannot have the same version: the server chooses another.
        source.version = None;
        let document = serde_json::to_string(&source).unwrap_or_default();
        let navigate = navigate.clone();
        spawn_local(async move {
            match bundles::create_draft(document).await {
                Ok(id) => {
                    editor.document.mark_saved(editor.document.content().get_untracked());
                    local_copy::store(editor);
                    navigate(&format!("/studio/{id}"), NavigateOptions::default());
                }
                Err(error) => editor.toasts().bad(&error),
            }
        });
    };
    view! {
        <Dialog open=open id="stale" title="Someone else saved this draft first">
            {move || {
                summary()
                    .map(|(theirs, mine)| {
                        view! {
                            <p>"Nothing was overwritten. Since you opened it:"</p>
                            <ul class="plain">
                                <li><strong>"They: "</strong>{theirs}</li>
                                <li><strong>"You: "</strong>{mine}</li>
                            </ul>
                        }
                    })
            }}
            <div class="dialog-foot">
                <Button on_click=take_theirs>"Take theirs"</Button>
                <Button on_click=open_mine>"Open mine as a new draft"</Button>
                <Button kind=ButtonKind::Danger on_click=overwrite_theirs>"Keep mine, overwrite theirs"</Button>
            </div>
        </Dialog>
    }
}
