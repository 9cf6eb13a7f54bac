//! The state of the document on the server and on this device.

use std::sync::Arc;

use leptos::prelude::*;
use lifecycle::bundle::Record;
use policy::Timestamp;

use crate::api::bundles::Workbench;

/// The outcome of the last save.
#[derive(Debug, Clone, PartialEq)]
pub enum SaveStatus {
    /// Nothing has been saved since the page was opened.
    NeverSaved,
    /// A save is in progress.
    Saving,
    /// The last save succeeded.
    Saved,
    /// The last save failed, for this reason.
    Failed(String),
}

/// The state of the document on the server and on this device. Copies are handles to the same state.
#[derive(Debug, Clone, Copy)]
pub struct Save {
    bundle_id: i64,
    may_submit: bool,
    as_of: Timestamp,
    storage_key: StoredValue<String>,
    record: ReadSignal<Arc<Record>>,
    set_record: WriteSignal<Arc<Record>>,
    revision: ReadSignal<i64>,
    set_revision: WriteSignal<i64>,
    status: ReadSignal<SaveStatus>,
    set_status: WriteSignal<SaveStatus>,
    too_large: ReadSignal<bool>,
    set_too_large: WriteSignal<bool>,
    conflict: ReadSignal<Option<Arc<Record>>>,
    set_conflict: WriteSignal<Option<Arc<Record>>>,
    restored_at: ReadSignal<Option<f64>>,
    set_restored_at: WriteSignal<Option<f64>>,
}

impl Save {
    /// The state for the bundle that the page was opened with.
    pub(super) fn open(workbench: &Workbench) -> Self {
        let (record, set_record) = signal(Arc::new(workbench.record.clone()));
        let (revision, set_revision) = signal(workbench.record.revision);
        let (status, set_status) = signal(SaveStatus::NeverSaved);
        let (too_large, set_too_large) = signal(false);
        let (conflict, set_conflict) = signal(None);
        let (restored_at, set_restored_at) = signal(None);
        Self {
            bundle_id: workbench.record.id,
            may_submit: workbench.may_submit,
            as_of: workbench.as_of,
            storage_key: StoredValue::new(format!("countersign:draft:{}:{}", workbench.me, workbench.record.id)),
            record,
            set_record,
            revision,
            set_revision,
            status,
            set_status,
            too_large,
            set_too_large,
            conflict,
            set_conflict,
            restored_at,
            set_restored_at,
        }
    }

    /// The bundle's number.
    pub fn bundle_id(self) -> i64 {
        self.bundle_id
    }

    /// Whether this person may submit the draft for review.
    pub(super) fn may_submit(self) -> bool {
        self.may_submit
    }

    /// The server's time when it rendered the page.
    pub fn as_of(self) -> Timestamp {
        self.as_of
    }

    /// The key under which the browser stores unsaved edits.
    pub fn storage_key(self) -> String {
        self.storage_key.get_value()
    }

    /// The bundle on the server.
    pub fn record(self) -> ReadSignal<Arc<Record>> {
        self.record
    }

    /// The revision that the document is based on, and that saving overwrites.
    pub fn revision(self) -> ReadSignal<i64> {
        self.revision
    }

    /// The outcome of the last save.
    pub fn status(self) -> ReadSignal<SaveStatus> {
        self.status
    }

    /// Whether this device has no room for unsaved edits.
    pub fn too_large(self) -> ReadSignal<bool> {
        self.too_large
    }

    /// The version that another person saved meanwhile, until the author has chosen between the two.
    pub fn conflict(self) -> ReadSignal<Option<Arc<Record>>> {
        self.conflict
    }

    /// When the restored edits of an earlier visit were stored, in milliseconds since 1970.
    pub fn restored_at(self) -> ReadSignal<Option<f64>> {
        self.restored_at
    }

    /// Whether the page was left while an operation was awaited.
    pub fn is_closed(self) -> bool {
        self.status.is_disposed()
    }

    /// Records that a save is in progress.
    pub fn start(self) {
        self.set_status.set(SaveStatus::Saving);
    }

    /// Records that the document and the server agree.
    pub fn finish(self) {
        self.set_status.set(SaveStatus::Saved);
    }

    /// Records why a save failed.
    pub fn fail(self, reason: String) {
        self.set_status.set(SaveStatus::Failed(reason));
    }

    /// Asks the author to choose between the draft and `theirs`, which another person saved first.
    pub fn report_conflict(self, theirs: Record) {
        self.fail("someone else saved this draft first".to_owned());
        self.set_conflict.set(Some(Arc::new(theirs)));
    }

    /// Closes the choice between the draft and the version that another person saved.
    pub fn dismiss_conflict(self) {
        self.set_conflict.set(None);
    }

    /// Takes over the server's record and bases the document on its revision.
    pub fn set_record(self, record: Arc<Record>) {
        self.set_revision.set(record.revision);
        self.set_record.set(record);
    }

    /// Bases the document on the revision of the server's record.
    pub fn rebase(self) {
        self.set_revision.set(self.record.with_untracked(|record| record.revision));
    }

    /// Bases the document on the revision that restored edits were made from.
    pub fn restore_revision(self, revision: i64) {
        self.set_revision.set(revision);
    }

    /// Records that edits stored at this time, in milliseconds since 1970, were restored.
    pub fn note_restored(self, at: f64) {
        self.set_restored_at.set(Some(at));
    }

    /// Closes the notice about restored edits.
    pub fn dismiss_restored(self) {
        self.set_restored_at.set(None);
    }

    /// Records whether this device had room for unsaved edits.
    pub fn note_local_copy(self, stored: bool) {
        self.set_too_large.set(!stored);
    }
}
