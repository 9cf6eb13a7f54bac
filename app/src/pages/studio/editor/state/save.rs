//! The state of the document on the server and on this device.

use std::sync::Arc;

use leptos::prelude::*;
use lifecycle::bundle::Record;
use policy::Timestamp;

use super::read_only::ReadOnly;
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
    record: RwSignal<Arc<Record>>,
    revision: RwSignal<i64>,
    status: RwSignal<SaveStatus>,
    too_large: RwSignal<bool>,
    conflict: RwSignal<Option<Arc<Record>>>,
    restored_at: RwSignal<Option<f64>>,
}

impl Save {
    /// The state for the bundle that the page was opened with.
    pub(super) fn open(workbench: &Workbench) -> Self {
        let record = RwSignal::new(Arc::new(workbench.record.clone()));
        let revision = RwSignal::new(workbench.record.revision);
        let status = RwSignal::new(SaveStatus::NeverSaved);
        let too_large = RwSignal::new(false);
        let conflict = RwSignal::new(None);
        let restored_at = RwSignal::new(None);
        Self {
            bundle_id: workbench.record.id,
            may_submit: workbench.may_submit,
            as_of: workbench.as_of,
            storage_key: StoredValue::new(format!("countersign:draft:{}:{}", workbench.me, workbench.record.id)),
            record,
            revision,
            status,
            too_large,
            conflict,
            restored_at,
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
    pub fn record(self) -> ReadOnly<Arc<Record>> {
        self.record.into()
    }

    /// The revision that the document is based on, and that saving overwrites.
    pub fn revision(self) -> ReadOnly<i64> {
        self.revision.into()
    }

    /// The outcome of the last save.
    pub fn status(self) -> ReadOnly<SaveStatus> {
        self.status.into()
    }

    /// Whether this device has no room for unsaved edits.
    pub fn too_large(self) -> ReadOnly<bool> {
        self.too_large.into()
    }

    /// The version that another person saved meanwhile, until the author has chosen between the two.
    pub fn conflict(self) -> ReadOnly<Option<Arc<Record>>> {
        self.conflict.into()
    }

    /// When the restored edits of an earlier visit were stored, in milliseconds since 1970.
    pub fn restored_at(self) -> ReadOnly<Option<f64>> {
        self.restored_at.into()
    }

    /// Whether the page was left while an operation was awaited.
    pub fn is_closed(self) -> bool {
        self.status.is_disposed()
    }

    /// Records that a save is in progress.
    pub fn start(self) {
        self.status.set(SaveStatus::Saving);
    }

    /// Records that the document and the server agree.
    pub fn finish(self) {
        self.status.set(SaveStatus::Saved);
    }

    /// Records why a save failed.
    pub fn fail(self, reason: String) {
        self.status.set(SaveStatus::Failed(reason));
    }

    /// Asks the author to choose between the draft and `theirs`, which another person saved first.
    pub fn report_conflict(self, theirs: Record) {
        self.fail("someone else saved this draft first".to_owned());
        self.conflict.set(Some(Arc::new(theirs)));
    }

    /// Closes the choice between the draft and the version that another person saved.
    pub fn dismiss_conflict(self) {
        self.conflict.set(None);
    }

    /// Takes over the server's record and bases the document on its revision.
    pub fn set_record(self, record: Arc<Record>) {
        self.revision.set(record.revision);
        self.record.set(record);
    }

    /// Bases the document on the revision of the server's record.
    pub fn rebase(self) {
        self.revision.set(self.record.with_untracked(|record| record.revision));
    }

    /// Bases the document on the revision that restored edits were made from.
    pub fn restore_revision(self, revision: i64) {
        self.revision.set(revision);
    }

    /// Records that edits stored at this time, in milliseconds since 1970, were restored.
    pub fn note_restored(self, at: f64) {
        self.restored_at.set(Some(at));
    }

    /// Closes the notice about restored edits.
    pub fn dismiss_restored(self) {
        self.restored_at.set(None);
    }

    /// Records whether this device had room for unsaved edits.
    pub fn note_local_copy(self, stored: bool) {
        self.too_large.set(!stored);
    }
}
