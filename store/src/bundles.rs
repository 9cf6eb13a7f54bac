//! Bundles: making, editing and reading them.

use lifecycle::{
    Page,
    authority::Actor,
    bundle::{Record, Source, State, diff::TextDiff, record::Summary},
};

use crate::{Error, Result, Store};

/// Which bundles to list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only those that serve traffic now: canary first, then stable.
    pub active_only: bool,
    /// With this version.
    pub version: Option<String>,
    /// In this state.
    pub state: Option<State>,
    /// Most rows to answer.
    pub limit: Option<u32>,
    /// Where to go on.
    pub cursor: Option<String>,
}

/// Bundles with their content, newest first (`active_only`: canary first, then stable).
pub async fn list(_store: &Store, _actor: &Actor, _filter: &Filter) -> Result<Page<Record>> {
    Err(Error::Internal("bundles::list".into()))
}

/// The same without the content.
pub async fn summaries(_store: &Store, _actor: &Actor, _filter: &Filter) -> Result<Page<Summary>> {
    Err(Error::Internal("bundles::summaries".into()))
}

/// One bundle.
pub async fn get(_store: &Store, _actor: &Actor, _id: i64) -> Result<Record> {
    Err(Error::Internal("bundles::get".into()))
}

/// Makes a draft. Without a version the next one is proposed.
pub async fn create(_store: &Store, _actor: &Actor, _source: Source) -> Result<Record> {
    Err(Error::Internal("bundles::create".into()))
}

/// Saves a draft whose revision is `revision`.
pub async fn update(_store: &Store, _actor: &Actor, _id: i64, _revision: i64, _source: Source) -> Result<Record> {
    Err(Error::Internal("bundles::update".into()))
}

/// Copies any bundle into a new draft.
pub async fn clone_draft(_store: &Store, _actor: &Actor, _id: i64) -> Result<Record> {
    Err(Error::Internal("bundles::clone_draft".into()))
}

/// Takes a bundle back from review or approval.
pub async fn withdraw(_store: &Store, _actor: &Actor, _id: i64) -> Result<Record> {
    Err(Error::Internal("bundles::withdraw".into()))
}

/// What `b` changes against `a`.
pub async fn diff(_store: &Store, _actor: &Actor, _a: i64, _b: i64) -> Result<TextDiff> {
    Err(Error::Internal("bundles::diff".into()))
}
