//! The packet that a reviewer is about to sign something about.

use lifecycle::{
    authority::{Actor, Permission},
    problem::{Code, Problem},
    review::may_act,
};

use super::row;
use crate::{Result, bundles::row as bundle_row, work::Work};

/// A packet and its bundle, both locked until the transaction ends.
///
/// # Errors
/// Unknown packets; `conflict` for a packet that was built after the transaction began; `forbidden` for the packet's
/// authors and its builder.
pub(super) async fn locked(
    work: &mut Work,
    actor: &Actor,
    permission: Permission,
    packet_id: &str,
) -> Result<(bundle_row::Row, row::Row)> {
    // Edits lock the bundle before the packet; another order here could deadlock with them.
    let found = row::by_id(work.db(), packet_id).await?;
    let bundle = bundle_row::by_id_locked(work.db(), found.bundle_id).await?;
    let packet = row::by_row_locked(work.db(), found.row_id).await?;
    packet.refuse_if_built_after(work.now)?;
    if let Err(refused) = may_act(&packet.authors, &packet.built_by, &actor.name) {
        return Err(Problem::new(Code::Forbidden, refused.to_string())
            .with("permission", permission.name())
            .with("rule", "separation_of_duties")
            .into());
    }
    Ok((bundle, packet))
}
