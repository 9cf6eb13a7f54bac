//! The candidate of a drill: the newest approved packet that waits to be applied, otherwise the packet that was applied
//! last.

use lifecycle::{
    review::{PacketStatus, review_status},
    rollout::drill::Candidate,
    signing::{self, KeyRing},
};
use policy::Timestamp;
use sqlx::PgConnection;
use time::OffsetDateTime;

use crate::{
    Error, Result,
    bundles::row as bundle_row,
    held_roles,
    packets::row::{self as packet_row, Row as PacketRow},
};

/// Maximum number of packets that are considered.
const MAX_CONSIDERED: i64 = 20;

/// A packet to drill with.
#[derive(Debug, Clone)]
pub(crate) struct Chosen {
    pub candidate: Candidate,
    /// The bundle a rollback returns to.
    pub base_id: i64,
    /// The time at which approvals must be valid: when the packet was applied. `None`, which means now, for a packet
    /// that waits.
    pub as_of: Option<Timestamp>,
}

/// The candidate of a drill, if there is one.
///
/// # Errors
/// `unknown_key` when the only candidates were signed with a key that is missing.
pub(crate) async fn find(db: &mut PgConnection, keys: &KeyRing) -> Result<Option<Chosen>> {
    if let Some(waiting) = waiting(db).await? {
        return Ok(Some(waiting));
    }
    applied(db, keys).await
}

/// The newest packet whose bundle could be applied now.
async fn waiting(db: &mut PgConnection) -> Result<Option<Chosen>> {
    let ids: Vec<String> = sqlx::query_scalar(
        "select p.packet_id from policy_packets p join policy_bundles b on b.id = p.bundle_id
         where p.status = 'approved' and b.state = 'approved' and p.base_id is not null
         order by p.row_id desc limit $1",
    )
    .bind(MAX_CONSIDERED)
    .fetch_all(&mut *db)
    .await?;
    let now: OffsetDateTime = sqlx::query_scalar("select now()").fetch_one(&mut *db).await?;
    let standing = held_roles::standing(&mut *db).await?;
    for id in ids {
        let packet = packet_row::by_id(db, &id).await?;
        let actions = packet_row::actions(db, packet.row_id).await?;
        let status = review_status(&packet.quorum(&standing), &actions, now.into());
        if status.status == PacketStatus::Approved && !packet_row::is_stale(db, packet.base_id).await? {
            return chosen(db, &packet, None).await;
        }
    }
    Ok(None)
}

/// The packet of the bundle that entered service last, as of then. The signature of its record must verify.
async fn applied(db: &mut PgConnection, keys: &KeyRing) -> Result<Option<Chosen>> {
    let ids: Vec<i64> = sqlx::query_scalar(
        "select max(a.id) from policy_apply_record a
         where a.from_pct = 0 and exists (select from policy_packets p
             where p.packet_id = a.packet_id and p.bundle_id = a.bundle_id and p.status = 'approved'
                 and p.base_id is not null)
         group by a.bundle_id order by 1 desc limit $1",
    )
    .bind(MAX_CONSIDERED)
    .fetch_all(&mut *db)
    .await?;
    let mut unknown = None;
    for id in ids {
        let Some(record) = crate::rollout::apply_record(db, id).await? else { continue };
        let Some(packet_id) = record.packet_id.as_deref() else { continue };
        match signing::verify(keys, &record) {
            Ok(()) => {
                let packet = packet_row::by_id(db, packet_id).await?;
                return chosen(db, &packet, Some(record.at)).await;
            }
            Err(refusal) if refusal.unknown_key().is_some() => {
                let what = format!("the record of the apply of {}", record.version);
                unknown.get_or_insert_with(|| Error::not_verified(&what, &refusal));
            }
            Err(_) => {}
        }
    }
    unknown.map_or(Ok(None), Err)
}

async fn chosen(db: &mut PgConnection, packet: &PacketRow, as_of: Option<Timestamp>) -> Result<Option<Chosen>> {
    let Some(base_id) = packet.base_id else { return Ok(None) };
    let bundle = bundle_row::by_id(db, packet.bundle_id).await?;
    let base = bundle_row::by_id(db, base_id).await?;
    let candidate = Candidate {
        id: bundle.id,
        version: bundle.version,
        digest: bundle.digest,
        packet_id: packet.packet_id.clone(),
        base_version: base.version,
        base_digest: base.digest,
    };
    Ok(Some(Chosen { candidate, base_id, as_of }))
}
