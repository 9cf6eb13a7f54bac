//! Bundles: the list of the studio, and editing one draft.

use leptos::prelude::*;
#[cfg(feature = "ssr")]
use lifecycle::{
    authority::{Actor, Permission},
    problem::{Code, Problem},
    transfer::Upload,
};
use lifecycle::{
    bundle::{Record, record::Summary},
    review::Retirement,
    transfer::Preview,
};
use policy::{Timestamp, bundle::Invariant, replay::Case};
#[cfg(feature = "ssr")]
use policy::{analysis::Analyzer, bundle::Source, json};
use serde::{Deserialize, Serialize};
use worker::CheckReport;

#[cfg(feature = "ssr")]
use crate::context;
use crate::error::{AppError, Arguments, Reply};

/// The list of bundles.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Shelf {
    /// Every bundle, newest first.
    pub bundles: Vec<Summary>,
    /// Whether the caller may create drafts.
    pub may_edit: bool,
    /// The server's time.
    pub as_of: Timestamp,
}

/// One bundle with what its editor needs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Workbench {
    /// The bundle.
    pub record: Record,
    /// The stable bundle, which the draft is compared with; `None` before the first, and if this bundle is itself
    /// stable.
    pub stable: Option<Record>,
    /// The versions of other bundles.
    pub taken: Vec<String>,
    /// The invariants of the workspace.
    pub invariants: Vec<Invariant>,
    /// What lint, the text diff and the version rules say. The input space of a large bundle is left out: the editor's
    /// worker analyses it.
    pub check: CheckReport,
    /// The review packet of the bundle.
    pub packet_id: Option<String>,
    /// The caller's name, under which the browser stores unsaved edits.
    pub me: String,
    /// Whether the caller may edit drafts.
    pub may_edit: bool,
    /// Whether the caller may submit for review.
    pub may_submit: bool,
    /// The server's time.
    pub as_of: Timestamp,
}

/// The result of saving.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Saved {
    /// The draft was saved; this is the stored bundle.
    Done(Box<Record>),
    /// Another save came first, and nothing was overwritten; this is the stored bundle.
    Stale(Box<Record>),
}

/// All bundles.
#[server(prefix = "/api", endpoint = "bundles/list", output = Reply)]
pub async fn list_bundles() -> Result<Shelf, AppError> {
    let (store, actor) = (context::app_context()?.store, context::actor()?);
    let bundles = all_summaries(&store, &actor).await?;
    Ok(Shelf { bundles, may_edit: actor.may(Permission::EditDrafts), as_of: context::now() })
}

/// One bundle with the data of its editor.
#[server(prefix = "/api", endpoint = "bundles/open", output = Reply)]
pub async fn open_bundle(id: i64) -> Result<Workbench, AppError> {
    let (store, actor) = (context::app_context()?.store, context::actor()?);
    let record = store::bundles::get(&store, &actor, id).await?;
    let stable = stable(&store, &actor).await?.filter(|stable| stable.id != id);
    let invariants = store::settings::invariants(&store, &actor).await?;
    let others = all_summaries(&store, &actor).await?;
    let taken: Vec<String> = others.into_iter().filter(|other| other.id != id).map(|other| other.version).collect();
    let packets = store::packets::list(&store, &actor, &store::packets::Filter::default()).await?;
    let work = move || {
        let check = check(&record, stable.as_ref(), &taken, &invariants);
        (check, record, stable, taken, invariants)
    };
    let (check, record, stable, taken, invariants) = store.brief().run(&actor.name, work).await?;
    Ok(Workbench {
        check,
        stable,
        invariants,
        taken,
        packet_id: packets.items.into_iter().find(|packet| packet.bundle_id == id).map(|packet| packet.packet_id),
        may_edit: actor.may(Permission::EditDrafts),
        may_submit: actor.may(Permission::BuildPackets),
        me: actor.name,
        as_of: context::now(),
        record,
    })
}

/// Checks a bundle for the first picture of its editor, which the worker completes.
#[cfg(feature = "ssr")]
fn check(record: &Record, stable: Option<&Record>, taken: &[String], invariants: &[Invariant]) -> CheckReport {
    /// Up to this many rules the input space is analysed, too.
    const MAX_ANALYSED: usize = 250;
    let source = Source::from(record);
    let base = stable.map(|stable| (stable.version.as_str(), Source::from(stable)));
    let base = base.as_ref().map(|(version, source)| (*version, source));
    let mut analyzer = Analyzer::new();
    let analyzer = (source.rules.len() <= MAX_ANALYSED).then_some(&mut analyzer);
    CheckReport::of(&source, base, taken, invariants, analyzer)
}

/// Creates a draft and returns its id. The draft is a copy of the stable bundle, or empty if `empty` is set or no
/// bundle is stable.
#[server(prefix = "/api", endpoint = "bundles/new", input = Arguments, output = Reply)]
pub async fn new_draft(empty: bool) -> Result<i64, AppError> {
    let (store, actor) = (context::app_context()?.store, context::actor()?);
    let base = if empty { None } else { stable(&store, &actor).await? };
    let record = match base {
        Some(base) => store::bundles::clone_draft(&store, &actor, base.id).await?,
        None => store::bundles::create(&store, &actor, Source::default()).await?,
    };
    Ok(record.id)
}

/// Copies a bundle into a new draft and returns the draft's id.
#[server(prefix = "/api", endpoint = "bundles/clone", input = Arguments, output = Reply)]
pub async fn clone_bundle(id: i64) -> Result<i64, AppError> {
    Ok(store::bundles::clone_draft(&context::app_context()?.store, &context::actor()?, id).await?.id)
}

/// Creates a draft from a bundle document (JSON text) and returns the draft's id.
#[server(prefix = "/api", endpoint = "bundles/create", input = Arguments, output = Reply)]
pub async fn create_draft(document: String) -> Result<i64, AppError> {
    let source = read(&document)?;
    Ok(store::bundles::create(&context::app_context()?.store, &context::actor()?, source).await?.id)
}

/// The verdict on a file (its JSON text), and the effect of importing it. Nothing is written.
#[server(prefix = "/api", endpoint = "bundles/preview-import", input = Arguments, output = Reply)]
pub async fn preview_import(document: String, import_as_version: Option<String>) -> Result<Preview, AppError> {
    let actor = context::actor()?;
    let upload = upload(&document, import_as_version, true)?;
    Ok(store::bundles::preview_import(&context::app_context()?.store, &actor, upload).await?)
}

/// Creates a draft from a file (its JSON text) and returns the draft's id. A file without a trusted signature is
/// refused unless `unsigned` is set.
#[server(prefix = "/api", endpoint = "bundles/import", input = Arguments, output = Reply)]
pub async fn import_draft(
    document: String,
    import_as_version: Option<String>,
    unsigned: bool,
) -> Result<i64, AppError> {
    let actor = context::actor()?;
    let upload = upload(&document, import_as_version, unsigned)?;
    Ok(store::bundles::import(&context::app_context()?.store, &actor, upload).await?.bundle.id)
}

/// Saves a draft that was read at `revision`. `document` is the draft as JSON text.
#[server(prefix = "/api", endpoint = "bundles/save", input = Arguments, output = Reply)]
pub async fn save_draft(id: i64, revision: i64, document: String) -> Result<Saved, AppError> {
    let (store, actor) = (context::app_context()?.store, context::actor()?);
    match store::bundles::update(&store, &actor, id, revision, read(&document)?).await {
        Ok(record) => Ok(Saved::Done(Box::new(record))),
        Err(error) => {
            let error = AppError::from(error);
            if error.code() != Code::PreconditionFailed {
                return Err(error);
            }
            Ok(Saved::Stale(Box::new(store::bundles::get(&store, &actor, id).await?)))
        }
    }
}

/// Withdraws a bundle from review or approval, back to a draft.
#[server(prefix = "/api", endpoint = "bundles/withdraw", input = Arguments, output = Reply)]
pub async fn withdraw_bundle(id: i64) -> Result<(), AppError> {
    store::bundles::withdraw(&context::app_context()?.store, &context::actor()?, id).await?;
    Ok(())
}

/// Builds the review packet of a draft and returns the packet's id.
#[server(prefix = "/api", endpoint = "bundles/submit", input = Arguments, output = Reply)]
pub async fn submit_draft(
    id: i64,
    fallback_plan: String,
    #[server(default)] retires: Vec<Retirement>,
) -> Result<String, AppError> {
    let request = store::packets::BuildPacket { bundle_id: id, fallback_plan, corpus: None, retires };
    Ok(store::packets::build(&context::app_context()?.store, &context::actor()?, request).await?.packet_id)
}

/// The built-in and the saved test cases.
#[server(prefix = "/api", endpoint = "bundles/fixtures", input = Arguments, output = Reply)]
pub async fn fixtures() -> Result<Vec<Case>, AppError> {
    let (store, actor) = (context::app_context()?.store, context::actor()?);
    Ok(store::test_cases::cases(&store, &actor, policy::replay::Dataset::Fixtures, None, None).await?)
}

/// Stores some test cases for everyone and removes others; returns all fixtures afterwards.
#[server(prefix = "/api", endpoint = "bundles/keep-cases", input = Arguments, output = Reply)]
pub async fn keep_cases(save: Vec<Case>, remove: Vec<String>) -> Result<Vec<Case>, AppError> {
    Ok(store::test_cases::save(&context::app_context()?.store, &context::actor()?, &save, &remove).await?)
}

#[cfg(feature = "ssr")]
fn upload(document: &str, import_as_version: Option<String>, unsigned: bool) -> Result<Upload, AppError> {
    let document = json::parse(document.as_bytes()).map_err(Problem::from)?;
    let upload = Upload::parse(document)?;
    Ok(Upload { import_as_version: import_as_version.or(upload.import_as_version), unsigned, ..upload })
}

#[cfg(feature = "ssr")]
fn read(document: &str) -> Result<Source, AppError> {
    Source::parse(document.as_bytes()).map_err(|error| AppError(Problem::from(error)))
}

/// The stable bundle: the one at 100 %.
#[cfg(feature = "ssr")]
pub(super) async fn stable(store: &store::Store, actor: &Actor) -> Result<Option<Record>, AppError> {
    let filter = store::bundles::Filter { active_only: true, ..Default::default() };
    let serving = store::bundles::list(store, actor, &filter).await?;
    Ok(serving.items.into_iter().find(|bundle| bundle.active && bundle.canary_pct == 100))
}

#[cfg(feature = "ssr")]
async fn all_summaries(store: &store::Store, actor: &Actor) -> Result<Vec<Summary>, AppError> {
    let mut filter = store::bundles::Filter { limit: Some(policy::limits::MAX_PAGE), ..Default::default() };
    let mut all = Vec::new();
    loop {
        let page = store::bundles::summaries(store, actor, &filter).await?;
        all.extend(page.items);
        match page.next_cursor {
            Some(cursor) => filter.cursor = Some(cursor),
            None => return Ok(all),
        }
    }
}
