//! A packet's row and its actions.

use const_format::concatcp;
use lifecycle::{
    authority::{HeldRoles, Role},
    problem::Code,
    review::{
        Action, Content, Exception, NotGenuine, Packet, PacketStatus, Quorum, Verdict, guardrails::GuardrailName,
        overridden, packet_id, review_status,
    },
    signing::KeyRing,
};
use policy::{Timestamp, bundle::Invariant, replay::Corpus};
use serde_json::Value;
use sqlx::{PgConnection, types::Json};
use time::OffsetDateTime;

use super::exception_rows;
use crate::{Error, Result, held_roles, names};

/// The problem with a packet whose content was changed by hand.
const CONTENT_ALTERED: &str = "the packet's content is not what its id says: it was changed in the database";

/// The columns of [`Row`].
const COLUMNS: &str =
    "row_id, packet_id, bundle_id, base_id, status, built_by, authors, built_at, content, required_approvals";

/// What the signatures on a packet add up to.
#[derive(Default)]
struct Signed {
    approved_by: Vec<String>,
    missing: Vec<String>,
    lapsed: Vec<String>,
    nobody_can_complete: Option<String>,
    exceptions: Vec<Exception>,
    overridden: Vec<GuardrailName>,
}

/// A packet as it is stored, without its corpus.
#[derive(sqlx::FromRow)]
pub(crate) struct Row {
    pub row_id: i64,
    pub packet_id: String,
    pub bundle_id: i64,
    pub base_id: Option<i64>,
    status: String,
    pub built_by: String,
    pub authors: Vec<String>,
    built_at: OffsetDateTime,
    content: Json<Value>,
    required_approvals: i16,
}

impl Row {
    pub fn status(&self) -> Result<PacketStatus> {
        names::read(&self.status)
    }

    pub fn required_approvals(&self) -> u8 {
        u8::try_from(self.required_approvals).unwrap_or(u8::MAX)
    }

    pub fn content(&self) -> Result<Content> {
        serde::Deserialize::deserialize(&self.content.0).map_err(|error| Error::damaged(format!("packet: {error}")))
    }

    /// When the packet was built.
    pub fn built_at(&self) -> Timestamp {
        self.built_at.into()
    }

    /// The content, if its digest is the packet's id.
    ///
    /// # Errors
    /// `conflict` when the content was changed by hand.
    pub fn genuine_content(&self) -> Result<Content> {
        let content = self.content()?;
        if packet_id(&content) == self.packet_id {
            return Ok(content);
        }
        tracing::error!(packet = self.packet_id, "a packet's content is not what its id says");
        Err(Error::refused(Code::Conflict, CONTENT_ALTERED))
    }

    /// Refuses an action whose transaction began before the packet was built: its author cannot have seen this
    /// submission, only an earlier one of the same content, which is void.
    ///
    /// # Errors
    /// `conflict`
    pub fn refuse_if_built_after(&self, began: Timestamp) -> Result<()> {
        if began >= self.built_at() {
            return Ok(());
        }
        let detail = "the bundle was submitted again in the meantime: look at the packet again, then decide";
        Err(Error::refused(Code::Conflict, detail))
    }

    /// What decides whether the packet has its quorum.
    pub fn quorum<'a>(&'a self, standing: &'a HeldRoles) -> Quorum<'a> {
        Quorum { required: self.required_approvals(), authors: &self.authors, built_by: &self.built_by, standing }
    }

    fn packet(self, actions: Vec<Action>, signed: Signed, stale: bool, keys: &KeyRing) -> Result<Packet> {
        let status = self.status()?;
        let content = self.content()?;
        let mut altered = Vec::new();
        if packet_id(&content) != self.packet_id {
            altered.push(CONTENT_ALTERED.to_owned());
        }
        altered.extend(actions.iter().filter_map(|action| {
            let refusal = action.check(&self.packet_id, self.built_at(), keys).err()?;
            Some(not_genuine(&format!("the action by {}", action.actor), &refusal))
        }));
        altered.extend(signed.exceptions.iter().filter_map(|exception| {
            let refusal = exception.check(&self.packet_id, self.built_at(), keys).err()?;
            Some(not_genuine(&format!("the exception signed by {}", exception.actor), &refusal))
        }));
        Ok(Packet {
            packet_id: self.packet_id,
            status,
            bundle_id: self.bundle_id,
            base_id: self.base_id,
            built_by: self.built_by,
            authors: self.authors,
            built_at: self.built_at.into(),
            actions,
            approved_by: signed.approved_by,
            missing: signed.missing,
            lapsed: signed.lapsed,
            nobody_can_complete: signed.nobody_can_complete,
            exceptions: signed.exceptions,
            overridden: signed.overridden,
            stale,
            altered,
            replay_checksum: content.replay.replay_checksum.clone(),
            content,
        })
    }
}

/// The newest packet with this id: content that is submitted again after its packet was voided gets the same id again.
pub(crate) async fn by_id(db: &mut PgConnection, packet_id: &str) -> Result<Row> {
    let sql = concatcp!("select ", COLUMNS, " from policy_packets where packet_id = $1 order by row_id desc limit 1");
    sqlx::query_as(sql)
        .bind(packet_id.replace('\0', ""))
        .fetch_optional(db)
        .await?
        .ok_or_else(|| Error::not_found("packet", packet_id))
}

/// The packet in this row, locked until the transaction ends.
pub(crate) async fn by_row_locked(db: &mut PgConnection, row_id: i64) -> Result<Row> {
    let sql = concatcp!("select ", COLUMNS, " from policy_packets where row_id = $1 for update");
    Ok(sqlx::query_as(sql).bind(row_id).fetch_one(db).await?)
}

/// The invariants that the approved packet of this bundle was proven against; none for a bundle without one.
pub(crate) async fn invariants_of(db: &mut PgConnection, bundle_id: i64) -> Result<Vec<Invariant>> {
    let sql = concatcp!(
        "select ",
        COLUMNS,
        " from policy_packets where bundle_id = $1 and status = 'approved' order by row_id desc limit 1"
    );
    let packet: Option<Row> = sqlx::query_as(sql).bind(bundle_id).fetch_optional(db).await?;
    let Some(packet) = packet else { return Ok(Vec::new()) };
    Ok(packet.genuine_content()?.invariants.into_iter().map(|result| result.invariant).collect())
}

/// The cases a packet was replayed over.
pub(crate) async fn corpus(db: &mut PgConnection, row_id: i64) -> Result<Corpus> {
    let corpus: Json<Value> =
        sqlx::query_scalar("select corpus from policy_packets where row_id = $1").bind(row_id).fetch_one(db).await?;
    serde_json::from_value(corpus.0).map_err(|error| Error::damaged(format!("corpus: {error}")))
}

#[derive(sqlx::FromRow)]
struct ActionRow {
    idempotency_key: String,
    packet_id: String,
    actor: String,
    credential: Option<String>,
    roles: Vec<String>,
    decision: String,
    reason: Option<String>,
    at: OffsetDateTime,
    expires_at: OffsetDateTime,
    key_id: String,
    signature: String,
}

/// The actions of reviewers on a packet, oldest first.
pub(crate) async fn actions(db: &mut PgConnection, row_id: i64) -> Result<Vec<Action>> {
    let rows: Vec<ActionRow> = sqlx::query_as(
        "select idempotency_key, packet_id, actor, credential, roles, decision, reason, at, expires_at, key_id, signature
         from policy_packet_actions where packet_row = $1 order by id",
    )
    .bind(row_id)
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Action {
                idempotency_key: row.idempotency_key,
                packet_id: row.packet_id,
                actor: row.actor,
                credential: row.credential,
                roles: row.roles.iter().map(|role| names::read(role)).collect::<Result<_>>()?,
                decision: names::read(&row.decision)?,
                reason: row.reason,
                at: row.at.into(),
                expires_at: row.expires_at.into(),
                key_id: row.key_id,
                signature: row.signature,
            })
        })
        .collect()
}

/// The actions on a packet, for use cases that depend on them. Each action must verify, be about this packet and be no
/// older than the packet.
///
/// # Errors
/// `unknown_key` when the key of an action is missing; `conflict`, with the actor, for an action that fails one of these
/// checks.
pub(crate) async fn verified_actions(keys: &KeyRing, db: &mut PgConnection, packet: &Row) -> Result<Vec<Action>> {
    let actions = actions(db, packet.row_id).await?;
    for action in &actions {
        if let Err(refusal) = action.check(&packet.packet_id, packet.built_at(), keys) {
            tracing::error!(packet = packet.packet_id, actor = action.actor, %refusal, "an action does not verify");
            return Err(refuse(&format!("the action by {}", action.actor), &refusal));
        }
    }
    Ok(actions)
}

/// The refusal to rely on `what`, which a person signed: `unknown_key` when the key is missing, otherwise `conflict`.
pub(super) fn refuse(what: &str, refusal: &NotGenuine) -> Error {
    match refusal {
        NotGenuine::Signature(refusal) if refusal.unknown_key().is_some() => Error::not_verified(what, refusal),
        _ => Error::refused(Code::Conflict, not_genuine(what, refusal)),
    }
}

fn not_genuine(what: &str, refusal: &NotGenuine) -> String {
    match refusal {
        NotGenuine::Signature(refusal) if refusal.unknown_key().is_some() => {
            format!("{what} cannot be verified: {refusal}")
        }
        _ => format!("{what} does not count: {refusal}"),
    }
}

/// Whether another bundle has become stable since the packet was built.
pub(crate) async fn is_stale(db: &mut PgConnection, base_id: Option<i64>) -> Result<bool> {
    let stable: Option<i64> = sqlx::query_scalar("select id from policy_bundles where active and canary_pct = 100")
        .fetch_optional(db)
        .await?;
    Ok(stable != base_id)
}

/// The packet with everything that has happened to it.
pub(crate) async fn read(keys: &KeyRing, db: &mut PgConnection, row: Row) -> Result<Packet> {
    let actions = actions(db, row.row_id).await?;
    let exceptions = exception_rows::of_packet(db, row.row_id).await?;
    let (in_service, now): (bool, OffsetDateTime) =
        sqlx::query_as("select state not in ('in_review', 'approved'), now() from policy_bundles where id = $1")
            .bind(row.bundle_id)
            .fetch_one(&mut *db)
            .await?;
    // Once a bundle has been applied, its packet has served its purpose: its signatures stay what they were then.
    let open = matches!(row.status()?, PacketStatus::InReview | PacketStatus::Approved) && !in_service;
    if !open {
        let approvals = actions.iter().filter(|action| action.decision == Verdict::Approve);
        let approved_by = approvals.map(|action| action.actor.clone()).collect();
        // Whatever its signers are by now, what they overrode stays written on it.
        let as_signed = exception_rows::standing_as_signed(&exceptions);
        let overridden = overridden(&row.quorum(&as_signed), &exceptions);
        let signed = Signed { approved_by, exceptions, overridden, ..Signed::default() };
        return row.packet(actions, signed, false, keys);
    }
    let stale = is_stale(db, row.base_id).await?;
    let standing = held_roles::standing(db).await?;
    let review = review_status(&row.quorum(&standing), &actions, now.into());
    let signed = Signed {
        approved_by: review.approved_by,
        missing: review.missing,
        lapsed: review.lapsed,
        nobody_can_complete: review.nobody_can_complete,
        overridden: overridden(&row.quorum(&standing), &exceptions),
        exceptions,
    };
    row.packet(actions, signed, stale, keys)
}

/// Stores a signed action.
pub(crate) async fn insert_action(db: &mut PgConnection, packet_row: i64, action: &Action) -> Result<()> {
    let roles: Vec<&str> = action.roles.iter().copied().map(Role::name).collect();
    sqlx::query(
        "insert into policy_packet_actions (packet_row, packet_id, idempotency_key, actor, roles, decision, reason, at,
             expires_at, key_id, signature, credential)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    )
    .bind(packet_row)
    .bind(&action.packet_id)
    .bind(&action.idempotency_key)
    .bind(&action.actor)
    .bind(&roles[..])
    .bind(action.decision.name())
    .bind(&action.reason)
    .bind(OffsetDateTime::from(action.at))
    .bind(OffsetDateTime::from(action.expires_at))
    .bind(&action.key_id)
    .bind(&action.signature)
    .bind(&action.credential)
    .execute(db)
    .await?;
    Ok(())
}
