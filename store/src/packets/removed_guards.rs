//! What a draft would take away of the guards, before a packet is built.

use lifecycle::{
    authority::{Actor, Permission, authorize},
    review::{RemovedGuard, guards::Guards},
};

use super::row;
use crate::{Result, Store, bundles::row as bundle_row, settings};

/// The guards that this draft removes or weakens against the live bundle: what a packet of it has to retire.
///
/// # Errors
/// Denied without [`Permission::Read`]; no such bundle.
pub async fn removed_guards(store: &Store, actor: &Actor, bundle_id: i64) -> Result<Vec<RemovedGuard>> {
    authorize(actor, Permission::Read)?;
    let mut db = store.pool().acquire().await?;
    let draft = bundle_row::by_id(&mut db, bundle_id).await?.source()?;
    let Some(base) = bundle_row::stable(&mut db).await? else { return Ok(Vec::new()) };
    let base_invariants = row::invariants_of(&mut db, base.id).await?;
    let invariants = settings::load_invariants(&mut *db).await?;
    drop(db);
    let base = base.source()?;
    let compare = move || {
        let (base, draft) = (base.parse_rules().bundle, draft.parse_rules().bundle);
        let guards = Guards { base: &base, base_invariants: &base_invariants, draft: &draft, invariants: &invariants };
        guards.removed(&[])
    };
    store.heavy().run(&actor.name, compare).await
}
