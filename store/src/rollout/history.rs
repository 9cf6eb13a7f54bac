//! The history of applies, promotions, rollbacks and releases, each record with whether its signature verifies.

use lifecycle::{
    authority::{Actor, Permission, authorize},
    rollout::History,
    signing::Checked,
};
use policy::limits::MAX_PAGE;

use super::records;
use crate::{Result, Store, system};

/// The newest applies, promotions, rollbacks and releases of a pause. Each says whether its
/// signature verifies.
///
/// # Errors
/// Denied without [`Permission::Read`].
pub async fn history(store: &Store, actor: &Actor, limit: u32) -> Result<History> {
    authorize(actor, Permission::Read)?;
    let limit = i64::from(limit.clamp(1, MAX_PAGE));
    let keys = store.keys();
    let mut db = store.pool().acquire().await?;
    let applies = records::applies(&mut db, None, limit).await?;
    let rollbacks = records::rollbacks(&mut db, None, limit).await?;
    let releases = system::releases(&mut db, limit).await?;
    Ok(History {
        applies: applies.into_iter().map(|record| Checked::new(&keys, record)).collect(),
        rollbacks: rollbacks.into_iter().map(|record| Checked::new(&keys, record)).collect(),
        releases: releases.into_iter().map(|record| Checked::new(&keys, record)).collect(),
    })
}
