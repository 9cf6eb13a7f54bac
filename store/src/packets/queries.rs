//! Reading packets, and verifying their evidence by replaying it.

use const_format::concatcp;
use lifecycle::{
    Page,
    authority::{Actor, Permission, authorize},
    review::{self, Evidence, Exception, Packet, PacketStatus, Verification, packet::PacketSummary},
};
use time::OffsetDateTime;

use super::{exception_rows, row};
use crate::{Result, Store, names, page};

/// Which packets to list.
#[derive(Debug, Clone, Default)]
pub struct Filter<'a> {
    /// Only packets with this status.
    pub status: Option<PacketStatus>,
    /// Only packets that wait for this actor: in review, not built or written by them, not yet acted on by them.
    pub waiting_for: Option<&'a Actor>,
    /// Maximum number of rows to return.
    pub limit: Option<u32>,
    /// The cursor that came with the previous page.
    pub cursor: Option<String>,
}

/// A condition on packets `p`, shared by several statements: whether they wait for the actor with the email `$1`.
pub(crate) const WAITS: &str = "p.status = 'in_review' and lower(p.built_by) <> lower($1)
     and not exists (select from unnest(p.authors) author where lower(author) = lower($1))
     and not exists (select from policy_packet_actions a where a.packet_row = p.row_id and lower(a.actor) = lower($1))";

#[derive(sqlx::FromRow)]
struct Row {
    row_id: i64,
    packet_id: String,
    status: String,
    bundle_id: i64,
    bundle_version: String,
    notes: String,
    base_version: Option<String>,
    built_by: String,
    authors: Vec<String>,
    built_at: OffsetDateTime,
    risk_score_bps: i32,
    required_approvals: i16,
    approved_by: Vec<String>,
    replay_checksum: String,
}

impl Row {
    fn read(self) -> Result<PacketSummary> {
        Ok(PacketSummary {
            packet_id: self.packet_id,
            status: names::read(&self.status)?,
            bundle_id: self.bundle_id,
            bundle_version: self.bundle_version,
            notes: self.notes,
            base_version: self.base_version,
            built_by: self.built_by,
            authors: self.authors,
            built_at: self.built_at.into(),
            risk_score_bps: u32::try_from(self.risk_score_bps).unwrap_or(0),
            required_approvals: u8::try_from(self.required_approvals).unwrap_or(u8::MAX),
            approved_by: self.approved_by,
            replay_checksum: self.replay_checksum,
        })
    }
}

/// Packets, newest first.
///
/// # Errors
/// Denied without [`Permission::Read`]; a malformed cursor or limit.
pub async fn list(store: &Store, actor: &Actor, filter: &Filter<'_>) -> Result<Page<PacketSummary>> {
    authorize(actor, Permission::Read)?;
    let limit = page::limit(filter.limit)?;
    let before = page::number(filter.cursor.as_deref())?;
    if filter.waiting_for.is_some_and(|actor| !actor.may(Permission::ActOnPackets)) {
        return Ok(Page::default());
    }
    let sql = concatcp!(
        "select p.row_id, p.packet_id, p.status, p.bundle_id, p.bundle_version, p.notes, p.base_version, p.built_by,
             p.authors, p.built_at, p.risk_score_bps, p.required_approvals, p.replay_checksum,
             coalesce((select array_agg(a.actor order by a.id) from policy_packet_actions a
                 where a.packet_row = p.row_id and a.decision = 'approve'), '{}') as approved_by
         from policy_packets p
         where ($1::text is null or (",
        WAITS,
        ")) and ($2::bigint is null or p.row_id < $2) and ($3::text is null or p.status = $3)
         order by p.row_id desc limit $4"
    );
    let rows: Vec<Row> = sqlx::query_as(sql)
        .bind(filter.waiting_for.map(|actor| actor.name.as_str()))
        .bind(before)
        .bind(filter.status.map(PacketStatus::name))
        .bind(limit + 1)
        .fetch_all(store.pool())
        .await?;
    page::page(rows, limit, |row| row.row_id.to_string(), Row::read)
}

/// One packet.
///
/// # Errors
/// Denied without [`Permission::Read`]; no such packet.
pub async fn get(store: &Store, actor: &Actor, packet_id: &str) -> Result<Packet> {
    authorize(actor, Permission::Read)?;
    let mut db = store.pool().acquire().await?;
    let found = row::by_id(&mut db, packet_id).await?;
    row::read(&store.keys(), &mut db, found).await
}

/// The exceptions with which the bundles in service were approved: for a warning beside what they do.
///
/// # Errors
/// Denied without [`Permission::Read`].
pub async fn exceptions_in_service(store: &Store, actor: &Actor) -> Result<Vec<Exception>> {
    authorize(actor, Permission::Read)?;
    let mut db = store.pool().acquire().await?;
    let packets: Vec<i64> = sqlx::query_scalar(
        "select p.row_id from policy_packets p join policy_bundles b on b.id = p.bundle_id
         where p.status = 'approved' and (b.active or b.state = 'shadow') order by p.row_id",
    )
    .fetch_all(&mut *db)
    .await?;
    let mut exceptions = Vec::new();
    for packet in packets {
        exceptions.extend(exception_rows::of_packet(&mut db, packet).await?);
    }
    Ok(exceptions)
}

/// Replays a packet over the corpus that is stored with it.
///
/// # Errors
/// Denied without [`Permission::Read`]; no such packet. A mismatch is no error: the answer says what differs.
pub async fn verify(store: &Store, actor: &Actor, packet_id: &str) -> Result<Verification> {
    authorize(actor, Permission::Read)?;
    verify_evidence(store, actor, packet_id).await
}

/// A packet's content with the decisions it was replayed over: enough to repeat the replay elsewhere.
///
/// # Errors
/// Denied without [`Permission::Read`]; no such packet.
pub async fn evidence(store: &Store, actor: &Actor, packet_id: &str) -> Result<Evidence> {
    authorize(actor, Permission::Read)?;
    let mut db = store.pool().acquire().await?;
    let found = row::by_id(&mut db, packet_id).await?;
    let corpus = row::corpus(&mut db, found.row_id).await?;
    Ok(Evidence { content: found.content()?, packet_id: found.packet_id, corpus })
}

/// Replays a packet over its stored corpus, for use cases that depend on the result.
pub(crate) async fn verify_evidence(store: &Store, actor: &Actor, packet_id: &str) -> Result<Verification> {
    let mut db = store.pool().acquire().await?;
    let found = row::by_id(&mut db, packet_id).await?;
    let corpus = row::corpus(&mut db, found.row_id).await?;
    drop(db);
    let content = found.content()?;
    let id = found.packet_id;
    store.heavy().run(&actor.name, move || review::verify(&id, &content, &corpus)).await
}
