//! The saved test cases of the workspace, and changes to them.

use std::sync::Arc;

use leptos::{prelude::*, task::spawn_local};
use policy::replay::Case;
use worker::Request;

use super::{state::EditorState, worker_client};
use crate::{api::bundles, components::format};

/// The saved test cases of the workspace. Copies are handles to the same list.
#[derive(Debug, Clone, Copy)]
pub struct TestCaseList {
    cases: RwSignal<Option<Arc<Vec<Case>>>>,
    pending: RwSignal<bool>,
}

impl TestCaseList {
    /// Fetches the test cases, and has the worker run them whenever the draft changes.
    pub fn new(editor: EditorState) -> Self {
        let tests = Self { cases: RwSignal::new(None), pending: RwSignal::new(false) };
        Effect::new(move |_| {
            spawn_local(async move {
                if let Ok(cases) = bundles::fixtures().await {
                    tests.cases.try_set(Some(Arc::new(cases)));
                }
            });
        });
        Effect::new(move |_| {
            let session = editor.results.sessions().get();
            let Some(cases) = tests.cases.get().filter(|_| session > 0) else { return };
            let expecting = cases.iter().filter(|case| case.expected_effect.is_some()).cloned().collect();
            worker_client::request(Request::Tests(expecting), None);
        });
        tests
    }

    /// All cases, with and without an expected effect; `None` while they are being fetched.
    pub fn cases(self) -> Option<Arc<Vec<Case>>> {
        self.cases.get()
    }

    /// The cases that expect an effect. Not tracked.
    pub fn expecting(self) -> Vec<Case> {
        let cases = self.cases.get_untracked().unwrap_or_default();
        cases.iter().filter(|case| case.expected_effect.is_some()).cloned().collect()
    }

    /// Saves and removes test cases for the whole workspace.
    pub fn change(self, editor: EditorState, save: Vec<Case>, remove: Vec<String>) {
        let message = match (save.as_slice(), remove.len()) {
            ([one], 0) => format!("Test case “{}” saved", one.case_id),
            (several, 0) => format!("{} are kept.", format::plural(several.len() as u64, "test case", "test cases")),
            _ => "The test case is removed.".to_owned(),
        };
        self.pending.set(true);
        spawn_local(async move {
            match bundles::keep_cases(save, remove).await {
                Ok(cases) => {
                    self.cases.try_set(Some(Arc::new(cases)));
                    editor.toasts().good(message);
                }
                Err(error) => editor.toasts().bad(&error),
            }
            self.pending.try_set(false);
        });
    }

    /// Whether a change is being saved.
    pub fn pending(self) -> RwSignal<bool> {
        self.pending
    }
}
